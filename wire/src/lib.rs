//! The messages that cross Roost's WebSocket, as serde types encoded with postcard.
//!
//! This crate holds types and nothing else: no IO, no clock, no encoding. One enum a direction
//! ([`ClientMessage`], [`ServerMessage`]), matched exhaustively everywhere. Enums are append-only: postcard writes a
//! variant as its number, so a variant is never moved or removed within a protocol version. `tests/fingerprint.rs`
//! fails when these sources change and [`VERSION`] or the fingerprint beside it does not.
//!
//! Everything that crosses the socket is bounded by construction (windows of at most [`MAX_WINDOW`] rows, search
//! results of at most [`MAX_RESULTS`] UIDs, deltas of at most [`MAX_DELTA`] changes), so nothing needs to be cut into
//! chunks. What can be large (bodies, attachments, raw messages) travels over HTTP.

mod body;
mod compose;
mod mailbox;
mod message;
mod mutation;
mod problem;
mod uidset;

pub use body::{Attachment, Body, BodyKind, Header, Party};
pub use compose::{
    Composed, Enclosure, MAX_ENCLOSURES, MAX_RECIPIENTS, MAX_TEXT, Origin, Saved, Source,
};
pub use mailbox::{Counts, Mailbox, MailboxState, Role};
pub use message::{Address, Delta, Flags, SearchQuery, Summary, WindowRows};
pub use mutation::{MAX_HOLD, MAX_LATER, Moved, Mutation, MutationId, Outcome};
pub use problem::{Problem, ProblemKind, Recovery};
pub use uidset::UidSet;

use serde::{Deserialize, Serialize};

/// The WebSocket subprotocol (RFC 6455, section 1.9) that both sides must name.
pub const SUBPROTOCOL: &str = "roost.v1";

/// The protocol version in both hellos.
///
/// History:
/// 1. The first: sessions, mailboxes, windows, deltas, search, mutations, drafts, sending.
pub const VERSION: u16 = 1;

/// The largest number of rows one [`Request::Window`] or [`Request::Summaries`] may ask for.
pub const MAX_WINDOW: u32 = 256;
/// The largest number of UIDs a search answers with: the newest ones. [`Answer::Found`] tells how many there were.
pub const MAX_RESULTS: usize = 10_000;
/// The largest number of changed or new messages one [`Delta`] carries. Past that, the mailbox is stale instead.
pub const MAX_DELTA: usize = 2_000;
/// The largest frame either side accepts, in bytes.
pub const MAX_FRAME: usize = 1024 * 1024;

/// A unique identifier of a message within a mailbox and UIDVALIDITY (RFC 9051, section 2.3.1.1). Never 0.
pub type Uid = u32;

/// Names a request on one socket; the answer repeats it.
pub type RequestId = u32;

/// What a device sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The first frame.
    Hello {
        /// The protocol version the device speaks.
        version: u16,
        /// The build of the app.
        build: String,
    },
    /// A question. It changes nothing and may be repeated.
    Request { id: RequestId, request: Request },
    /// A change. A repeat with the same id answers as the first did.
    Mutate { id: MutationId, mutation: Mutation },
    /// The mailbox on this device's screen, which the gateway watches most closely.
    Watch { mailbox: String },
}

/// What a device may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// All mailboxes with their counts.
    Mailboxes,
    /// The rows at positions `first .. first + count` counted from the newest message (position 0).
    Window {
        mailbox: String,
        first: u32,
        /// At most [`MAX_WINDOW`].
        count: u32,
    },
    /// Summaries by UID, at most [`MAX_WINDOW`] of them. UIDs that do not exist are left out of the answer.
    Summaries {
        mailbox: String,
        uidvalidity: u32,
        uids: UidSet,
    },
    /// What changed in a mailbox since the state the device holds (RFC 7162).
    Delta {
        mailbox: String,
        since: MailboxState,
    },
    /// Search one mailbox on the server.
    Search { mailbox: String, query: SearchQuery },
    /// How large a message may be that is sent.
    MessageLimit,
    /// As [`Request::Window`], for rows that nobody waits for: what somebody waits for goes before.
    Ahead {
        mailbox: String,
        first: u32,
        /// At most [`MAX_WINDOW`].
        count: u32,
    },
}

/// What the gateway sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The first frame.
    Hello {
        version: u16,
        /// The build of the gateway and of the app inside it. A device of another build is asked to reload.
        build: String,
        /// An opaque name for the account, part of its content URLs.
        account: String,
        /// What the person signed in as.
        username: String,
        /// The address the person writes from unless they say otherwise.
        address: String,
        /// Names the memory of what became of mutations. A gateway that restarted has another.
        ledger: u64,
        /// Whether mail can be sent.
        sends: bool,
    },
    /// The answer to the request of that id.
    Answer {
        id: RequestId,
        result: Result<Answer, Problem>,
    },
    /// How a mutation ended.
    Outcome { id: MutationId, outcome: Outcome },
    /// How far a mutation over many messages has come.
    Progress {
        id: MutationId,
        done: u32,
        total: u32,
    },
    /// Something changed on the server, through whichever device.
    Change(Change),
    /// Whether the gateway reaches the mail server.
    MailServer(MailServer),
    /// Something about a mutation that is worth a sentence though it was done.
    Remark { id: MutationId, text: String },
    /// The gateway is about to close the socket.
    Bye(Bye),
}

/// The answer to a [`Request`], variant by variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Mailboxes(Vec<Mailbox>),
    Window(WindowRows),
    Summaries(Vec<Summary>),
    Delta(Change),
    Found {
        uidvalidity: u32,
        /// The newest [`MAX_RESULTS`] matches.
        uids: UidSet,
        /// How many messages matched in all.
        total: u32,
    },
    /// What the outgoing mail server takes at most, in bytes (SIZE, RFC 1870); `None` where it does not say, or where
    /// nothing is sent.
    MessageLimit(Option<u64>),
}

/// Something that changed on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The list of mailboxes, or their names, roles or subscriptions, is now this.
    Mailboxes(Vec<Mailbox>),
    /// One mailbox has new counts.
    Counts { mailbox: String, counts: Counts },
    /// Messages came, went or changed their flags.
    Delta(Delta),
    /// A mailbox changed in a way that a delta cannot tell (no QRESYNC, too much at once, another UIDVALIDITY).
    /// What the device knows of positions and flags is void; it asks again for what it shows.
    Stale {
        mailbox: String,
        state: MailboxState,
    },
}

/// Whether the gateway reaches the mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailServer {
    Reachable,
    /// What is shown may be out of date; the gateway goes on trying.
    Unreachable,
}

/// Why the gateway closes the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bye {
    /// The gateway restarts: come back with the same cookie.
    Restart,
    /// The session ended (signed out, expired, or the password no longer works): sign in again.
    SignedOut,
    /// Another protocol version or build: reload the page.
    Reload,
    /// The device broke the protocol; says how.
    Protocol(String),
}
