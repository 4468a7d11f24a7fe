//! Drafts kept on this device and saved on the server.

use roost_wire::{
    Composed, MAX_TEXT, Mutation, MutationId, Outcome, ProblemKind, Recovery, Role, Source,
};

use super::leaving::place_of;
use super::{Draft, KeptDraft, RESEND_MS, Saving, Sending, UNKNOWN, is_empty};
use crate::state::Socket;
use crate::{Effect, State, Wake, list};

/// How long after the last change a draft is saved on the server.
const SAVE_MS: u32 = 3_000;

impl State {
    pub(super) fn draft_changed(&mut self, id: &str) {
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
            later: draft.sending.and_then(|sending| sending.at),
            unknown: draft.unknown,
            saving,
            sending,
        };
        self.effect(Effect::Keep(Box::new(kept)));
    }

    /// Nothing of it is needed here any more.
    pub(super) fn drop_draft(&mut self, id: &str) {
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
    #[inline(never)]
    pub(super) fn save_draft(&mut self, id: &str) {
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

    pub(super) fn say_too_long(&mut self, id: &str) {
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

    #[inline(never)]
    pub(super) fn draft_saved(&mut self, id: &str, outcome: &Outcome) {
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
            draft.returned = kept.unknown;
            if kept.unknown {
                UNKNOWN.clone_into(&mut draft.unsent);
            }
            let at = kept.later;
            draft.sending = kept.wanted.map(|hold| Sending { hold, at, id: None });
            if let Some((mutation_id, mutation)) = kept.sending {
                draft.sending = Some(Sending {
                    hold: 0,
                    at,
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
}

/// Whether it is more than a frame of the socket holds.
pub(super) fn is_too_long(message: &Composed) -> bool {
    let html = message.html.as_ref().map_or(0, String::len);
    message.text.len() + html > MAX_TEXT
}
