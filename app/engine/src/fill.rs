//! Keeping ahead: in the background, page by page, the newest summaries of the inbox come to this device, then those of
//! the other mailboxes, each to its depth. So they are there without a line, and a search on this device finds them.
//!
//! One page is under way at a time, and only when nothing that is on screen is being asked for. The gateway serves it after
//! whatever a person waits for. Nothing is done on a metered line, on a low battery, for tabs that nobody sees, or where
//! there is no room to keep it.

use std::collections::HashSet;

use roost_wire::{MAX_WINDOW, Request};

use crate::kept::{PAGE_SPAN, page_of};
use crate::state::{Asked, Socket};
use crate::view::{Filling, Line};
use crate::{Circumstances, Effect, State, TabId, Wake};

/// How many rows one page has.
const STEP: u32 = 128;
/// How long nothing is asked for between two pages.
const PAUSE_MS: u32 = 150;
/// How many mailboxes are kept ahead: fewer than are cached, so that none pushes another out.
const MAX_FILLED: usize = 20;

/// How far keeping ahead is.
#[derive(Debug, Default)]
pub struct Fill {
    /// A pause between two pages.
    pausing: bool,
    /// Mailboxes that could not be had since the socket opened.
    failed: HashSet<String>,
    pub shown: Filling,
}

enum Next {
    /// Everything wanted of it is here.
    Nothing,
    /// Something is on its way that has to come first.
    Wait,
    /// Rows from this position on, of so many that are wanted.
    Rows { first: u32, count: u32, wanted: u32 },
}

impl State {
    pub(crate) fn circumstances(&mut self, tab: TabId, circumstances: Circumstances) {
        if let Some(tab) = self.tabs.get_mut(&tab) {
            tab.circumstances = circumstances;
        }
    }

    /// Whether the browser, the line and the person let something be fetched that nobody waits for.
    pub(crate) fn may_fetch_ahead(&self) -> bool {
        let told = || self.tabs.values().map(|tab| &tab.circumstances);
        !self.full
            && told().any(|tab| tab.visible)
            && !told().any(|tab| tab.saving)
            && (!told().any(|tab| tab.metered) || told().any(|tab| tab.despite_metered))
    }

    /// The next page, if it is its turn. Called after every event, when what is on screen has been asked for.
    pub(crate) fn fill(&mut self) {
        if !self.keeps {
            self.fill.shown = Filling::Nothing;
            return;
        }
        if self.full {
            self.fill.shown = Filling::NoRoom;
            return;
        }
        let live = self.socket == Socket::Open && self.line == Line::Live;
        if !live || !self.may_fetch_ahead() {
            if let Filling::Working { .. } | Filling::NoRoom = self.fill.shown {
                self.fill.shown = Filling::Paused;
            }
            return;
        }
        let busy = !self.asked.is_empty() || self.retrying || self.bodies.is_fetching_any();
        if busy || self.fill.pausing || !self.bodies.is_calm() || !self.mailboxes_known {
            return;
        }
        for (mailbox, depth) in self.kept_ahead() {
            match self.next_to_fill(&mailbox, depth) {
                Next::Nothing => {}
                Next::Wait => return,
                Next::Rows {
                    first,
                    count,
                    wanted,
                } => {
                    self.fill.shown = Filling::Working {
                        mailbox: mailbox.clone(),
                        have: first,
                        wanted,
                    };
                    let asked = Asked::Ahead {
                        mailbox: mailbox.clone(),
                    };
                    let request = Request::Ahead {
                        mailbox,
                        first,
                        count,
                    };
                    self.ask(asked, request);
                    return;
                }
            }
        }
        self.fill.shown = Filling::Done;
    }

    /// The mailboxes that are kept ahead and how many messages of each, in the order in which they come.
    #[inline(never)]
    fn kept_ahead(&self) -> Vec<(String, u32)> {
        let depth = |of: fn(&Circumstances) -> u32| {
            let depths = self.tabs.values().map(|tab| of(&tab.circumstances));
            depths.max().unwrap_or(0)
        };
        let (inbox, others) = (depth(|tab| tab.inbox_depth), depth(|tab| tab.other_depth));
        let mut mailboxes: Vec<_> = self
            .mailboxes
            .iter()
            .filter(|mailbox| mailbox.selectable)
            .filter(|mailbox| !self.fill.failed.contains(&mailbox.name))
            .collect();
        mailboxes.sort_by_key(|mailbox| {
            (
                mailbox.name != "INBOX",
                mailbox.role.is_none(),
                mailbox.role,
            )
        });
        mailboxes.truncate(MAX_FILLED);
        mailboxes
            .into_iter()
            .map(|mailbox| {
                let depth = if mailbox.name == "INBOX" {
                    inbox
                } else {
                    others
                };
                (mailbox.name.clone(), depth)
            })
            .filter(|(_, depth)| *depth > 0)
            .collect()
    }

    #[inline(never)]
    fn next_to_fill(&mut self, mailbox: &str, depth: u32) -> Next {
        // What is kept already is read first.
        if self.looked_up.insert(mailbox.to_owned()) {
            let account = self.account_name();
            self.effect(Effect::LoadMailbox {
                account,
                mailbox: mailbox.to_owned(),
            });
            self.fill_pauses();
            return Next::Wait;
        }
        if !self.caches.contains_key(mailbox) {
            self.use_cache(mailbox);
        }
        let Some(cache) = self.caches.get(mailbox) else {
            return Next::Nothing;
        };
        if cache.state.uidvalidity == 0 {
            return Next::Rows {
                first: 0,
                count: STEP.min(depth),
                wanted: depth,
            };
        }
        if !cache.verified {
            self.ask_for_difference(mailbox);
            return Next::Wait;
        }
        let exists = cache.state.exists;
        let wanted = depth.min(exists);
        // Consecutive messages are mostly of one page.
        let mut last = None;
        let here = |uid: u32, last: &mut Option<u32>| {
            let page = page_of(uid);
            if *last == Some(page) {
                return true;
            }
            if cache.kept.pages.contains(&page) {
                *last = Some(page);
                return true;
            }
            !cache.lacks(uid)
        };
        let missing = (0..wanted).find(|position| {
            cache
                .uid_at(exists - position)
                .is_none_or(|uid| !here(uid, &mut last))
        });
        let Some(missing) = missing.filter(|_| cache.kept.has_room()) else {
            return Next::Nothing;
        };
        // A page that is kept and not in memory would lose its newer half: that is asked for once more.
        let mut first = missing;
        if let Some(above) = first.checked_sub(1).and_then(|p| cache.uid_at(exists - p)) {
            let page = page_of(above);
            while first > 0
                && missing - first < PAGE_SPAN - 1
                && cache
                    .uid_at(exists - (first - 1))
                    .is_some_and(|uid| page_of(uid) == page)
            {
                first -= 1;
            }
            let whole = (first..missing).all(|position| {
                let uid = cache.uid_at(exists - position);
                uid.is_some_and(|uid| cache.summary(uid).is_some())
            });
            if whole {
                first = missing;
            }
        }
        Next::Rows {
            first,
            count: (missing - first + STEP).min(wanted - first).min(MAX_WINDOW),
            wanted,
        }
    }

    /// A page came, or did not.
    pub(crate) fn fill_pauses(&mut self) {
        if !self.fill.pausing {
            self.fill.pausing = true;
            self.effect(Effect::Wake {
                wake: Wake::Ahead,
                after_ms: PAUSE_MS,
            });
        }
    }

    pub(crate) fn fill_goes_on(&mut self) {
        self.fill.pausing = false;
    }

    /// A mailbox that nobody looks at could not be had: the next one.
    pub(crate) fn fill_failed(&mut self, mailbox: &str) {
        if !self.tabs.values().any(|tab| tab.mailbox == mailbox) {
            self.fill.failed.insert(mailbox.to_owned());
        }
    }

    pub(crate) fn fill_begins_anew(&mut self) {
        self.fill.failed.clear();
    }
}
