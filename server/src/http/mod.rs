//! What the gateway serves over HTTP: signing in, the socket, content, the app, health.

mod assets;
mod listen;
mod mail;
mod session;
mod sessions;
mod socket;
mod upload;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use roost_wire::Problem;
use tower_http::compression::CompressionLayer;

use crate::gateway::{Account, Accounts, Post, SignInLimits};
use crate::imap::{ImapError, Tls};
use crate::settings::Settings;
pub use listen::listen;
pub use sessions::{Session, Sessions};

/// What every handler sees.
#[derive(Debug)]
pub struct Gateway {
    pub settings: Settings,
    pub accounts: Accounts,
    pub sessions: Sessions,
    pub limits: SignInLimits,
    next_device: AtomicU64,
    sockets: tokio::sync::Semaphore,
    signing_in: tokio::sync::Semaphore,
    /// Sanitizing is work for the processor: no more at once than there are.
    sanitizing: Arc<tokio::sync::Semaphore>,
}

/// How many sockets one gateway serves.
const MAX_SOCKETS: usize = 50_000;
/// How many sign-ins are checked at the same time.
const MAX_SIGNING_IN: usize = 64;
/// How long a body may take that is read whole.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(10);
/// How long sockets may take to say goodbye when the gateway stops.
const GOODBYE_TIME: std::time::Duration = std::time::Duration::from_secs(5);

impl Gateway {
    pub fn new(settings: Settings) -> Result<Self, rustls::Error> {
        Ok(Self {
            accounts: Accounts::new(
                settings.imap.clone(),
                Tls::new()?,
                Post::new(settings.smtp.clone(), settings.smtp_files_sent),
            ),
            sessions: Sessions::new(settings.idle_limit, settings.session_limit),
            limits: SignInLimits::new(settings.sign_in_failures),
            next_device: AtomicU64::new(1),
            sockets: tokio::sync::Semaphore::new(MAX_SOCKETS),
            signing_in: tokio::sync::Semaphore::new(MAX_SIGNING_IN),
            sanitizing: Arc::new(tokio::sync::Semaphore::new(
                std::thread::available_parallelism().map_or(1, usize::from),
            )),
            settings,
        })
    }

    /// The account that a content URL names. A URL of another one, left in a cache or a history, opens nothing.
    fn account(&self, session: &Session, account: &str) -> Result<Account, Refusal> {
        if account != session.account {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "gone",
                "This belongs to another account.",
            ));
        }
        Ok(self.accounts.open(&session.credentials, None))
    }

    /// Has HTML sanitized, which takes a while: not on the threads that serve everybody. `what` it is, if that cannot be done.
    async fn sanitize<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ImapError> {
        let place = Arc::clone(&self.sanitizing).acquire_owned().await;
        let working = tokio::task::spawn_blocking(move || {
            // Held for as long as it runs, whether or not somebody still waits for it.
            let _place = place;
            work()
        });
        working.await.map_err(|_| ImapError::Garbled(what))
    }

    /// Tells every device to come back, and waits until all accounts are closed.
    pub async fn shut_down(&self) {
        self.accounts.shut_down().await;
        // Sockets are tasks of their own: each holds a place until it is closed.
        let all = u32::try_from(MAX_SOCKETS).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(GOODBYE_TIME, self.sockets.acquire_many(all)).await;
    }
}

/// The routes. Content below `/api/a/{account}` is compressed as the browser likes; the app is compressed beforehand.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let content = Router::new()
        .route("/api/a/{account}/body", get(mail::body))
        .route("/api/a/{account}/draft", get(mail::draft))
        .layer(CompressionLayer::new());
    let whole = axum::middleware::from_fn(read_whole);
    Router::new()
        .route(
            "/api/session",
            post(session::sign_in)
                .get(session::current)
                .delete(session::sign_out)
                .layer(whole.clone()),
        )
        .route("/api/socket", get(socket::open))
        .route("/api/a/{account}/part", get(mail::part))
        .route("/api/a/{account}/raw", get(mail::raw))
        .route(
            "/api/a/{account}/upload",
            post(upload::receive).layer(DefaultBodyLimit::disable()),
        )
        .route("/api/a/{account}/upload/{name}", get(mail::uploaded))
        .route(
            "/api/a/{account}/sanitize",
            post(mail::sanitize).layer(whole),
        )
        .route("/healthz", get(health))
        .merge(content)
        .fallback(assets::serve)
        .layer(axum::middleware::map_response(harden))
        .with_state(gateway)
}

/// Reads a request's body, which is small, before anything else is done with it: nobody may take as long over it as they
/// like.
async fn read_whole(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let read = axum::body::to_bytes(body, roost_wire::MAX_TEXT);
    match tokio::time::timeout(BODY_TIME, read).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, bytes.into())).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// Headers for every response that does not say otherwise.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    response
}

async fn health(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    Json(serde_json::json!({
        "status": "ok",
        "build": crate::build(),
        "accounts": gateway.accounts.count(),
    }))
}

/// A refusal with a sentence for people.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    /// A word for the app.
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    fn signed_out() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "signed-out",
            "You are not signed in.",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "kind": self.kind, "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

impl From<ImapError> for Refusal {
    fn from(error: ImapError) -> Self {
        use roost_wire::ProblemKind as Kind;
        let Problem { kind, detail } = error.to_problem();
        let (status, word) = match kind {
            Kind::NoSuchMailbox | Kind::NoSuchMessage => (StatusCode::NOT_FOUND, "gone"),
            Kind::UidValidityChanged => (StatusCode::CONFLICT, "recreated"),
            Kind::SignInExpired => (StatusCode::UNAUTHORIZED, "signed-out"),
            Kind::BadRequest => (StatusCode::BAD_REQUEST, "bad-request"),
            Kind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Kind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Kind::Unreachable => (StatusCode::BAD_GATEWAY, "unreachable"),
            Kind::Conflict | Kind::Cancelled => (StatusCode::CONFLICT, "changed"),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Kind::OverQuota | Kind::Refused | Kind::Unsupported | Kind::Garbled => {
                (StatusCode::BAD_GATEWAY, "refused")
            }
        };
        let message = if detail.is_empty() {
            error.to_string()
        } else {
            detail
        };
        Self::new(status, word, message)
    }
}

/// The address a request comes from, behind a proxy if the settings say so.
#[derive(Debug)]
struct Client(IpAddr);

impl FromRequestParts<Arc<Gateway>> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Refusal> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip());
        let forwarded = gateway
            .settings
            .behind_proxy
            .then(|| {
                let value = parts
                    .headers
                    .get_all("x-forwarded-for")
                    .iter()
                    .next_back()?;
                value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
            })
            .flatten();
        Ok(Self(forwarded.unwrap_or(peer)))
    }
}

/// Proof that a request comes from Roost's own pages: the Origin is the configured one, or that of the Host.
#[derive(Debug)]
struct SameOrigin;

impl FromRequestParts<Arc<Gateway>> for SameOrigin {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Refusal> {
        if is_same_origin(&parts.headers, gateway.settings.public_origin.as_deref()) {
            Ok(Self)
        } else {
            Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "origin",
                "This request does not come from Roost's own page. If Roost runs behind a proxy, check --public-url.",
            ))
        }
    }
}

fn is_same_origin(headers: &HeaderMap, configured: Option<&str>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    match configured {
        Some(configured) => origin == configured,
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .is_some_and(|host| {
                origin.strip_prefix("http://") == Some(host)
                    || origin.strip_prefix("https://") == Some(host)
            }),
    }
}
