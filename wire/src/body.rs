//! A message opened for reading. Travels over HTTP, postcard-encoded.

use serde::{Deserialize, Serialize};

use crate::Address;

/// A message ready to be shown: decoded, sanitized, its parts listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub from: Vec<Address>,
    pub reply_to: Vec<Address>,
    /// To, Cc and Bcc in this order.
    pub recipients: Vec<(Party, Address)>,
    pub subject: String,
    /// The Date header in seconds since 1970-01-01 UTC, if there is one that can be read.
    pub sent: Option<i64>,
    /// Every header in order, decoded, for "all headers".
    pub headers: Vec<Header>,
    /// The sanitized document fragment. Goes into the mail frame and nowhere else.
    pub html: String,
    /// The message's own style rules after the property allow-list; goes into a `style` element of the mail frame.
    pub css: String,
    pub kind: BodyKind,
    /// How many remote images were left out.
    pub blocked: u32,
    pub attachments: Vec<Attachment>,
    /// What was wrong with the message, in words, where that may make it look incomplete.
    pub defects: Vec<String>,
    /// The message's own images that the fragment shows, by the part in their address.
    pub images: Vec<Attachment>,
}

/// Where a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Party {
    To,
    Cc,
    Bcc,
}

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// What the text was before it became the fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyKind {
    /// text/plain (RFC 3676 flowed or not), escaped and linkified.
    Plain,
    /// text/html, sanitized.
    Html,
    /// No text at all.
    Empty,
}

/// A part that can be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The part's number (RFC 9051, section 6.4.5: `2`, `1.3`), or `raw:N`, the Nth attachment of a message whose
    /// structure the server got wrong.
    pub part: String,
    /// Decoded and without path separators or control characters; never empty.
    pub name: String,
    /// The declared type in lower case, such as `image/png`.
    pub media_type: String,
    /// Decoded size in bytes, estimated for base64.
    pub size: u32,
}
