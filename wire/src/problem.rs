//! What can go wrong, and what the device does about each.

use serde::{Deserialize, Serialize};

/// Something that did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub kind: ProblemKind,
    /// The mail server's own words, or what exactly was wrong; may be empty. For people; never parsed.
    pub detail: String,
}

impl Problem {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// The kinds of problem. [`ProblemKind::recovery`] tells what the device does about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// The mail server cannot be reached, or the line broke.
    Unreachable,
    /// The mail server took too long, or was lost in the middle of what can be repeated: of a mutation, it may have been
    /// done.
    Timeout,
    /// The mail server no longer accepts the password.
    SignInExpired,
    /// The mailbox was recreated (another UIDVALIDITY).
    UidValidityChanged,
    /// There is no such mailbox.
    NoSuchMailbox,
    /// There is no such message (any more).
    NoSuchMessage,
    /// The account or mailbox is full (OVERQUOTA, RFC 9208).
    OverQuota,
    /// The mail server refused (`NO`); `detail` has its words.
    Refused,
    /// The mail server lacks what this needs to be safe, such as UIDPLUS.
    Unsupported,
    /// The mail server sent what cannot be understood.
    Garbled,
    /// The device asked for something out of bounds or malformed.
    BadRequest,
    /// Too much at once; later it may work.
    Busy,
    /// Another device changed it meanwhile.
    Conflict,
    /// The person took it back.
    Cancelled,
    /// It is larger than the mail server takes.
    TooLarge,
}

/// What the device does about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Ask again after a while, by itself.
    Retry,
    /// Ask the person to sign in; keep everything.
    SignIn,
    /// Forget what it knew of the mailbox and ask anew.
    Resynchronize,
    /// Tell the person.
    Tell,
}

impl ProblemKind {
    /// Whether the mailbox may not be there: not every server says why one cannot be selected.
    pub const fn may_be_missing(self) -> bool {
        matches!(self, Self::NoSuchMailbox | Self::Refused)
    }

    /// What the device does about it.
    pub const fn recovery(self) -> Recovery {
        match self {
            Self::Unreachable | Self::Timeout | Self::Busy => Recovery::Retry,
            Self::SignInExpired => Recovery::SignIn,
            Self::UidValidityChanged => Recovery::Resynchronize,
            Self::NoSuchMailbox
            | Self::NoSuchMessage
            | Self::OverQuota
            | Self::Refused
            | Self::Unsupported
            | Self::Garbled
            | Self::BadRequest
            | Self::Conflict
            | Self::Cancelled
            | Self::TooLarge => Recovery::Tell,
        }
    }
}
