//! The sync engine of one device: one function, [`step`], from an event to effects.
//!
//! It has no clock, no randomness, no async and no browser: time and ids arrive inside events, everything it wants
//! done leaves as an [`Effect`]. So it runs natively in tests, and in a worker in the browser.
//!
//! Invariants:
//! 1. What a tab shows = confirmed server state + pending mutations replayed over it ([`view`]). Nothing else is
//!    ever shown, and a view is derived anew rather than patched.
//! 2. Confirmed state changes only by what the gateway says: windows, deltas, lists.
//! 3. A delta applies only to exactly the state it starts from, and the counts must agree afterwards; otherwise what is
//!    known of positions is dropped and asked for again. An empty or failed answer never removes anything.
//! 4. A mutation stays pending until its outcome is known; after a reconnection it is sent again under the same id.
//! 5. Every queue and cache in here is bounded by a constant beside it.

mod actions;
mod bodies;
mod cache;
mod drafts;
mod fill;
mod haystack;
mod intent;
mod kept;
mod leaving;
mod list;
mod pending;
mod people;
mod query;
mod queue;
mod replay;
mod search;
mod session;
mod state;
mod sync;
mod undo;
mod view;

pub use drafts::{
    KeptDraft, address_problem, addresses, alternative_of, exchange_signature, html_of,
    is_formatted, transferred,
};
pub use intent::{
    Action, Answer, Circumstances, Filter, Identity, Intent, Style, TabId, Target, UndoId, Write,
};
pub use kept::{
    KeptAccount, KeptChange, KeptMailbox, KeptPage, PAGE_SPAN, Presence, Purpose, Record,
};
pub use people::fits;
pub use query::{Query, parse as parse_query};
pub use search::find_in;
pub use state::State;
pub use view::{
    ContentAddress, DraftPhase, DraftView, Filling, Line, ListState, ListView, MailboxRow,
    MessageState, MessageView, Notice, QueuedChange, Reach, SessionView, Stage, Template, View,
};

use roost_wire::{Body, ClientMessage, Composed, ServerMessage, Uid};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The engine starts. `device` is random and names this device in mutation ids; `build` is that of the app.
    Started {
        device: u64,
        build: String,
    },
    /// A tab connected. `likely_signed_in` is its guess, so that the socket can open without asking first.
    TabOpened {
        tab: TabId,
        likely_signed_in: bool,
    },
    TabClosed {
        tab: TabId,
    },
    Intent {
        tab: TabId,
        /// When, in seconds since 1970-01-01 UTC.
        at: i64,
        intent: Intent,
    },
    /// The answer to [`Effect::CheckSession`]: who is signed in, nobody, or no answer.
    SessionChecked(Result<Option<Who>, String>),
    /// The answer to [`Effect::SignIn`].
    SignedIn(Result<Who, SignInProblem>),
    /// The answer to [`Effect::SignOut`]: whether the gateway heard it.
    SessionEnded {
        told: bool,
    },
    /// Another worker of this browser says [`Effect::SayLeft`].
    LeftElsewhere {
        account: String,
        keep: bool,
    },
    SocketOpened,
    SocketClosed,
    Server(ServerMessage),
    /// The answer to [`Effect::FetchBody`].
    BodyFetched {
        ticket: u32,
        result: Result<Box<Body>, BodyProblem>,
    },
    /// The answer to [`Effect::FetchDraft`].
    DraftFetched {
        tab: TabId,
        address: ContentAddress,
        opening: Opening,
        result: Result<Box<Composed>, BodyProblem>,
    },
    /// The drafts this device kept before the worker started.
    Restored(Vec<KeptDraft>),
    /// The account this device kept before the worker started, if it kept one.
    Recalled(Option<Box<KeptAccount>>),
    /// Another worker of this browser keeps the mail of who is here; nothing is kept by this one.
    KeptElsewhere,
    /// The answer to [`Effect::LoadMailbox`].
    MailboxLoaded {
        account: String,
        kept: Option<KeptMailbox>,
    },
    /// The answer to [`Effect::LoadPages`]: those of them that are there.
    PagesLoaded {
        account: String,
        mailbox: String,
        purpose: Purpose,
        pages: Vec<KeptPage>,
    },
    /// The answer to [`Effect::ListBodies`], in no order.
    BodiesListed {
        account: String,
        mailbox: String,
        uidvalidity: u32,
        uids: Vec<Uid>,
    },
    /// The answer to [`Effect::ReadBodies`]: those of them that are there.
    BodiesRead {
        account: String,
        mailbox: String,
        uidvalidity: u32,
        bodies: Vec<(Uid, Body)>,
    },
    /// The answer to [`Effect::Store`] where nothing of it could be written: most likely there is no room.
    NotStored {
        account: String,
        records: Vec<Record>,
    },
    /// The answer to [`Effect::Keep`] where the message could not be written.
    DraftNotKept,
    /// The time of an [`Effect::Wake`] has come.
    Woke(Wake),
}

/// What a tab says to the worker, after its first word: a boolean, from `public/boot.js`, whether somebody is likely signed
/// in. That is heard while the tab's own code is still on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TabMessage {
    Intent(Intent),
    /// The tab closes.
    Bye,
}

/// Who is signed in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The opaque name in content URLs.
    pub account: String,
    pub username: String,
}

/// Why signing in did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInProblem {
    /// A sentence for people.
    pub message: String,
}

/// Why a body could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyProblem {
    /// No answer: the line is down.
    Offline,
    /// The gateway refused, with a sentence for people.
    Refused(String),
    /// The session ended.
    SignedOut,
}

/// What a message is fetched for by who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// To go on writing it.
    GoOn,
    /// To begin another one from it, as one of these.
    AsNew(Vec<Identity>),
    /// To put it into the one that is being written, by its id.
    Into(String),
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the gateway who is signed in.
    CheckSession,
    SignIn {
        username: String,
        password: String,
        shared: bool,
    },
    /// End the session at the gateway; [`Event::SessionEnded`] follows.
    SignOut,
    /// Tell the other workers of this browser that the person signed out, and whether what is kept stays.
    SayLeft {
        account: String,
        keep: bool,
    },
    /// Open the socket; [`Event::SocketOpened`] or [`Event::SocketClosed`] follows.
    Connect,
    /// Close the socket if it is open.
    Disconnect,
    Send(ClientMessage),
    /// Fetch a message ready to be shown: from this device if it is `kept` here, and to be kept here.
    FetchBody {
        ticket: u32,
        address: ContentAddress,
        images: bool,
        kept: bool,
    },
    /// Fetch a message to write on it, or with it.
    FetchDraft {
        tab: TabId,
        address: ContentAddress,
        opening: Opening,
    },
    /// Keep a draft on this device, in the place of its earlier state.
    Keep(Box<KeptDraft>),
    /// Give back all drafts that are kept, with [`Event::Restored`].
    Recall,
    /// Forget the kept draft of that id.
    Forget(String),
    /// Keep, all of it or nothing; [`Event::NotStored`] follows where it is nothing.
    Store {
        account: String,
        records: Vec<Record>,
    },
    /// Give what is kept of a mailbox, with [`Event::MailboxLoaded`].
    LoadMailbox {
        account: String,
        mailbox: String,
    },
    /// Give pages of a mailbox, with [`Event::PagesLoaded`].
    LoadPages {
        account: String,
        mailbox: String,
        uidvalidity: u32,
        purpose: Purpose,
        pages: Vec<u32>,
    },
    /// Give the UIDs of a mailbox's bodies that are kept, with [`Event::BodiesListed`].
    ListBodies {
        account: String,
        mailbox: String,
        uidvalidity: u32,
    },
    /// Give kept bodies to be searched, with [`Event::BodiesRead`].
    ReadBodies {
        account: String,
        mailbox: String,
        uidvalidity: u32,
        uids: Vec<Uid>,
    },
    /// Keep nothing of any account any more, but for messages being written.
    Wipe,
    /// Show these in a tab, at once.
    Show {
        tab: TabId,
        views: Vec<View>,
    },
    /// Come back with [`Event::Woke`] after so many milliseconds.
    Wake {
        wake: Wake,
        after_ms: u32,
    },
}

/// What to come back for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// Try to connect again.
    Reconnect,
    /// Tell the gateway once more that the person signed out.
    SignOut,
    /// A message has been on a tab's screen long enough to count as read.
    Read {
        tab: TabId,
        mailbox: String,
        uid: u32,
    },
    /// Ask again for what could not be had.
    Retry,
    /// Ask again for changes that could not be made yet.
    MutateAgain,
    /// A draft has not been changed for a while, unless its revision is another by now.
    SaveDraft { id: String, revision: u32 },
    /// A discarded draft can no longer be taken back.
    Discard(String),
    /// A draft has had no tab for a while.
    Release(String),
    /// What a page had open before and is not here by now does not come back by itself.
    Reopened(TabId),
    /// The next page may be fetched ahead.
    Ahead,
    /// Nothing was typed into a tab's search for a while.
    Searched { tab: TabId, text: String },
    /// Try once more to hand over a message.
    Resend(String),
    /// What changed is to be written.
    Keep,
    /// The rows have been there for a while.
    Calm,
    /// A request should have been answered by now.
    Overdue(roost_wire::RequestId),
    /// A mutation should have had its outcome, or progress, by now.
    Stuck(roost_wire::MutationId),
}

/// Takes an event in and says what is to be done.
pub fn step(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Started { device, build } => state.start(device, build),
        Event::TabOpened {
            tab,
            likely_signed_in,
        } => state.tab_opened(tab, likely_signed_in),
        Event::TabClosed { tab } => state.tab_closed(tab),
        Event::Intent { tab, at, intent } => {
            state.now = at;
            state.intent(tab, intent);
        }
        Event::SessionChecked(result) => state.session_checked(result),
        Event::SignedIn(result) => state.signed_in(result),
        Event::SessionEnded { told } => state.session_ended(told),
        Event::LeftElsewhere { account, keep } => state.leave(&account, keep),
        Event::SocketOpened => state.socket_opened(),
        Event::SocketClosed => state.socket_closed(),
        Event::Server(message) => state.server(message),
        Event::BodyFetched { ticket, result } => state.body_fetched(ticket, result),
        Event::DraftFetched {
            tab,
            address,
            opening,
            result,
        } => state.draft_fetched(tab, address, opening, result),
        Event::Restored(kept) => state.restored(kept),
        Event::Recalled(kept) => state.recalled(kept),
        Event::KeptElsewhere => state.kept_elsewhere = Some(true),
        Event::MailboxLoaded { account, kept } => state.mailbox_loaded(&account, kept),
        Event::PagesLoaded {
            account,
            mailbox,
            purpose,
            pages,
        } => state.pages_loaded(&account, &mailbox, purpose, pages),
        Event::BodiesListed {
            account,
            mailbox,
            uidvalidity,
            uids,
        } => state.bodies_listed(&account, &mailbox, uidvalidity, uids),
        Event::BodiesRead {
            account,
            mailbox,
            uidvalidity,
            bodies,
        } => state.bodies_read(&account, &mailbox, uidvalidity, &bodies),
        Event::NotStored { account, records } => state.not_stored(&account, records),
        Event::DraftNotKept => state.say_full(true),
        Event::Woke(wake) => state.woke(wake),
    }
    state.go_on_with_drafts();
    if state.is_searching() {
        state.search_here();
    }
    state.load_what_is_kept();
    state.ask_for_what_is_missing();
    state.fill();
    state.keep_mail();
    state.show();
    state.take_effects()
}
