//! The `roost` binary under test.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::process::{dying_with_us, free_port, stop};

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// Such as `http://127.0.0.1:8080`.
    pub url: String,
    child: Child,
    arguments: Vec<String>,
    /// The build it says to be of, if not its own.
    pub build: Option<String>,
}

/// The binary beside the tests: the profile is theirs, or the one in `ROOST_BINARY`.
fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("ROOST_BINARY") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|directory| directory.join("roost"))
        .find(|path| path.is_file())
        .context("the gateway is not built: run cargo build -p roost-server first (cargo xtask test does)")
}

impl Gateway {
    /// Starts a gateway for an IMAP server, on a free port unless `arguments` say otherwise.
    pub async fn start(imap: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut all: Vec<String> = vec!["--imap".to_owned(), imap.to_owned()];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        if !all.iter().any(|argument| argument == "--listen") {
            all.extend(["--listen".to_owned(), format!("127.0.0.1:{}", free_port()?)]);
        }
        if !all.iter().any(|argument| argument == "--sign-in-failures") {
            all.extend(["--sign-in-failures".to_owned(), "1000".to_owned()]);
        }
        let (child, url) = spawn(&all, None).await?;
        Ok(Self {
            url,
            child,
            arguments: all,
            build: None,
        })
    }

    pub async fn stop(&mut self) {
        stop(&mut self.child).await;
    }

    /// Kills it in the middle of whatever it does.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .context("the gateway cannot be killed")
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        (self.child, self.url) = spawn(&self.arguments, self.build.as_deref()).await?;
        Ok(())
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its resident memory in bytes, shared pages left out.
    pub fn own_memory(&self) -> anyhow::Result<u64> {
        let pid = self.child.id().context("the gateway has ended")?;
        let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
        let pages: Vec<u64> = statm
            .split_whitespace()
            .filter_map(|field| field.parse().ok())
            .collect();
        Ok((pages[1] - pages[2]) * 4096)
    }
}

async fn spawn(arguments: &[String], build: Option<&str>) -> anyhow::Result<(Child, String)> {
    // The process itself, not `setpriv`, is asked for its memory: setpriv replaces itself by it.
    let path = binary()?;
    let mut child = dying_with_us(&path.display().to_string())
        .args(arguments)
        .env(
            "ROOST_LOG",
            std::env::var("ROOST_LOG").unwrap_or_else(|_| "warn".to_owned()),
        )
        // As in `deploy/`.
        .env("MALLOC_ARENA_MAX", "1")
        .envs(build.map(|build| ("ROOST_BUILD", build)))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the gateway")?;
    let stdout = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.strip_prefix("listening on ") {
            let url = url.to_owned();
            // Keep reading, so that the gateway never writes into a closed pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, url));
        }
    }
    anyhow::bail!("the gateway ended before it listened")
}
