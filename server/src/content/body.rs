//! A message put together for the device, from the parts that BODYSTRUCTURE chose, or from the raw message where the
//! server got the structure wrong.

use std::collections::HashMap;

use bytes::Bytes;
use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};
use roost_wire::{Attachment, Body, BodyKind, Composed, Enclosure, Header, Party};

use super::compose;
use super::html::{self, Images};
use super::plain;
use crate::imap::structure::file_name;

/// How many recipients are listed.
const MAX_RECIPIENTS: usize = 10_000;
/// How many header fields are listed, and how long each may be.
const MAX_HEADERS: usize = 500;
const MAX_HEADER: usize = 20_000;

/// One text of a message, decoded.
#[derive(Debug)]
pub enum Text {
    Plain {
        text: String,
        flowed: bool,
        delsp: bool,
    },
    Html(String),
}

/// Puts a body together. `inline` maps content ids to addresses; the ids that the text does not show are named again
/// as attachments by `unshown`.
pub fn assemble(
    header: &Bytes,
    texts: Vec<Text>,
    attachments: Vec<Attachment>,
    inline: &HashMap<String, String>,
    unshown: &HashMap<String, Attachment>,
    remote_images: bool,
    defects: Vec<String>,
) -> Body {
    let parser = MessageParser::default();
    let parsed = parser.parse_headers(&header[..]);
    let mut body = envelope(parsed.as_ref());
    body.attachments = attachments;
    body.defects = defects;
    let images = Images {
        remote: remote_images,
        inline,
    };
    let mut shown = std::collections::HashSet::new();
    for text in texts {
        let (fragment, kind) = match text {
            Text::Plain {
                text,
                flowed,
                delsp,
            } => (plain::render(&text, flowed, delsp), BodyKind::Plain),
            Text::Html(text) => {
                let clean = html::sanitize(&text, &images);
                body.css.push_str(&clean.css);
                body.blocked += clean.blocked;
                shown.extend(clean.shown);
                if clean.cut {
                    body.defects.push(
                        "The formatting of this message is too large to be shown: this is its text.".to_owned(),
                    );
                }
                (clean.html, BodyKind::Html)
            }
        };
        if body.kind != BodyKind::Empty {
            body.html.push_str("<hr>");
        }
        body.html.push_str(&fragment);
        if body.kind != BodyKind::Html {
            body.kind = kind;
        }
    }
    body.images = unshown
        .iter()
        .filter(|(content_id, _)| shown.contains(*content_id))
        .map(|(_, attachment)| attachment.clone())
        .collect();
    body.images.sort_by(|a, b| a.part.cmp(&b.part));
    let mut left: Vec<(&String, &Attachment)> = unshown
        .iter()
        .filter(|(content_id, _)| !shown.contains(*content_id))
        .collect();
    left.sort_by_key(|(_, attachment)| &attachment.part);
    for (_, attachment) in left {
        if !body.attachments.iter().any(|a| a.part == attachment.part) {
            body.attachments.push(attachment.clone());
        }
    }
    body
}

fn envelope(parsed: Option<&Message<'_>>) -> Body {
    let mut body = Body {
        from: Vec::new(),
        reply_to: Vec::new(),
        recipients: Vec::new(),
        subject: String::new(),
        sent: None,
        headers: Vec::new(),
        html: String::new(),
        css: String::new(),
        kind: BodyKind::Empty,
        blocked: 0,
        attachments: Vec::new(),
        defects: Vec::new(),
        images: Vec::new(),
    };
    let Some(message) = parsed else {
        return body;
    };
    use crate::imap::{addresses, one_line};
    body.from = addresses(message.from(), 50);
    body.reply_to = addresses(message.reply_to(), 50);
    for (party, list) in [
        (Party::To, message.to()),
        (Party::Cc, message.cc()),
        (Party::Bcc, message.bcc()),
    ] {
        body.recipients.extend(
            addresses(list, MAX_RECIPIENTS)
                .into_iter()
                .map(|address| (party, address)),
        );
    }
    body.subject = one_line(message.subject().unwrap_or_default(), 2_000);
    body.sent = message
        .date()
        .filter(|date| date.is_valid() && date.year > 0)
        .map(mail_parser::DateTime::to_timestamp);
    body.headers = message
        .headers_raw()
        .take(MAX_HEADERS)
        .map(|(name, value)| Header {
            name: name.to_owned(),
            value: one_line(value, MAX_HEADER),
        })
        .collect();
    body
}

/// A message as one that is being written: its recipients, its text, what it refers to. Images that the text does not
/// show become attachments; those of a draft are what was taken out of its text, and go.
pub fn composed(header: &Bytes, texts: Vec<Text>, enclosures: Vec<Enclosure>) -> Composed {
    use crate::imap::addresses;
    let parser = MessageParser::default();
    let parsed = parser.parse_headers(&header[..]);
    let body = envelope(parsed.as_ref());
    let mut message = Composed {
        enclosures,
        subject: body.subject,
        reply_to: body.reply_to,
        ..Composed::default()
    };
    for (party, mut address) in body.recipients {
        // What was typed and is no address yet was kept in the place of a name.
        if address.email.is_empty() {
            address.email = std::mem::take(&mut address.name);
        }
        match party {
            Party::To => message.to.push(address),
            Party::Cc => message.cc.push(address),
            Party::Bcc => message.bcc.push(address),
        }
    }
    // The writer's frame loads nothing from other hosts: what the text names there is kept, not fetched.
    let inline = compose::own_images(&message.enclosures);
    let images = Images {
        remote: true,
        inline: &inline,
    };
    let mut shown = std::collections::HashSet::new();
    for text in texts {
        match text {
            Text::Plain { text, .. } => message.text.push_str(&text.replace("\r\n", "\n")),
            Text::Html(text) => {
                let clean = html::sanitize(&text, &images);
                shown.extend(clean.shown);
                message.html.get_or_insert_default().push_str(&clean.html);
            }
        }
    }
    if let Some(parsed) = &parsed {
        let ids = |value: &mail_parser::HeaderValue<'_>| -> Vec<String> {
            match value {
                mail_parser::HeaderValue::Text(id) => vec![id.to_string()],
                mail_parser::HeaderValue::TextList(ids) => {
                    ids.iter().map(ToString::to_string).collect()
                }
                _ => Vec::new(),
            }
            .into_iter()
            .filter(|id| compose::is_message_id(id))
            .collect()
        };
        message.id = parsed
            .message_id()
            .filter(|id| compose::is_message_id(id))
            .unwrap_or_default()
            .to_owned();
        message.in_reply_to = ids(parsed.in_reply_to());
        message.references = ids(parsed.references());
        message.receipt = parsed.header("Disposition-Notification-To").is_some();
        let raw = |name: &str| {
            parsed
                .headers_raw()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        message.delivery = raw(compose::DELIVERY).is_some();
        let draft = raw(compose::SAVED_BY).is_some();
        message.enclosures.retain_mut(|enclosure| {
            let unshown = enclosure
                .content_id
                .take_if(|content_id| !shown.contains(content_id));
            unshown.is_none() || !draft
        });
        message.important = raw("X-Priority").is_some_and(|value| value.starts_with('1'));
        message.origin = raw(compose::ORIGIN).and_then(compose::parse_origin);
        // A draft may be from nobody.
        message.from = addresses(parsed.from(), 1)
            .into_iter()
            .next()
            .unwrap_or_default();
    }
    message
}

/// A message parsed here because the mail server's account of its structure cannot be used.
#[derive(Debug)]
pub struct RawMessage<'x>(Message<'x>);

impl<'x> RawMessage<'x> {
    /// `None` for what is not a message at all.
    pub fn parse(raw: &'x [u8]) -> Option<Self> {
        MessageParser::default().parse(raw).map(Self)
    }

    /// The Nth attachment's name, type and content.
    pub fn attachment(&self, index: u32) -> Option<(String, String, Vec<u8>)> {
        let part = self.0.attachment(index)?;
        let media_type = media_type(part);
        let content = match &part.body {
            PartType::Message(message) => message.raw_message().to_vec(),
            _ => part.contents().to_vec(),
        };
        Some((
            file_name(part.attachment_name(), &media_type),
            media_type,
            content,
        ))
    }
}

fn media_type(part: &mail_parser::MessagePart<'_>) -> String {
    part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |content_type| {
            format!(
                "{}/{}",
                content_type.ctype(),
                content_type.subtype().unwrap_or("octet-stream")
            )
            .to_ascii_lowercase()
        },
    )
}

/// Puts a body together from the whole raw message.
pub fn from_raw(raw: &Bytes, remote_images: bool, mut defects: Vec<String>) -> Body {
    let Some(RawMessage(message)) = RawMessage::parse(raw) else {
        return assemble(
            raw,
            Vec::new(),
            Vec::new(),
            &HashMap::new(),
            &HashMap::new(),
            remote_images,
            defects,
        );
    };
    let mut texts = Vec::new();
    for part in message.html_bodies() {
        match &part.body {
            PartType::Html(text) => texts.push(Text::Html(text.to_string())),
            PartType::Text(text) => texts.push(Text::Plain {
                text: text.to_string(),
                flowed: false,
                delsp: false,
            }),
            _ => {}
        }
    }
    let attachments = message
        .attachments()
        .enumerate()
        .map(|(index, part)| {
            let media_type = media_type(part);
            Attachment {
                part: format!("raw:{index}"),
                name: file_name(part.attachment_name(), &media_type),
                size: part.contents().len() as u32,
                media_type,
            }
        })
        .collect();
    defects.push(
        "The mail server could not describe this message; Roost read it by itself.".to_owned(),
    );
    assemble(
        raw,
        texts,
        attachments,
        &HashMap::new(),
        &HashMap::new(),
        remote_images,
        defects,
    )
}
