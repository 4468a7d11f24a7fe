//! How messages cease to be written: closed, left behind, discarded.

use roost_wire::{Mutation, Role, Saved, UidSet};

use super::{Draft, is_empty};
use crate::undo::Inverse;
use crate::{Effect, State, TabId, Wake};

/// How long a discarded draft can be taken back: as long as its notice stays.
const DISCARD_MS: u32 = 8_500;
/// How long a draft without a tab waits for one.
const RELEASE_MS: u32 = 15_000;

impl State {
    pub(super) fn close_draft(&mut self, id: &str) {
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
    pub(super) fn leave_draft(&mut self, id: &str) {
        if let Some(draft) = self.drafts.get_mut(id) {
            draft.tab = None;
        }
        self.save_draft(id);
        self.release_later(id.to_owned());
    }

    pub(super) fn discard(&mut self, tab: TabId, id: &str) {
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
    pub(super) fn go_on_discarding(&mut self, id: &str) {
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

    /// The person is gone. What they, or others, have written here is kept; it is shown to nobody else.
    pub(crate) fn put_drafts_away(&mut self) {
        self.drafts.clear();
        self.restored = false;
        self.effect(Effect::Recall);
    }

    /// A person is gone, and wants nothing left of what they have written here.
    pub(crate) fn remove_drafts(&mut self, account: &str) {
        let theirs = self.drafts_of(account.to_owned());
        let ids: Vec<String> = theirs.map(|draft| draft.message.id.clone()).collect();
        for id in ids {
            self.drop_draft(&id);
        }
    }

    /// The messages that the person who is here is writing.
    pub(crate) fn own_drafts(&self) -> impl Iterator<Item = &Draft> {
        self.drafts_of(self.account_name())
    }

    fn drafts_of(&self, account: String) -> impl Iterator<Item = &Draft> {
        let drafts = self.drafts.values();
        drafts.filter(move |draft| draft.belongs_to(&account))
    }

    /// The messages whose text the server does not have, but for those that are being saved or sent.
    pub(crate) fn unsaved_drafts(&self) -> usize {
        let unsaved = self.own_drafts().filter(|draft| {
            let under_way = draft.saving.is_some() || draft.sending.is_some();
            let unsaved = draft.changed || draft.unknown || draft.conflict;
            unsaved && !under_way && draft.discarded.is_none() && !is_empty(&draft.message)
        });
        unsaved.count()
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
    pub(super) fn release_later(&mut self, id: String) {
        self.effect(Effect::Wake {
            wake: Wake::Release(id),
            after_ms: RELEASE_MS,
        });
    }

    #[inline(never)]
    pub(crate) fn release(&mut self, id: &str) {
        let Some(draft) = self.drafts.get(id).filter(|draft| draft.tab.is_none()) else {
            return;
        };
        if draft.saving.is_some() {
            self.release_later(id.to_owned());
        } else if draft.sending.is_none()
            && !draft.conflict
            && !draft.returned
            && draft.discarded.is_none()
        {
            self.close_draft(id);
        }
    }
}

/// Where a draft is on the server.
pub(super) fn place_of(saved: &Saved) -> (String, UidSet) {
    (saved.mailbox.clone(), [saved.uid].into_iter().collect())
}
