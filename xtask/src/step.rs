//! Running commands, and saying so.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};

/// Says what happens now.
pub fn say(what: &str) {
    println!("\x1b[1m==> {what}\x1b[0m");
}

/// Runs a program to its end; anything but success is an error.
pub fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    Run::new(program, arguments).go()
}

pub fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    run("cargo", arguments)
}

/// A program about to be run.
pub struct Run(Command, String);

impl Run {
    pub fn new(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env("PATH", path());
        Self(command, format!("{program} {}", arguments.join(" ")))
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn envs(mut self, all: &[(&str, &str)]) -> Self {
        self.0.envs(all.iter().copied());
        self
    }

    pub fn directory(mut self, directory: &str) -> Self {
        self.0.current_dir(directory);
        self
    }

    pub fn go(mut self) -> anyhow::Result<()> {
        let status = self
            .0
            .status()
            .with_context(|| format!("cannot run {}", self.1))?;
        ensure!(status.success(), "failed: {}", self.1);
        Ok(())
    }
}

/// The search path with the project's own tools in front, and cargo's, which a fresh shell may not have.
fn path() -> String {
    let tools = crate::root().join("tests/browser/node_modules/.bin");
    let home = std::env::var("HOME").unwrap_or_default();
    let path = std::env::var("PATH").unwrap_or_default();
    format!(
        "{}:{home}/.cargo/bin:{path}:/usr/sbin:/sbin",
        tools.display()
    )
}

/// The output of a program, `None` if it cannot be run or fails.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", path())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Steps with the time each took.
pub struct Steps {
    started: Instant,
    done: Vec<(String, u64)>,
}

impl Steps {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    pub fn run(
        &mut self,
        what: &str,
        step: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        say(what);
        let started = Instant::now();
        step().with_context(|| what.to_owned())?;
        self.done
            .push((what.to_owned(), started.elapsed().as_secs()));
        Ok(())
    }

    pub fn finish(&self) {
        say("All well");
        for (what, seconds) in &self.done {
            println!("{seconds:>6} s  {what}");
        }
        println!("{:>6} s  in all", self.started.elapsed().as_secs());
    }
}
