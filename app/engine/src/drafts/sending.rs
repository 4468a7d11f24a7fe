//! Messages handed over, taken back, and what became of them.

use roost_wire::{Mutation, Outcome, Problem, ProblemKind, Recovery, Role};

use super::later::SCHEDULED;
use super::saving::is_too_long;
use super::{RESEND_MS, Sending, UNKNOWN};
use crate::undo::Inverse;
use crate::view::Line;
use crate::{Effect, State, TabId, Wake, list};

const SENT_ELSEWHERE: &str = "This message was sent from another device, before you wrote on. What you have here was not sent: it is a new message now. Send it if it is to go too.";

impl State {
    /// The person wants a message sent, now or at a time.
    pub(super) fn begin_sending(&mut self, id: &str, hold: u32, at: Option<i64>) {
        if let Some(draft) = self
            .drafts
            .get_mut(id)
            .filter(|draft| draft.sending.is_none())
        {
            draft.sending = Some(Sending { hold, at, id: None });
            draft.problem.clear();
            draft.unsent.clear();
            draft.unknown = false;
            self.keep(id);
            self.send_draft(id);
        }
    }

    /// Hands a message over, once nothing about it is under way.
    #[inline(never)]
    pub(super) fn send_draft(&mut self, id: &str) {
        if self.mailboxes.is_empty() {
            return;
        }
        let Some(draft) = self.own_draft(id) else {
            return;
        };
        let Some(Sending { hold, at, id: None }) = draft.sending else {
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
        let mutation = match at {
            None => Mutation::Send {
                message,
                hold,
                drafts,
                sent: Some(sent),
                ledger: None,
            },
            Some(at) => Mutation::Schedule {
                message,
                at,
                mailbox: self.named_mailbox(SCHEDULED),
                drafts,
                sent: Some(sent),
            },
        };
        let Some(sending) = self.mutate(tab, mutation, None) else {
            return;
        };
        let undo = self.remember_undo(Inverse::Unsend(id.to_owned()));
        let text = match (at, self.line == Line::Live) {
            (None, true) => "Sending",
            (None, false) => "The message is sent as soon as there is a connection",
            (Some(_), true) => "Scheduling",
            (Some(_), false) => "The message is scheduled as soon as there is a connection",
        };
        self.notice(tab, text, (hold > 0).then_some(undo), false);
        if let Some(draft) = self.drafts.get_mut(id) {
            draft.sending = Some(Sending {
                hold,
                at,
                id: Some(sending),
            });
        }
        self.keep(id);
    }

    #[inline(never)]
    pub(super) fn draft_sent(&mut self, id: &str, outcome: &Outcome) {
        let Some(draft) = self.drafts.get_mut(id) else {
            return;
        };
        let tab = draft.tab.unwrap_or_default();
        match outcome {
            Outcome::Done { .. } | Outcome::Saved(_) => {
                let later = draft.sending.is_some_and(|sending| sending.at.is_some());
                self.drop_draft(id);
                let text = if later { "Scheduled" } else { "Sent" };
                self.notice(tab, text, None, false);
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
                draft.unsent = format!("Not sent yet: {}", list::sentence(problem));
                self.effect(Effect::Wake {
                    wake: Wake::Resend(id.to_owned()),
                    after_ms: RESEND_MS,
                });
            }
            Outcome::Rejected(problem) if problem.kind == ProblemKind::Conflict => {
                self.write_on_as_new(id);
                return;
            }
            Outcome::Rejected(problem) => {
                draft.stop_sending();
                draft.changed = true;
                draft.unsent = refusal(problem);
                let text = "The message was not sent. It is back where you wrote it.";
                self.notice(tab, text, None, true);
            }
            Outcome::Unknown => {
                draft.stop_sending();
                draft.unknown = true;
                UNKNOWN.clone_into(&mut draft.unsent);
                let text = "It is not known whether a message was sent.";
                self.notice(tab, text, None, true);
            }
        }
        self.return_to_a_tab(id);
        self.keep(id);
    }

    /// What was sent under this Message-ID, from another device, is not all of this: it is a message of its own from now on.
    fn write_on_as_new(&mut self, id: &str) {
        let tab = self.drafts.get(id).and_then(|draft| draft.tab);
        let tab = tab.unwrap_or_default();
        let Some(id) = self.keep_both(tab, id) else {
            return;
        };
        if let Some(draft) = self.drafts.get_mut(&id) {
            SENT_ELSEWHERE.clone_into(&mut draft.unsent);
        }
        self.return_to_a_tab(&id);
        self.notice(tab, "The message was not sent as it is now.", None, true);
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
                    self.keep(id);
                }
            },
            None => self.notice(tab, "The message was sent already.", None, true),
        }
    }
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
