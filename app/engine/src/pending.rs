//! Mutations without an outcome yet: when they go to the gateway, and what becomes of them. `replay.rs` has what they do to
//! what is shown, `undo.rs` how they are taken back.

use roost_wire::{ClientMessage, Mutation, MutationId, Outcome, Problem, ProblemKind, Recovery};

use crate::drafts::Draft;
use crate::kept::KeptChange;
use crate::state::Socket;
use crate::view::{Notice, View};
use crate::{Effect, State, TabId, UndoId, Wake, list};

/// How many mutations may wait. Beyond that an action is refused with a notice.
pub const MAX_PENDING: usize = 500;
/// How long a mutation may go without outcome or progress before the line counts as dead.
const STUCK_MS: u32 = 150_000;
/// How long a mutation that could not be done yet waits.
const AGAIN_MS: u32 = 5_000;
/// How often the mail server may be lost in the middle of a mutation before that is told: it may be what loses it.
const MAX_LOST: u8 = 3;

/// A mutation without an outcome.
#[derive(Debug, Clone)]
pub struct Pending {
    pub id: MutationId,
    pub mutation: Mutation,
    /// The tab to be told if it fails.
    pub tab: TabId,
    /// What takes it back.
    pub undo: Option<UndoId>,
    /// When it was asked for, in seconds since 1970-01-01 UTC; 0 where that is not known.
    pub at: i64,
    /// It went over the socket that is open.
    pub sent: bool,
    /// It could not be done so far. What was asked for later about the same must not overtake it.
    pub again: bool,
    /// It waits to be tried again: with the next [`Wake::MutateAgain`], line, or mail server that is back.
    pub put_off: bool,
    /// How often the mail server was lost in the middle of it.
    pub lost: u8,
    /// It went over some socket: it may have been done.
    pub handed_over: bool,
    /// The ledger it was handed to, for those that must not be handed to another ([`once`]).
    pub ledger: Option<u64>,
}

impl Pending {
    /// Whether a change that was asked for later must not be done before this one.
    fn holds_up(&self, later: &Mutation) -> bool {
        match (&self.mutation, later) {
            // The gateway could only say that it knows nothing of it.
            (Mutation::Send { .. }, Mutation::Unsend { id }) => *id == self.id && !self.sent,
            _ if !self.again || !can_wait(later) => false,
            _ => match (mailbox_of(&self.mutation), mailbox_of(later)) {
                (Some(mailbox), Some(other)) => mailbox == other,
                // The list of mailboxes changes: what is in them must not be lost with it.
                _ => true,
            },
        }
    }
}

/// Whether doing it again after others changed the account could do harm: then only the gateway that knows what became
/// of it may be asked. [`Mutation::Send`] has a rule of its own: it is looked for.
fn once(mutation: &Mutation) -> bool {
    matches!(
        mutation,
        Mutation::Copy { .. }
            | Mutation::CreateMailbox { .. }
            | Mutation::RenameMailbox { .. }
            | Mutation::DeleteMailbox { .. }
    )
}

/// Whether what was not done now is done by itself as soon as that can be.
fn may_go_again(pending: &Pending, problem: &Problem) -> bool {
    can_wait(&pending.mutation)
        && match problem.kind.recovery() {
            Recovery::Retry => problem.kind != ProblemKind::Timeout || pending.lost < MAX_LOST,
            Recovery::SignIn => true,
            Recovery::Resynchronize | Recovery::Tell => false,
        }
}

/// Whether it may be done some time later. Messages being written and sent have rules of their own.
fn can_wait(mutation: &Mutation) -> bool {
    matches!(
        mutation,
        Mutation::Flag { .. }
            | Mutation::Move { .. }
            | Mutation::Copy { .. }
            | Mutation::Expunge { .. }
            | Mutation::CreateMailbox { .. }
            | Mutation::RenameMailbox { .. }
            | Mutation::DeleteMailbox { .. }
            | Mutation::Subscribe { .. }
            | Mutation::DiscardDraft { .. }
    )
}

impl State {
    /// Queues a mutation and sends it if there is a line.
    pub(crate) fn mutate(
        &mut self,
        tab: TabId,
        mutation: Mutation,
        undo: Option<UndoId>,
    ) -> Option<MutationId> {
        // Asked for in one tab while the person signed out in another: nobody else may be the one who does it.
        self.who.as_ref()?;
        if self.pending.len() >= MAX_PENDING {
            self.notice(
                tab,
                "Too many changes are waiting. Try again when they are done.",
                None,
                true,
            );
            return None;
        }
        let id = self.new_mutation_id();
        self.pending.push_back(Pending {
            id,
            mutation,
            tab,
            undo,
            at: self.now,
            sent: false,
            again: false,
            put_off: false,
            lost: 0,
            handed_over: false,
            ledger: None,
        });
        self.pending_changed = true;
        self.send_pending(self.pending.len() - 1);
        Some(id)
    }

    /// Takes up a mutation from before the worker started, under its own id.
    #[inline(never)]
    pub(crate) fn resume_mutation(&mut self, kept: KeptChange) {
        self.pending.push_back(Pending {
            id: kept.id,
            mutation: kept.mutation,
            tab: TabId::default(),
            undo: None,
            at: kept.at,
            sent: false,
            again: false,
            put_off: false,
            lost: u8::from(kept.handed_over),
            handed_over: kept.handed_over,
            ledger: kept.ledger,
        });
        self.send_pending(self.pending.len() - 1);
    }

    /// Sends what has not been sent over the socket that is open.
    pub(crate) fn send_waiting(&mut self) {
        for pending in &mut self.pending {
            pending.put_off = false;
        }
        self.send_what_may_go();
    }

    fn send_what_may_go(&mut self) {
        for index in 0..self.pending.len() {
            self.send_pending(index);
        }
    }

    /// Time passed since something could not be done.
    pub(crate) fn mutate_again(&mut self) {
        self.mutates_again = false;
        self.send_waiting();
    }

    /// The gateway that answers now is not the one that was handed these: nobody knows what became of them.
    pub(crate) fn end_what_nobody_knows(&mut self) {
        let lost: Vec<MutationId> = self
            .pending
            .iter()
            .filter(|pending| pending.ledger.is_some() && pending.ledger != self.ledger)
            .map(|pending| pending.id)
            .collect();
        for id in lost {
            self.ended(id, Outcome::Unknown);
        }
    }

    #[inline(never)]
    fn send_pending(&mut self, index: usize) {
        let known_ledger = self.ledger;
        let Some(pending) = self.pending.get(index) else {
            return;
        };
        // What waits for the gateway's hello holds up what was asked for after it.
        let held_up = self.pending.iter().take(index).any(|before| {
            known_ledger.is_none() && once(&before.mutation) || before.holds_up(&pending.mutation)
        });
        let may = self.socket == Socket::Open && !held_up && !pending.put_off;
        let mut handed_over = None;
        if let Some(pending) = self.pending.get_mut(index)
            && may
            && !pending.sent
        {
            if let Mutation::Send {
                ledger, message, ..
            } = &mut pending.mutation
            {
                let Some(known) = known_ledger else {
                    return;
                };
                // From the moment it is handed over, another gateway must not take it for new.
                if ledger.is_none() {
                    *ledger = Some(known);
                    handed_over = Some(message.id.clone());
                }
            } else if once(&pending.mutation) {
                let Some(known) = known_ledger else {
                    return;
                };
                pending.ledger = Some(known);
            }
            pending.sent = true;
            self.pending_changed |= !pending.handed_over;
            pending.handed_over = true;
            let id = pending.id;
            let mutation = pending.mutation.clone();
            // What the person was sure of holds for this once: a repeat may come to a gateway that restarted in between.
            if let Mutation::SendScheduled { sure, .. } = &mut pending.mutation {
                *sure = false;
            }
            self.effect(Effect::Send(ClientMessage::Mutate { id, mutation }));
            self.effect(Effect::Wake {
                wake: Wake::Stuck(id),
                after_ms: STUCK_MS,
            });
        }
        if let Some(id) = handed_over {
            self.keep(&id);
        }
    }

    /// It was not done, or can be repeated: it goes again in its place, as a new mutation, because the gateway remembers how
    /// the old one ended.
    #[inline(never)]
    fn put_off(&mut self, index: usize, pending: Pending, problem: &Problem) {
        let lost = pending.lost + u8::from(problem.kind == ProblemKind::Timeout);
        let again = Pending {
            id: self.new_mutation_id(),
            sent: false,
            again: true,
            put_off: true,
            lost,
            handed_over: lost > 0,
            ledger: None,
            ..pending
        };
        self.pending.insert(index, again);
        // A password that is refused is not tried again before there is another session.
        if problem.kind.recovery() == Recovery::Retry && !self.mutates_again {
            self.mutates_again = true;
            self.effect(Effect::Wake {
                wake: Wake::MutateAgain,
                after_ms: AGAIN_MS,
            });
        }
    }

    fn new_mutation_id(&mut self) -> MutationId {
        let id = MutationId {
            device: self.device,
            count: self.next_mutation,
        };
        self.next_mutation += 1;
        id
    }

    #[inline(never)]
    pub(crate) fn ended(&mut self, id: MutationId, outcome: Outcome) {
        let Some(index) = self.pending.iter().position(|pending| pending.id == id) else {
            return;
        };
        let Some(pending) = self.pending.remove(index) else {
            return;
        };
        self.pending_changed = true;
        if self.draft_ended(id, &outcome) {
            return;
        }
        self.progress = None;
        let held_up_others = pending.again;
        self.conclude(index, pending, outcome);
        if held_up_others {
            self.send_what_may_go();
        }
    }

    fn conclude(&mut self, index: usize, pending: Pending, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Rejected(problem)
                if problem.kind == ProblemKind::Timeout
                    && can_wait(&pending.mutation)
                    && !may_go_again(&pending, &problem) =>
            {
                Outcome::Unknown
            }
            outcome => outcome,
        };
        match outcome {
            Outcome::Saved(saved) => self.saved_elsewhere(pending.tab, &pending.mutation, saved),
            Outcome::Done { moved } => {
                if let Mutation::Move {
                    mailbox,
                    uidvalidity,
                    uids,
                    ..
                }
                | Mutation::Expunge {
                    mailbox,
                    uidvalidity,
                    uids,
                } = &pending.mutation
                {
                    self.gone(mailbox, *uidvalidity, uids);
                }
                if let Some(done) = done(&pending.mutation) {
                    self.notice(pending.tab, done, None, false);
                }
                let Some(undo) = pending.undo else {
                    return;
                };
                if let Some(entry) = self.undo.iter_mut().find(|entry| entry.id == undo) {
                    if let Some(place) = entry.inverse.place() {
                        *place = moved;
                    }
                    if let Some(tab) = entry.wanted {
                        self.take_back(tab, undo);
                    }
                }
            }
            Outcome::Rejected(problem) if may_go_again(&pending, &problem) => {
                self.put_off(index, pending, &problem);
            }
            Outcome::Rejected(problem) => {
                if problem.kind.recovery() == Recovery::Resynchronize
                    && let Some(cache) = mailbox_of(&pending.mutation)
                        .and_then(|mailbox| self.caches.get_mut(mailbox))
                {
                    cache.verified = false;
                }
                self.undo.retain(|entry| Some(entry.id) != pending.undo);
                let what = describe(&pending.mutation);
                let why = list::sentence(&problem);
                self.notice(
                    pending.tab,
                    &format!("{what} was not done. {why}"),
                    None,
                    true,
                );
            }
            Outcome::Unknown => {
                self.undo.retain(|entry| Some(entry.id) != pending.undo);
                let what = describe(&pending.mutation);
                self.notice(
                    pending.tab,
                    &format!("{what} may not have been done: the mail server was lost in the middle. The list shows how it is now."),
                    None,
                    true,
                );
            }
        }
    }

    /// Forgets changes that no gateway was handed, and how they are undone. `false` where there are none.
    pub(crate) fn withdraw(&mut self, which: impl Fn(&Pending) -> bool) -> bool {
        let before = self.pending.len();
        let mut undone = Vec::new();
        self.pending.retain(|pending| {
            let goes = !pending.handed_over && which(pending);
            if goes {
                undone.extend(pending.undo);
            }
            !goes
        });
        self.undo.retain(|entry| !undone.contains(&entry.id));
        let withdrawn = self.pending.len() < before;
        self.pending_changed |= withdrawn;
        if withdrawn {
            // It may have held up others.
            self.send_what_may_go();
        }
        withdrawn
    }

    /// Messages that are to be sent, and for which no mutation was made yet.
    pub(crate) fn unsent_drafts(&self) -> impl Iterator<Item = &Draft> {
        self.own_drafts().filter(|draft| draft.waits_to_be_sent())
    }

    pub(crate) fn notice(&mut self, tab: TabId, text: &str, undo: Option<UndoId>, failed: bool) {
        // The tab that asked may be gone; then any other is told.
        let tab = if self.tabs.contains_key(&tab) {
            tab
        } else {
            match self.tabs.keys().next() {
                Some(&first) => first,
                None => return,
            }
        };
        self.effect(Effect::Show {
            tab,
            views: vec![View::Notice(Notice {
                text: text.to_owned(),
                undo,
                failed,
            })],
        });
    }
}

/// The mailbox of the messages a mutation is about.
fn mailbox_of(mutation: &Mutation) -> Option<&str> {
    match mutation {
        Mutation::Flag { mailbox, .. }
        | Mutation::Move { mailbox, .. }
        | Mutation::Copy { mailbox, .. }
        | Mutation::Expunge { mailbox, .. } => Some(mailbox),
        _ => None,
    }
}

/// What is told of a mutation that was done, where the list does not show it.
fn done(mutation: &Mutation) -> Option<&'static str> {
    match mutation {
        Mutation::SendScheduled { .. } => Some("Sent"),
        Mutation::Unschedule { .. } => Some("The message is back in Drafts"),
        Mutation::Receipt { .. } => Some("Receipt sent"),
        _ => None,
    }
}

/// What a mutation is called in a sentence.
fn describe(mutation: &Mutation) -> String {
    match mutation {
        Mutation::Flag { .. } => "Marking".to_owned(),
        Mutation::Move { to, .. } => format!("Moving to {to}"),
        Mutation::Copy { to, .. } => format!("Copying to {to}"),
        Mutation::Expunge { .. } => "Deleting".to_owned(),
        Mutation::CreateMailbox { name } => format!("Creating the folder {name}"),
        Mutation::RenameMailbox { from, to } => format!("Renaming {from} to {to}"),
        Mutation::DeleteMailbox { name } => format!("Deleting the folder {name}"),
        Mutation::Subscribe { name, .. } => format!("Changing the subscription of {name}"),
        Mutation::SaveDraft { .. } => "Saving the draft".to_owned(),
        Mutation::DiscardDraft { .. } => "Discarding the draft".to_owned(),
        Mutation::Send { .. } => "Sending".to_owned(),
        Mutation::Unsend { .. } | Mutation::Unschedule { .. } => {
            "Taking the message back".to_owned()
        }
        Mutation::Schedule { .. } => "Scheduling".to_owned(),
        Mutation::SendScheduled { .. } => "Sending".to_owned(),
        Mutation::Receipt { .. } => "Sending the receipt".to_owned(),
    }
}
