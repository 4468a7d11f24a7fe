//! Everything the engine knows.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use roost_wire::{Address, Mailbox, RequestId, UidSet};

use crate::actions::Early;
use crate::bodies::Bodies;
use crate::cache::Cache;
use crate::drafts::Draft;
use crate::fill::Fill;
use crate::haystack::Read;
use crate::kept::{Full, KeptAccount};
use crate::pending::Pending;
use crate::undo::Undo;
use crate::view::{
    ContentAddress, DraftView, Line, ListView, MailboxRow, MessageView, SessionView, Stage,
    Template,
};
use crate::{Circumstances, Effect, Filter, TabId, Who};

/// How many mailboxes are cached.
pub const MAX_CACHES: usize = 32;

/// The engine's state. Opaque outside: it is changed by [`crate::step`] alone.
#[derive(Debug)]
pub struct State {
    pub(crate) device: u64,
    pub(crate) build: String,
    pub(crate) next_mutation: u64,
    pub(crate) next_request: RequestId,
    pub(crate) next_undo: u32,
    /// When a person last asked for something, in seconds since 1970-01-01 UTC.
    pub(crate) now: i64,
    pub(crate) stage: Stage,
    pub(crate) who: Option<Who>,
    pub(crate) line: Line,
    pub(crate) socket: Socket,
    pub(crate) backoff: Backoff,
    pub(crate) progress: Option<(u32, u32)>,
    pub(crate) mailboxes: Vec<Mailbox>,
    /// Whether the list was heard since the socket opened.
    pub(crate) mailboxes_known: bool,
    /// What was asked for before there was a list, and needs it.
    pub(crate) early: Vec<Early>,
    pub(crate) caches: HashMap<String, Cache>,
    /// Least recently shown first.
    pub(crate) cache_order: VecDeque<String>,
    pub(crate) asked: HashMap<RequestId, Asked>,
    /// A retry timer runs.
    pub(crate) retrying: bool,
    /// A [`Wake::MutateAgain`] is on its way.
    pub(crate) mutates_again: bool,
    /// The last socket closed before it opened, though the session lives.
    pub(crate) refused: bool,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) undo: VecDeque<Undo>,
    pub(crate) bodies: Bodies,
    pub(crate) fill: Fill,
    /// Messages being written, by their id.
    pub(crate) drafts: BTreeMap<String, Draft>,
    /// What the device kept from before was heard.
    pub(crate) restored: bool,
    /// Drafts that tabs asked for before that.
    pub(crate) resuming: Vec<(TabId, String)>,
    /// What tabs had open before they were loaded anew and is not here yet.
    pub(crate) reopening: Vec<(TabId, String)>,
    /// What the person writes from unless they say otherwise.
    pub(crate) address: String,
    /// Whether mail can be sent.
    pub(crate) sends: bool,
    /// The largest message the outgoing mail server takes, once that was asked; `Some(None)` where it does not say.
    pub(crate) limit: Option<Option<u64>>,
    /// The gateway's memory of mutations, once it said hello on the socket that is open.
    pub(crate) ledger: Option<u64>,
    /// Whether this device keeps mail of the account.
    pub(crate) keeps: bool,
    /// Whether another worker of this browser does; `None` until the store has told.
    pub(crate) kept_elsewhere: Option<bool>,
    /// Somebody has signed in since the worker started.
    pub(crate) entered: bool,
    /// The person signed out, and the gateway has not heard it.
    pub(crate) leaving: bool,
    /// The sign-in under way is on a computer that others use too.
    pub(crate) shared: bool,
    /// What is kept of an account whose person is not here.
    pub(crate) kept_account: Option<Box<KeptAccount>>,
    /// Mailboxes that were looked up in what is kept.
    pub(crate) looked_up: HashSet<String>,
    /// Mailboxes of which nothing is to be kept any more.
    pub(crate) forgotten: Vec<String>,
    pub(crate) account_changed: bool,
    pub(crate) pending_changed: bool,
    /// What changed could not be written the last time.
    pub(crate) full: bool,
    /// What the person was told of that.
    pub(crate) told_full: Full,
    /// A [`crate::Wake::Keep`] is under way.
    pub(crate) keeping: bool,
    pub(crate) tabs: BTreeMap<TabId, Tab>,
    pub(crate) effects: Vec<Effect>,
}

/// How far the socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    Closed,
    /// It is being opened.
    Opening,
    Open,
}

/// How long to wait before connecting again: doubling from the first pause to the longest, with a spread so that a
/// restarted gateway is not met by everybody at once. Reset once the gateway has said hello.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    attempts: u32,
    /// A wake-up is under way.
    pub waiting: bool,
}

impl Backoff {
    const FIRST_MS: u32 = 250;
    const LONGEST_MS: u32 = 30_000;

    /// The next pause in milliseconds. `spread` is any number that differs between devices.
    pub fn next(&mut self, spread: u64) -> u32 {
        let pause = (Self::FIRST_MS << self.attempts.min(7)).min(Self::LONGEST_MS);
        self.attempts += 1;
        // Up to a quarter more.
        let mixed = spread
            .wrapping_add(u64::from(self.attempts))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        pause + (mixed >> 32) as u32 % (pause / 4 + 1)
    }

    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A request under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Mailboxes,
    Window {
        mailbox: String,
        page: u32,
    },
    Summaries {
        mailbox: String,
        uids: UidSet,
    },
    Delta {
        mailbox: String,
    },
    Search {
        mailbox: String,
        source: Source,
    },
    /// A page that nobody waits for.
    Ahead {
        mailbox: String,
    },
    Limit,
}

impl Asked {
    /// The mailbox it is about; empty where it is about all.
    pub fn mailbox(&self) -> &str {
        match self {
            Self::Mailboxes | Self::Limit => "",
            Self::Window { mailbox, .. }
            | Self::Summaries { mailbox, .. }
            | Self::Delta { mailbox }
            | Self::Search { mailbox, .. }
            | Self::Ahead { mailbox } => mailbox,
        }
    }
}

/// Where a tab's list comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Source {
    pub filter: Filter,
    pub search: String,
}

impl Source {
    /// Whether it is the whole mailbox.
    pub fn is_all(&self) -> bool {
        self.filter == Filter::All && self.search.is_empty()
    }
}

/// What one tab looks at, and what it was shown last.
#[derive(Debug, Default)]
pub struct Tab {
    pub mailbox: String,
    pub source: Source,
    /// The answer to the source's search, newest first.
    pub found: Option<Found>,
    /// What this device found itself.
    pub here: Option<Here>,
    /// The search is still being typed: the server is not asked yet.
    pub typing: bool,
    /// The mailbox to go back to from one that the search names.
    pub home: Option<String>,
    /// The mailbox changed since the search was answered.
    pub found_outdated: bool,
    pub failed: Option<Failure>,
    pub first: u32,
    pub count: u32,
    pub open: Option<Open>,
    /// What is typed of a recipient.
    pub typed: String,
    /// The list of changes that wait is open in it.
    pub inspects: bool,
    /// Who the person is, by address: not offered.
    pub own: Vec<String>,
    pub circumstances: Circumstances,
    pub shown: Shown,
}

impl Tab {
    /// Forgets what was found, by the server and here.
    pub fn forget_found(&mut self) {
        self.found = None;
        self.here = None;
    }

    /// Takes messages that are gone out of what was found.
    pub fn lose(&mut self, gone: &UidSet) {
        if let Some(found) = &mut self.found {
            found.lose(gone);
        }
        if let Some(here) = &mut self.here {
            here.uids.retain(|uid| !gone.contains(*uid));
        }
    }

    pub fn failed_for_good(&self) -> bool {
        self.failed.as_ref().is_some_and(|failure| !failure.again)
    }
}

/// Why a tab's list could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A sentence for people.
    pub why: String,
    /// Whether it is asked for again by itself.
    pub again: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub uids: Vec<u32>,
    pub total: u32,
}

/// What this device found before the server said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Here {
    /// The newest first.
    pub uids: Vec<u32>,
    /// How much of the haystack was looked through.
    pub read: Read,
}

impl Found {
    /// Whether it names every match.
    pub fn is_complete(&self) -> bool {
        self.uids.len() >= self.total as usize
    }

    /// Takes out messages that are gone.
    pub fn lose(&mut self, gone: &UidSet) {
        let before = self.uids.len();
        self.uids.retain(|uid| !gone.contains(*uid));
        self.total = self.total.saturating_sub((before - self.uids.len()) as u32);
    }
}

/// The message a tab has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub address: ContentAddress,
    pub images: bool,
    pub failed: Option<String>,
    /// It was marked as read on account of being shown; it is not again, should the person mark it unread.
    pub counted_as_read: bool,
}

/// What a tab was shown last, so that nothing is shown twice.
#[derive(Debug, Default)]
pub struct Shown {
    pub session: Option<SessionView>,
    pub mailboxes: Option<Vec<MailboxRow>>,
    pub list: Option<ListView>,
    pub message: Option<Option<MessageView>>,
    pub body: Option<(ContentAddress, bool)>,
    pub drafts: Vec<DraftView>,
    pub people: Vec<Address>,
    pub templates: Vec<Template>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            device: 0,
            build: String::new(),
            next_mutation: 1,
            next_request: 1,
            next_undo: 1,
            now: 0,
            stage: Stage::Starting,
            who: None,
            line: Line::Connecting,
            socket: Socket::Closed,
            backoff: Backoff::default(),
            progress: None,
            mailboxes: Vec::new(),
            mailboxes_known: false,
            early: Vec::new(),
            caches: HashMap::new(),
            cache_order: VecDeque::new(),
            asked: HashMap::new(),
            retrying: false,
            mutates_again: false,
            refused: false,
            pending: VecDeque::new(),
            undo: VecDeque::new(),
            bodies: Bodies::default(),
            fill: Fill::default(),
            drafts: BTreeMap::new(),
            restored: false,
            resuming: Vec::new(),
            reopening: Vec::new(),
            address: String::new(),
            sends: false,
            limit: None,
            ledger: None,
            keeps: false,
            kept_elsewhere: None,
            entered: false,
            leaving: false,
            shared: false,
            kept_account: None,
            looked_up: HashSet::new(),
            forgotten: Vec::new(),
            account_changed: false,
            pending_changed: false,
            full: false,
            told_full: Full::default(),
            keeping: false,
            tabs: BTreeMap::new(),
            effects: Vec::new(),
        }
    }
}

impl State {
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Marks a mailbox's cache as just used; the ones unused longest go when there are too many.
    pub(crate) fn use_cache(&mut self, mailbox: &str) {
        self.cache_order.retain(|name| name != mailbox);
        self.cache_order.push_back(mailbox.to_owned());
        self.caches.entry(mailbox.to_owned()).or_default();
        let shown: HashSet<&str> = self.tabs.values().map(|tab| tab.mailbox.as_str()).collect();
        if self.caches.len() > MAX_CACHES
            && let Some(at) = self
                .cache_order
                .iter()
                .position(|name| !shown.contains(name.as_str()) && name != "INBOX")
            && let Some(name) = self.cache_order.remove(at)
        {
            self.caches.remove(&name);
            // What is kept of it stays, and can be looked up again.
            self.looked_up.remove(&name);
        }
    }

    /// Whether any tab searches, or did.
    pub(crate) fn is_searching(&self) -> bool {
        self.tabs.values().any(|tab| !tab.source.is_all())
            || self.caches.values().any(|cache| cache.haystack.is_some())
    }

    /// Forgets everything that belongs to an account, but for what the device keeps and for messages being written.
    pub(crate) fn forget_account(&mut self) {
        self.looked_up.clear();
        self.forgotten.clear();
        self.who = None;
        self.mailboxes.clear();
        self.early.clear();
        self.caches.clear();
        self.cache_order.clear();
        self.asked.clear();
        self.pending.clear();
        self.undo.clear();
        self.bodies.forget();
        self.address.clear();
        self.sends = false;
        self.limit = None;
        self.progress = None;
        self.mailboxes_known = false;
        for tab in self.tabs.values_mut() {
            *tab = Tab {
                mailbox: "INBOX".to_owned(),
                count: tab.count,
                inspects: tab.inspects,
                circumstances: tab.circumstances,
                shown: std::mem::take(&mut tab.shown),
                ..Tab::default()
            };
        }
    }
}
