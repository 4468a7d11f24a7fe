//! Messages being written on this device: kept here at every change, on the server after a pause, and sent once.
//!
//! Invariants:
//! 1. Every change is kept on this device before anything else is done with it ([`Effect::Keep`]).
//! 2. One save of a draft is under way at a time; sending waits for it. So the gateway never sees two states of one
//!    draft out of order.
//! 3. A draft is forgotten only when the server has it unchanged and nobody writes on it, when it was sent, or when the
//!    person discarded it.
//! 4. A message handed to a gateway is never handed to another as if it were new: it carries the ledger it was handed to.

mod answer;
mod quote;

pub use answer::{address_problem, addresses};

use roost_wire::{
    Composed, Enclosure, MAX_TEXT, Mutation, MutationId, Outcome, Problem, ProblemKind, Recovery,
    Role, Saved, Source, Uid, UidSet,
};
use serde::{Deserialize, Serialize};

use crate::intent::{Identity, Write};
use crate::pending::Inverse;
use crate::state::Socket;
use crate::view::{ContentAddress, DraftPhase, DraftView, Line, View};
use crate::{BodyProblem, Effect, State, TabId, Wake, list};

/// How long after the last change a draft is saved on the server.
const SAVE_MS: u32 = 3_000;
/// How long before a message that could not be handed over is tried again.
const RESEND_MS: u32 = 10_000;
/// How long a discarded draft can be taken back: as long as its notice stays.
const DISCARD_MS: u32 = 8_500;
/// How long a draft without a tab waits for one.
const RELEASE_MS: u32 = 15_000;
/// How many messages may be written on one device at a time.
const MAX_DRAFTS: usize = 50;

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
    /// What went wrong, as a sentence.
    pub problem: String,
    conflict: bool,
    unknown: bool,
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
            conflict: false,
            unknown: false,
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
        // Somebody writes on it again: it is not to be discarded.
        self.discarded = None;
    }

    /// It is not sent, or may not have been: it can be written on again.
    fn stop_sending(&mut self) {
        self.sending = None;
        self.fill = true;
    }

    fn view(&self) -> DraftView {
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
            phase,
            problem: self.problem.clone(),
            enclosures: self.message.enclosures.clone(),
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
            .is_none_or(|html| html.trim().is_empty())
        && message.enclosures.is_empty()
}

/// Whether it is more than a frame of the socket holds.
fn is_too_long(message: &Composed) -> bool {
    let html = message.html.as_ref().map_or(0, String::len);
    message.text.len() + html > MAX_TEXT
}

impl State {
    pub(crate) fn write(&mut self, tab: TabId, write: Write) {
        match write {
            Write::New {
                message,
                identities,
            } => {
                let identity = self.identities(identities).remove(0);
                let message = Composed {
                    from: identity.address(),
                    text: answer::signed(&message.text, &identity, ""),
                    ..*message
                };
                self.begin_draft(tab, message);
            }
            Write::Answer {
                how,
                quote,
                identities,
            } => {
                let identities = self.identities(identities);
                let open = self.tabs.get(&tab).and_then(|tab| tab.open.as_ref());
                let composed = open.and_then(|open| {
                    let key = (open.address.clone(), open.images);
                    let body = self.bodies.get(&key)?;
                    Some(answer::answer(
                        how,
                        &open.address,
                        body,
                        quote,
                        &identities,
                        &self.address,
                    ))
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
            Write::Send { id, hold } => {
                if let Some(draft) = self.drafts.get_mut(&id)
                    && draft.sending.is_none()
                {
                    draft.sending = Some(Sending { hold, id: None });
                    draft.problem.clear();
                    draft.unknown = false;
                    self.keep(&id);
                    self.send_draft(&id);
                }
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
                if let Some(draft) = self.drafts.get(&id) {
                    let (message, shown) = (draft.message.clone(), draft.tab.unwrap_or(tab));
                    self.drop_draft(&id);
                    let id = self.begin_draft(shown, message);
                    self.draft_changed(&id);
                    self.save_draft(&id);
                }
            }
        }
    }

    /// Who the person may write as; at least the account's own address.
    fn identities(&self, named: Vec<Identity>) -> Vec<Identity> {
        Identity::complete(named, &self.address)
    }

    /// The gateway said what the person writes from: messages begun before that are completed.
    pub(crate) fn complete_senders(&mut self) {
        let (account, address) = (self.account_name(), self.address.clone());
        for draft in self.drafts.values_mut() {
            if draft.account == account
                && draft.message.from.email.is_empty()
                && draft.sending.is_none()
            {
                draft.message.from.email.clone_from(&address);
                draft.fill = true;
            }
        }
    }

    /// Shows a new message in a tab.
    fn begin_draft(&mut self, tab: TabId, mut message: Composed) -> String {
        let id = self.new_message_id(&message.from.email);
        message.id.clone_from(&id);
        self.show_draft(tab, Draft::new(self.account_name(), message, Some(tab)));
        id
    }

    fn show_draft(&mut self, tab: TabId, draft: Draft) {
        if self.drafts.len() >= MAX_DRAFTS {
            self.notice(
                tab,
                "Too many messages are being written. Send or close some first.",
                None,
                true,
            );
            return;
        }
        self.drafts.insert(draft.message.id.clone(), draft);
    }

    fn account_name(&self) -> String {
        self.who
            .as_ref()
            .map(|who| who.account.clone())
            .unwrap_or_default()
    }

    /// The device's random number and its own count make it unique; the domain is where it is written from.
    fn new_message_id(&mut self, from: &str) -> String {
        let count = self.next_mutation;
        self.next_mutation += 1;
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        let domain = if domain.bytes().all(plain) && !domain.is_empty() {
            domain
        } else {
            "roost.invalid"
        };
        format!("{:016x}.{count:x}.roost@{domain}", self.device)
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
        let message = Composed {
            enclosures: std::mem::take(&mut draft.message.enclosures),
            reply_to: std::mem::take(&mut draft.message.reply_to),
            in_reply_to: std::mem::take(&mut draft.message.in_reply_to),
            references: std::mem::take(&mut draft.message.references),
            origin: draft.message.origin.take(),
            ..message
        };
        draft.message = message;
        self.draft_changed(&id);
    }

    fn draft_changed(&mut self, id: &str) {
        let Some(draft) = self.drafts.get_mut(id) else {
            return;
        };
        draft.changed = true;
        draft.wait = false;
        draft.revision += 1;
        let revision = draft.revision;
        self.keep(id);
        self.effect(Effect::Wake {
            wake: Wake::SaveDraft {
                id: id.to_owned(),
                revision,
            },
            after_ms: SAVE_MS,
        });
    }

    /// Keeps a draft on this device.
    pub(crate) fn keep(&mut self, id: &str) {
        let Some(draft) = self.drafts.get(id) else {
            return;
        };
        let under_way = |id: MutationId| {
            let pending = self.pending.iter().find(|pending| pending.id == id);
            let waiting = draft.interrupted.iter().find(|(waiting, _)| *waiting == id);
            pending
                .map(|pending| (id, pending.mutation.clone()))
                .or_else(|| waiting.cloned())
        };
        let sending = draft.sending.and_then(|sending| under_way(sending.id?));
        let saving = draft
            .saving
            .as_ref()
            .and_then(|saving| under_way(saving.id));
        let kept = KeptDraft {
            account: draft.account.clone(),
            message: draft.message.clone(),
            saved: draft.saved.clone(),
            changed: draft.changed,
            wanted: draft
                .sending
                .filter(|sending| sending.id.is_none())
                .map(|sending| sending.hold),
            unknown: draft.unknown,
            saving,
            sending,
        };
        self.effect(Effect::Keep(Box::new(kept)));
    }

    /// Nothing of it is needed here any more.
    fn drop_draft(&mut self, id: &str) {
        self.drafts.remove(id);
        self.effect(Effect::Forget(id.to_owned()));
    }

    /// There was a pause since a change.
    pub(crate) fn draft_paused(&mut self, id: &str, revision: u32) {
        if let Some(draft) = self
            .drafts
            .get_mut(id)
            .filter(|draft| draft.revision == revision)
        {
            draft.wait = false;
            draft.due = true;
            self.save_draft(id);
        }
    }

    /// There is a line again: what was refused or could not be saved is tried anew.
    pub(crate) fn drafts_may_go_on(&mut self) {
        for draft in self.drafts.values_mut() {
            draft.wait = false;
            draft.send_later = false;
            draft.due = draft.changed;
        }
    }

    /// Saves a draft on the server, if it differs from what the server has and nothing is in the way.
    fn save_draft(&mut self, id: &str) {
        let may = self.socket == Socket::Open && !self.mailboxes.is_empty();
        let Some(draft) = self.own_draft(id) else {
            return;
        };
        let busy = draft.saving.is_some()
            || draft.sending.is_some()
            || draft.conflict
            || draft.discarded.is_some();
        if !may || busy || !draft.changed || is_empty(&draft.message) {
            return;
        }
        if is_too_long(&draft.message) {
            self.say_too_long(id);
            return;
        }
        let tab = draft.tab.unwrap_or_default();
        let message = draft.message.clone();
        let base = draft.saved.as_ref().map(|saved| saved.uid);
        let revision = draft.revision;
        let mailbox = self.mailbox_for(tab, Role::Drafts);
        let enclosures = message.enclosures.clone();
        let mutation = Mutation::SaveDraft {
            draft: Box::new(message),
            mailbox,
            base,
        };
        if let Some(saving) = self.mutate(tab, mutation, None)
            && let Some(draft) = self.drafts.get_mut(id)
        {
            draft.due = false;
            draft.saving = Some(Saving {
                id: saving,
                revision,
                enclosures,
            });
            self.keep(id);
        }
    }

    fn say_too_long(&mut self, id: &str) {
        if let Some(draft) = self.drafts.get_mut(id) {
            if draft.sending.is_some() {
                draft.stop_sending();
            }
            draft.wait = true;
            draft.problem = format!(
                "The text is longer than {} KB: it is kept on this device, but it can be neither saved nor sent. Put it into an attachment.",
                MAX_TEXT / 1024
            );
        }
    }

    fn close_draft(&mut self, id: &str) {
        let Some(draft) = self.drafts.get_mut(id) else {
            return;
        };
        draft.tab = None;
        if draft.sending.is_some() {
            return;
        }
        if is_empty(&draft.message) || (!draft.changed && draft.saving.is_none()) {
            self.drop_draft(id);
            return;
        }
        self.leave_draft(id);
    }

    /// No tab shows it any more: it is saved, and waits a while for a tab.
    fn leave_draft(&mut self, id: &str) {
        if let Some(draft) = self.drafts.get_mut(id) {
            draft.tab = None;
        }
        self.save_draft(id);
        self.release_later(id.to_owned());
    }

    fn discard(&mut self, tab: TabId, id: &str) {
        let Some(draft) = self
            .drafts
            .get_mut(id)
            .filter(|draft| draft.sending.is_none())
        else {
            return;
        };
        draft.tab = None;
        draft.discarded = Some(draft.saved.as_ref().map(place_of).unwrap_or_default());
        if is_empty(&draft.message) {
            self.discard_for_good(id);
            return;
        }
        let undo = self.remember_undo(Inverse::Discard(id.to_owned()));
        self.notice(tab, "Draft discarded", Some(undo), false);
        self.effect(Effect::Wake {
            wake: Wake::Discard(id.to_owned()),
            after_ms: DISCARD_MS,
        });
    }

    /// A discarded message comes back as it was.
    pub(crate) fn restore_draft(&mut self, tab: TabId, id: &str) {
        match self.drafts.get_mut(id) {
            Some(draft) => draft.show_in(tab),
            None => self.notice(tab, "The draft is in the Trash by now.", None, true),
        }
    }

    pub(crate) fn discard_for_good(&mut self, id: &str) {
        if let Some(draft) = self
            .drafts
            .get_mut(id)
            .filter(|draft| draft.discarded.is_some())
        {
            draft.gone = true;
            self.go_on_discarding(id);
        }
    }

    /// What was discarded goes from the server too, after a save that is under way.
    fn go_on_discarding(&mut self, id: &str) {
        let Some(draft) = self
            .drafts
            .get(id)
            .filter(|draft| draft.gone && draft.saving.is_none())
        else {
            return;
        };
        let saved = draft.saved.clone();
        self.drop_draft(id);
        if let Some(saved) = saved {
            let tab = TabId::default();
            let to = self.mailbox_for(tab, Role::Trash);
            let mutation = Mutation::DiscardDraft {
                id: id.to_owned(),
                mailbox: saved.mailbox,
                to,
            };
            self.mutate(tab, mutation, None);
        }
    }

    fn resume(&mut self, tab: TabId, id: &str) {
        if !self.restored {
            self.resuming.push((tab, id.to_owned()));
            return;
        }
        match self.drafts.get_mut(id) {
            Some(draft) => draft.show_in(tab),
            None => self.notice(
                tab,
                "This message is not being written here any more. Look for it in Drafts or Sent.",
                None,
                false,
            ),
        }
    }

    /// The tab is gone: what was written in it is saved.
    pub(crate) fn drafts_left_by(&mut self, tab: TabId) {
        let left: Vec<String> = self
            .drafts
            .values()
            .filter(|draft| draft.tab == Some(tab))
            .map(|draft| draft.message.id.clone())
            .collect();
        for id in left {
            self.leave_draft(&id);
        }
    }

    /// A page that is loaded anew asks for its draft again; one that is gone does not.
    fn release_later(&mut self, id: String) {
        self.effect(Effect::Wake {
            wake: Wake::Release(id),
            after_ms: RELEASE_MS,
        });
    }

    pub(crate) fn release(&mut self, id: &str) {
        let Some(draft) = self.drafts.get(id).filter(|draft| draft.tab.is_none()) else {
            return;
        };
        if draft.saving.is_some() {
            self.release_later(id.to_owned());
        } else if draft.sending.is_none() && !draft.conflict && draft.discarded.is_none() {
            self.close_draft(id);
        }
    }

    fn open_draft(
        &mut self,
        tab: TabId,
        mailbox: &str,
        uid: Uid,
        as_new: bool,
        identities: Vec<Identity>,
    ) {
        let account = self.account_name();
        let known = self.drafts.iter_mut().find(|(_, draft)| {
            draft.account == account
                && draft
                    .saved
                    .as_ref()
                    .is_some_and(|saved| saved.mailbox == mailbox && saved.uid == uid)
        });
        if let (Some((_, draft)), false) = (known, as_new) {
            draft.show_in(tab);
            return;
        }
        if let Some(address) = self.address(mailbox, uid) {
            self.effect(Effect::FetchDraft {
                tab,
                address,
                as_new,
                identities,
            });
        }
    }

    pub(crate) fn draft_fetched(
        &mut self,
        tab: TabId,
        address: ContentAddress,
        as_new: bool,
        identities: Vec<Identity>,
        result: Result<Box<Composed>, BodyProblem>,
    ) {
        let mut message = match result {
            Ok(message) => *message,
            Err(problem) => {
                let why = match problem {
                    BodyProblem::Offline => "There is no connection.".to_owned(),
                    BodyProblem::Refused(why) => why,
                    BodyProblem::SignedOut => "You are signed out.".to_owned(),
                };
                self.notice(
                    tab,
                    &format!("The draft cannot be opened. {why}"),
                    None,
                    true,
                );
                return;
            }
        };
        if !self.tabs.contains_key(&tab) {
            return;
        }
        let formatted = message.html.take();
        if let Some(html) = &formatted
            && message.text.trim().is_empty()
        {
            message.text = quote::text_of(html);
        }
        if as_new {
            message.from = self.identities(identities).remove(0).address();
            message.in_reply_to.clear();
            message.references.clear();
            message.origin = None;
            self.begin_draft(tab, message);
            return;
        }
        if message.id.is_empty() {
            // Written elsewhere without a Message-ID: it gets one, and the copy there stays.
            self.begin_draft(tab, message);
            return;
        }
        if let Some(draft) = self.drafts.get_mut(&message.id) {
            // The same draft is being written here: that one is newer.
            draft.show_in(tab);
            return;
        }
        let parts = message
            .enclosures
            .iter()
            .filter_map(|enclosure| match &enclosure.source {
                Source::Part { part, .. } => Some(part.clone()),
                _ => None,
            });
        let saved = Saved {
            parts: parts.collect(),
            mailbox: address.mailbox,
            uidvalidity: address.uidvalidity,
            uid: address.uid,
        };
        let mut draft = Draft::new(self.account_name(), message, Some(tab));
        if formatted.is_some() {
            "This draft has formatting, which is lost when you change it here."
                .clone_into(&mut draft.problem);
        }
        draft.saved = Some(saved);
        self.show_draft(tab, draft);
    }

    /// Hands a message over, once nothing about it is under way.
    fn send_draft(&mut self, id: &str) {
        if self.mailboxes.is_empty() {
            return;
        }
        let Some(draft) = self.own_draft(id) else {
            return;
        };
        let Some(Sending { hold, id: None }) = draft.sending else {
            return;
        };
        if draft.saving.is_some() {
            return;
        }
        if is_too_long(&draft.message) {
            self.say_too_long(id);
            return;
        }
        let tab = draft.tab.unwrap_or_default();
        let message = Box::new(draft.message.clone());
        let drafts = self.mailbox_for(tab, Role::Drafts);
        let sent = self.mailbox_for(tab, Role::Sent);
        let mutation = Mutation::Send {
            message,
            hold,
            drafts,
            sent: Some(sent),
            ledger: None,
        };
        let Some(sending) = self.mutate(tab, mutation, None) else {
            return;
        };
        let undo = self.remember_undo(Inverse::Unsend(id.to_owned()));
        let text = if self.line == Line::Live {
            "Sending"
        } else {
            "The message is sent as soon as there is a connection"
        };
        self.notice(tab, text, (hold > 0).then_some(undo), false);
        if let Some(draft) = self.drafts.get_mut(id) {
            draft.sending = Some(Sending {
                hold,
                id: Some(sending),
            });
        }
        self.keep(id);
    }

    /// A draft of the person who is signed in. Those of others are kept, and neither shown, saved nor sent.
    fn own_draft(&self, id: &str) -> Option<&Draft> {
        let account = &self.who.as_ref()?.account;
        self.drafts
            .get(id)
            .filter(|draft| draft.account == *account)
    }

    /// Goes on with what waited: a session, a list of mailboxes, a line, a save.
    pub(crate) fn go_on_with_drafts(&mut self) {
        let ids: Vec<String> = self.drafts.keys().cloned().collect();
        for id in ids {
            if self.own_draft(&id).is_some()
                && let Some(draft) = self.drafts.get_mut(&id)
            {
                for (mutation_id, mutation) in std::mem::take(&mut draft.interrupted) {
                    self.resume_mutation(mutation_id, mutation);
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

    fn draft_saved(&mut self, id: &str, outcome: &Outcome) {
        let Some(draft) = self.drafts.get_mut(id) else {
            return;
        };
        let Some(saving) = draft.saving.take() else {
            return;
        };
        // What the person has to decide about is shown to them.
        let mut back = false;
        match outcome {
            Outcome::Saved(saved) => {
                draft.problem.clear();
                draft.changed = draft.revision != saving.revision;
                // From now on the attachments come from the draft.
                for (index, before) in saving.enclosures.iter().enumerate() {
                    let same = draft
                        .message
                        .enclosures
                        .iter_mut()
                        .find(|now| *now == before);
                    if let (Some(enclosure), Some(part)) = (same, saved.parts.get(index)) {
                        enclosure.source = Source::Part {
                            mailbox: saved.mailbox.clone(),
                            uidvalidity: saved.uidvalidity,
                            uid: saved.uid,
                            part: part.clone(),
                        };
                    }
                }
                draft.saved = Some(saved.clone());
                if draft.discarded.is_some() {
                    draft.discarded = Some(place_of(saved));
                }
            }
            Outcome::Rejected(problem) if problem.kind == ProblemKind::Conflict => {
                draft.conflict = true;
                back = true;
                "This draft was changed on another device meanwhile."
                    .clone_into(&mut draft.problem);
            }
            Outcome::Rejected(problem) if problem.kind.recovery() == Recovery::Retry => {
                draft.wait = true;
                let wake = Wake::SaveDraft {
                    id: id.to_owned(),
                    revision: draft.revision,
                };
                self.effect(Effect::Wake {
                    wake,
                    after_ms: RESEND_MS,
                });
            }
            Outcome::Rejected(problem) => {
                draft.wait = true;
                back = true;
                draft.problem = format!(
                    "The draft could not be saved on the server. {} Your text is kept on this device.",
                    list::sentence(problem)
                );
            }
            // Whether it was saved is seen by the next save.
            Outcome::Done { .. } | Outcome::Unknown => draft.due = true,
        }
        if back {
            self.return_to_a_tab(id);
        }
        self.keep(id);
        self.go_on_discarding(id);
    }

    fn draft_sent(&mut self, id: &str, outcome: &Outcome) {
        let Some(draft) = self.drafts.get_mut(id) else {
            return;
        };
        let tab = draft.tab.unwrap_or_default();
        match outcome {
            Outcome::Done { .. } | Outcome::Saved(_) => {
                self.drop_draft(id);
                self.notice(tab, "Sent", None, false);
                return;
            }
            Outcome::Rejected(problem) if problem.kind == ProblemKind::Cancelled => {
                draft.stop_sending();
                draft.changed = true;
            }
            Outcome::Rejected(problem) if problem.kind.recovery() == Recovery::Retry => {
                // It was certainly not sent: it goes again, as a new mutation.
                draft.send_later = true;
                if let Some(sending) = &mut draft.sending {
                    sending.id = None;
                    sending.hold = 0;
                }
                draft.problem = format!("Not sent yet: {}", list::sentence(problem));
                self.effect(Effect::Wake {
                    wake: Wake::Resend(id.to_owned()),
                    after_ms: RESEND_MS,
                });
            }
            Outcome::Rejected(problem) => {
                draft.stop_sending();
                draft.changed = true;
                draft.problem = refusal(problem);
                let text = "The message was not sent. It is back where you wrote it.";
                self.notice(tab, text, None, true);
            }
            Outcome::Unknown => {
                draft.stop_sending();
                draft.unknown = true;
                UNKNOWN.clone_into(&mut draft.problem);
                let text = "It is not known whether a message was sent.";
                self.notice(tab, text, None, true);
            }
        }
        self.return_to_a_tab(id);
        self.keep(id);
    }

    /// A message that comes back is shown again, by the tab it was written in or by another.
    fn return_to_a_tab(&mut self, id: &str) {
        let other = self.tabs.keys().next_back().copied();
        if let Some(draft) = self.drafts.get_mut(id)
            && draft.tab.is_none_or(|tab| !self.tabs.contains_key(&tab))
        {
            draft.tab = other;
            draft.fill = true;
        }
    }

    pub(crate) fn resend(&mut self, id: &str) {
        if let Some(draft) = self.drafts.get_mut(id) {
            draft.send_later = false;
        }
    }

    /// Takes a message back, wherever it is.
    pub(crate) fn unsend_draft(&mut self, tab: TabId, id: &str) {
        match self.drafts.get_mut(id) {
            Some(draft) => match draft.sending {
                Some(Sending {
                    id: Some(mutation), ..
                }) => self.unsend(tab, mutation),
                _ => {
                    draft.sending = None;
                    draft.show_in(tab);
                }
            },
            None => self.notice(tab, "The message was sent already.", None, true),
        }
    }

    /// What this device kept from before the worker started.
    pub(crate) fn restored(&mut self, kept: Vec<KeptDraft>) {
        for kept in kept {
            let id = kept.message.id.clone();
            if self.drafts.contains_key(&id) {
                continue;
            }
            let mut draft = Draft::new(kept.account, kept.message, None);
            draft.saved = kept.saved;
            draft.changed = kept.changed;
            draft.unknown = kept.unknown;
            if kept.unknown {
                UNKNOWN.clone_into(&mut draft.problem);
            }
            draft.sending = kept.wanted.map(|hold| Sending { hold, id: None });
            if let Some((mutation_id, mutation)) = kept.sending {
                draft.sending = Some(Sending {
                    hold: 0,
                    id: Some(mutation_id),
                });
                draft.interrupted.push((mutation_id, mutation));
            }
            if let Some((mutation_id, mutation)) = kept.saving
                && let Mutation::SaveDraft { draft: before, .. } = &mutation
            {
                draft.saving = Some(Saving {
                    id: mutation_id,
                    revision: 0,
                    enclosures: before.enclosures.clone(),
                });
                // What was typed after that is still to be saved.
                draft.revision = u32::from(**before != draft.message);
                draft.interrupted.push((mutation_id, mutation));
            }
            self.drafts.insert(id.clone(), draft);
            self.release_later(id);
        }
        self.restored = true;
        for (tab, id) in std::mem::take(&mut self.resuming) {
            self.resume(tab, &id);
        }
    }

    /// Drafts as one tab sees them, and the forms that have to be filled.
    pub(crate) fn draft_views(&mut self, tab: TabId) -> (Vec<DraftView>, Vec<View>) {
        let account = self.account_name();
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
            views.push(draft.view());
        }
        (views, fills)
    }
}

fn place_of(saved: &Saved) -> (String, UidSet) {
    (saved.mailbox.clone(), [saved.uid].into_iter().collect())
}

/// Why a message was not sent, with each recipient's reason on a line.
fn refusal(problem: &Problem) -> String {
    match problem.kind {
        ProblemKind::Refused if !problem.detail.is_empty() => {
            format!("The mail server refused the message.\n{}", problem.detail)
        }
        _ if !problem.detail.is_empty() => format!("The message was not sent. {}", problem.detail),
        _ => format!("The message was not sent. {}", list::sentence(problem)),
    }
}
