//! The app, embedded in the binary and compressed beforehand; in debug builds read from `dist/` at each request.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

#[derive(rust_embed::RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct App;

/// The app's own document and worker: scripts of our own and WebAssembly, nothing inline, nobody frames it.
const APP_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What is no document by itself; opened by itself, it may do nothing.
const FILE_POLICY: &str = "default-src 'none'; sandbox";
/// The mail frame: nothing but styles and the message's own images (DESIGN, "The mail frame").
const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// The same once the person asked for remote images.
const FRAME_WITH_IMAGES_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The frame that a person writes in: the same, and pictures that are just being put in. Its sandbox lets scripts run so
/// that all browsers call the app's listeners; this is what stops every script in it.
const EDITOR_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: blob:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Serves a file of the app; mailboxes, messages being written, and any path without a dot are places inside the app.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (name, policy) = match path {
        "frame.html" => (path, FRAME_POLICY),
        "editor.html" => (path, EDITOR_POLICY),
        "frame-images.html" => ("frame.html", FRAME_WITH_IMAGES_POLICY),
        place if place.starts_with("m/") || place.starts_with("compose/") => {
            ("index.html", APP_POLICY)
        }
        // A worker has the policy of its own response.
        "worker-loader.js" | "service-worker.js" => (path, APP_POLICY),
        file if file.contains('.') => (file, FILE_POLICY),
        _ => ("index.html", APP_POLICY),
    };
    let accepts_brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(',')
                .any(|coding| coding.trim().starts_with("br"))
        });
    let compressed = accepts_brotli
        .then(|| App::get(&format!("{name}.br")))
        .flatten();
    let encoded = compressed.is_some();
    let Some(file) = compressed.or_else(|| App::get(name)) else {
        let hint = if name == "index.html" {
            "The app is not built into this gateway. Run: cargo xtask demo"
        } else {
            "Not found"
        };
        return (StatusCode::NOT_FOUND, hint).into_response();
    };
    let tag = format!(
        "\"{}\"",
        file.metadata.sha256_hash()[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    );
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, media_type(name))
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::VARY, "Accept-Encoding")
        .header(header::ETAG, &tag)
        .header(
            header::CACHE_CONTROL,
            if is_hashed(name) {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            },
        );
    if matches!(name, "frame.html" | "editor.html") {
        response = response.header(header::X_FRAME_OPTIONS, "SAMEORIGIN");
    }
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return response
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty())
            .unwrap_or_default();
    }
    if encoded {
        response = response.header(header::CONTENT_ENCODING, "br");
    }
    response.body(Body::from(file.data)).unwrap_or_default()
}

/// Trunk writes a 64-bit hash in hexadecimal, without leading zeros, into the names of what it builds.
fn is_hashed(name: &str) -> bool {
    name.split(['-', '.', '_']).any(|piece| {
        (12..=16).contains(&piece.len()) && piece.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_hashed_names_are_cached_for_ever() {
        assert!(super::is_hashed("roost-app-0123456789abcdef.js"));
        assert!(super::is_hashed("roost-app-0123456789abcdef_bg.wasm"));
        assert!(!super::is_hashed("worker-loader.js"));
        assert!(!super::is_hashed("index.html"));
    }
}
