//! What this device keeps of an account: the list of mailboxes, what is known of each, pages of summaries, and changes
//! without an outcome. It starts from that, with or without a line, and is compared with the server afterwards.
//!
//! Invariants:
//! 1. What is kept is a copy: losing it costs time, never mail. Changes without an outcome exist only here, so they are
//!    kept in the same step in which they are made.
//! 2. A batch ([`Effect::Store`]) is written whole or not at all: the state of a mailbox and the pages it speaks of belong
//!    together.
//! 3. Nothing is kept for somebody who signed in on a shared computer. After signing out nothing is left, or what the
//!    person wanted kept: nobody sees it before they have signed in again.
//! 4. What is kept of a mailbox is unverified until the server has said what changed since.
//! 5. A batch that could not be written is part of the next one, so that the records of a mailbox are always of one moment.

use std::collections::BTreeSet;

use roost_wire::{Mailbox, MailboxState, Mutation, MutationId, Summary, Uid};
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::pending::Pending;
use crate::state::Socket;
use crate::view::Stage;
use crate::{Effect, State, TabId, Wake, Who};

/// How many UIDs one page of summaries spans.
pub const PAGE_SPAN: Uid = 256;
/// How long changes are gathered before they are written.
const KEEP_MS: u32 = 400;
/// How long before it is tried again to write what there was no room for.
const FULL_MS: u32 = 60_000;
/// How many pages of one mailbox are kept: those of the newest messages.
const MAX_PAGES: usize = 400;

/// Whether the person whose mail is kept is here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    #[default]
    Here,
    /// They signed out, and the gateway may not have heard: their session may still live.
    Leaving,
    /// They signed out, and the gateway knows.
    Left,
}

/// The account a device keeps. Nobody's, with nothing in it, where somebody signed out and only that is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAccount {
    pub who: Who,
    pub address: String,
    pub sends: bool,
    pub mailboxes: Vec<Mailbox>,
    /// Changes without an outcome, in order. Messages on their way out are kept with their drafts.
    pub pending: Vec<KeptChange>,
    /// The last field: stores that have none are from before it.
    pub presence: Presence,
}

/// A change without an outcome, as a device keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptChange {
    pub id: MutationId,
    pub mutation: Mutation,
    /// When it was asked for, in seconds since 1970-01-01 UTC.
    pub at: i64,
    /// A gateway may have it.
    pub handed_over: bool,
    /// The ledger it was handed to, if it must not be handed to another.
    pub ledger: Option<u64>,
}

/// What is known of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMailbox {
    pub name: String,
    pub state: MailboxState,
    /// The UID of each message in ascending order, as runs: the first UID and how many follow one another; 0 for messages
    /// whose UID is not known.
    pub runs: Vec<(Uid, u32)>,
    /// The pages of summaries that are kept.
    pub pages: BTreeSet<u32>,
}

/// The summaries of messages whose UIDs lie in one span of [`PAGE_SPAN`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPage {
    pub mailbox: String,
    pub uidvalidity: u32,
    pub page: u32,
    pub summaries: Vec<Summary>,
}

/// What pages are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be on screen, and in memory from then on.
    Show,
    /// To be searched.
    Search,
}

/// Something to be kept, or not any more. Of a batch, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Account(Box<KeptAccount>),
    Mailbox(KeptMailbox),
    Page(KeptPage),
    /// Nothing of a mailbox is kept any more.
    Forget(String),
}

/// What a person was told of a store without room, once each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Full {
    /// That mail is not kept.
    mail: bool,
    /// That what exists only here is not.
    work: bool,
}

const NO_ROOM_FOR_MAIL: &str = "There is no room left on this device. The mail that is kept here stays; what is new is read from the server each time. Make room on the disk, or remove mail in the settings.";
const NO_ROOM_FOR_WORK: &str = "There is no room left on this device: what you write and change is lost if the browser closes before the server has it. Stay connected until it is saved, and make room on the disk.";

/// The page a message is in.
pub fn page_of(uid: Uid) -> u32 {
    uid / PAGE_SPAN
}

impl KeptMailbox {
    fn of(name: &str, cache: &Cache) -> Self {
        let mut runs: Vec<(Uid, u32)> = Vec::new();
        for &uid in cache.uids() {
            match runs.last_mut() {
                Some((0, count)) if uid == 0 => *count += 1,
                Some((first, count)) if *first != 0 && uid != 0 && uid == *first + *count => {
                    *count += 1;
                }
                _ => runs.push((uid, 1)),
            }
        }
        Self {
            name: name.to_owned(),
            state: cache.state,
            runs,
            pages: cache.kept.pages.clone(),
        }
    }

    /// The column of UIDs; `None` where it is not that of the state.
    pub fn uids(&self) -> Option<Vec<Uid>> {
        let exists = self.state.exists as usize;
        let mut uids = Vec::with_capacity(exists.min(1 << 20));
        for &(first, count) in &self.runs {
            if uids.len() + count as usize > exists || first.checked_add(count).is_none() {
                return None;
            }
            uids.extend((0..count).map(|offset| if first == 0 { 0 } else { first + offset }));
        }
        let known = uids.iter().filter(|&&uid| uid != 0);
        let ascends = known.clone().zip(known.skip(1)).all(|(a, b)| a < b);
        (uids.len() == exists && ascends).then_some(uids)
    }
}

/// How a cache and what is kept of it differ.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    /// The pages that are kept, each with all messages of the column that are in it.
    pub pages: BTreeSet<u32>,
    /// The pages whose summaries changed.
    pub changed: BTreeSet<u32>,
    /// The state or the column changed.
    pub column: bool,
    /// Nothing of what was kept is true any more.
    pub void: bool,
    /// Pages asked for; a page is asked for once, what it lacks is asked of the server.
    pub asked: BTreeSet<u32>,
    /// Pages on their way.
    pub loading: BTreeSet<u32>,
    /// Pages that a search has still to read; `None` before it began.
    pub unread: Option<BTreeSet<u32>>,
    /// Bodies that a search has still to read, the newest last; `None` before it is known which are kept.
    pub unread_bodies: Option<Vec<Uid>>,
    /// Something is on its way to be searched.
    pub reading: bool,
}

impl Keeping {
    /// Whether more pages are kept than are.
    pub fn has_room(&self) -> bool {
        self.pages.len() < MAX_PAGES
    }

    fn differs(&self) -> bool {
        self.column || self.void || !self.changed.is_empty()
    }
}

impl State {
    /// Gives what is kept of the account, if a device keeps one.
    pub(crate) fn recalled(&mut self, kept: Option<Box<KeptAccount>>) {
        self.kept_elsewhere = Some(false);
        let Some(kept) = kept else {
            return;
        };
        if kept.presence == Presence::Leaving && !self.entered {
            // Whoever the session says is here went without the gateway hearing of it.
            self.kept_account = Some(kept);
            if self.who.is_some() {
                self.put_drafts_away();
            }
            self.go_on_leaving();
            return;
        }
        if self.who.is_some() {
            self.find_kept(kept);
            return;
        }
        let who = kept.who.clone();
        let here = kept.presence == Presence::Here;
        self.kept_account = Some(kept);
        match self.stage {
            Stage::Starting if here => self.signed_in_as(who),
            // A tab that knows better has begun to connect.
            Stage::Starting if !self.tabs.is_empty() && self.socket == Socket::Closed => {
                self.show_sign_in();
            }
            _ => {}
        }
    }

    /// Somebody is here; this is what is kept, of them or of somebody else.
    pub(crate) fn find_kept(&mut self, kept: Box<KeptAccount>) {
        if kept.who.account == self.account_name() {
            self.adopt(*kept);
        } else if kept.pending.is_empty() {
            self.effect(Effect::Wipe);
        } else {
            // Changes of somebody else exist only here: they stay, unseen and unsent, and nothing of this person is kept.
            self.kept_account = Some(kept);
        }
    }

    /// The person whose mail is kept is here.
    fn adopt(&mut self, kept: KeptAccount) {
        self.keeps = true;
        // It is written at once that they are back.
        self.pending_changed |= kept.presence != Presence::Here;
        if self.mailboxes.is_empty() {
            self.mailboxes = kept.mailboxes;
        }
        if self.address.is_empty() {
            self.address = kept.address;
            self.sends = kept.sends;
        }
        for change in kept.pending {
            self.resume_mutation(change);
        }
    }

    /// From now on, nothing, or what this person has, is kept. What waits of somebody else stays, instead of it.
    pub(crate) fn keep_from_now_on(&mut self, keeps: bool) {
        if self.keeps && !keeps {
            self.effect(Effect::Wipe);
        }
        self.keeps = keeps && self.kept_account.is_none();
        self.account_changed = self.keeps;
    }

    /// What this device keeps of the person stays, out of sight. What they have not kept is written first.
    pub(crate) fn put_away(&mut self, presence: Presence) {
        self.keep_now();
        if let Some(kept) = self.kept_record() {
            self.remember(Box::new(KeptAccount { presence, ..kept }));
        }
        self.keeps = false;
    }

    /// Keeps an account for when its person is back.
    pub(crate) fn remember(&mut self, kept: Box<KeptAccount>) {
        self.effect(Effect::Store {
            account: kept.who.account.clone(),
            records: vec![Record::Account(kept.clone())],
        });
        self.kept_account = Some(kept);
    }

    /// Removes the copies of what is on the server. Messages being written, and changes without an outcome, stay.
    pub(crate) fn forget_mail(&mut self) {
        if !self.keeps {
            return;
        }
        self.effect(Effect::Wipe);
        for cache in self.caches.values_mut() {
            cache.kept = Keeping::default();
        }
        self.forgotten.clear();
        self.pending_changed = true;
    }

    /// Asks the store for what is on screen and not in memory.
    pub(crate) fn load_what_is_kept(&mut self) {
        if !self.keeps {
            return;
        }
        let screens: Vec<TabId> = self.tabs.keys().copied().collect();
        for id in screens {
            let Some(mailbox) = self.tabs.get(&id).map(|tab| tab.mailbox.clone()) else {
                continue;
            };
            let known = self
                .caches
                .get(&mailbox)
                .is_some_and(|cache| cache.state.uidvalidity != 0);
            if known {
                self.load_pages(id, &mailbox);
            } else if self.looked_up.insert(mailbox.clone()) {
                let account = self.account_name();
                self.effect(Effect::LoadMailbox { account, mailbox });
            }
        }
    }

    fn load_pages(&mut self, id: TabId, mailbox: &str) {
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        let Some((rows, cache)) = self.rows(tab).zip(self.caches.get(mailbox)) else {
            return;
        };
        let end = (tab.first + tab.count + crate::sync::MARGIN).min(rows.len());
        let pages: BTreeSet<u32> = (tab.first.saturating_sub(crate::sync::MARGIN)..end)
            .filter_map(|position| rows.uid(position))
            .filter(|uid| cache.summary(*uid).is_none())
            .map(page_of)
            .filter(|page| cache.kept.pages.contains(page) && !cache.kept.asked.contains(page))
            .collect();
        if pages.is_empty() {
            return;
        }
        let uidvalidity = cache.state.uidvalidity;
        if let Some(cache) = self.caches.get_mut(mailbox) {
            cache.kept.asked.extend(&pages);
            cache.kept.loading.extend(&pages);
        }
        let account = self.account_name();
        self.effect(Effect::LoadPages {
            account,
            mailbox: mailbox.to_owned(),
            uidvalidity,
            purpose: Purpose::Show,
            pages: pages.into_iter().collect(),
        });
    }

    /// What is kept of a mailbox. It counts only where the server has not been faster.
    pub(crate) fn mailbox_loaded(&mut self, account: &str, kept: Option<KeptMailbox>) {
        if let Some(kept) = kept
            && self.keeps
            && self.account_name() == account
            && let Some(uids) = kept.uids()
        {
            self.use_cache(&kept.name);
            if let Some(cache) = self.caches.get_mut(&kept.name) {
                cache.restore(kept.state, uids, kept.pages);
            }
        }
    }

    /// Pages that were asked for; of those to be shown, what is missing is asked of the server.
    pub(crate) fn pages_loaded(
        &mut self,
        account: &str,
        mailbox: &str,
        purpose: Purpose,
        pages: Vec<KeptPage>,
    ) {
        if self.account_name() != account {
            return;
        }
        let Some(cache) = self.caches.get_mut(mailbox) else {
            return;
        };
        match purpose {
            Purpose::Show => {
                cache.kept.loading.clear();
                for page in pages {
                    if page.uidvalidity == cache.state.uidvalidity {
                        cache.restore_summaries(page.summaries);
                    }
                }
            }
            Purpose::Search => {
                cache.kept.reading = false;
                cache.search_pages(&pages);
            }
        }
    }

    /// Writes what must not wait, and sees to it that the rest is written soon.
    pub(crate) fn keep_mail(&mut self) {
        if !self.keeps {
            return;
        }
        if std::mem::take(&mut self.pending_changed) {
            let account = self.account_record();
            self.account_changed = false;
            self.store(account.into_iter().collect());
        }
        let differs =
            self.account_changed || self.caches.values().any(|cache| cache.kept.differs());
        if differs && !self.keeping {
            self.keeping = true;
            self.effect(Effect::Wake {
                wake: Wake::Keep,
                after_ms: KEEP_MS,
            });
        }
    }

    /// Writes what changed.
    pub(crate) fn keep_now(&mut self) {
        self.keeping = false;
        self.full = false;
        if !self.keeps {
            return;
        }
        let mut batch = Vec::new();
        if std::mem::take(&mut self.account_changed) {
            batch.extend(self.account_record());
        }
        batch.extend(self.forgotten.drain(..).map(Record::Forget));
        for (name, cache) in &mut self.caches {
            if cache.kept.differs() {
                keep_mailbox(name, cache, &mut batch);
            }
        }
        self.store(batch);
    }

    /// Nothing of a batch was written: the store has what it had before. All of it is part of the next batch.
    #[inline(never)]
    pub(crate) fn not_stored(&mut self, account: &str, records: Vec<Record>) {
        if self.who.is_none() {
            self.not_put_away(&records);
            return;
        }
        if self.account_name() != account || !self.keeps {
            return;
        }
        let mut work = false;
        for record in records {
            match record {
                Record::Account(kept) => {
                    self.account_changed = true;
                    work |= !kept.pending.is_empty();
                }
                Record::Mailbox(kept) => {
                    if let Some(cache) = self.caches.get_mut(&kept.name) {
                        cache.kept.column = true;
                    }
                }
                Record::Page(kept) => {
                    if let Some(cache) = self.caches.get_mut(&kept.mailbox) {
                        cache.not_kept(&kept);
                    }
                }
                Record::Forget(name) => match self.caches.get_mut(&name) {
                    Some(cache) => cache.kept.void = true,
                    None => self.forgotten.push(name),
                },
            }
        }
        self.full = true;
        self.say_full(work);
        if !self.keeping {
            self.keeping = true;
            self.effect(Effect::Wake {
                wake: Wake::Keep,
                after_ms: FULL_MS,
            });
        }
    }

    /// The person is gone, and the store still says that they are here: then it must not have anything to show.
    fn not_put_away(&mut self, records: &[Record]) {
        let left = |record: &Record| matches!(record, Record::Account(kept) if kept.presence != Presence::Here);
        if records.iter().any(left) {
            self.effect(Effect::Wipe);
            // Now there is room for what exists only here.
            if !std::mem::replace(&mut self.full, true)
                && let Some(mut kept) = self.kept_account.take()
            {
                kept.mailboxes.clear();
                self.remember(kept);
            }
        }
    }

    /// Tells the person, once, that something could not be kept: what exists only here, or copies.
    pub(crate) fn say_full(&mut self, work: bool) {
        let (told, text) = if work {
            (&mut self.told_full.work, NO_ROOM_FOR_WORK)
        } else {
            (&mut self.told_full.mail, NO_ROOM_FOR_MAIL)
        };
        if !std::mem::replace(told, true) {
            for tab in self.tabs.keys().copied().collect::<Vec<_>>() {
                self.notice(tab, text, None, true);
            }
        }
    }

    fn store(&mut self, records: Vec<Record>) {
        if !records.is_empty() {
            let account = self.account_name();
            self.effect(Effect::Store { account, records });
        }
    }

    fn account_record(&self) -> Option<Record> {
        Some(Record::Account(Box::new(self.kept_record()?)))
    }

    /// Changes without an outcome that exist only here; messages on their way out are kept with their drafts.
    fn unsent_changes(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter().filter(|pending| {
            !matches!(
                pending.mutation,
                Mutation::Send { .. }
                    | Mutation::Schedule { .. }
                    | Mutation::SaveDraft { .. }
                    | Mutation::Unsend { .. }
            )
        })
    }

    pub(crate) fn has_unsent_changes(&self) -> bool {
        self.unsent_changes().next().is_some()
    }

    fn kept_record(&self) -> Option<KeptAccount> {
        Some(KeptAccount {
            who: self.who.clone()?,
            address: self.address.clone(),
            sends: self.sends,
            mailboxes: self.mailboxes.clone(),
            presence: Presence::Here,
            pending: self
                .unsent_changes()
                .map(|pending| KeptChange {
                    id: pending.id,
                    mutation: pending.mutation.clone(),
                    at: pending.at,
                    handed_over: pending.handed_over,
                    ledger: pending.ledger,
                })
                .collect(),
        })
    }
}

fn keep_mailbox(name: &str, cache: &mut Cache, batch: &mut Vec<Record>) {
    if std::mem::take(&mut cache.kept.void) {
        batch.push(Record::Forget(name.to_owned()));
        cache.kept.pages.clear();
    }
    let changed = std::mem::take(&mut cache.kept.changed);
    cache.kept.column = false;
    if cache.state.uidvalidity == 0 {
        return;
    }
    let partial = cache.partial(&changed);
    for page in changed {
        // Half a page is not kept as if it were all of it: the rest would not be asked for any more.
        let summaries = if partial.contains(&page) {
            Vec::new()
        } else {
            cache.summaries_of_page(page)
        };
        if !summaries.is_empty() {
            cache.kept.pages.insert(page);
        } else if !cache.kept.pages.remove(&page) {
            continue;
        }
        batch.push(Record::Page(KeptPage {
            mailbox: name.to_owned(),
            uidvalidity: cache.state.uidvalidity,
            page,
            summaries,
        }));
    }
    while cache.kept.pages.len() > MAX_PAGES {
        cache.kept.pages.pop_first();
    }
    batch.push(Record::Mailbox(KeptMailbox::of(name, cache)));
}
