//! Taking connections: one task each, bounded in how long it may say nothing and in how large a request's header is.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// How long a connection may take to say what it wants, from its beginning and after each answer. A browser keeps up to six
/// of them, which would cost more than all else that an idle device needs.
const PATIENCE: Duration = Duration::from_secs(15);
/// How large a request's header may be, in bytes.
const MAX_HEADER: usize = 32 * 1024;
/// How long to wait where there is no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Serves `app` until `stopped`, then lets requests that are under way come to their end. `app` is told who asks
/// ([`ConnectInfo`]).
pub async fn listen(listener: TcpListener, app: Router, stopped: impl Future<Output = ()>) {
    let (stop, stopping) = watch::channel(false);
    // Each connection holds one end: the other tells when all are gone.
    let (open, mut all_closed) = mpsc::channel::<Infallible>(1);
    let mut stopped = pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        let Ok((stream, address)) = accepted else {
            // Too many open files, most likely.
            tokio::time::sleep(NO_ROOM).await;
            continue;
        };
        // A frame is not held back until the one before it is acknowledged.
        let _ = stream.set_nodelay(true);
        let (app, stopping, open) = (app.clone(), stopping.clone(), open.clone());
        tokio::spawn(async move {
            serve(stream, address, app, stopping).await;
            drop(open);
        });
    }
    drop((listener, open));
    let _ = stop.send(true);
    all_closed.recv().await;
}

/// Serves one connection until either side has enough, or it becomes a socket.
async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    app: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let (asked, mut under_way) = watch::channel(0_usize);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        asked.send_modify(|count| *count += 1);
        let answer = TowerToHyperService::new(app.clone()).call(from(request, address));
        let asked = &asked;
        async move {
            let answer: Result<Response, Infallible> = answer.await;
            asked.send_modify(|count| *count -= 1);
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEADER);
    let connection = http
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            // What goes wrong on a connection is the other side's.
            _ = connection.as_mut() => return,
            _ = stopping.wait_for(|stop| *stop), if !*stopping.borrow() => {}
            // hyper's own limit holds for the first request, and for one that has begun.
            () = idle(&mut under_way) => {}
        }
        // After the answer that is under way, if there is one.
        connection.as_mut().graceful_shutdown();
    }
}

/// Returns when nothing was asked for too long, and nothing is under way.
async fn idle(under_way: &mut watch::Receiver<usize>) {
    loop {
        let busy = *under_way.borrow_and_update() > 0;
        let patience = if busy { Duration::MAX } else { PATIENCE };
        if tokio::time::timeout(patience, under_way.changed())
            .await
            .is_err()
        {
            return;
        }
    }
}

fn from(request: hyper::Request<Incoming>, address: SocketAddr) -> Request {
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(address));
    request
}
