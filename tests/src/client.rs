//! A plain IMAP client: another device, as unlike Roost as possible. Knows just enough to change an account and to
//! look at it.

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::dovecot::PASSWORD;

/// A signed-in connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    tag: u32,
}

impl Client {
    pub async fn sign_in(port: u16, user: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream: BufReader::new(stream),
            tag: 0,
        };
        client.line().await?;
        client.run(&format!("LOGIN {user} {PASSWORD}")).await?;
        Ok(client)
    }

    /// One response with its literals.
    async fn line(&mut self) -> anyhow::Result<String> {
        let mut all = Vec::new();
        loop {
            let start = all.len();
            if self.stream.read_until(b'\n', &mut all).await? == 0 {
                anyhow::bail!("the server closed the connection");
            }
            let line = String::from_utf8_lossy(&all[start..]).into_owned();
            let literal = line
                .trim_end()
                .strip_suffix('}')
                .and_then(|rest| rest.rsplit_once('{'))
                .and_then(|(_, digits)| digits.parse::<usize>().ok());
            let Some(length) = literal else {
                return Ok(String::from_utf8_lossy(&all).trim_end().to_owned());
            };
            let mut bytes = vec![0; length];
            self.stream.read_exact(&mut bytes).await?;
            all.extend(bytes);
        }
    }

    /// Runs a command and returns its untagged responses; anything but `OK` is an error.
    pub async fn run(&mut self, command: &str) -> anyhow::Result<Vec<String>> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.stream
            .get_mut()
            .write_all(format!("{tag} {command}\r\n").as_bytes())
            .await?;
        self.finish(&tag, command).await
    }

    async fn finish(&mut self, tag: &str, command: &str) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if let Some(status) = line.strip_prefix(&format!("{tag} ")) {
                anyhow::ensure!(status.starts_with("OK"), "{command}: {status}");
                return Ok(lines);
            }
            lines.push(line);
        }
    }

    /// Appends a message.
    pub async fn append(
        &mut self,
        mailbox: &str,
        flags: &str,
        message: &str,
    ) -> anyhow::Result<()> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        let message = message.replace("\r\n", "\n").replace('\n', "\r\n");
        let command = format!(
            "{tag} APPEND \"{mailbox}\" ({flags}) {{{}+}}\r\n{message}\r\n",
            message.len()
        );
        self.stream.get_mut().write_all(command.as_bytes()).await?;
        self.finish(&tag, "APPEND").await?;
        Ok(())
    }

    /// The UIDs that a search finds in a mailbox.
    pub async fn search(&mut self, mailbox: &str, criteria: &str) -> anyhow::Result<Vec<u32>> {
        self.run(&format!("SELECT \"{mailbox}\"")).await?;
        let lines = self.run(&format!("UID SEARCH {criteria}")).await?;
        let found = lines
            .iter()
            .find_map(|line| line.strip_prefix("* SEARCH"))
            .context("no SEARCH response")?;
        Ok(found
            .split_whitespace()
            .filter_map(|uid| uid.parse().ok())
            .collect())
    }

    /// A message as it is, byte for byte (as long as it is ASCII).
    pub async fn raw(&mut self, mailbox: &str, uid: u32) -> anyhow::Result<String> {
        self.run(&format!("SELECT \"{mailbox}\"")).await?;
        let lines = self.run(&format!("UID FETCH {uid} BODY.PEEK[]")).await?;
        let line = lines
            .iter()
            .find(|line| line.contains("BODY[]"))
            .context("no message")?;
        let (before, rest) = line.split_once("}\r\n").context("no literal")?;
        let length: usize = before.rsplit_once('{').context("no literal")?.1.parse()?;
        Ok(rest.get(..length).context("a cut literal")?.to_owned())
    }

    /// Starts IDLE.
    pub async fn idle(&mut self) -> anyhow::Result<()> {
        self.tag += 1;
        self.stream
            .get_mut()
            .write_all(format!("t{} IDLE\r\n", self.tag).as_bytes())
            .await?;
        while !self.line().await?.starts_with('+') {}
        Ok(())
    }

    /// Waits for the next untagged response while idling.
    pub async fn next(&mut self) -> anyhow::Result<String> {
        self.line().await
    }
}
