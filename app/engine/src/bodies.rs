//! Bodies that were fetched or are being fetched, within a budget of bytes.

use std::collections::{HashMap, VecDeque};

use roost_wire::{Body, Summary};

use crate::state::Socket;
use crate::view::{ContentAddress, MessageState, Stage};
use crate::{BodyProblem, Effect, State, Wake};

/// How many bytes of bodies are held.
const BUDGET: usize = 32 * 1024 * 1024;
/// Messages larger than this are not fetched before somebody opens them.
const MAX_PREFETCH: u32 = 256 * 1024;
/// How many rows from the top of the screen are fetched ahead.
const AHEAD: u32 = 12;
/// How many of the inbox's newest messages are fetched ahead, for when there is no line.
const INBOX_AHEAD: u32 = 40;
/// How many bytes of messages are fetched ahead before the inbox has no more share in it, each time the line comes back.
const AHEAD_BUDGET: u32 = 8 * 1024 * 1024;
/// How long after the rows came fetching ahead begins.
const CALM_MS: u32 = 400;
/// How many are fetched ahead at the same time.
const PREFETCHING: usize = 2;

/// A message and whether images of other hosts are wanted.
pub type Key = (ContentAddress, bool);

#[derive(Debug, Default)]
pub struct Bodies {
    held: HashMap<Key, Body>,
    /// Least recently used first.
    order: VecDeque<Key>,
    bytes: usize,
    next_ticket: u32,
    fetching: HashMap<u32, (Key, bool)>,
    /// The rows have been there for a while since the socket opened: what comes next may be fetched ahead.
    calm: bool,
    calming: bool,
    /// How many bytes of messages were fetched ahead since the line is there.
    ahead: u32,
    /// Could not be fetched ahead; waits until somebody opens it.
    refused: VecDeque<Key>,
}

fn size(body: &Body) -> usize {
    body.html.len()
        + body.css.len()
        + body
            .headers
            .iter()
            .map(|header| header.value.len() + 64)
            .sum::<usize>()
        + body.recipients.len() * 80
        + 1_000
}

impl Bodies {
    /// Whether the rows on screen have been there for a while.
    pub fn is_calm(&self) -> bool {
        self.calm
    }

    /// Forgets everything but the count of tickets: a late answer must not be taken for another account's.
    pub fn forget(&mut self) {
        *self = Self {
            next_ticket: self.next_ticket,
            ..Self::default()
        };
    }

    /// Nothing is under way any more.
    pub fn interrupted(&mut self) {
        self.fetching.clear();
        self.refused.clear();
        self.ahead = 0;
        self.calm = false;
    }

    pub fn get(&self, key: &Key) -> Option<&Body> {
        self.held.get(key)
    }

    /// The bodies of a mailbox that are held.
    pub fn of(
        &self,
        account: &str,
        mailbox: &str,
    ) -> impl Iterator<Item = (&ContentAddress, &Body)> {
        self.held
            .iter()
            .map(|((address, _), body)| (address, body))
            .filter(move |(address, _)| address.account == account && address.mailbox == mailbox)
    }

    fn insert(&mut self, key: Key, body: Body) {
        self.bytes += size(&body);
        self.order.push_back(key.clone());
        if let Some(before) = self.held.insert(key, body) {
            self.bytes -= size(&before);
        }
        while self.bytes > BUDGET && self.order.len() > 1 {
            if let Some(oldest) = self.order.pop_front()
                && let Some(body) = self.held.remove(&oldest)
            {
                self.bytes -= size(&body);
            }
        }
    }

    pub fn is_fetching_any(&self) -> bool {
        !self.fetching.is_empty()
    }

    fn is_fetching(&self, key: &Key) -> bool {
        self.fetching.values().any(|(known, _)| known == key)
    }
}

impl State {
    /// Fetches what a tab has open and, when nothing else is to do, what is likely to be opened next.
    pub(crate) fn fetch_bodies(&mut self) {
        if !matches!(self.stage, Stage::SignedIn { .. }) {
            return;
        }
        let wanted: Vec<Key> = self
            .tabs
            .values()
            .filter_map(|tab| tab.open.as_ref())
            .filter(|open| open.failed.is_none())
            .map(|open| (open.address.clone(), open.images))
            .collect();
        for key in wanted {
            if self.bodies.get(&key).is_none() && !self.bodies.is_fetching(&key) {
                self.fetch_body(key, false);
            }
        }
        // One after the other, and only once the rows have been there for a while: on a slow line they come first.
        if self.may_prefetch()
            && self.bodies.fetching.len() < PREFETCHING
            && let Some((key, size)) = self.next_to_prefetch()
        {
            self.bodies.ahead += size;
            self.fetch_body(key, true);
        }
    }

    fn may_prefetch(&mut self) -> bool {
        let quiet = self.socket == Socket::Open && self.asked.is_empty();
        if quiet && !self.bodies.calm && !self.bodies.calming {
            self.bodies.calming = true;
            self.effect(Effect::Wake {
                wake: Wake::Calm,
                after_ms: CALM_MS,
            });
        }
        quiet && self.bodies.calm && self.may_fetch_ahead()
    }

    /// Nothing was asked for for a while.
    pub(crate) fn calmed(&mut self) {
        self.bodies.calming = false;
        self.bodies.calm = true;
    }

    fn fetch_body(&mut self, key: Key, prefetch: bool) {
        self.bodies.next_ticket += 1;
        let ticket = self.bodies.next_ticket;
        self.bodies.fetching.insert(ticket, (key.clone(), prefetch));
        self.effect(Effect::FetchBody {
            ticket,
            address: key.0,
            images: key.1,
            kept: self.keeps && !key.1,
        });
    }

    /// The message most likely to be opened next that is not here, and its size.
    #[inline(never)]
    fn next_to_prefetch(&self) -> Option<(Key, u32)> {
        for tab in self.tabs.values() {
            let (Some(rows), Some(cache)) = (self.rows(tab), self.caches.get(&tab.mailbox)) else {
                continue;
            };
            // The neighbours of what is open, then the top of the screen.
            let neighbours = tab
                .open
                .as_ref()
                .and_then(|open| rows.position(open.address.uid))
                .map(|position| [position + 1, position.saturating_sub(1)])
                .unwrap_or_default();
            for position in neighbours.into_iter().chain(tab.first..tab.first + AHEAD) {
                let wanted = rows.uid(position).and_then(|uid| cache.summary(uid));
                if let Some(found) = self.to_prefetch(&tab.mailbox, wanted) {
                    return Some(found);
                }
            }
        }
        // Then the inbox, as far as it would be read without a line.
        let may = self.keeps && self.bodies.ahead < AHEAD_BUDGET;
        let inbox = self.caches.get("INBOX").filter(|_| may)?;
        let exists = inbox.state.exists;
        (0..INBOX_AHEAD.min(exists)).find_map(|position| {
            let wanted = inbox
                .uid_at(exists - position)
                .and_then(|uid| inbox.summary(uid));
            self.to_prefetch("INBOX", wanted)
        })
    }

    /// A message, unless it is here, on its way, or too large.
    fn to_prefetch(&self, mailbox: &str, summary: Option<&Summary>) -> Option<(Key, u32)> {
        let summary = summary.filter(|summary| summary.size <= MAX_PREFETCH)?;
        let key = (self.address(mailbox, summary.uid)?, false);
        let known = self.bodies.get(&key).is_some()
            || self.bodies.is_fetching(&key)
            || self.bodies.refused.contains(&key);
        (!known).then_some((key, summary.size))
    }

    /// The address of a message in a cached mailbox.
    pub(crate) fn address(&self, mailbox: &str, uid: u32) -> Option<ContentAddress> {
        Some(ContentAddress {
            account: self.who.as_ref()?.account.clone(),
            mailbox: mailbox.to_owned(),
            uidvalidity: self.caches.get(mailbox)?.state.uidvalidity,
            uid,
        })
    }

    pub(crate) fn body_fetched(&mut self, ticket: u32, result: Result<Box<Body>, BodyProblem>) {
        let Some((key, prefetch)) = self.bodies.fetching.remove(&ticket) else {
            return;
        };
        match result {
            Ok(body) => {
                if let Some(cache) = self.caches.get_mut(&key.0.mailbox)
                    && let Some(haystack) = &mut cache.haystack
                {
                    haystack.add_body(key.0.uid, &body.html);
                }
                self.bodies.insert(key, *body);
            }
            Err(problem) => {
                if prefetch {
                    self.bodies.refused.push_back(key.clone());
                    if self.bodies.refused.len() > 200 {
                        self.bodies.refused.pop_front();
                    }
                }
                if problem == BodyProblem::Offline {
                    self.retry_later();
                }
                let why = match problem {
                    BodyProblem::Offline => {
                        "There is no connection. The message is shown as soon as there is one."
                            .to_owned()
                    }
                    BodyProblem::Refused(why) => why,
                    BodyProblem::SignedOut => {
                        self.effect(Effect::CheckSession);
                        "Your session has ended. Sign in again to read on.".to_owned()
                    }
                };
                for tab in self.tabs.values_mut() {
                    if let Some(open) = &mut tab.open
                        && open.address == key.0
                        && open.images == key.1
                    {
                        open.failed = Some(why.clone());
                    }
                }
            }
        }
    }

    /// What was asked for in vain while there was no line is asked for again.
    pub(crate) fn retry_bodies(&mut self) {
        self.bodies.interrupted();
        for tab in self.tabs.values_mut() {
            if let Some(open) = &mut tab.open {
                open.failed = None;
            }
        }
    }

    pub(crate) fn message_state(&self, key: &Key, failed: Option<&String>) -> MessageState {
        if self.bodies.get(key).is_some() {
            MessageState::Ready
        } else if let Some(why) = failed {
            MessageState::Failed(why.clone())
        } else {
            MessageState::Loading
        }
    }
}
