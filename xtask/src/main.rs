//! `cargo xtask demo|test|bench|dist`: installs what is missing, builds, and runs. Says what it does while it does it.

mod app;
mod editor;
mod profile;
mod references;
mod setup;
mod shorten;
mod split;
mod step;

use std::path::PathBuf;

use anyhow::bail;
use setup::Needs;
use step::{Steps, cargo, run};

const USAGE: &str = "\
cargo xtask <command>

  demo [PORT]   build, start a private mail server with two seeded accounts, run Roost on it
  test          every test: formatting, clippy, native, wasm, integration, browser
  test NAME…    only these parts: format, clippy, native, wasm, integration, browser
  bench         measure, and write target/bench/report.json; --only writing (or another part), --runs N, --rows N
  dist          one release binary with the app inside: target/dist/roost
  profile       find out which functions a start needs, after larger changes of the app
  app           only build the app into dist/; --names keeps the names of its functions
";

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(root())?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match arguments.first().map(String::as_str) {
        Some("demo") => demo(&rest),
        Some("test") => test(&rest),
        Some("bench") => bench(&rest),
        Some("dist") => dist(),
        Some("app") => {
            setup::install(Needs::APP)?;
            app::build(rest.contains(&"--names"))
        }
        Some("profile") => {
            setup::install(Needs::APP | Needs::MAIL | Needs::BROWSER)?;
            cargo(&["build", "-p", "roost-server", "-p", "roost-tests"])?;
            app::profile()
        }
        _ => {
            print!("{USAGE}");
            if arguments.is_empty() {
                Ok(())
            } else {
                bail!("unknown command")
            }
        }
    }
}

/// The workspace's directory.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, PathBuf::from)
}

fn demo(rest: &[&str]) -> anyhow::Result<()> {
    setup::install(Needs::APP | Needs::MAIL)?;
    app::build(false)?;
    step::say("Building the gateway and the stage");
    cargo(&["build", "-p", "roost-server", "-p", "roost-tests"])?;
    run("target/debug/stage", &[&["demo"], rest].concat())
}

fn test(only: &[&str]) -> anyhow::Result<()> {
    const PARTS: [&str; 6] = [
        "format",
        "clippy",
        "native",
        "wasm",
        "integration",
        "browser",
    ];
    if let Some(unknown) = only.iter().find(|part| !PARTS.contains(part)) {
        bail!("no such part: {unknown}. There are: {}", PARTS.join(", "));
    }
    let wants = |part: &str| only.is_empty() || only.contains(&part);
    let mut steps = Steps::new();
    if wants("format") {
        steps.run("Formatting", || cargo(&["fmt", "--all", "--check"]))?;
    }
    let mut needs = Needs::WASM;
    if wants("browser") {
        needs = needs | Needs::APP | Needs::MAIL | Needs::BROWSER;
    }
    if wants("wasm") {
        needs = needs | Needs::DRIVER;
    }
    if wants("integration") {
        needs = needs | Needs::MAIL;
    }
    steps.run("Installing what is missing", || setup::install(needs))?;
    if wants("clippy") {
        steps.run("Clippy, native", || {
            cargo(&[
                "clippy",
                "--workspace",
                "--exclude",
                "roost-app",
                "--exclude",
                "roost-worker",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])
        })?;
        steps.run("Clippy, wasm", || {
            cargo(&[
                "clippy",
                "-p",
                "roost-app",
                "-p",
                "roost-worker",
                "--target",
                "wasm32-unknown-unknown",
                "--",
                "-D",
                "warnings",
            ])
        })?;
    }
    if wants("native") {
        steps.run("Native tests", || {
            cargo(&[
                "test",
                "-p",
                "roost-wire",
                "-p",
                "roost-engine",
                "-p",
                "roost-server",
            ])
        })?;
    }
    if wants("wasm") {
        steps.run("Wasm tests", || {
            step::Run::new(
                "cargo",
                &[
                    "test",
                    "-p",
                    "roost-app",
                    "-p",
                    "roost-worker",
                    "--target",
                    "wasm32-unknown-unknown",
                ],
            )
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                "wasm-bindgen-test-runner",
            )
            .go()
        })?;
    }
    if wants("integration") || wants("browser") {
        steps.run("Building the gateway and the stage", || {
            cargo(&["build", "-p", "roost-server", "-p", "roost-tests"])
        })?;
    }
    if wants("integration") {
        steps.run("Integration tests", || {
            // They mostly wait, for servers and for what happens at a time.
            cargo(&["test", "-p", "roost-tests", "--", "--test-threads", "10"])
        })?;
    }
    if wants("browser") {
        steps.run("Building the app", || app::build(false))?;
        steps.run("Browser tests", || {
            step::Run::new("npx", &["playwright", "test"])
                .directory("tests/browser")
                .go()
        })?;
    }
    steps.finish();
    Ok(())
}

fn bench(rest: &[&str]) -> anyhow::Result<()> {
    setup::install(Needs::APP | Needs::MAIL | Needs::BROWSER)?;
    app::build(false)?;
    step::say("Building the gateway and the stage, optimized");
    cargo(&[
        "build",
        "--release",
        "-p",
        "roost-server",
        "-p",
        "roost-tests",
    ])?;
    std::fs::create_dir_all("target/bench")?;
    step::Run::new("node", &[&["bench.mjs"], rest].concat())
        .directory("tests/browser")
        .go()
}

fn dist() -> anyhow::Result<()> {
    setup::install(Needs::APP)?;
    app::build(false)?;
    step::say("Building the release binary");
    cargo(&["build", "--release", "-p", "roost-server"])?;
    std::fs::create_dir_all("target/dist")?;
    std::fs::copy("target/release/roost", "target/dist/roost")?;
    step::say("target/dist/roost is ready");
    Ok(())
}
