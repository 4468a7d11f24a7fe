//! What a person asks for.

use roost_wire::Uid;
use serde::{Deserialize, Serialize};

/// Names a tab for as long as it is connected.
pub type TabId = u32;
/// Names something that can be undone.
pub type UndoId = u32;

/// What a person asked for in one tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    SignIn {
        username: String,
        password: String,
        /// "This is a shared computer."
        shared: bool,
    },
    SignOut,
    /// Show a mailbox from its newest message, unfiltered.
    OpenMailbox(String),
    /// Show only some of the messages.
    Filter(Filter),
    /// Show what matches; an empty text ends the search.
    Search(String),
    /// The rows on screen, by position from the top.
    Scroll {
        first: u32,
        count: u32,
    },
    OpenMessage {
        /// The mailbox the person saw the message in: the tab may show another by the time this is heard.
        mailbox: String,
        uid: Uid,
        /// Whether images from other hosts are wanted.
        images: bool,
    },
    CloseMessage,
    Act {
        /// As in [`Intent::OpenMessage`].
        mailbox: String,
        target: Target,
        action: Action,
    },
    Undo(UndoId),
    CreateMailbox(String),
    RenameMailbox {
        from: String,
        to: String,
    },
    DeleteMailbox(String),
    Subscribe {
        name: String,
        subscribed: bool,
    },
    /// Try to connect now rather than later.
    ConnectNow,
}

/// Quick filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Filter {
    #[default]
    All,
    Unread,
    Starred,
    Attachment,
}

/// Which messages of the tab's list an action is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Uids(Vec<Uid>),
    /// Everything in the list, loaded or not.
    All,
}

/// What to do with messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Seen(bool),
    Starred(bool),
    Archive,
    /// To Trash; from Trash for good.
    Delete,
    Junk,
    NotJunk,
    Move(String),
    Copy(String),
}
