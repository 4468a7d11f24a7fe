//! Messages being written on this device: kept here at every change, on the server after a pause, and sent once.
//!
//! Invariants:
//! 1. Every change is kept on this device before anything else is done with it ([`crate::Effect::Keep`]).
//! 2. One save of a draft is under way at a time; sending waits for it. So the gateway never sees two states of one
//!    draft out of order.
//! 3. A draft is forgotten only when the server has it unchanged and nobody writes on it, when it was sent, or when the
//!    person discarded it.
//! 4. A message handed to a gateway is never handed to another as if it were new: it carries the ledger it was handed to.

mod address;
mod answer;
mod later;
mod leaving;
mod opening;
mod quote;
mod rich;
mod saving;
mod sending;
mod signature;
mod size;

pub use self::later::{MAX_TEMPLATES, templates, templates_mailbox};
pub use address::{address_problem, addresses};
pub use quote::alternative_of;
pub use rich::{html_of, is_formatted};
pub use signature::exchange as exchange_signature;
pub use size::transferred;

use roost_wire::{Composed, Enclosure, Mutation, MutationId, Outcome, Saved, Source, UidSet};
use serde::{Deserialize, Serialize};

use crate::intent::Write;
use crate::kept::KeptChange;
use crate::view::{DraftPhase, DraftView, View};
use crate::{State, TabId};

/// How long before a message that could not be handed over is tried again.
const RESEND_MS: u32 = 10_000;

const UNKNOWN: &str = "The connection broke at the very end: the message may or may not have been sent. There is no copy in Sent. Ask the recipient before you send it again.";

/// A message being written.
#[derive(Debug, Clone)]
pub struct Draft {
    pub message: Composed,
    account: String,
    /// The tab that shows it.
    pub tab: Option<TabId>,
    /// The form in the tab has to be filled (again).
    pub fill: bool,
    /// Where the server has it.
    saved: Option<Saved>,
    /// Differs from what the server has.
    changed: bool,
    /// Counts changes, so that a pause can be told.
    revision: u32,
    saving: Option<Saving>,
    sending: Option<Sending>,
    /// What went wrong with saving it, as a sentence.
    pub problem: String,
    /// Why it was not sent, or may not have been: stands until it is sent again.
    unsent: String,
    conflict: bool,
    unknown: bool,
    /// It came back when no tab was open: the next one shows it.
    returned: bool,
    /// Saving it was refused: that waits for a change, a while, or another line.
    wait: bool,
    /// It could not be handed over: sending it waits for a while, or another line.
    send_later: bool,
    /// It is to be saved as soon as that is possible.
    due: bool,
    /// The person wants none of it: where it is on the server, so that it can be left out of lists.
    pub discarded: Option<(String, UidSet)>,
    /// It can no longer be taken back.
    gone: bool,
    /// It was handed over before the worker started; goes on once its account is signed in.
    interrupted: Vec<(MutationId, Mutation)>,
}

/// A save under way.
#[derive(Debug, Clone)]
struct Saving {
    id: MutationId,
    revision: u32,
    enclosures: Vec<Enclosure>,
}

/// The message is to be sent.
#[derive(Debug, Clone, Copy)]
struct Sending {
    hold: u32,
    /// When, in seconds since 1970-01-01 UTC; `None` for now.
    at: Option<i64>,
    /// The mutation, once it is made.
    id: Option<MutationId>,
}

/// A draft as this device keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDraft {
    pub account: String,
    pub message: Composed,
    pub saved: Option<Saved>,
    pub changed: bool,
    /// The mutation that saves it, if one is under way: its answer may be lost with the worker.
    pub saving: Option<(MutationId, Mutation)>,
    /// The mutation that sends it, if it was handed over or waits to be.
    pub sending: Option<(MutationId, Mutation)>,
    /// The person wants it sent, with so many seconds to take it back, and no mutation was made yet.
    pub wanted: Option<u32>,
    /// When it is to be sent, if not now, in seconds since 1970-01-01 UTC.
    pub later: Option<i64>,
    /// Nobody knows whether it was sent.
    pub unknown: bool,
}

impl Draft {
    fn new(account: String, message: Composed, tab: Option<TabId>) -> Self {
        Self {
            message,
            account,
            tab,
            fill: true,
            saved: None,
            changed: false,
            revision: 0,
            saving: None,
            sending: None,
            problem: String::new(),
            unsent: String::new(),
            conflict: false,
            unknown: false,
            returned: false,
            wait: false,
            send_later: false,
            due: false,
            discarded: None,
            gone: false,
            interrupted: Vec::new(),
        }
    }

    /// Shows it in a tab, filled in.
    fn show_in(&mut self, tab: TabId) {
        self.tab = Some(tab);
        self.fill = true;
        self.returned = false;
        // Somebody writes on it again: it is not to be discarded.
        self.discarded = None;
    }

    /// It is not sent, or may not have been: it can be written on again.
    fn stop_sending(&mut self) {
        self.sending = None;
        self.fill = true;
    }

    /// It is to be sent, and no mutation was made of it yet: it could not be handed over, or waits for a save.
    pub fn waits_to_be_sent(&self) -> bool {
        self.sending.is_some_and(|sending| sending.id.is_none())
    }

    /// Whose it is.
    pub fn belongs_to(&self, account: &str) -> bool {
        self.account == account
    }

    /// Why it was not sent yet, as a sentence; empty where nothing went wrong.
    pub fn why_not_sent(&self) -> &str {
        &self.unsent
    }

    #[inline(never)]
    fn view(&self, limit: Option<u64>) -> DraftView {
        let phase = if self.unknown {
            DraftPhase::Unknown
        } else if self.sending.is_some() {
            DraftPhase::Sending
        } else if self.conflict {
            DraftPhase::Conflict
        } else if self.saving.is_some() {
            DraftPhase::Saving
        } else if self.changed {
            DraftPhase::Changed
        } else if self.saved.is_some() {
            DraftPhase::Saved
        } else {
            DraftPhase::Untouched
        };
        DraftView {
            id: self.message.id.clone(),
            subject: self.message.subject.clone(),
            phase,
            problem: match self.problem.as_str() {
                "" => self.unsent.clone(),
                problem => problem.to_owned(),
            },
            enclosures: self.message.enclosures.clone(),
            size: size::of(&self.message),
            limit,
        }
    }
}

/// Whether there is nothing in it that anybody would miss.
fn is_empty(message: &Composed) -> bool {
    message.to.is_empty()
        && message.cc.is_empty()
        && message.bcc.is_empty()
        && message.subject.trim().is_empty()
        && message.text.trim().is_empty()
        && message
            .html
            .as_ref()
            .is_none_or(|html| !html.contains("<img"))
        && message.enclosures.is_empty()
}

impl State {
    pub(crate) fn write(&mut self, tab: TabId, write: Write) {
        match write {
            Write::New {
                message,
                identities,
                style,
            } => {
                let identity = self.identities(identities).remove(0);
                let mut message = Composed {
                    from: identity.address(),
                    reply_to: identity.replies(),
                    ..*message
                };
                signature::sign(
                    &mut message,
                    &identity,
                    &signature::Quoted::default(),
                    style,
                );
                self.begin_draft(tab, message);
            }
            Write::Answer {
                how,
                quote,
                identities,
                style,
            } => {
                let identities = self.identities(identities);
                let open = self.tabs.get(&tab).and_then(|tab| tab.open.as_ref());
                let composed = open.and_then(|open| {
                    let key = (open.address.clone(), open.images);
                    let body = self.bodies.get(&key)?;
                    let cache = self.caches.get(&open.address.mailbox);
                    let summary = cache.and_then(|cache| cache.summary(open.address.uid));
                    let mut message = answer::answer(
                        how,
                        &open.address,
                        body,
                        quote,
                        &identities,
                        &self.address,
                        style,
                    );
                    for enclosure in &mut message.enclosures {
                        if matches!(enclosure.source, Source::Message { .. }) {
                            enclosure.size = summary.map_or(0, |summary| summary.size);
                        }
                    }
                    Some(message)
                });
                match composed {
                    Some(message) => {
                        self.begin_draft(tab, message);
                    }
                    None => self.notice(
                        tab,
                        "The message is still being loaded. Try again in a moment.",
                        None,
                        true,
                    ),
                }
            }
            Write::Open {
                mailbox,
                uid,
                as_new,
                identities,
            } => self.open_draft(tab, &mailbox, uid, as_new, identities),
            Write::Resume(id) => self.resume(tab, &id),
            Write::Reopen(ids) => self.reopen(tab, ids),
            Write::Edit(message) => self.edit(*message),
            Write::Attach { id, enclosure } => {
                if let Some(draft) = self
                    .drafts
                    .get_mut(&id)
                    .filter(|draft| draft.sending.is_none())
                {
                    draft.message.enclosures.push(enclosure);
                    self.draft_changed(&id);
                    // Only the draft on the server keeps it when this page is gone.
                    self.save_draft(&id);
                }
            }
            Write::Detach { id, index } => {
                if let Some(draft) = self.drafts.get_mut(&id)
                    && draft.sending.is_none()
                    && (index as usize) < draft.message.enclosures.len()
                {
                    draft.message.enclosures.remove(index as usize);
                    self.draft_changed(&id);
                }
            }
            Write::Close(id) => self.close_draft(&id),
            Write::Discard(id) => self.discard(tab, &id),
            Write::Send { id, hold } => self.begin_sending(&id, hold, None),
            Write::Schedule { id, at } => self.begin_sending(&id, 0, Some(at)),
            Write::SaveTemplate(id) => self.save_template(tab, &id),
            Write::Insert { id, uid } => later::fetch_template(self, tab, id, uid),
            Write::Unschedule { mailbox, uid, sure } => {
                self.unschedule(tab, mailbox, uid, sure);
            }
            Write::SendScheduled { mailbox, uid, sure } => {
                self.send_scheduled(tab, mailbox, uid, sure);
            }
            Write::Overwrite(id) => {
                if let Some(draft) = self.drafts.get_mut(&id) {
                    draft.conflict = false;
                    draft.problem.clear();
                    draft.saved = None;
                    draft.changed = true;
                    self.save_draft(&id);
                }
            }
            Write::KeepBoth(id) => {
                self.keep_both(tab, &id);
            }
        }
    }

    /// Goes on with what is written here as a message of its own, beside the one that another device has; its new id.
    pub(super) fn keep_both(&mut self, tab: TabId, id: &str) -> Option<String> {
        let draft = self.drafts.get(id)?;
        let (message, shown) = (draft.message.clone(), draft.tab.unwrap_or(tab));
        self.drop_draft(id);
        let id = self.begin_draft(shown, message);
        self.draft_changed(&id);
        self.save_draft(&id);
        Some(id)
    }

    pub(crate) fn account_name(&self) -> String {
        self.who
            .as_ref()
            .map(|who| who.account.clone())
            .unwrap_or_default()
    }

    fn edit(&mut self, message: Composed) {
        let id = message.id.clone();
        let Some(draft) = self.drafts.get_mut(&id) else {
            return;
        };
        if draft.sending.is_some() {
            return;
        }
        // What the form does not hold stays.
        let mut message = Composed {
            enclosures: std::mem::take(&mut draft.message.enclosures),
            in_reply_to: std::mem::take(&mut draft.message.in_reply_to),
            references: std::mem::take(&mut draft.message.references),
            origin: draft.message.origin.take(),
            ..message
        };
        rich::complete(&mut message);
        draft.message = message;
        self.draft_changed(&id);
    }

    /// A draft of the person who is signed in. Those of others are kept, and neither shown, saved nor sent.
    pub(super) fn own_draft(&self, id: &str) -> Option<&Draft> {
        let account = &self.who.as_ref()?.account;
        self.drafts
            .get(id)
            .filter(|draft| draft.account == *account)
    }

    /// Goes on with what waited: a session, a list of mailboxes, a line, a save.
    pub(crate) fn go_on_with_drafts(&mut self) {
        self.go_on_reopening();
        let ids: Vec<String> = self.drafts.keys().cloned().collect();
        for id in ids {
            if self.own_draft(&id).is_some()
                && let Some(draft) = self.drafts.get_mut(&id)
            {
                for (mutation_id, mutation) in std::mem::take(&mut draft.interrupted) {
                    // What was to be sent says itself whether a gateway may have it. Of others it is not known.
                    let handed_over = !matches!(&mutation, Mutation::Send { ledger: None, .. });
                    self.resume_mutation(KeptChange {
                        id: mutation_id,
                        mutation,
                        at: 0,
                        handed_over,
                        ledger: None,
                    });
                }
            }
            let Some(draft) = self.drafts.get(&id) else {
                continue;
            };
            let save = !draft.wait && (draft.tab.is_none() || draft.due);
            if !draft.send_later {
                self.send_draft(&id);
            }
            if save {
                self.save_draft(&id);
            }
        }
    }

    /// A draft's mutation ended. `false` where it was about something else.
    #[inline(never)]
    pub(crate) fn draft_ended(&mut self, mutation: MutationId, outcome: &Outcome) -> bool {
        let saving = self.drafts.values().find(|draft| {
            draft
                .saving
                .as_ref()
                .is_some_and(|saving| saving.id == mutation)
        });
        if let Some(id) = saving.map(|draft| draft.message.id.clone()) {
            self.draft_saved(&id, outcome);
            return true;
        }
        let sending = self.drafts.values().find(|draft| {
            draft
                .sending
                .is_some_and(|sending| sending.id == Some(mutation))
        });
        if let Some(id) = sending.map(|draft| draft.message.id.clone()) {
            self.draft_sent(&id, outcome);
            return true;
        }
        false
    }

    /// A message that comes back is shown again, by the tab it was written in or by another.
    pub(super) fn return_to_a_tab(&mut self, id: &str) {
        let other = self.tabs.keys().next_back().copied();
        if let Some(draft) = self.drafts.get_mut(id)
            && draft.tab.is_none_or(|tab| !self.tabs.contains_key(&tab))
        {
            draft.tab = other;
            draft.fill = true;
            draft.returned = other.is_none();
        }
    }

    /// Drafts as one tab sees them, and the forms that have to be filled.
    pub(crate) fn draft_views(&mut self, tab: TabId) -> (Vec<DraftView>, Vec<View>) {
        let account = self.account_name();
        let limit = self.limit.flatten();
        let mut views = Vec::new();
        let mut fills = Vec::new();
        for draft in self.drafts.values_mut() {
            if draft.tab != Some(tab) || draft.account != account {
                continue;
            }
            if draft.fill && draft.sending.is_none() {
                draft.fill = false;
                fills.push(View::Draft(Box::new(draft.message.clone())));
            }
            views.push(draft.view(limit));
        }
        (views, fills)
    }
}
