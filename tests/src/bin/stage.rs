//! A stage from the command line.
//!
//! `stage demo [PORT]` plays the demo until it is interrupted. `stage serve` plays for the browser tests: it prints
//! one line of JSON that says where things are, and takes one JSON command a line on its control port.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use roost_tests::dovecot::{Dovecot, Options, PASSWORD};
use roost_tests::gateway::Gateway;
use roost_tests::mail::{self, Seed};
use roost_tests::postfix::{DOMAIN, Postfix};
use roost_tests::proxy::Proxy;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("demo") => demo(arguments.get(1)).await,
        Some("serve") => serve().await,
        _ => anyhow::bail!("usage: stage demo [PORT] | stage serve"),
    }
}

async fn demo(port: Option<&String>) -> anyhow::Result<()> {
    println!("Starting a private Dovecot and Postfix …");
    let dovecot = Dovecot::start(&Options::default()).await?;
    for user in ["alice", "bob"] {
        dovecot.add_user(user).await?;
    }
    println!("Writing the demo's mail (20,000 messages and some) …");
    mail::seed(&dovecot.maildir("alice"), Seed::Demo)?;
    mail::seed_everything(&dovecot.maildir("alice"))?;
    mail::seed(&dovecot.maildir("bob"), Seed::Reading)?;
    for user in ["alice", "bob"] {
        dovecot.own_mail(&dovecot.maildir(user)).await?;
    }
    let postfix = Postfix::start(&dovecot).await?;
    let listen = format!("127.0.0.1:{}", port.map_or("8080", String::as_str));
    let gateway = Gateway::start(
        &dovecot.url(),
        &[
            "--listen",
            &listen,
            "--smtp",
            &postfix.url(),
            "--mail-domain",
            DOMAIN,
        ],
    )
    .await?;
    println!();
    println!("  Roost is at      {}", gateway.url);
    println!("  Sign in as       alice   (or bob)");
    println!("  Password         {PASSWORD}");
    println!();
    println!(
        "IMAP on port {}, SMTP on port {}. Ctrl-C ends it all.",
        dovecot.port, postfix.port
    );
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    println!("Stopping …");
    Ok(())
}

/// What the browser tests may ask for.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Command {
    /// A new account with its mail; answered by its name.
    User {
        seed: String,
    },
    ImapStop,
    ImapStart,
    /// As a gateway of another build, if one is named.
    GatewayRestart {
        build: Option<String>,
    },
    PostfixStop,
    PostfixStart,
    /// The line between browser and gateway.
    Line {
        #[serde(default)]
        down: bool,
        #[serde(default)]
        delay_ms: u64,
        #[serde(default)]
        bytes_per_second: u32,
    },
    /// Cuts every open connection between browser and gateway once.
    Cut,
    /// The gateway's own memory.
    Memory,
    /// What went over the line between browser and gateway since this was last asked.
    Traffic,
}

/// So many accounts are known to Dovecot from the start: it takes up to a second to see a new one.
const READY: usize = 200;

fn account(number: usize) -> String {
    format!("user{number}")
}

struct Stage {
    dovecot: Dovecot,
    /// How many accounts were given away.
    accounts: usize,
    gateway: Gateway,
    proxy: Proxy,
    postfix: Postfix,
}

/// The port of a server as it is from `ROOST_LAG` milliseconds away, each way. What a page shows before the mail server did it is
/// shown that much longer: a test that takes the one for the other fails.
async fn far(port: u16) -> anyhow::Result<u16> {
    let Ok(lag) = std::env::var("ROOST_LAG") else {
        return Ok(port);
    };
    let delay = std::time::Duration::from_millis(lag.parse()?);
    let proxy = Proxy::start(port).await?;
    proxy.set(|line| line.delay = delay);
    Ok(proxy.port)
}

async fn serve() -> anyhow::Result<()> {
    let dovecot = Dovecot::start(&Options::default()).await?;
    dovecot.know_users((0..READY).map(account))?;
    let postfix = Postfix::start(&dovecot).await?;
    let imap = format!("imap://127.0.0.1:{}", far(dovecot.port).await?);
    let smtp = format!("smtp://127.0.0.1:{}", far(postfix.port).await?);
    let arguments = ["--smtp", &smtp, "--mail-domain", DOMAIN];
    let gateway = Gateway::start(&imap, &arguments).await?;
    let gateway_port: u16 = gateway.url.rsplit(':').next().context("a port")?.parse()?;
    let proxy = Proxy::start(gateway_port).await?;
    let control = TcpListener::bind("127.0.0.1:0").await?;
    println!(
        "{}",
        serde_json::json!({
            "url": format!("http://127.0.0.1:{}", proxy.port),
            "imap": dovecot.port,
            "smtp": postfix.port,
            "control": control.local_addr()?.port(),
            "password": PASSWORD,
        })
    );
    let stage = Arc::new(Mutex::new(Stage {
        dovecot,
        accounts: 0,
        gateway,
        proxy,
        postfix,
    }));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let accept = async {
        while let Ok((stream, _)) = control.accept().await {
            tokio::spawn(obey(stream, Arc::clone(&stage)));
        }
    };
    tokio::select! {
        () = accept => {}
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

async fn obey(stream: TcpStream, stage: Arc<Mutex<Stage>>) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let mut stage = stage.lock().await;
        let reply = match stage.run(&line).await {
            Ok(value) => serde_json::json!({ "ok": value }),
            Err(error) => serde_json::json!({ "error": format!("{error:#}") }),
        };
        write.write_all(format!("{reply}\n").as_bytes()).await?;
    }
    Ok(())
}

impl Stage {
    async fn run(&mut self, line: &str) -> anyhow::Result<serde_json::Value> {
        match serde_json::from_str(line)? {
            Command::User { seed } => {
                let seed = seed.parse()?;
                let name = account(self.accounts);
                self.accounts += 1;
                if let Seed::OneFile(count) = seed {
                    mail::seed_mbox(&self.dovecot.mbox(&name), count)?;
                    self.dovecot.own_mail(&self.dovecot.mbox(&name)).await?;
                    self.dovecot.add_user_with_mbox(&name).await?;
                } else {
                    mail::seed(&self.dovecot.maildir(&name), seed)?;
                    self.dovecot.own_mail(&self.dovecot.maildir(&name)).await?;
                    if self.accounts > READY {
                        self.dovecot.know_users([name.clone()])?;
                    }
                    self.dovecot.settle(&name).await?;
                }
                return Ok(name.into());
            }
            Command::ImapStop => self.dovecot.stop().await,
            Command::ImapStart => self.dovecot.restart().await?,
            Command::GatewayRestart { build } => {
                self.gateway.build = build;
                self.gateway.restart().await?;
            }
            Command::PostfixStop => self.postfix.stop().await?,
            Command::PostfixStart => self.postfix.restart().await?,
            Command::Line {
                down,
                delay_ms,
                bytes_per_second,
            } => self.proxy.set(|line| {
                line.down = down;
                line.delay = std::time::Duration::from_millis(delay_ms);
                line.bytes_per_second = bytes_per_second;
            }),
            Command::Cut => self.proxy.cut(),
            Command::Traffic => {
                let traffic = &self.proxy.traffic;
                return Ok(serde_json::json!({
                    "bytes": traffic.bytes.swap(0, Ordering::Relaxed),
                    "requests": traffic.requests.swap(0, Ordering::Relaxed),
                }));
            }
            Command::Memory => return Ok(self.gateway.own_memory()?.into()),
        }
        Ok(serde_json::Value::Null)
    }
}
