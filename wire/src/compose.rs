//! What a person writes, on its way to Drafts and to its recipients.

use serde::{Deserialize, Serialize};

use crate::{Address, Uid};

/// How many recipients one message may have, To, Cc and Bcc together.
pub const MAX_RECIPIENTS: usize = 500;
/// How many attachments one message may have.
pub const MAX_ENCLOSURES: usize = 100;
/// The longest text of a message a person writes, in bytes, plain and rich together. Fits into one frame with room for
/// the rest.
pub const MAX_TEXT: usize = 768 * 1024;

/// A message being written, sent, or kept as a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Composed {
    /// The Message-ID without its angle brackets (RFC 5322, section 3.6.4). Made once, when the person begins to write:
    /// it names the draft on every device and stays with the message that is sent.
    pub id: String,
    pub from: Address,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// Kept in the draft and in the copy in Sent; never transmitted.
    pub bcc: Vec<Address>,
    pub subject: String,
    /// The text, lines separated by `\n`. The text alternative where there is `html`.
    pub text: String,
    /// The rich text, a document fragment. The gateway sanitizes it. Its own images are named by `cid:`.
    pub html: Option<String>,
    /// Message-IDs without angle brackets.
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub enclosures: Vec<Enclosure>,
    /// Marked as important (`X-Priority: 1`, `Importance: high`).
    pub important: bool,
    /// A read receipt is asked for (RFC 8098).
    pub receipt: bool,
    /// The sender wants to be told when it was delivered, or could not be (RFC 3461).
    pub delivery: bool,
    /// The message it answers or forwards, to be marked as such once this is sent.
    pub origin: Option<Origin>,
}

/// The message that was answered or forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    pub mailbox: String,
    pub uidvalidity: u32,
    pub uid: Uid,
    pub forwarded: bool,
}

/// An attachment of a message being written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Enclosure {
    pub name: String,
    /// Such as `image/png`.
    pub media_type: String,
    /// In bytes, decoded.
    pub size: u32,
    pub source: Source,
    /// Set for an image that the rich text shows: the text names it as `cid:` and this (RFC 2392). It is transmitted
    /// beside the text, and only as long as the text shows it.
    pub content_id: Option<String>,
}

/// Where the gateway finds the bytes of an attachment. They never pass through the device again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// Uploaded (`POST /api/a/{account}/upload`); the name the gateway gave.
    Upload(String),
    /// A part of a message on the mail server.
    Part {
        mailbox: String,
        uidvalidity: u32,
        uid: Uid,
        part: String,
    },
    /// A whole message on the mail server, forwarded as an attachment.
    Message {
        mailbox: String,
        uidvalidity: u32,
        uid: Uid,
    },
}

/// Where a draft is now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Saved {
    pub mailbox: String,
    pub uidvalidity: u32,
    pub uid: Uid,
    /// The part number of each attachment, in order.
    pub parts: Vec<String>,
}
