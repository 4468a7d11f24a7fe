//! Content over HTTP: bodies, parts, raw messages. Large parts pass through in slices; nothing is kept.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use roost_wire::{Enclosure, Source};
use serde::{Deserialize, Serialize};

use super::{Gateway, Refusal, SameOrigin, Session};
use crate::content::{self, Decoder, Images, OpenPart, PartContent, PartStream, Text};
use crate::imap::structure::{Part, file_name};
use crate::imap::{self, ImapError, Lease, MAX_RAW, MAX_TEXT, Pool, Priority};

/// How many texts of one message are shown.
const MAX_TEXTS: usize = 50;
/// Types that may be shown by the browser itself: images that cannot hold scripts, and PDF in the browser's own
/// viewer.
const VIEWABLE: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
    "application/pdf",
];
/// For content that came by mail and is opened by itself.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// The browser's PDF viewer does not run in a sandboxed document.
const PDF_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'";

/// Names a message.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    mailbox: String,
    uidvalidity: u32,
    uid: u32,
}

#[derive(Debug, Deserialize)]
pub struct BodyQuery {
    /// Whether the person asked for images from other hosts.
    #[serde(default)]
    images: u8,
}

#[derive(Debug, Deserialize)]
pub struct PartQuery {
    part: String,
    /// 1: shown rather than saved, where that is safe.
    #[serde(default)]
    view: u8,
}

#[derive(Debug, Deserialize)]
pub struct UploadQuery {
    /// What the device says it is; shown only if it is an image that cannot hold scripts.
    #[serde(rename = "type")]
    media_type: String,
}

#[derive(Debug, Deserialize)]
pub struct RawQuery {
    /// 1: shown as text rather than saved.
    #[serde(default)]
    view: u8,
}

/// `GET /api/a/{account}/body`: a message ready to be shown, postcard-encoded.
pub async fn body(
    State(gateway): State<Arc<Gateway>>,
    Path(account): Path<String>,
    Query(target): Query<Target>,
    Query(query): Query<BodyQuery>,
    session: Session,
) -> Result<Response, Refusal> {
    let pool = gateway.account(&session, &account)?.pool;
    let Parts {
        header,
        texts,
        attachments,
        inline,
        raw,
        mut defects,
    } = fetch(&mut *lend(&pool, &target).await?, &target).await?;
    let base = format!(
        "/api/a/{account}/part?mailbox={}&uidvalidity={}&uid={}&view=1&part=",
        url::form_urlencoded::byte_serialize(target.mailbox.as_bytes()).collect::<String>(),
        target.uidvalidity,
        target.uid
    );
    let remote = query.images == 1;
    let body = gateway
        .sanitize("a message that cannot be shown", move || {
            if let Some(raw) = raw {
                return content::from_raw(&raw, remote, defects);
            }
            let texts = texts
                .into_iter()
                .map(|(part, bytes)| {
                    if bytes.len() as u64 >= MAX_TEXT {
                        defects.push(
                            "The text is very long and was cut. The source has all of it."
                                .to_owned(),
                        );
                    }
                    decoded(&part, &bytes)
                })
                .collect();
            let addresses = inline
                .iter()
                .map(|(content_id, part)| (content_id.clone(), format!("{base}{}", part.number)))
                .collect();
            let unshown = inline
                .iter()
                .map(|(content_id, part)| (content_id.clone(), part.attachment()))
                .collect();
            let attachments = attachments.iter().map(Part::attachment).collect();
            content::assemble(
                &header,
                texts,
                attachments,
                &addresses,
                &unshown,
                remote,
                defects,
            )
        })
        .await?;
    postcard_response(&body)
}

/// `GET /api/a/{account}/draft`: a message to go on writing, or to begin anew from, postcard-encoded.
pub async fn draft(
    State(gateway): State<Arc<Gateway>>,
    Path(account): Path<String>,
    Query(target): Query<Target>,
    session: Session,
) -> Result<Response, Refusal> {
    let pool = gateway.account(&session, &account)?.pool;
    let parts = fetch(&mut *lend(&pool, &target).await?, &target).await?;
    if parts.raw.is_some() {
        return Err(Refusal::new(
            StatusCode::BAD_GATEWAY,
            "garbled",
            "The mail server cannot tell what this message consists of.",
        ));
    }
    let composed = gateway
        .sanitize("a message that cannot be written on", move || {
            let texts = parts
                .texts
                .iter()
                .map(|(part, bytes)| decoded(part, bytes))
                .collect();
            // An image may be both attached and shown in the text.
            let mut attached: Vec<&Part> = parts
                .attachments
                .iter()
                .chain(parts.inline.values())
                .collect();
            attached.sort_by_key(|part| (part.number.len(), part.number.clone()));
            attached.dedup_by(|a, b| a.number == b.number);
            let enclosures = attached
                .into_iter()
                .map(|part| {
                    let attachment = part.attachment();
                    Enclosure {
                        name: attachment.name,
                        media_type: attachment.media_type,
                        size: attachment.size,
                        source: Source::Part {
                            mailbox: target.mailbox.clone(),
                            uidvalidity: target.uidvalidity,
                            uid: target.uid,
                            part: attachment.part,
                        },
                        content_id: (!part.attached).then(|| part.content_id.clone()).flatten(),
                    }
                })
                .collect();
            content::composed(&parts.header, texts, enclosures)
        })
        .await?;
    postcard_response(&composed)
}

/// `POST /api/a/{account}/sanitize`: HTML that is pasted or dropped into a message being written, as a fragment that
/// may enter the writer's frame. The same sanitizer as for mail that is read: the device has none, and a second one would
/// be a second place for holes. Images from other hosts are left out.
pub async fn sanitize(
    State(gateway): State<Arc<Gateway>>,
    Path(account): Path<String>,
    _same_origin: SameOrigin,
    session: Session,
    html: String,
) -> Result<Response, Refusal> {
    gateway.account(&session, &account)?;
    let clean = gateway
        .sanitize("HTML that cannot be sanitized", move || {
            let images = Images {
                remote: false,
                inline: &HashMap::new(),
            };
            content::sanitize(&html, &images).html
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], clean).into_response())
}

/// `GET /api/a/{account}/upload/{name}`: an image that was put into a message being written and is in no draft yet.
pub async fn uploaded(
    State(gateway): State<Arc<Gateway>>,
    Path((account, name)): Path<(String, String)>,
    Query(query): Query<UploadQuery>,
    session: Session,
) -> Result<Response, Refusal> {
    let uploads = gateway.account(&session, &account)?.uploads;
    let upload = uploads.get(&name).ok_or(ImapError::NoSuchMessage)?;
    let body = Body::from_stream(stream::unfold(0, move |at| {
        let upload = upload.clone();
        async move {
            let piece = upload.read(at).await;
            let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
            let more = piece.as_ref().map_or(true, |piece| !piece.is_empty());
            more.then(|| (piece, at + length))
        }
    }));
    Ok(content(&name, &query.media_type, true, body))
}

/// What the device reads with postcard.
fn postcard_response(value: &impl Serialize) -> Result<Response, Refusal> {
    let encoded = postcard::to_stdvec(value)
        .map_err(|_| ImapError::Garbled("a message that cannot be sent"))?;
    Ok((
        [
            (header::CONTENT_TYPE, "application/octet-stream"),
            (header::CACHE_CONTROL, "private, no-store"),
        ],
        encoded,
    )
        .into_response())
}

fn decoded(part: &Part, bytes: &Bytes) -> Text {
    let decoded = Decoder::decode(&part.encoding, bytes);
    let text = content::decode(&decoded, part.charset.as_deref());
    if part.media_type == "text/html" {
        Text::Html(text)
    } else {
        Text::Plain {
            text,
            flowed: part.flowed,
            delsp: part.delsp,
        }
    }
}

/// What a body is made from.
struct Parts {
    header: Bytes,
    texts: Vec<(Part, Bytes)>,
    attachments: Vec<Part>,
    inline: HashMap<String, Part>,
    /// The whole message, where the mail server could not describe it.
    raw: Option<Bytes>,
    defects: Vec<String>,
}

async fn fetch(connection: &mut imap::Connection, target: &Target) -> Result<Parts, ImapError> {
    let Target {
        mailbox,
        uidvalidity,
        uid,
    } = target;
    let envelope = imap::envelope(connection, mailbox, *uidvalidity, *uid).await?;
    let mut parts = Parts {
        header: envelope.header,
        texts: Vec::new(),
        attachments: Vec::new(),
        inline: HashMap::new(),
        raw: None,
        defects: Vec::new(),
    };
    let Some(structure) = envelope.structure else {
        let raw = imap::part(connection, mailbox, *uidvalidity, *uid, "", MAX_RAW).await?;
        if raw.len() as u64 >= MAX_RAW {
            parts
                .defects
                .push("The message is too large to be read whole.".to_owned());
        }
        parts.raw = Some(raw);
        return Ok(parts);
    };
    let chosen = structure.choose();
    if chosen.texts.len() > MAX_TEXTS {
        parts
            .defects
            .push("The message has more texts than are shown here.".to_owned());
    }
    let mut left = MAX_TEXT;
    for part in chosen.texts.into_iter().take(MAX_TEXTS) {
        let bytes = imap::part(
            connection,
            mailbox,
            *uidvalidity,
            *uid,
            &part.number,
            left.max(1),
        )
        .await?;
        left = left.saturating_sub(bytes.len() as u64);
        parts.texts.push((part, bytes));
    }
    parts.attachments = chosen.attachments;
    parts.inline = chosen.inline;
    Ok(parts)
}

/// `GET /api/a/{account}/part`: an attachment or inline image, decoded, as a stream.
pub async fn part(
    State(gateway): State<Arc<Gateway>>,
    Path(account): Path<String>,
    Query(target): Query<Target>,
    Query(query): Query<PartQuery>,
    session: Session,
) -> Result<Response, Refusal> {
    let pool = gateway.account(&session, &account)?.pool;
    let OpenPart {
        name,
        media_type,
        content: bytes,
    } = content::open_part(
        pool,
        &target.mailbox,
        target.uidvalidity,
        target.uid,
        &query.part,
    )
    .await?;
    let (body, view) = match bytes {
        PartContent::Stream(part) => (stream_part(part), query.view == 1),
        // What the mail server misunderstood is saved, not shown.
        PartContent::Whole(bytes) => (Body::from(bytes), false),
    };
    Ok(content(&name, &media_type, view, body))
}

/// `GET /api/a/{account}/raw`: the message as the mail server has it.
pub async fn raw(
    State(gateway): State<Arc<Gateway>>,
    Path(account): Path<String>,
    Query(target): Query<Target>,
    Query(query): Query<RawQuery>,
    session: Session,
) -> Result<Response, Refusal> {
    let pool = gateway.account(&session, &account)?.pool;
    let mut lease = lend(&pool, &target).await?;
    imap::raw_size(&mut lease, &target.mailbox, target.uidvalidity, target.uid).await?;
    drop(lease);
    let name = format!("message-{}.eml", target.uid);
    let whole = PartStream::new(
        pool,
        &target.mailbox,
        target.uidvalidity,
        target.uid,
        "",
        Decoder::Identity,
    );
    let body = stream_part(whole);
    let mut response = content(&name, "message/rfc822", false, body);
    if query.view == 1 {
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(
            header::CONTENT_DISPOSITION,
            header::HeaderValue::from_static("inline"),
        );
    }
    Ok(response)
}

async fn lend(pool: &Arc<Pool>, target: &Target) -> Result<Lease, ImapError> {
    pool.acquire(Priority::Interactive, Some(&target.mailbox))
        .await
}

/// Streams a part slice by slice.
fn stream_part(part: PartStream) -> Body {
    Body::from_stream(stream::unfold(part, |mut part| async move {
        let next = part.next().await.map_err(std::io::Error::other);
        Some((next.transpose()?, part))
    }))
}

/// A response with content that came by mail: never run, never sniffed.
fn content(name: &str, media_type: &str, view: bool, body: Body) -> Response {
    let viewable = view && VIEWABLE.contains(&media_type);
    let name = file_name(Some(name), media_type);
    let policy = if viewable && media_type == "application/pdf" {
        PDF_POLICY
    } else {
        CONTENT_POLICY
    };
    Response::builder()
        .header(
            header::CONTENT_TYPE,
            if viewable {
                media_type
            } else {
                "application/octet-stream"
            },
        )
        .header(
            header::CONTENT_DISPOSITION,
            disposition(if viewable { "inline" } else { "attachment" }, &name),
        )
        .header(header::CONTENT_SECURITY_POLICY, policy)
        // A message's parts never change under one UIDVALIDITY and UID; the URL names the account.
        .header(header::CACHE_CONTROL, "private, max-age=86400")
        .header(header::VARY, "Cookie")
        .body(body)
        .unwrap_or_default()
}

/// RFC 6266 with the RFC 8187 form for names beyond ASCII.
fn disposition(kind: &str, name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_beyond_ascii_and_hostile_ones() {
        assert_eq!(
            super::disposition("attachment", "résumé \"x\".pdf"),
            "attachment; filename=\"r_sum_ _x_.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%22x%22.pdf"
        );
    }
}
