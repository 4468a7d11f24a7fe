//! What can go wrong between the gateway and the mail server.

use roost_wire::{Problem, ProblemKind};

/// An IMAP operation that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// The server could not be reached, or the line broke. The connection is gone.
    #[error("the mail server cannot be reached: {0}")]
    Io(std::io::Error),
    /// No complete answer within the time limit. The connection is gone.
    #[error("the mail server took too long")]
    Timeout,
    /// The server does not accept the user name and password.
    #[error("the mail server did not accept the user name and password")]
    Credentials,
    /// The server takes access tokens (OAuth) and no passwords.
    #[error("the mail server takes OAuth access tokens and no passwords (see --oauth)")]
    OnlyTokens,
    /// The server said `NO`; its response code and words.
    #[error("the mail server refused: {text}")]
    No { code: String, text: String },
    /// The server said `BAD`: it did not understand the command.
    #[error("the mail server did not understand a command: {0}")]
    Bad(String),
    /// The mailbox was recreated since the device last looked.
    #[error("the mailbox was recreated")]
    UidValidity,
    #[error("there is no such message")]
    NoSuchMessage,
    /// An argument that IMAP cannot carry.
    #[error("refused: {0}")]
    Argument(&'static str),
    /// The server lacks an extension without which this is not safe.
    #[error("the mail server lacks what is needed: {0}")]
    Unsupported(&'static str),
    /// The server's answer makes no sense.
    #[error("the mail server's answer cannot be understood: {0}")]
    Garbled(&'static str),
    /// Too many operations wait already.
    #[error("too much at once")]
    Busy,
}

impl ImapError {
    /// Whether the connection cannot be used any further.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Timeout | Self::Credentials)
    }

    /// What the device is told.
    pub fn to_problem(&self) -> Problem {
        let kind = match self {
            Self::Io(_) => ProblemKind::Unreachable,
            Self::Timeout => ProblemKind::Timeout,
            Self::Credentials | Self::OnlyTokens => ProblemKind::SignInExpired,
            Self::No { code, text } => {
                return Problem::new(
                    match code.as_str() {
                        "OVERQUOTA" => ProblemKind::OverQuota,
                        "NONEXISTENT" | "TRYCREATE" => ProblemKind::NoSuchMailbox,
                        _ => ProblemKind::Refused,
                    },
                    text.clone(),
                );
            }
            Self::Bad(text) => return Problem::new(ProblemKind::Refused, text.clone()),
            Self::UidValidity => ProblemKind::UidValidityChanged,
            Self::NoSuchMessage => ProblemKind::NoSuchMessage,
            Self::Argument(what) => return Problem::new(ProblemKind::BadRequest, *what),
            Self::Unsupported(what) => return Problem::new(ProblemKind::Unsupported, *what),
            Self::Garbled(what) => return Problem::new(ProblemKind::Garbled, *what),
            Self::Busy => ProblemKind::Busy,
        };
        Problem::new(kind, "")
    }
}

impl From<std::io::Error> for ImapError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<async_imap::error::Error> for ImapError {
    /// Only transport errors come this way: completions are read from the inbox by our own parser.
    fn from(error: async_imap::error::Error) -> Self {
        match error {
            async_imap::error::Error::Io(error) => Self::Io(error),
            async_imap::error::Error::ConnectionLost => {
                Self::Io(std::io::ErrorKind::UnexpectedEof.into())
            }
            _ => Self::Garbled("an answer out of order"),
        }
    }
}
