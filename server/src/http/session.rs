//! Signing in and out.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Client, Gateway, Refusal, SameOrigin, Session};
use crate::gateway::Event;
use crate::imap::{Connection, Credentials, ImapError};

/// The longest user name or password accepted, in bytes.
const MAX_CREDENTIAL: usize = 1_000;

#[derive(Deserialize)]
pub struct SignIn {
    username: String,
    password: String,
    /// "This is a shared computer": the cookie goes with the browser window.
    #[serde(default)]
    shared: bool,
}

#[derive(Debug, Serialize)]
struct Current {
    account: String,
    username: String,
}

impl Current {
    fn of(session: &Session) -> Json<Self> {
        Json(Self {
            account: session.account.clone(),
            username: session.credentials.username.clone(),
        })
    }
}

/// The session that a request's cookie opens.
impl FromRequestParts<Arc<Gateway>> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Refusal> {
        let name = cookie_name(gateway);
        parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, token)| gateway.sessions.open(token))
            .ok_or_else(Refusal::signed_out)
    }
}

/// `POST /api/session`: signs in by really authenticating to the mail server.
pub async fn sign_in(
    State(gateway): State<Arc<Gateway>>,
    Client(address): Client,
    _same_origin: SameOrigin,
    Json(form): Json<SignIn>,
) -> Result<Response, Refusal> {
    if form.username.is_empty()
        || form.username.len() > MAX_CREDENTIAL
        || form.password.len() > MAX_CREDENTIAL
    {
        return Err(wrong());
    }
    if !gateway
        .limits
        .begin(address, &form.username, Instant::now())
    {
        return Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "limited",
            "Too many failed attempts. Wait ten minutes and try again.",
        ));
    }
    let credentials = Credentials {
        username: form.username,
        password: form.password,
    };
    // Nobody needs a session for this: what it costs the mail server is bounded for all together.
    let _place = gateway.signing_in.acquire().await;
    let opened = Connection::open(
        gateway.accounts.endpoint(),
        gateway.accounts.tls(),
        &credentials,
    )
    .await;
    if !matches!(opened, Err(ImapError::Credentials)) {
        gateway.limits.forgive(address, &credentials.username);
    }
    let connection = match opened {
        Ok(connection) => connection,
        Err(ImapError::Credentials) => return Err(wrong()),
        Err(error @ (ImapError::OnlyTokens | ImapError::Unsupported(_))) => {
            tracing::warn!("sign-in failed: {error}");
            let message = match error {
                ImapError::OnlyTokens => ONLY_TOKENS,
                _ => {
                    "The mail server has no way to sign in that Roost is set up for. Tell who runs Roost."
                }
            };
            return Err(Refusal::new(
                StatusCode::BAD_GATEWAY,
                "unsupported",
                message,
            ));
        }
        Err(error) => {
            tracing::warn!("sign-in failed: {error}");
            return Err(Refusal::new(
                StatusCode::BAD_GATEWAY,
                "unreachable",
                "The mail server cannot be reached. Your password was not checked; try again in a moment.",
            ));
        }
    };
    // The account starts at once, so that it has its mailboxes ready when the socket comes.
    gateway.accounts.open(&credentials, Some(connection));
    let token = gateway.sessions.create(&credentials).map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Too many people are signed in.",
        )
    })?;
    let session = gateway
        .sessions
        .open(&token)
        .ok_or_else(Refusal::signed_out)?;
    let age = if form.shared {
        String::new()
    } else {
        format!("; Max-Age={}", gateway.settings.session_limit.as_secs())
    };
    let cookie = format!("{}={token}{age}", cookie_name(&gateway));
    Ok((set_cookie(&gateway, &cookie), Current::of(&session)).into_response())
}

/// `GET /api/session`: who is signed in.
pub async fn current(session: Session) -> impl IntoResponse {
    Current::of(&session)
}

/// `DELETE /api/session`: signs out; devices attached through this session are told. The browser forgets what it holds of
/// parts and sources that were looked at (`Clear-Site-Data`, where it knows that), even where the session ended by itself.
pub async fn sign_out(
    State(gateway): State<Arc<Gateway>>,
    _same_origin: SameOrigin,
    session: Result<Session, Refusal>,
) -> impl IntoResponse {
    if let Ok(session) = session {
        let devices = gateway.sessions.end(&session.id);
        let account = gateway.accounts.open(&session.credentials, None);
        let _ = account.events.send(Event::SignedOut(devices)).await;
    }
    let cookie = format!("{}=; Max-Age=0", cookie_name(&gateway));
    let mut headers = set_cookie(&gateway, &cookie);
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    (StatusCode::NO_CONTENT, headers)
}

const ONLY_TOKENS: &str = "The mail server does not take passwords, only sign-ins by OAuth. Your password was not sent. Tell who runs Roost.";

/// The same for "no such user" and "wrong password".
fn wrong() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "credentials",
        "The user name or the password is not right.",
    )
}

fn is_secure(gateway: &Gateway) -> bool {
    gateway
        .settings
        .public_origin
        .as_deref()
        .is_some_and(|origin| origin.starts_with("https://"))
}

/// `__Host-` (RFC 6265bis, section 4.1.3.2) binds the cookie to this host over TLS; without TLS browsers refuse it.
fn cookie_name(gateway: &Gateway) -> &'static str {
    if is_secure(gateway) {
        "__Host-roost"
    } else {
        "roost"
    }
}

fn set_cookie(gateway: &Gateway, cookie: &str) -> HeaderMap {
    let secure = if is_secure(gateway) { "; Secure" } else { "" };
    let mut headers = HeaderMap::new();
    if let Ok(value) = format!("{cookie}; Path=/; HttpOnly; SameSite=Strict{secure}").parse() {
        headers.insert(header::SET_COOKIE, value);
    }
    headers
}
