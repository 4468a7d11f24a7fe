//! A TCP proxy that cuts, delays and throttles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What the line is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Line {
    /// New connections are closed at once, open ones are cut.
    pub down: bool,
    /// Each piece arrives this much later.
    pub delay: Duration,
    /// At most so many bytes a second; 0 is no limit.
    pub bytes_per_second: u32,
    /// Each connection is cut after so many bytes, both ways together; 0 is never.
    pub cut_after: u64,
    /// Counts cuts: a change cuts what is open.
    cuts: u32,
}

/// What went over the line.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes towards the browser, as TCP carries them: headers, bodies and frames.
    pub bytes: AtomicU64,
    /// HTTP requests, told by how they begin.
    pub requests: AtomicU64,
}

/// The file that comes after the start of the app, whose time is chance: neither its request nor its answer is counted.
const REST: &[u8] = b"_rest.wasm";

/// A proxy in front of one port.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    pub traffic: Arc<Traffic>,
    line: watch::Sender<Line>,
}

impl Proxy {
    pub async fn start(target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (line, watching) = watch::channel(Line::default());
        let traffic = Arc::new(Traffic::default());
        let counting = Arc::clone(&traffic);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !watching.borrow().down {
                    tokio::spawn(forward(
                        stream,
                        target,
                        watching.clone(),
                        Arc::clone(&counting),
                    ));
                }
            }
        });
        Ok(Self {
            port,
            traffic,
            line,
        })
    }

    /// Changes what the line is like.
    pub fn set(&self, change: impl FnOnce(&mut Line)) {
        self.line.send_modify(change);
    }

    /// Cuts every open connection; new ones are served.
    pub fn cut(&self) {
        self.set(|line| line.cuts += 1);
    }
}

async fn forward(
    client: TcpStream,
    target: u16,
    mut line: watch::Receiver<Line>,
    traffic: Arc<Traffic>,
) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let cuts = line.borrow().cuts;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let shared = Arc::new(line.clone());
    let cut_after = match line.borrow().cut_after {
        0 => u64::MAX,
        bytes => bytes,
    };
    let left = Arc::new(AtomicU64::new(cut_after));
    let lines = (Arc::clone(&shared), Arc::clone(&left));
    let after = AtomicBool::new(false);
    let up = pump(client_read, server_write, lines, |chunk| {
        let starts = |method: &[u8]| chunk.starts_with(method);
        if starts(b"GET ") || starts(b"POST ") || starts(b"DELETE ") {
            let mut line = chunk.split(|&byte| byte == b'\r');
            let path = line.next().unwrap_or_default();
            let rest = path.windows(REST.len()).any(|name| name == REST);
            after.store(rest, Ordering::Relaxed);
            traffic
                .requests
                .fetch_add(u64::from(!rest), Ordering::Relaxed);
        }
    });
    let down = pump(server_read, client_write, (shared, left), |chunk| {
        if !after.load(Ordering::Relaxed) {
            traffic
                .bytes
                .fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
    });
    tokio::select! {
        () = up => {}
        () = down => {}
        () = async {
            while line.changed().await.is_ok() {
                let now = *line.borrow();
                if now.down || now.cuts != cuts {
                    return;
                }
            }
            std::future::pending::<()>().await;
        } => {}
    }
}

/// Pieces that are on their way.
const UNDERWAY: usize = 64;

async fn pump(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    (line, left): (Arc<watch::Receiver<Line>>, Arc<AtomicU64>),
    count: impl Fn(&[u8]),
) {
    let (underway, arriving) = mpsc::channel(UNDERWAY);
    // What is underway when one side ends still arrives.
    tokio::join!(
        take(from, &line, underway, count),
        deliver(arriving, to, &left)
    );
}

/// Takes pieces off one side, no faster than the line carries them, until that side or the other one ends.
async fn take(
    mut from: OwnedReadHalf,
    line: &watch::Receiver<Line>,
    underway: mpsc::Sender<(Instant, Vec<u8>)>,
    count: impl Fn(&[u8]),
) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let limit = match line.borrow().bytes_per_second {
            0 => buffer.len(),
            rate => (rate as usize / 20).clamp(1, buffer.len()),
        };
        let length = tokio::select! {
            length = from.read(&mut buffer[..limit]) => length.unwrap_or(0),
            () = underway.closed() => 0,
        };
        if length == 0 {
            return;
        }
        let Line {
            delay,
            bytes_per_second,
            ..
        } = *line.borrow();
        count(&buffer[..length]);
        if bytes_per_second > 0 {
            tokio::time::sleep(Duration::from_secs_f64(
                length as f64 / f64::from(bytes_per_second),
            ))
            .await;
        }
        let piece = (Instant::now() + delay, buffer[..length].to_vec());
        if underway.send(piece).await.is_err() {
            return;
        }
    }
}

/// Hands each piece to the other side when it is due, until no more is `left` to pass or that side ends.
async fn deliver(
    mut arriving: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    left: &AtomicU64,
) {
    while let Some((due, piece)) = arriving.recv().await {
        // A timer rounds up to a millisecond.
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        let before = left.load(Ordering::Relaxed);
        let passed = piece
            .len()
            .min(usize::try_from(before).unwrap_or(usize::MAX));
        left.store(before - passed as u64, Ordering::Relaxed);
        if to.write_all(&piece[..passed]).await.is_err()
            || passed < piece.len()
            || before == passed as u64
        {
            // What was passed on arrives before the end does.
            let _ = to.shutdown().await;
            return;
        }
    }
}
