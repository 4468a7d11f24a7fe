//! Taking back what was done.

use roost_wire::{Moved, Mutation, MutationId, Outcome, Problem, ProblemKind};

use crate::{State, TabId, UndoId};

/// How many things can be undone.
const MAX_UNDO: usize = 50;

/// Something that can be taken back.
#[derive(Debug, Clone)]
pub struct Undo {
    pub id: UndoId,
    pub inverse: Inverse,
    /// The person asked for it before the outcome was known.
    pub wanted: Option<TabId>,
}

#[derive(Debug, Clone)]
pub enum Inverse {
    /// Not sending the message of that id.
    Unsend(String),
    /// Discarding the draft of that id.
    Discard(String),
    /// These mutations, at once.
    Mutations(Vec<Mutation>),
    /// Moving back, once it is known where the messages are.
    MoveBack {
        from: String,
        to: String,
        /// Flags to set back on the way.
        add: Vec<String>,
        remove: Vec<String>,
        moved: Option<Moved>,
    },
    /// Deleting the copies, once it is known which they are.
    Uncopy {
        mailbox: String,
        copies: Option<Moved>,
    },
}

impl Inverse {
    /// Where the outcome says what is where, and nothing can be taken back before.
    pub(crate) fn place(&mut self) -> Option<&mut Option<Moved>> {
        match self {
            Inverse::MoveBack { moved: place, .. } | Inverse::Uncopy { copies: place, .. } => {
                Some(place)
            }
            Inverse::Unsend(_) | Inverse::Discard(_) | Inverse::Mutations(_) => None,
        }
    }
}

impl State {
    pub(crate) fn remember_undo(&mut self, inverse: Inverse) -> UndoId {
        let id = self.next_undo;
        self.next_undo += 1;
        self.undo.push_back(Undo {
            id,
            inverse,
            wanted: None,
        });
        if self.undo.len() > MAX_UNDO {
            self.undo.pop_front();
        }
        id
    }

    /// Takes something back, now or as soon as it is known how.
    #[inline(never)]
    pub(crate) fn take_back(&mut self, tab: TabId, undo: UndoId) {
        let Some(index) = self.undo.iter().position(|entry| entry.id == undo) else {
            return;
        };
        if self.withdraw(|pending| pending.undo == Some(undo)) {
            self.notice(tab, "Undone", None, false);
            return;
        }
        let running = self
            .pending
            .iter()
            .any(|pending| pending.undo == Some(undo));
        if running && self.undo[index].inverse.place().is_some() {
            self.undo[index].wanted = Some(tab);
            return;
        }
        let Some(entry) = self.undo.remove(index) else {
            return;
        };
        match entry.inverse {
            Inverse::Mutations(mutations) => {
                for mutation in mutations {
                    self.mutate(tab, mutation, None);
                }
            }
            Inverse::MoveBack {
                from,
                to,
                add,
                remove,
                moved: Some(moved),
            } => {
                let mutation = Mutation::Move {
                    mailbox: from,
                    uidvalidity: moved.uidvalidity,
                    uids: moved.uids,
                    to,
                    add,
                    remove,
                };
                self.mutate(tab, mutation, None);
            }
            Inverse::Uncopy {
                mailbox,
                copies: Some(copies),
            } => {
                let mutation = Mutation::Expunge {
                    mailbox,
                    uidvalidity: copies.uidvalidity,
                    uids: copies.uids,
                };
                self.mutate(tab, mutation, None);
            }
            Inverse::Unsend(id) => {
                self.unsend_draft(tab, &id);
                return;
            }
            Inverse::Discard(id) => {
                self.restore_draft(tab, &id);
                return;
            }
            Inverse::MoveBack {
                moved: None, from, ..
            }
            | Inverse::Uncopy {
                copies: None,
                mailbox: from,
            } => {
                self.notice(
                    tab,
                    &format!("This mail server does not tell where the messages went. You find them in {from}."),
                    None,
                    true,
                );
                return;
            }
        }
        self.notice(tab, "Undone", None, false);
    }

    /// Takes back a message: here if it was not handed over yet, at the gateway otherwise.
    #[inline(never)]
    pub(crate) fn unsend(&mut self, tab: TabId, id: MutationId) {
        let Some(index) = self.pending.iter().position(|pending| pending.id == id) else {
            self.notice(tab, "The message was sent already.", None, true);
            return;
        };
        let pending = &self.pending[index];
        let handed_over = matches!(
            &pending.mutation,
            Mutation::Send {
                ledger: Some(_),
                ..
            }
        );
        if pending.handed_over && matches!(&pending.mutation, Mutation::Schedule { .. }) {
            let text = "The message is being scheduled. You can take it back from there.";
            self.notice(tab, text, None, true);
        } else if handed_over {
            self.mutate(tab, Mutation::Unsend { id }, None);
        } else {
            self.pending.remove(index);
            let cancelled = Problem::new(ProblemKind::Cancelled, "");
            self.draft_ended(id, &Outcome::Rejected(cancelled));
        }
    }
}
