//! Searching: on this device while it is typed, and on the server. Both read the same query ([`crate::query`]).
//!
//! What this device finds is shown until the server has answered; the server then has the last word, and what only it
//! found is marked. Flags change under a reader's hands: a message that was found stays, read or not, until it is searched
//! anew.

use std::collections::BTreeSet;

use roost_wire::{Body, Mutation, Role, SearchQuery, Summary, Uid};

use crate::haystack::{FlagChange, Haystack, Read};
use crate::kept::Purpose;
use crate::list::Rows;
use crate::state::{Socket, Tab};
use crate::view::{Line, ListState, ListView, Reach};
use crate::{Effect, State, TabId, Wake, query};

/// How long nothing is typed before the server is asked.
const PAUSE_MS: u32 = 300;
/// How many matches are shown of what is on this device, as of what is on the server.
const MAX_HERE: usize = 10_000;
/// How many kept pages are read at once, to be searched.
const READ_AHEAD: usize = 32;
/// How many kept bodies are.
const BODIES_AHEAD: usize = 16;

/// The messages among these that match a search text, newest first. Its `in:` is not looked at.
pub fn find_in(summaries: &[Summary], text: &str) -> Vec<Uid> {
    let mut haystack = Haystack::default();
    for summary in summaries {
        haystack.add(summary);
    }
    let mut found = haystack.find(&query::parse(text).search, Read::default(), &[]);
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// Marks what only the server found, of the rows up to `end`.
#[inline(never)]
pub fn show_remote(tab: &Tab, rows: &Rows<'_>, end: u32, view: &mut ListView) {
    let (Some(found), Some(here)) = (&tab.found, &tab.here) else {
        return;
    };
    let remote = |uid: &Uid| here.uids.binary_search_by(|here| uid.cmp(here)).is_err();
    view.remote = found.uids.iter().filter(|uid| remote(uid)).count() as u32;
    view.remote_rows = (view.first..end)
        .filter_map(|position| rows.uid(position).filter(remote))
        .collect();
}

impl State {
    /// Begins a search in a tab, or ends it. `typing`: more may be typed.
    #[inline(never)]
    pub(crate) fn search(&mut self, id: TabId, text: &str, typing: bool) {
        let text = text.trim().to_owned();
        let within = query::parse(&text).within;
        let named = within.as_ref().map(|name| self.mailbox_called(name));
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        let home = tab.home.clone().unwrap_or_else(|| tab.mailbox.clone());
        let there = |name: &String| self.mailboxes.iter().any(|mailbox| mailbox.name == *name);
        let home = Some(home)
            .filter(there)
            .unwrap_or_else(|| tab.mailbox.clone());
        // A name that is not one yet leads nowhere.
        let target = named.flatten().unwrap_or_else(|| home.clone());
        let moves = target != tab.mailbox;
        if moves {
            self.use_cache(&target);
        }
        if let Some(tab) = self.tabs.get_mut(&id) {
            if moves {
                tab.mailbox = target;
                tab.forget_found();
                tab.failed = None;
                tab.first = 0;
                tab.open = None;
            }
            tab.home = within.is_some().then_some(home);
            tab.typing = typing && !text.is_empty();
        }
        if moves {
            self.watch(id);
        }
        if typing && !text.is_empty() {
            let text = text.clone();
            self.effect(Effect::Wake {
                wake: Wake::Searched { tab: id, text },
                after_ms: PAUSE_MS,
            });
        }
        self.narrow(id, |source| source.search = text);
    }

    /// The mailboxes are others than before: a search that names one that was not there goes to it.
    pub(crate) fn search_named(&mut self) {
        for id in self.tabs.keys().copied().collect::<Vec<_>>() {
            if let Some(tab) = self.tabs.get(&id)
                && self.unknown_mailbox(tab).is_some()
            {
                let (text, typing) = (tab.source.search.clone(), tab.typing);
                self.search(id, &text, typing);
            }
        }
    }

    pub(crate) fn search_paused(&mut self, id: TabId, text: &str) {
        if let Some(tab) = self.tabs.get_mut(&id)
            && tab.source.search == text
        {
            tab.typing = false;
        }
    }

    /// The mailbox a person means: by its whole name, the last part of it, or what it is for.
    fn mailbox_called(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let role = match name.as_str() {
            "inbox" => Some(Role::Inbox),
            "drafts" => Some(Role::Drafts),
            "sent" => Some(Role::Sent),
            "archive" => Some(Role::Archive),
            "junk" | "spam" => Some(Role::Junk),
            "trash" | "bin" => Some(Role::Trash),
            _ => None,
        };
        let label = |name: &str, delimiter: Option<char>| match delimiter {
            Some(delimiter) => name.rsplit(delimiter).next().unwrap_or(name).to_lowercase(),
            None => name.to_lowercase(),
        };
        let open = || self.mailboxes.iter().filter(|mailbox| mailbox.selectable);
        open()
            .find(|mailbox| mailbox.name.to_lowercase() == name)
            .or_else(|| open().find(|mailbox| role.is_some() && mailbox.role == role))
            .or_else(|| open().find(|mailbox| label(&mailbox.name, mailbox.delimiter) == name))
            .map(|mailbox| mailbox.name.clone())
    }

    /// The mailbox that a tab's search names and that does not exist, as it was typed.
    pub(crate) fn unknown_mailbox(&self, tab: &Tab) -> Option<String> {
        if tab.source.search.is_empty() {
            return None;
        }
        let name = query::parse(&tab.source.search).within?;
        (self.mailbox_called(&name).as_ref() != Some(&tab.mailbox)).then_some(name)
    }

    /// What a tab looks for; `None` where that is in no mailbox.
    pub(crate) fn query_of(&self, tab: &Tab) -> Option<SearchQuery> {
        if self.unknown_mailbox(tab).is_some() {
            return None;
        }
        let query = query::parse(&tab.source.search).search;
        Some(query::narrow(query, tab.source.filter))
    }

    /// Tells how far a tab's search or filter has got; false where there is nothing to be shown of it.
    #[inline(never)]
    pub(crate) fn show_reach(&self, tab: &Tab, view: &mut ListView) -> bool {
        if let Some(unknown) = self.unknown_mailbox(tab) {
            if !self.mailboxes.is_empty() {
                view.state = ListState::Failed(format!("There is no folder called “{unknown}”."));
            }
            return false;
        }
        if tab.found.is_none() {
            view.reach = if self.socket == Socket::Open && self.line == Line::Live {
                Reach::Asking
            } else {
                let cache = self.caches.get(&tab.mailbox);
                let haystack = cache.and_then(|cache| cache.haystack.as_ref());
                Reach::Device(haystack.map_or(0, |haystack| haystack.len() as u32))
            };
        }
        true
    }

    /// Looks through what is on this device. Called after every event.
    #[inline(never)]
    pub(crate) fn search_here(&mut self) {
        // What nobody looks through any more makes room.
        for (name, cache) in &mut self.caches {
            if cache.haystack.is_some() && !self.tabs.values().any(|tab| tab.mailbox == *name) {
                cache.haystack = None;
                cache.kept.unread = None;
                cache.kept.unread_bodies = None;
            }
        }
        for id in self.tabs.keys().copied().collect::<Vec<_>>() {
            let Some(tab) = self.tabs.get(&id).filter(|tab| !tab.source.is_all()) else {
                continue;
            };
            let mailbox = tab.mailbox.clone();
            let wanted = tab.found.is_none() || tab.here.is_none();
            if wanted && let Some(query) = self.query_of(tab) {
                self.prepare_search(&mailbox, !query.text.is_empty());
                self.look_through(id, &mailbox, &query);
            }
        }
    }

    /// Sees to it that what is on this device of a mailbox can be looked through: what is in memory at once; then the
    /// summaries that are kept, then, for words that may stand in them, the bodies, the newest first and a few at a time.
    #[inline(never)]
    fn prepare_search(&mut self, mailbox: &str, in_bodies: bool) {
        let keeps = self.keeps;
        let account = self.account_name();
        let Some(cache) = self.caches.get_mut(mailbox) else {
            return;
        };
        if cache.state.uidvalidity == 0 {
            return;
        }
        if cache.haystack.is_none() {
            let haystack = cache.start_searching();
            for (address, body) in self.bodies.of(&account, mailbox) {
                haystack.add_body(address.uid, &body.html);
            }
            cache.kept.unread = None;
            cache.kept.unread_bodies = None;
            cache.kept.reading = false;
        }
        if !keeps || cache.kept.reading {
            return;
        }
        let pages = &cache.kept.pages;
        let unread = cache.kept.unread.get_or_insert_with(|| pages.clone());
        // The newest first.
        let batch: BTreeSet<u32> = unread.iter().rev().take(READ_AHEAD).copied().collect();
        if batch.is_empty() {
            if in_bodies {
                self.read_bodies(mailbox);
            }
            return;
        }
        unread.retain(|page| !batch.contains(page));
        cache.kept.reading = true;
        let uidvalidity = cache.state.uidvalidity;
        self.effect(Effect::LoadPages {
            account,
            mailbox: mailbox.to_owned(),
            uidvalidity,
            purpose: Purpose::Search,
            pages: batch.into_iter().collect(),
        });
    }

    /// Asks for kept bodies to be searched.
    #[inline(never)]
    fn read_bodies(&mut self, mailbox: &str) {
        let account = self.account_name();
        let Some(cache) = self.caches.get_mut(mailbox) else {
            return;
        };
        let uidvalidity = cache.state.uidvalidity;
        let (Some(haystack), mailbox) = (&cache.haystack, mailbox.to_owned()) else {
            return;
        };
        let effect = match &mut cache.kept.unread_bodies {
            None => Effect::ListBodies {
                account,
                mailbox,
                uidvalidity,
            },
            Some(unread) => {
                let mut uids = Vec::new();
                while uids.len() < BODIES_AHEAD
                    && let Some(uid) = unread.pop()
                {
                    if haystack.wants_body(uid) {
                        uids.push(uid);
                    }
                }
                if uids.is_empty() {
                    return;
                }
                Effect::ReadBodies {
                    account,
                    mailbox,
                    uidvalidity,
                    uids,
                }
            }
        };
        cache.kept.reading = true;
        self.effect(effect);
    }

    /// Which bodies of a mailbox are kept.
    #[inline(never)]
    pub(crate) fn bodies_listed(
        &mut self,
        account: &str,
        mailbox: &str,
        uidvalidity: u32,
        uids: Vec<Uid>,
    ) {
        if self.account_name() == account
            && let Some(cache) = self.caches.get_mut(mailbox)
        {
            cache.kept.reading = false;
            if cache.state.uidvalidity == uidvalidity {
                let unread = cache.kept.unread_bodies.insert(uids);
                unread.sort_unstable();
            }
        }
    }

    /// Kept bodies that were asked for, those of them that are there.
    #[inline(never)]
    pub(crate) fn bodies_read(
        &mut self,
        account: &str,
        mailbox: &str,
        uidvalidity: u32,
        bodies: &[(Uid, Body)],
    ) {
        if self.account_name() == account
            && let Some(cache) = self.caches.get_mut(mailbox)
        {
            cache.kept.reading = false;
            if let Some(haystack) = &mut cache.haystack
                && cache.state.uidvalidity == uidvalidity
            {
                for (uid, body) in bodies {
                    haystack.add_body(*uid, &body.html);
                }
            }
        }
    }

    fn look_through(&mut self, id: TabId, mailbox: &str, query: &SearchQuery) {
        let Some((tab, cache)) = self.tabs.get(&id).zip(self.caches.get(mailbox)) else {
            return;
        };
        let Some(haystack) = &cache.haystack else {
            return;
        };
        let mut here = tab.here.clone().unwrap_or_default();
        if tab.here.is_some() && here.read == haystack.end() {
            return;
        }
        let changes: Vec<FlagChange> = self
            .pending
            .iter()
            .filter_map(|pending| match &pending.mutation {
                Mutation::Flag {
                    mailbox: of,
                    uids,
                    add,
                    remove,
                    ..
                } if of == mailbox => {
                    let change = |flag: &str| {
                        let has =
                            |flags: &[String]| flags.iter().any(|f| f.eq_ignore_ascii_case(flag));
                        (has(add) || has(remove)).then(|| has(add))
                    };
                    Some((uids, change("\\Seen"), change("\\Flagged")))
                }
                _ => None,
            })
            .collect();
        let mut found = haystack.find(query, here.read, &changes);
        if !cache.uids().contains(&0) {
            // What is kept may be of messages that went since.
            found.retain(|uid| cache.uids().binary_search(uid).is_ok());
        }
        here.uids = crate::list::merged(&here.uids, &found);
        here.uids.truncate(MAX_HERE);
        here.read = haystack.end();
        if let Some(tab) = self.tabs.get_mut(&id) {
            tab.here = Some(here);
        }
    }
}
