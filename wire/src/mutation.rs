//! Changes a device asks for, and how they end.

use serde::{Deserialize, Serialize};

use crate::{Problem, UidSet};

/// Names a mutation for ever: the device's random number and its own count. A repeat is answered from the
/// gateway's ledger as the first was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MutationId {
    pub device: u64,
    pub count: u64,
}

/// A change to the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mutation {
    /// Adds and removes flags (`STORE`).
    Flag {
        mailbox: String,
        uidvalidity: u32,
        uids: UidSet,
        add: Vec<String>,
        remove: Vec<String>,
    },
    /// Moves messages (`MOVE`, RFC 6851, or its equivalent).
    Move {
        mailbox: String,
        uidvalidity: u32,
        uids: UidSet,
        to: String,
        /// Flags and keywords to add on the way, such as `$Junk`.
        add: Vec<String>,
        remove: Vec<String>,
    },
    Copy {
        mailbox: String,
        uidvalidity: u32,
        uids: UidSet,
        to: String,
    },
    /// Deletes messages for good (`\Deleted` and `UID EXPUNGE`, RFC 4315). Cannot be undone.
    Expunge {
        mailbox: String,
        uidvalidity: u32,
        uids: UidSet,
    },
    CreateMailbox {
        name: String,
    },
    RenameMailbox {
        from: String,
        to: String,
    },
    DeleteMailbox {
        name: String,
    },
    Subscribe {
        name: String,
        subscribed: bool,
    },
}

/// How a mutation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done, and every device has been told.
    Done {
        /// Where moved or copied messages are now, so that it can be undone; `None` for other mutations and where
        /// the server does not tell (no UIDPLUS).
        moved: Option<Moved>,
    },
    /// It was not done, or only in part (the deltas tell which part).
    Rejected(Problem),
    /// The line to the mail server broke in the middle: it may or may not have been done. The mailbox is
    /// resynchronized and shows the truth.
    Unknown,
}

/// Where messages went (COPYUID, RFC 4315, section 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The UIDVALIDITY of the destination.
    pub uidvalidity: u32,
    /// The new UIDs.
    pub uids: UidSet,
}
