//! Taking connections: one task each, bounded in how long it may say nothing and in how large a request's header is.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// How long a connection may take to say what it wants, from its beginning and after each answer. A browser keeps up to six
/// of them, which would cost more than all else that an idle device needs.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// How large a request's header may be, in bytes.
const MAX_HEADER: usize = 32 * 1024;
/// How long to wait where there is no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Serves `app` until `stopped`, then lets requests that are under way come to their end. `app` is told who asks
/// ([`ConnectInfo`]).
pub async fn listen(listener: TcpListener, app: Router, stopped: impl Future<Output = ()>) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEADER);
    let open = GracefulShutdown::new();
    let mut stopped = std::pin::pin!(stopped);
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
        let app = app.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            TowerToHyperService::new(app.clone()).call(from(request, address))
        });
        let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = open.watch(connection.into_owned());
        tokio::spawn(async move {
            // What goes wrong on a connection is the other side's.
            let _ = connection.await;
        });
    }
    drop(listener);
    open.shutdown().await;
}

fn from(request: hyper::Request<Incoming>, address: SocketAddr) -> Request {
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(address));
    request
}
