//! What a message consists of, read by a parser that is not ours: Python's `email` with its default policy.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Parses a message; see `tests/check/parse.py` for the fields.
pub async fn parse(raw: &[u8]) -> anyhow::Result<serde_json::Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/check/parse.py");
    let mut child = Command::new("/usr/bin/python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("Python is missing. Install the Debian package python3")?;
    let mut stdin = child.stdin.take().context("no input")?;
    stdin.write_all(raw).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    anyhow::ensure!(output.status.success(), "Python cannot parse the message");
    Ok(serde_json::from_slice(&output.stdout)?)
}
