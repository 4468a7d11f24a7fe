//! Changes a device asks for, and how they end.

use serde::{Deserialize, Serialize};

use crate::{Address, Composed, Problem, Saved, Uid, UidSet};

/// Names a mutation for ever: the device's random number and its own count. A repeat is answered from the
/// gateway's ledger as the first was.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
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
    /// Puts a draft into a mailbox in the place of its earlier state: one draft, ever.
    SaveDraft {
        draft: Box<Composed>,
        mailbox: String,
        /// The draft that this one was made from. Where another device saved meanwhile, nothing is replaced and the
        /// outcome is a [`crate::ProblemKind::Conflict`]. `None` replaces whatever is there.
        base: Option<Uid>,
    },
    /// Moves every copy of a draft out of a mailbox.
    DiscardDraft {
        /// The Message-ID, as in [`Composed::id`].
        id: String,
        mailbox: String,
        to: String,
    },
    /// Sends a message, exactly once.
    Send {
        message: Box<Composed>,
        /// How long it can be taken back with [`Mutation::Unsend`], in seconds, at most [`MAX_HOLD`].
        hold: u32,
        /// Where drafts are; every draft with the message's id goes once it is sent.
        drafts: String,
        /// Where the copy goes; `None`: nowhere. Where the mail server files it by itself (the gateway's `--smtp-files-sent`),
        /// it is looked for there.
        sent: Option<String>,
        /// The ledger it was handed to before, if it was (see [`crate::ServerMessage::Hello`]). Under another ledger
        /// nobody knows what became of it: then it is looked for, not sent.
        ledger: Option<u64>,
    },
    /// Takes back a message that is held.
    Unsend {
        id: MutationId,
    },
    /// Puts a message where it waits for its time, in the place of an earlier one with its id. The gateway sends it then,
    /// as long as it holds the account; otherwise as soon as it does again.
    Schedule {
        message: Box<Composed>,
        /// In seconds since 1970-01-01 UTC, at most [`MAX_LATER`] from now.
        at: i64,
        /// Where it waits; created if there is none.
        mailbox: String,
        drafts: String,
        sent: Option<String>,
    },
    /// Takes a message that waits for its time back into Drafts; the outcome says where it is.
    Unschedule {
        mailbox: String,
        uidvalidity: u32,
        uid: Uid,
        drafts: String,
        /// Though it is marked as being sent: the person knows, and wants it.
        sure: bool,
    },
    /// Sends a message that waits for its time, now.
    SendScheduled {
        mailbox: String,
        uidvalidity: u32,
        uid: Uid,
        sent: Option<String>,
        /// As in [`Mutation::Unschedule`].
        sure: bool,
    },
    /// Sends the receipt that a message asks for (RFC 8098), once.
    Receipt {
        mailbox: String,
        uidvalidity: u32,
        uid: Uid,
        /// Who has read it.
        from: Address,
    },
}

/// How far in the future a message may be sent, in seconds.
pub const MAX_LATER: i64 = 400 * 86_400;
/// The longest time a message is held before it is sent, in seconds.
pub const MAX_HOLD: u32 = 60;

/// How a mutation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done, and every device has been told.
    Done {
        /// Where moved or copied messages are now, so that it can be undone; `None` for other mutations and where
        /// the server does not tell (no UIDPLUS).
        moved: Option<Moved>,
    },
    /// The draft is saved, and it is the only one.
    Saved(Saved),
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
