//! What is asked of the gateway, and what its answers and changes do to the confirmed state.

use std::collections::HashSet;

use roost_wire::{
    Address, Answer, Change, ClientMessage, Delta, MAX_WINDOW, MailboxState, Problem, ProblemKind,
    Recovery, Request, RequestId, UidSet,
};

use crate::cache::Mismatch;
use crate::state::{Asked, Failure, Found, Socket};
use crate::view::View;
use crate::{Effect, State, Wake, drafts, people};

/// Rows are asked for in pages of this many sequence numbers.
pub const PAGE: u32 = 32;
/// How many rows a tab is taken to show before it says so.
pub const FIRST_ROWS: u32 = 20;
/// How many rows beyond the screen are held ready, above and below.
pub const MARGIN: u32 = 60;
/// How many requests may be under way.
const MAX_ASKED: usize = 16;
/// How many searches of the server may be under way.
const MAX_SEARCHES: usize = 2;
/// How long the gateway may take to answer; it limits every IMAP command to 60 seconds.
const OVERDUE_MS: u32 = 75_000;
/// How long until something that failed for now is asked for again.
const RETRY_MS: u32 = 3_000;

impl State {
    pub(crate) fn ask(&mut self, asked: Asked, request: Request) {
        let id = self.next_request;
        self.next_request = self.next_request.wrapping_add(1);
        self.asked.insert(id, asked);
        self.effect(Effect::Wake {
            wake: Wake::Overdue(id),
            after_ms: OVERDUE_MS,
        });
        self.effect(Effect::Send(ClientMessage::Request { id, request }));
    }

    /// Decides what to ask for. Called after every event: what is shown but not known, and is not asked for yet.
    pub(crate) fn ask_for_what_is_missing(&mut self) {
        if self.socket != Socket::Open || self.retrying {
            return;
        }
        // What is on screen first; what scrolling will need once that has been there for a while.
        let margin = if self.bodies.is_calm() { MARGIN } else { 0 };
        // The inbox is kept in step even when no tab shows it: new mail is announced.
        let inbox_fails = self
            .tabs
            .values()
            .any(|tab| tab.mailbox == "INBOX" && tab.failed_for_good());
        let mut mailboxes = Vec::new();
        if !inbox_fails {
            mailboxes.push(("INBOX".to_owned(), 0, 1));
        }
        // Somebody writes: whom they wrote to and heard from lately is completed.
        if let Some(sent) = self.sent_mailbox().filter(|_| !self.drafts.is_empty()) {
            mailboxes.push((sent.to_owned(), 0, people::RECENT));
            mailboxes.push(("INBOX".to_owned(), 0, people::RECENT));
        }
        if !self.drafts.is_empty()
            && let Some(templates) = drafts::templates_mailbox(self)
        {
            mailboxes.push((templates.to_owned(), 0, drafts::MAX_TEMPLATES));
        }
        for tab in self.tabs.values().filter(|tab| !tab.failed_for_good()) {
            let (first, count) = (tab.first.saturating_sub(margin), tab.count + 2 * margin);
            // Before anything is known, what is on screen comes first, and alone.
            let known = self
                .caches
                .get(&tab.mailbox)
                .is_some_and(|cache| cache.state.uidvalidity != 0);
            mailboxes.push(if tab.source.is_all() && known {
                (tab.mailbox.clone(), first, count)
            } else {
                (tab.mailbox.clone(), 0, 1)
            });
        }
        // The screen before the inbox behind it.
        mailboxes.reverse();
        for (mailbox, first, count) in mailboxes {
            self.ask_for_rows(&mailbox, first, count);
        }
        // The rows on screen first.
        if !self.mailboxes_known && !self.asked.values().any(|asked| *asked == Asked::Mailboxes) {
            self.ask(Asked::Mailboxes, Request::Mailboxes);
        }
        let asks = self.asked.values().any(|asked| *asked == Asked::Limit);
        if self.sends && self.limit.is_none() && !self.drafts.is_empty() && !asks {
            self.ask(Asked::Limit, Request::MessageLimit);
        }
        for tab in self.tabs.keys().copied().collect::<Vec<_>>() {
            self.ask_for_found(tab);
        }
        // What failed and is not missed any more has not failed.
        for tab in self.tabs.values_mut() {
            if tab.failed.as_ref().is_some_and(|failure| failure.again)
                && !self
                    .asked
                    .values()
                    .any(|asked| asked.mailbox() == tab.mailbox)
            {
                tab.failed = None;
            }
        }
    }

    fn ask_for_rows(&mut self, mailbox: &str, first: u32, count: u32) {
        let Some(cache) = self.caches.get(mailbox) else {
            self.use_cache(mailbox);
            self.ask_for_rows(mailbox, first, count);
            return;
        };
        let exists = cache.state.exists;
        if cache.state.uidvalidity == 0 {
            // Nothing is known: the newest rows tell the state too.
            self.ask_for_page(mailbox, u32::MAX, 0, FIRST_ROWS);
            return;
        }
        if !cache.verified {
            self.ask_for_difference(mailbox);
            return;
        }
        let newest = exists.saturating_sub(first);
        let oldest = (newest + 1).saturating_sub(count).max(1);
        if newest == 0 {
            return;
        }
        let pages: Vec<u32> = ((oldest - 1) / PAGE..=(newest - 1) / PAGE)
            .rev()
            .filter(|page| {
                let (low, high) = (page * PAGE + 1, ((page + 1) * PAGE).min(exists));
                (low.max(oldest)..=high.min(newest))
                    .any(|seq| cache.uid_at(seq).is_none_or(|uid| cache.lacks(uid)))
            })
            .collect();
        for page in pages {
            let high = ((page + 1) * PAGE).min(exists);
            self.ask_for_page(mailbox, page, exists - high, high - page * PAGE);
        }
    }

    fn ask_for_page(&mut self, mailbox: &str, page: u32, first: u32, count: u32) {
        let asked = Asked::Window {
            mailbox: mailbox.to_owned(),
            page,
        };
        if self.asked.len() < MAX_ASKED && !self.asked.values().any(|known| *known == asked) {
            let request = Request::Window {
                mailbox: mailbox.to_owned(),
                first,
                count,
            };
            self.ask(asked, request);
        }
    }

    pub(crate) fn ask_for_difference(&mut self, mailbox: &str) {
        let Some(cache) = self.caches.get_mut(mailbox) else {
            return;
        };
        let asked = Asked::Delta {
            mailbox: mailbox.to_owned(),
        };
        if cache.state.uidvalidity == 0 || self.asked.values().any(|known| *known == asked) {
            return;
        }
        cache.missed = false;
        let request = Request::Delta {
            mailbox: mailbox.to_owned(),
            since: cache.state,
        };
        self.ask(asked, request);
    }

    /// A tab that shows a search: the search itself, then the summaries on screen.
    fn ask_for_found(&mut self, id: u32) {
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        if tab.source.is_all() || tab.failed_for_good() {
            return;
        }
        let mailbox = tab.mailbox.clone();
        if tab.found.is_none() || tab.found_outdated {
            let asked = Asked::Search {
                mailbox: mailbox.clone(),
                source: tab.source.clone(),
            };
            let searches = |asked: &&Asked| matches!(asked, Asked::Search { .. });
            if !tab.typing
                && !self.asked.values().any(|known| *known == asked)
                // What was typed before has its answer first, lest a slow server is asked for every letter.
                && self.asked.values().filter(searches).count() < MAX_SEARCHES
                && let Some(query) = self.query_of(tab)
            {
                if let Some(tab) = self.tabs.get_mut(&id) {
                    tab.found_outdated = false;
                }
                self.ask(
                    asked,
                    Request::Search {
                        mailbox: mailbox.clone(),
                        query,
                    },
                );
            }
        }
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        let (Some(rows), Some(cache)) = (self.rows(tab), self.caches.get(&mailbox)) else {
            return;
        };
        let uidvalidity = cache.state.uidvalidity;
        let first = tab.first.saturating_sub(MARGIN);
        let missing: UidSet = (first..(tab.first + tab.count + MARGIN).min(rows.len()))
            .filter_map(|position| rows.uid(position))
            .filter(|uid| cache.lacks(*uid))
            .take(MAX_WINDOW as usize)
            .collect();
        let asked = Asked::Summaries {
            mailbox: mailbox.clone(),
            uids: missing.clone(),
        };
        if missing.is_empty()
            || uidvalidity == 0
            || self.asked.values().any(|known| *known == asked)
        {
            return;
        }
        let request = Request::Summaries {
            mailbox,
            uidvalidity,
            uids: missing,
        };
        self.ask(asked, request);
    }

    pub(crate) fn answered(&mut self, id: RequestId, result: Result<Answer, Problem>) {
        let Some(asked) = self.asked.remove(&id) else {
            return;
        };
        match (asked, result) {
            (_, Ok(Answer::Mailboxes(mailboxes))) => {
                self.mailboxes_known = true;
                self.changed(Change::Mailboxes(mailboxes));
            }
            (
                Asked::Window { mailbox, .. } | Asked::Ahead { mailbox },
                Ok(Answer::Window(window)),
            ) => {
                self.fill_pauses();
                self.recovered(&mailbox);
                let keep = self.uids_on_screen(&mailbox);
                let Some(cache) = self.caches.get_mut(&mailbox) else {
                    return;
                };
                let before = cache.state.uidvalidity;
                let applied = cache.apply_window(window);
                cache.evict(&keep);
                cache.verified |= applied.is_ok();
                if before != 0 && cache.state.uidvalidity != before {
                    self.begun_anew(&mailbox);
                }
                if applied.is_err() {
                    self.ask_for_difference(&mailbox);
                }
            }
            (Asked::Summaries { mailbox, uids }, Ok(Answer::Summaries(summaries))) => {
                self.recovered(&mailbox);
                let missing: HashSet<u32> = {
                    let had: HashSet<u32> = summaries.iter().map(|summary| summary.uid).collect();
                    uids.iter().filter(|uid| !had.contains(uid)).collect()
                };
                if let Some(cache) = self.caches.get_mut(&mailbox) {
                    cache.add_summaries(summaries);
                    cache.forget(missing.iter().copied());
                }
                // What is gone is not asked for for ever.
                for tab in self.tabs.values_mut().filter(|tab| tab.mailbox == mailbox) {
                    if let Some(found) = &mut tab.found {
                        found.uids.retain(|uid| !missing.contains(uid));
                    }
                    if let Some(here) = &mut tab.here {
                        here.uids.retain(|uid| !missing.contains(uid));
                    }
                }
            }
            (Asked::Delta { mailbox }, Ok(Answer::Delta(change))) => {
                self.recovered(&mailbox);
                if let Some(cache) = self.caches.get_mut(&mailbox) {
                    cache.verified = !cache.missed;
                }
                self.changed(change);
            }
            (
                Asked::Search { mailbox, source },
                Ok(Answer::Found {
                    uidvalidity,
                    uids,
                    total,
                }),
            ) => {
                let known = self
                    .caches
                    .get(&mailbox)
                    .map_or(0, |cache| cache.state.uidvalidity);
                if known != 0 && known != uidvalidity {
                    // The mailbox is another than the one that is known.
                    self.caches.remove(&mailbox);
                    self.begun_anew(&mailbox);
                }
                for tab in self.tabs.values_mut() {
                    if tab.mailbox == mailbox && tab.source == source {
                        tab.found = Some(Found {
                            uids: uids.iter().rev().collect(),
                            total,
                        });
                        tab.failed = None;
                    }
                }
            }
            (Asked::Limit, Ok(Answer::MessageLimit(limit))) => self.limit = Some(limit),
            // It is known when it is too late; until then nothing is said.
            (Asked::Limit, Err(_)) => self.limit = Some(None),
            (asked, Err(problem)) => self.failed(&asked, &problem),
            (_, Ok(_)) => {}
        }
    }

    #[inline(never)]
    fn failed(&mut self, asked: &Asked, problem: &Problem) {
        let mailbox = asked.mailbox();
        self.fill_failed(mailbox);
        let recovery = problem.kind.recovery();
        if recovery == Recovery::Resynchronize {
            self.caches.remove(mailbox);
            self.begun_anew(mailbox);
            return;
        }
        // A mailbox that is listed and not there is about to be one or the other.
        let again = recovery == Recovery::Retry
            || problem.kind == ProblemKind::NoSuchMailbox
                && self.mailboxes.iter().any(|known| known.name == mailbox);
        for tab in self.tabs.values_mut().filter(|tab| tab.mailbox == mailbox) {
            if matches!(asked, Asked::Search { .. }) {
                tab.found_outdated = tab.found.is_some();
            }
            tab.failed = Some(Failure {
                why: crate::list::sentence(problem),
                again,
            });
        }
        if recovery == Recovery::SignIn {
            // The gateway says goodbye as well; nothing to ask until somebody signs in.
            self.effect(Effect::CheckSession);
        }
        self.retry_later();
    }

    /// Holds back everything that is asked for by itself for a while.
    pub(crate) fn retry_later(&mut self) {
        if !self.retrying {
            self.retrying = true;
            self.effect(Effect::Wake {
                wake: Wake::Retry,
                after_ms: RETRY_MS,
            });
        }
    }

    /// A mailbox that failed answers again.
    fn recovered(&mut self, mailbox: &str) {
        for tab in self.tabs.values_mut().filter(|tab| tab.mailbox == mailbox) {
            tab.failed = None;
        }
    }

    pub(crate) fn changed(&mut self, change: Change) {
        match change {
            Change::Mailboxes(mailboxes) => {
                let names: HashSet<&str> = mailboxes.iter().map(|m| m.name.as_str()).collect();
                // Also what is kept of one that was not looked at since the worker started.
                let known: HashSet<&String> = {
                    let listed = self.mailboxes.iter().map(|mailbox| &mailbox.name);
                    listed.chain(self.caches.keys()).collect()
                };
                let gone = known
                    .into_iter()
                    .filter(|name| !names.contains(name.as_str()));
                self.forgotten.extend(gone.cloned());
                self.caches.retain(|name, _| names.contains(name.as_str()));
                self.account_changed = true;
                for tab in self.tabs.values_mut() {
                    if names.contains(tab.mailbox.as_str()) {
                        // It may have been created since it was missed.
                        if tab.failed_for_good() {
                            tab.failed = None;
                        }
                    } else {
                        tab.mailbox = "INBOX".to_owned();
                        tab.home = None;
                        tab.forget_found();
                        tab.failed = None;
                        tab.first = 0;
                        tab.open = None;
                        tab.source = crate::state::Source::default();
                    }
                }
                self.mailboxes = mailboxes;
                self.search_named();
                if !self.early.is_empty() {
                    self.act_early();
                }
            }
            Change::Counts { mailbox, counts } => {
                if let Some(known) = self.mailboxes.iter_mut().find(|m| m.name == mailbox) {
                    known.counts = Some(counts);
                    self.account_changed = true;
                }
            }
            Change::Delta(delta) => self.delta(&delta),
            Change::Stale { mailbox, state } => {
                // A state that was reached already says nothing new, but without MODSEQ that cannot be told.
                let news = |known: MailboxState| known != state || state.modseq == 0;
                if self
                    .caches
                    .get(&mailbox)
                    .is_some_and(|cache| news(cache.state))
                {
                    self.reset(&mailbox, state);
                }
            }
        }
    }

    fn delta(&mut self, delta: &Delta) {
        let Some(cache) = self.caches.get_mut(&delta.mailbox) else {
            return;
        };
        let uidnext = cache.state.uidnext;
        match cache.apply_delta(delta) {
            Ok(()) => {
                if delta.mailbox == "INBOX" {
                    self.announce(delta, uidnext);
                }
                for tab in self
                    .tabs
                    .values_mut()
                    .filter(|tab| tab.mailbox == delta.mailbox)
                {
                    tab.lose(&delta.vanished);
                }
                if !delta.arrived.is_empty() {
                    self.outdate_searches(&delta.mailbox);
                }
            }
            Err(Mismatch::Old) => {}
            Err(Mismatch::Gap) => {
                cache.verified = false;
                cache.missed = true;
                self.ask_for_difference(&delta.mailbox);
            }
            Err(Mismatch::Counts) => self.reset(&delta.mailbox, delta.state),
        }
    }

    /// Drops what is known of a mailbox's positions. What was asked for before may be answered from before: it is asked
    /// for again.
    fn reset(&mut self, mailbox: &str, state: MailboxState) {
        let Some(cache) = self.caches.get_mut(mailbox) else {
            return;
        };
        let same = cache.state.uidvalidity == state.uidvalidity;
        cache.reset(state);
        cache.verified = true;
        self.asked.retain(|_, asked| asked.mailbox() != mailbox);
        if same {
            self.outdate_searches(mailbox);
        } else {
            self.begun_anew(mailbox);
        }
    }

    /// A mailbox has another UIDVALIDITY: its UIDs name other messages, and what was asked for before is about those.
    fn begun_anew(&mut self, mailbox: &str) {
        self.asked.retain(|_, asked| asked.mailbox() != mailbox);
        for tab in self.tabs.values_mut().filter(|tab| tab.mailbox == mailbox) {
            tab.forget_found();
            tab.open = None;
        }
    }

    /// Messages are gone because this device wanted it: neither an older state of the mailbox nor a search
    /// that was answered before must bring them back.
    #[inline(never)]
    pub(crate) fn gone(&mut self, mailbox: &str, uidvalidity: u32, uids: &UidSet) {
        let known = self.caches.get_mut(mailbox);
        let Some(cache) = known.filter(|cache| cache.state.uidvalidity == uidvalidity) else {
            return;
        };
        cache.depart(uids);
        if let Some(haystack) = &mut cache.haystack {
            haystack.lose(uids);
        }
        for tab in self.tabs.values_mut().filter(|tab| tab.mailbox == mailbox) {
            tab.lose(uids);
        }
        let searching =
            |asked: &Asked| matches!(asked, Asked::Search { mailbox: of, .. } if of == mailbox);
        if self.asked.values().any(searching) {
            self.outdate_searches(mailbox);
        }
    }

    fn outdate_searches(&mut self, mailbox: &str) {
        self.asked.retain(
            |_, asked| !matches!(asked, Asked::Search { mailbox: of, .. } if of == mailbox),
        );
        for tab in self.tabs.values_mut().filter(|tab| tab.mailbox == mailbox) {
            tab.found_outdated = tab.found.is_some();
            tab.here = None;
        }
    }

    /// Tells one tab of new mail.
    fn announce(&mut self, delta: &Delta, uidnext: u32) {
        let newest = delta
            .arrived
            .iter()
            .rev()
            .find(|summary| summary.uid >= uidnext && !summary.flags.seen);
        if let (Some(summary), Some(&tab)) = (newest, self.tabs.keys().next()) {
            let from = summary.from.first().map_or("", Address::label).to_owned();
            self.effect(Effect::Show {
                tab,
                views: vec![View::NewMail {
                    from,
                    subject: summary.subject.clone(),
                    uid: summary.uid,
                }],
            });
        }
    }
}
