//! The `roost` binary: settings, logs, listening, shutting down.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use roost_server::http::{Gateway, listen, router};
use roost_server::imap::{Endpoint, Tls};
use roost_server::settings::{Cli, Command, Settings};
use tokio::net::TcpListener;

/// How long open downloads may take to finish when the gateway stops.
const DRAIN_TIME: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    // `async_imap` logs the LOGIN line at trace level: it is never let through, whatever the environment says.
    let filter = tracing_subscriber::EnvFilter::try_from_env("ROOST_LOG")
        .unwrap_or_else(|_| "info".into())
        .add_directive("async_imap=off".parse()?)
        .add_directive("imap_proto=off".parse()?);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let command = cli.command;
    let settings = cli.settings()?;
    match command {
        Some(Command::Check) => check(&settings).await,
        None => serve(settings).await,
    }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let address = listener.local_addr()?;
    tracing::info!("mail server: {}", settings.imap);
    if settings.public_origin.is_none() && !address.ip().is_loopback() {
        tracing::warn!(
            "listening on {address} without --public-url: cookies are not bound to TLS. Put a reverse proxy with TLS \
             in front and tell its address with --public-url https://…"
        );
    }
    let gateway = Arc::new(Gateway::new(settings)?);
    let app = router(Arc::clone(&gateway));
    // Tests and scripts wait for this line.
    println!("listening on http://{address}");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(listen(listener, app, async {
        let _ = stopped.await;
    }));
    interrupted().await?;
    tracing::info!("stopping");
    // Whoever is told to come back comes to the next gateway.
    let _ = stop.send(());
    gateway.shut_down().await;
    let _ = tokio::time::timeout(DRAIN_TIME, server).await;
    Ok(())
}

async fn interrupted() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Tells whether the mail servers answer.
async fn check(settings: &Settings) -> anyhow::Result<()> {
    let tls = Tls::new()?;
    let mut well = true;
    let smtp = settings.smtp.as_ref().map(|endpoint| ("SMTP", endpoint));
    for (name, endpoint) in std::iter::once(("IMAP", &settings.imap)).chain(smtp) {
        match greeting(endpoint, &tls).await {
            Ok(line) => println!("{name}  {endpoint}: {line}"),
            Err(error) => {
                well = false;
                println!("{name}  {endpoint}: {error:#}");
            }
        }
    }
    anyhow::ensure!(well, "not everything answers");
    Ok(())
}

async fn greeting(endpoint: &Endpoint, tls: &Tls) -> anyhow::Result<String> {
    let limit = Duration::from_secs(15);
    tokio::time::timeout(limit, roost_server::imap::probe(endpoint, tls))
        .await
        .map_err(|_| anyhow::anyhow!("no answer within {} seconds", limit.as_secs()))?
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => anyhow::anyhow!("nothing listens there"),
            _ => anyhow::anyhow!("{error}"),
        })
}
