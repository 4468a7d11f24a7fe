//! Child processes that never outlive the test, and what they need: ports and directories.

use std::net::{SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as LocalAddress, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// How long a server may take to listen.
const START_TIME: Duration = Duration::from_secs(20);

/// The ports of the stages: below those that Linux gives to outgoing connections and to whoever asks for any port
/// (`ip_local_port_range`), so that none is taken between the choice and the start of its server, or while that restarts.
const PORTS: std::ops::Range<u16> = 20_000..32_768;

/// A port for a server, which no other stage on this machine chooses while this process lives.
///
/// A socket in Linux' abstract name space is the claim: it is one process's alone, and goes with it.
pub fn free_port() -> anyhow::Result<u16> {
    static CLAIMS: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let mut claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
    // Processes begin at different places, so that few ports are tried in vain.
    let first = std::process::id() as usize * 97 + claims.len();
    let port = PORTS
        .cycle()
        .skip(first % PORTS.len())
        .take(PORTS.len())
        .find(|&port| {
            let claim = LocalAddress::from_abstract_name(format!("roost-stage-port-{port}"))
                .and_then(|name| UnixListener::bind_addr(&name));
            // Tried only once it is claimed: another's server may be about to listen on it.
            let free = claim.is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok();
            if free {
                claims.extend(claim);
            }
            free
        });
    port.context("no port is free")
}

/// A new directory below the system's temporary one, removed when dropped.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("roost-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command whose process dies with this one, even if this one is killed.
pub fn dying_with_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "--", program])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Finds a program or says which Debian package has it.
pub fn require(program: &str, package: &str) -> anyhow::Result<()> {
    let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    anyhow::ensure!(
        places
            .iter()
            .any(|place| Path::new(place).join(program).exists()),
        "{program} is not installed. Install it with: apt-get install {package} (cargo xtask does this by itself)"
    );
    Ok(())
}

/// Waits until something listens on a port.
pub async fn wait_for_port(port: u16, what: &str) -> anyhow::Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let deadline = Instant::now() + START_TIME;
    loop {
        match tokio::net::TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).with_context(|| format!("{what} did not start on port {port}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// [`stop`] where nothing can be awaited.
pub fn end_now(child: &mut Child) {
    let Some(pid) = child.id() else {
        return;
    };
    let _ = std::process::Command::new("kill")
        .args(["-TERM", &pid.to_string()])
        .status();
    let deadline = Instant::now() + Duration::from_secs(3);
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends a child in an orderly way; kills it if it does not.
pub async fn stop(child: &mut Child) {
    if let Some(pid) = child.id() {
        let _ = Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .status()
            .await;
        if tokio::time::timeout(Duration::from_secs(15), child.wait())
            .await
            .is_err()
        {
            let _ = child.kill().await;
        }
    }
}
