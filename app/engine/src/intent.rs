//! What a person asks for.

use roost_wire::{Address, Composed, Enclosure, Uid};
use serde::{Deserialize, Serialize};

use crate::drafts::{address_problem, addresses, alternative_of};

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
    /// Sign out. `keep`: what this device has of the person stays here, out of sight until they sign in again; otherwise
    /// it is removed, with what exists only here.
    SignOut {
        keep: bool,
    },
    /// Show a mailbox from its newest message, unfiltered.
    OpenMailbox(String),
    /// Show only some of the messages.
    Filter(Filter),
    /// Show what matches; an empty text ends the search.
    Search(String),
    /// The same while it is being typed: this device is searched at once, the server after a pause.
    TypeSearch(String),
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
    /// Show the changes that wait ([`crate::SessionView::queue`]) from now on, or no longer.
    Inspect(bool),
    /// Do not make a change that waits; named as in [`crate::QueuedChange`].
    Cancel(String),
    /// Something about a message being written.
    Write(Write),
    /// Answer a message that asks for a receipt: send one from this address, or note that none is wanted.
    Receipt {
        /// As in [`Intent::OpenMessage`].
        mailbox: String,
        uid: Uid,
        from: Option<Address>,
    },
    /// Where the tab runs, and what may be fetched before anybody asks for it.
    Circumstances(Circumstances),
    /// Remove the mail that this device keeps, but for what exists only here.
    ForgetMail,
    /// Offer people whose name or address begins with what is typed; nobody for an empty text.
    Complete {
        typed: String,
        /// The person's own addresses, which are not offered.
        own: Vec<String>,
    },
}

/// What a person does about messages being written. Drafts are named by the id in [`Composed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Write {
    New {
        /// What is filled in already.
        message: Box<Composed>,
        identities: Vec<Identity>,
        style: Style,
    },
    /// Answer the message that the tab has open.
    Answer {
        how: Answer,
        /// The part of it that was selected.
        quote: Option<String>,
        identities: Vec<Identity>,
        style: Style,
    },
    /// Go on with a draft on the server, or begin anew from any message.
    Open {
        mailbox: String,
        uid: Uid,
        as_new: bool,
        identities: Vec<Identity>,
    },
    /// Show a draft that this device has, in this tab.
    Resume(String),
    /// Show those that the page had open before it was loaded anew. What another tab shows by now stays there, and what is
    /// not written any more is nothing to tell.
    Reopen(Vec<String>),
    /// What stands in the form now. Its attachments are not looked at: those come and go by themselves.
    Edit(Box<Composed>),
    Attach {
        id: String,
        enclosure: Enclosure,
    },
    Detach {
        id: String,
        index: u32,
    },
    /// Close the form; what was written is kept in Drafts.
    Close(String),
    Discard(String),
    Send {
        id: String,
        /// How long it can be taken back, in seconds.
        hold: u32,
    },
    /// Save over what another device saved.
    Overwrite(String),
    /// Keep what another device saved, and this as a draft of its own.
    KeepBoth(String),
    /// Send it at a time, in seconds since 1970-01-01 UTC.
    Schedule {
        id: String,
        at: i64,
    },
    /// Keep it as a template too.
    SaveTemplate(String),
    /// Put a template into it, by its UID.
    Insert {
        id: String,
        uid: Uid,
    },
    /// Take a message that waits for its time back, to write on it.
    Unschedule {
        mailbox: String,
        uid: Uid,
        /// Though it is marked as being sent.
        sure: bool,
    },
    /// Send a message that waits for its time now.
    SendScheduled {
        mailbox: String,
        uid: Uid,
        sure: bool,
    },
}

/// How a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Reply,
    ReplyAll,
    Forward,
    /// Forward it whole, as an attachment.
    ForwardAttached,
}

/// How a person likes to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// With formatting.
    pub rich: bool,
    /// The signature stands below what is quoted, not above it.
    pub signature_last: bool,
}

/// Who a person writes as.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub name: String,
    /// Empty for the account's own address.
    pub email: String,
    /// Where answers are to go, as typed; empty for the address itself.
    pub reply_to: String,
    pub signature: String,
    /// The signature with formatting, where it has some; `signature` is not looked at then.
    pub formatted: Option<String>,
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

/// What a tab tells of the browser it runs in and of the person's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// It is on screen. A tab that has not told yet counts as one that nobody sees.
    pub visible: bool,
    /// The line costs by the byte, or the person told the browser to save data.
    pub metered: bool,
    /// The battery runs low.
    pub saving: bool,
    /// Go on though the line is metered.
    pub despite_metered: bool,
    /// How many of the newest messages are kept ahead: of the inbox, of each other mailbox.
    pub inbox_depth: u32,
    pub other_depth: u32,
}

impl Default for Circumstances {
    fn default() -> Self {
        Self {
            visible: false,
            metered: false,
            saving: false,
            despite_metered: false,
            inbox_depth: 5_000,
            other_depth: 500,
        }
    }
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

impl Identity {
    /// Those a person has named, at least one, each with the account's own address where it names none.
    pub fn complete(mut named: Vec<Self>, own: &str) -> Vec<Self> {
        if named.is_empty() {
            named.push(Self::default());
        }
        for identity in &mut named {
            if identity.email.trim().is_empty() {
                own.clone_into(&mut identity.email);
            }
        }
        named
    }

    /// The signature as text.
    pub fn text(&self) -> String {
        match &self.formatted {
            Some(html) => alternative_of(html),
            None => self.signature.clone(),
        }
    }

    pub fn address(&self) -> Address {
        Address {
            name: self.name.clone(),
            email: self.email.clone(),
        }
    }

    /// Where answers are to go (`Reply-To`), if not to the address itself. What nobody could write to is left out.
    pub fn replies(&self) -> Vec<Address> {
        let mut to = addresses(&self.reply_to);
        to.retain(|address| address_problem(address).is_none());
        to
    }
}
