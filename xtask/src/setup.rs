//! Installing what is missing: Debian packages, the wasm target, trunk, wasm-bindgen, npm packages. Does nothing, and
//! says nothing, where all is there.

use std::ops::BitOr;
use std::path::Path;

use anyhow::Context as _;

use crate::step::{Run, output, run, say};

const TRUNK: &str = "0.21.14";
/// Exactly the version of the `wasm-bindgen` crate in Cargo.toml.
const WASM_BINDGEN: &str = "0.2.129";

/// What a command needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Needs(u8);

impl Needs {
    /// The wasm target and wasm-bindgen's test runner.
    pub const WASM: Self = Self(1);
    /// What builds the app.
    pub const APP: Self = Self(3);
    /// Dovecot, Postfix and Python.
    pub const MAIL: Self = Self(4);
    /// Chromium and Playwright.
    pub const BROWSER: Self = Self(8);
    /// Chromium, driven by wasm-bindgen's test runner.
    pub const DRIVER: Self = Self(16);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Needs {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

pub fn install(needs: Needs) -> anyhow::Result<()> {
    let mut packages = Vec::new();
    if needs.has(Needs::MAIL) {
        // Python reads what was sent: a parser that is not ours.
        packages.extend(["dovecot-imapd", "dovecot-lmtpd", "postfix", "python3"]);
    }
    if needs.has(Needs::BROWSER) {
        // As Playwright does: without a window nobody sees, which has to be drawn as well.
        packages.push("chromium-headless-shell");
    }
    if needs.has(Needs::DRIVER) {
        packages.extend(["chromium", "chromium-driver"]);
    }
    debian(&packages)?;
    if needs.has(Needs::WASM) {
        wasm_target()?;
        tool("wasm-bindgen", "wasm-bindgen-cli", WASM_BINDGEN, &[])?;
    }
    if needs.has(Needs::APP) {
        std_source();
        // The defaults bring in a TLS library that has to be compiled from C.
        tool(
            "trunk",
            "trunk",
            TRUNK,
            &["--no-default-features", "--features", "rustls"],
        )?;
    }
    if needs.has(Needs::APP) || needs.has(Needs::BROWSER) {
        npm("tests/browser", "wasm-opt, Playwright, ImapFlow")?;
    }
    if needs.has(Needs::APP) {
        npm("app/editor", "Squire, esbuild")?;
    }
    Ok(())
}

fn debian(packages: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| {
            !output("dpkg-query", &["-W", "-f", "${Status}", package])
                .is_some_and(|status| status.contains("install ok installed"))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!(
        "Installing Debian packages: {}",
        missing.join(" ")
    ));
    let root = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    let apt = |arguments: &[&str]| {
        let words = [
            &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
            arguments,
        ]
        .concat();
        if root {
            run(words[0], &words[1..])
        } else {
            run("sudo", &words)
        }
    };
    apt(&["update", "-qq"])?;
    // Services must not start: Roost's tests run private ones.
    apt(&[
        &["install", "-y", "-qq", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat())
    .context("the packages could not be installed")
}

fn wasm_target() -> anyhow::Result<()> {
    let libdir = output(
        "rustc",
        &[
            "--print",
            "target-libdir",
            "--target",
            "wasm32-unknown-unknown",
        ],
    );
    if libdir.is_some_and(|path| Path::new(path.trim()).exists()) {
        return Ok(());
    }
    say("Installing the wasm32-unknown-unknown target");
    run("rustup", &["target", "add", "wasm32-unknown-unknown"])
}

/// The source of the standard library, with which the app is built for size.
fn std_source() {
    if !has_std_source() {
        say("Installing the source of the standard library");
        // Without it the app is built all the same.
        if let Err(error) = run("rustup", &["component", "add", "rust-src"]) {
            println!("    {error}");
        }
    }
}

pub fn has_std_source() -> bool {
    output("rustc", &["--print", "sysroot"]).is_some_and(|root| {
        Path::new(root.trim())
            .join("lib/rustlib/src/rust/library/Cargo.lock")
            .exists()
    })
}

fn tool(program: &str, package: &str, version: &str, more: &[&str]) -> anyhow::Result<()> {
    if output(program, &["--version"])
        .is_some_and(|text| text.split_whitespace().any(|word| word == version))
    {
        return Ok(());
    }
    say(&format!(
        "Installing {package} {version} (once; takes some minutes)"
    ));
    let arguments = [
        &["install", "--locked", "--version", version, package],
        more,
    ]
    .concat();
    // They run for seconds: what optimizing them fully takes, they never give back.
    Run::new("cargo", &arguments)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .go()
}

/// Installs the packages of a directory exactly as its lockfile names them.
fn npm(directory: &str, what: &str) -> anyhow::Result<()> {
    let lock = std::fs::read(Path::new(directory).join("package-lock.json"))?;
    let stamp = Path::new(directory).join("node_modules/.installed");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say(&format!("Installing npm packages ({what})"));
    Run::new("npm", &["ci", "--no-progress"])
        .directory(directory)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .go()?;
    std::fs::write(stamp, lock)?;
    Ok(())
}
