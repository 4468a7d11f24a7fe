//! Messages in a list: summaries, windows of them, and what changed.

use serde::{Deserialize, Serialize};

use crate::{MailboxState, Uid, UidSet};

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Summary {
    pub uid: Uid,
    pub flags: Flags,
    /// When the server received it (INTERNALDATE), in seconds since 1970-01-01 UTC.
    pub received: i64,
    /// The sender; several for the few messages that have several.
    pub from: Vec<Address>,
    /// The first recipients (at most 4), shown instead of the sender in Sent and Drafts.
    pub to: Vec<Address>,
    /// Decoded and on one line; empty when there is none.
    pub subject: String,
    /// The beginning of the text, on one line, at most 200 characters; empty where the server cannot tell.
    pub preview: String,
    /// RFC822.SIZE, in bytes.
    pub size: u32,
    /// Whether a part is meant to be saved (BODYSTRUCTURE disposition `attachment`, or named).
    pub attachment: bool,
}

/// A display name and an address, both decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub email: String,
}

impl Address {
    /// What a person calls it: the name, or the address where there is none.
    pub fn label(&self) -> &str {
        if self.name.is_empty() {
            &self.email
        } else {
            &self.name
        }
    }
}

impl std::fmt::Display for Address {
    /// `Name <address>`, or what there is of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.is_empty() || self.email.is_empty() {
            f.write_str(self.label())
        } else {
            write!(f, "{} <{}>", self.name, self.email)
        }
    }
}

/// System flags (RFC 9051, section 2.3.2) and keywords of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flags {
    pub seen: bool,
    pub answered: bool,
    pub flagged: bool,
    pub deleted: bool,
    pub draft: bool,
    /// Keywords as the server spells them, such as `$Forwarded` or `$Junk`.
    pub keywords: Vec<String>,
}

impl Flags {
    /// Sets or removes one flag by its IMAP name (`\Seen`, `$Junk`), case-insensitively. `\Recent` and unknown
    /// system flags are ignored.
    pub fn set(&mut self, flag: &str, on: bool) {
        match flag.to_ascii_lowercase().as_str() {
            "\\seen" => self.seen = on,
            "\\answered" => self.answered = on,
            "\\flagged" => self.flagged = on,
            "\\deleted" => self.deleted = on,
            "\\draft" => self.draft = on,
            system if system.starts_with('\\') => {}
            _ => {
                self.keywords.retain(|k| !k.eq_ignore_ascii_case(flag));
                if on {
                    self.keywords.push(flag.to_owned());
                }
            }
        }
    }

    /// Whether a flag is set, by its IMAP name.
    pub fn has(&self, flag: &str) -> bool {
        match flag.to_ascii_lowercase().as_str() {
            "\\seen" => self.seen,
            "\\answered" => self.answered,
            "\\flagged" => self.flagged,
            "\\deleted" => self.deleted,
            "\\draft" => self.draft,
            _ => self.keywords.iter().any(|k| k.eq_ignore_ascii_case(flag)),
        }
    }
}

/// The answer to a window request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRows {
    pub mailbox: String,
    /// The state in which the sequence numbers below were true.
    pub state: MailboxState,
    /// The message sequence number (1 is the oldest) of the first row.
    pub first_seq: u32,
    /// Rows in ascending order of sequence number, without gaps.
    pub rows: Vec<Summary>,
}

/// What changed in a mailbox between two states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    pub mailbox: String,
    /// The MODSEQ this delta starts from. It applies to a device that stands exactly there.
    pub since: u64,
    /// The state it leads to. After applying it the device must hold `state.exists` messages, or it is stale.
    pub state: MailboxState,
    pub vanished: UidSet,
    /// New flags of messages that were there before.
    pub flags: Vec<(Uid, Flags)>,
    /// Messages that came, ascending by UID.
    pub arrived: Vec<Summary>,
}

/// What to search for. All that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchQuery {
    /// Words anywhere: each in a header or the text.
    pub text: Vec<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub subject: Option<String>,
    /// `Some(true)`: only unread; `Some(false)`: only read.
    pub unread: Option<bool>,
    pub starred: Option<bool>,
    /// Only messages with an attachment.
    pub attachment: bool,
    /// Received on or after this day, days since 1970-01-01.
    pub after: Option<i32>,
    /// Received before this day, days since 1970-01-01.
    pub before: Option<i32>,
    /// Larger than this many bytes.
    pub larger: Option<u32>,
}
