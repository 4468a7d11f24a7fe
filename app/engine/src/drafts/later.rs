//! Messages that are sent at a time, templates, and receipts: what waits in mailboxes that Roost names.

use roost_wire::{Address, Composed, Mutation, Role, Saved, Source, Uid};

use super::rich;
use crate::actions::personal_prefix;
use crate::cache::Cache;
use crate::view::{ContentAddress, Template, View};
use crate::{Effect, Opening, State, TabId};

/// What the mailbox of messages that wait for their time is called; the gateway looks for it.
pub const SCHEDULED: &str = "Scheduled";
/// What the mailbox of templates is called.
pub const TEMPLATES: &str = "Templates";
/// How many templates are offered.
pub const MAX_TEMPLATES: u32 = 64;
/// Set once a person has answered to a message that asks for a receipt (RFC 3503).
const RECEIPT_ANSWERED: &str = "$MDNSent";

/// The templates there are, the newest first. Needed once somebody writes, as what follows: the start does without.
pub fn templates(state: &State) -> Vec<Template> {
    let cache = templates_mailbox(state).and_then(|name| state.caches.get(name));
    let mut templates: Vec<Template> = cache
        .into_iter()
        .flat_map(Cache::summaries)
        .map(|summary| Template {
            uid: summary.uid,
            subject: summary.subject.clone(),
        })
        .collect();
    templates.sort_by_key(|template| std::cmp::Reverse(template.uid));
    templates.truncate(MAX_TEMPLATES as usize);
    templates
}

/// Where templates are, if there are any.
pub fn templates_mailbox(state: &State) -> Option<&str> {
    let name = state.named_mailbox(TEMPLATES);
    let known = state.mailboxes.iter().find(|known| known.name == name);
    known.map(|known| known.name.as_str())
}

/// Fetches a template, to be put into a message that is being written.
pub fn fetch_template(state: &mut State, tab: TabId, id: String, uid: Uid) {
    if let Some(mailbox) = templates_mailbox(state).map(str::to_owned)
        && let Some(address) = state.address(&mailbox, uid)
    {
        state.effect(Effect::FetchDraft {
            tab,
            address,
            opening: Opening::Into(id),
        });
    }
}

/// Puts a message into one that is being written: its attachments here, its text where the cursor is in the form.
pub fn insert(state: &mut State, tab: TabId, id: &str, mut message: Composed) {
    let Some(draft) = state
        .drafts
        .get_mut(id)
        .filter(|draft| draft.sending.is_none() && draft.tab == Some(tab))
    else {
        return;
    };
    let rich = draft.message.html.is_some();
    for enclosure in &message.enclosures {
        let picture = enclosure.content_id.is_some();
        let known = picture
            && draft
                .message
                .enclosures
                .iter()
                .any(|other| other.content_id == enclosure.content_id);
        // Text has no pictures in it.
        if !known && (rich || !picture) {
            draft.message.enclosures.push(enclosure.clone());
        }
    }
    id.clone_into(&mut message.id);
    message
        .html
        .get_or_insert_with(|| rich::html_of(&message.text));
    state.draft_changed(id);
    state.effect(Effect::Show {
        tab,
        views: vec![View::Insert(Box::new(message))],
    });
}

impl State {
    /// A mailbox that Roost names, whether it is there or not.
    pub(super) fn named_mailbox(&self, label: &str) -> String {
        self.mailboxes
            .iter()
            .find(|known| known.is_own(label))
            .map_or_else(
                || format!("{}{label}", personal_prefix(&self.mailboxes)),
                |known| known.name.clone(),
            )
    }

    /// Keeps a copy of a message as a template, under an id of its own.
    pub(super) fn save_template(&mut self, tab: TabId, id: &str) {
        let Some(draft) = self.own_draft(id) else {
            return;
        };
        let mut message = draft.message.clone();
        let uploads = message
            .enclosures
            .iter()
            .any(|enclosure| matches!(enclosure.source, Source::Upload(_)));
        if uploads {
            let text = "An attachment is still being saved. Try again in a moment.";
            self.notice(tab, text, None, true);
            return;
        }
        message.id = self.new_message_id(&message.from.email);
        message.origin = None;
        message.in_reply_to.clear();
        message.references.clear();
        let mutation = Mutation::SaveDraft {
            draft: Box::new(message),
            mailbox: self.named_mailbox(TEMPLATES),
            base: None,
        };
        self.mutate(tab, mutation, None);
    }

    pub(super) fn unschedule(&mut self, tab: TabId, mailbox: String, uid: Uid, sure: bool) {
        if let Some(address) = self.address(&mailbox, uid) {
            let drafts = self.mailbox_for(tab, Role::Drafts);
            let mutation = Mutation::Unschedule {
                mailbox,
                uidvalidity: address.uidvalidity,
                uid,
                drafts,
                sure,
            };
            self.mutate(tab, mutation, None);
        }
    }

    pub(super) fn send_scheduled(&mut self, tab: TabId, mailbox: String, uid: Uid, sure: bool) {
        if let Some(address) = self.address(&mailbox, uid) {
            let sent = self.mailbox_for(tab, Role::Sent);
            let mutation = Mutation::SendScheduled {
                mailbox,
                uidvalidity: address.uidvalidity,
                uid,
                sent: Some(sent),
                sure,
            };
            self.mutate(tab, mutation, None);
        }
    }

    /// Something was saved that is not being written here: a template, or a message that was taken back and is gone on
    /// with.
    pub(crate) fn saved_elsewhere(&mut self, tab: TabId, mutation: &Mutation, saved: Saved) {
        match mutation {
            Mutation::Unschedule { .. } if self.tabs.contains_key(&tab) => {
                let address = ContentAddress {
                    account: self.account_name(),
                    mailbox: saved.mailbox,
                    uidvalidity: saved.uidvalidity,
                    uid: saved.uid,
                };
                self.effect(Effect::FetchDraft {
                    tab,
                    address,
                    opening: Opening::GoOn,
                });
            }
            Mutation::SaveDraft { .. } => {
                self.notice(tab, "Saved as a template", None, false);
            }
            _ => {}
        }
    }

    /// The person has answered to a message that asks for a receipt. No device asks again.
    #[inline(never)]
    pub(crate) fn answer_receipt(
        &mut self,
        tab: TabId,
        mailbox: String,
        uid: Uid,
        from: Option<Address>,
    ) {
        let Some(address) = self.address(&mailbox, uid) else {
            return;
        };
        let uidvalidity = address.uidvalidity;
        let mutation = match from {
            Some(from) => Mutation::Receipt {
                mailbox,
                uidvalidity,
                uid,
                from,
            },
            None => Mutation::Flag {
                mailbox,
                uidvalidity,
                uids: [uid].into_iter().collect(),
                add: vec![RECEIPT_ANSWERED.to_owned()],
                remove: Vec::new(),
            },
        };
        self.mutate(tab, mutation, None);
    }
}
