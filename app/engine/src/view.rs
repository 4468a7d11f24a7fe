//! What a tab is shown.

use roost_wire::{Address, Body, Composed, Enclosure, Flags, Role, Source, Summary, Uid};
use serde::{Deserialize, Serialize};

use crate::{Filter, UndoId};

/// One thing for a tab to show. Each replaces the one of its kind before, but for notices, which add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    Session(SessionView),
    Mailboxes(Vec<MailboxRow>),
    List(ListView),
    /// The open message, `None` when there is none.
    Message(Option<MessageView>),
    /// The text of the open message; comes once a message and choice of images.
    Body(Box<Body>),
    /// The messages being written in this tab.
    Drafts(Vec<DraftView>),
    /// What the form of one of them is filled with: once when it opens, and when it comes back.
    Draft(Box<Composed>),
    /// Whom what is typed of a recipient may mean, the likeliest first.
    People(Vec<Address>),
    /// The templates that can be put into a message, the newest first.
    Templates(Vec<Template>),
    /// A template to be put where the cursor is, into the message of its id; with formatting and without.
    Insert(Box<Composed>),
    Notice(Notice),
    /// Mail came into the inbox; goes to one tab only.
    NewMail {
        from: String,
        subject: String,
        uid: Uid,
    },
}

/// How a message being written stands. Its text is in its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftView {
    pub id: String,
    pub subject: String,
    pub phase: DraftPhase,
    /// What went wrong, as sentences; empty when nothing did.
    pub problem: String,
    pub enclosures: Vec<Enclosure>,
    /// How many bytes it will have on its way, about.
    pub size: u64,
    /// The most the outgoing mail server takes, where it says.
    pub limit: Option<u64>,
}

/// A message that others begin from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template {
    pub uid: Uid,
    pub subject: String,
}

/// Where in its life a message being written is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftPhase {
    /// Nothing was changed since it was opened here.
    Untouched,
    /// Kept on this device, not yet on the server.
    Changed,
    Saving,
    /// The server has it as it is here.
    Saved,
    /// Another device changed it: the person decides.
    Conflict,
    /// Queued, held or on its way.
    Sending,
    /// Nobody knows whether it was sent.
    Unknown,
}

/// A change without an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedChange {
    /// Names it in the list, and in [`crate::Intent::Cancel`].
    pub id: String,
    /// What it does, in words: "Move 3 messages to Archive".
    pub what: String,
    /// When it was asked for, in seconds since 1970-01-01 UTC; 0 where that is not known.
    pub at: i64,
    /// Where it is, as a sentence, and why it cannot be cancelled if it cannot.
    pub state: String,
    pub can_be_cancelled: bool,
}

/// Who is signed in, and how the line is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub stage: Stage,
    pub line: Line,
    /// How many changes wait for their outcome.
    pub waiting: u32,
    /// These changes, in their order, for a tab that inspects them ([`crate::Intent::Inspect`]).
    pub queue: Vec<QueuedChange>,
    /// How far the change under way over many messages is.
    pub progress: Option<(u32, u32)>,
    pub filling: Filling,
    /// Whether this device keeps mail of the person.
    pub keeps: bool,
    /// How many messages being written the server does not have as they are here; those on their way are in `waiting`.
    pub unsaved: u32,
}

/// How far this device is with what it keeps before anybody asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filling {
    /// Nothing is kept ahead, or not yet.
    #[default]
    Nothing,
    /// So many of the newest messages of a mailbox are here, of those that are wanted.
    Working {
        mailbox: String,
        have: u32,
        wanted: u32,
    },
    /// It goes on when the line, the battery and the person let it.
    Paused,
    /// There is no room for it.
    NoRoom,
    /// Everything wanted is here.
    Done,
}

/// Where in its life the session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Not known yet.
    Starting,
    SignedOut {
        /// What went wrong, as a sentence; empty when nothing did.
        problem: String,
        /// The session ended by itself: everything that was on screen is kept behind the form.
        expired: bool,
    },
    SigningIn,
    SignedIn {
        username: String,
        account: String,
        /// What the person writes from; empty until the gateway said.
        address: String,
        /// Whether mail can be sent.
        sends: bool,
    },
}

/// How the line is. Always honest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// What is shown is how the server has it.
    Live,
    /// The socket is being opened.
    Connecting,
    /// There is no line; it will be tried again.
    Offline,
    /// The gateway is there, but it does not reach the mail server.
    MailServerDown,
    /// The gateway has another build: the page must be loaded anew.
    Reload,
}

/// One mailbox in the navigation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MailboxRow {
    pub name: String,
    /// The last part of the name.
    pub label: String,
    /// 0 at the top.
    pub depth: u32,
    pub role: Option<Role>,
    pub selectable: bool,
    pub subscribed: bool,
    pub unseen: u32,
    pub messages: u32,
    /// Whether mailboxes may be created below it.
    pub delimiter: Option<char>,
}

/// The rows on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListView {
    pub mailbox: String,
    pub role: Option<Role>,
    pub filter: Filter,
    pub search: String,
    /// How many rows the list has.
    pub total: u32,
    /// How many messages match a search or filter, where that is more than the list has.
    pub matches: u32,
    /// The position of the first row below.
    pub first: u32,
    /// `None` where a row is still being fetched.
    pub rows: Vec<Option<Summary>>,
    pub state: ListState,
    /// How far a search or filter has got.
    pub reach: Reach,
    /// How many matches the server found that this device did not have.
    pub remote: u32,
    /// Those of them among the rows.
    pub remote_rows: Vec<Uid>,
}

/// How far a search or filter has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// What is shown is what the server says.
    Server,
    /// It is what this device has; the server is being asked.
    Asking,
    /// It is what this device has, of so many messages: there is no line.
    Device(u32),
}

/// Whether the list can be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListState {
    Loading,
    Ready,
    /// It could not be had; why, as a sentence.
    Failed(String),
}

/// The open message but for its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    pub address: ContentAddress,
    pub flags: Flags,
    /// What is known before the body is.
    pub summary: Option<Summary>,
    pub state: MessageState,
    /// Whether images from other hosts are shown.
    pub images: bool,
    /// The messages above and below in the list.
    pub newer: Option<Uid>,
    pub older: Option<Uid>,
    /// Whether it lies in Junk, where nothing it says is to be trusted.
    pub junk: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageState {
    Loading,
    Ready,
    Failed(String),
}

/// Names a message in content URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentAddress {
    pub account: String,
    pub mailbox: String,
    pub uidvalidity: u32,
    pub uid: Uid,
}

impl ContentAddress {
    /// Where attachments of an account are uploaded to.
    pub fn upload_url(account: &str) -> String {
        format!("/api/a/{account}/upload")
    }

    /// Where what is pasted into rich text is sanitized.
    pub fn sanitizer_url(account: &str) -> String {
        format!("/api/a/{account}/sanitize")
    }

    /// Where a picture of a message being written can be looked at.
    pub fn image_url(account: &str, image: &Enclosure) -> Option<String> {
        match &image.source {
            Source::Upload(name) => {
                let upload = Self::upload_url(account);
                Some(format!("{upload}/{name}?type={}", image.media_type))
            }
            Source::Part {
                mailbox,
                uidvalidity,
                uid,
                part,
            } => {
                let address = Self {
                    account: account.to_owned(),
                    mailbox: mailbox.clone(),
                    uidvalidity: *uidvalidity,
                    uid: *uid,
                };
                Some(format!("{}&view=1&part={part}", address.url("part")))
            }
            Source::Message { .. } => None,
        }
    }

    /// The URL of one of its contents: `body`, `part` or `raw`.
    pub fn url(&self, content: &str) -> String {
        let mut mailbox = String::new();
        for byte in self.mailbox.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                mailbox.push(char::from(byte));
            } else {
                mailbox.push_str(&format!("%{byte:02X}"));
            }
        }
        format!(
            "/api/a/{}/{content}?mailbox={mailbox}&uidvalidity={}&uid={}",
            self.account, self.uidvalidity, self.uid
        )
    }
}

/// Something to be told in passing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub text: String,
    /// What taking it back is called by; `None` where it cannot be.
    pub undo: Option<UndoId>,
    /// Whether something went wrong.
    pub failed: bool,
}

mod derive;
