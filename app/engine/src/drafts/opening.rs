//! How messages come to be written: begun, gone on with, shown again.

use roost_wire::{Composed, Saved, Source, Uid};

use super::{Draft, later, rich};
use crate::intent::Identity;
use crate::view::ContentAddress;
use crate::{BodyProblem, Effect, Opening, State, TabId, Wake};

/// How many messages may be written on one device at a time.
const MAX_DRAFTS: usize = 50;
/// How long a page that is loaded anew waits for what belongs to a worker that is ending.
const REOPEN_MS: u32 = 10_000;

impl State {
    /// Who the person may write as; at least the account's own address.
    pub(super) fn identities(&self, named: Vec<Identity>) -> Vec<Identity> {
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
    pub(super) fn begin_draft(&mut self, tab: TabId, mut message: Composed) -> String {
        let id = self.new_message_id(&message.from.email);
        message.id.clone_from(&id);
        self.show_draft(tab, Draft::new(self.account_name(), message, Some(tab)));
        id
    }

    pub(super) fn show_draft(&mut self, tab: TabId, draft: Draft) {
        if self.drafts.len() >= MAX_DRAFTS {
            self.notice(
                tab,
                "Too many messages are being written. Send or close some first.",
                None,
                true,
            );
            return;
        }
        let id = draft.message.id.clone();
        self.drafts.insert(id.clone(), draft);
        // A page that is loaded anew has it again, though nothing was written yet.
        self.keep(&id);
    }

    /// The device's random number and its own count make it unique; the domain is where it is written from.
    pub(super) fn new_message_id(&mut self, from: &str) -> String {
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

    pub(super) fn resume(&mut self, tab: TabId, id: &str) {
        if !self.restored {
            self.resuming.push((tab, id.to_owned()));
            return;
        }
        match self.drafts.get_mut(id) {
            Some(draft) => draft.show_in(tab),
            // It may come yet.
            None if self
                .reopening
                .iter()
                .any(|(by, other)| *by == tab && other == id) => {}
            None => self.notice(
                tab,
                "This message is not being written here any more. Look for it in Drafts or Sent.",
                None,
                false,
            ),
        }
    }

    pub(super) fn reopen(&mut self, tab: TabId, ids: Vec<String>) {
        let asked = ids.into_iter().take(MAX_DRAFTS).map(|id| (tab, id));
        self.reopening.extend(asked);
        self.effect(Effect::Wake {
            wake: Wake::Reopened(tab),
            after_ms: REOPEN_MS,
        });
    }

    /// Shows what is here by now and in no other tab. What is not may still belong to a worker that is ending.
    pub(super) fn go_on_reopening(&mut self) {
        if !self.restored || self.who.is_none() {
            return;
        }
        let account = self.account_name();
        let (drafts, tabs) = (&mut self.drafts, &self.tabs);
        if let Some(&tab) = tabs.keys().next_back() {
            let returned = |draft: &&mut Draft| draft.returned && draft.account == account;
            for draft in drafts.values_mut().filter(returned) {
                draft.show_in(tab);
            }
        }
        self.reopening.retain(|(tab, id)| {
            let Some(draft) = drafts.get_mut(id) else {
                return true;
            };
            let elsewhere = draft.tab.is_some_and(|shown| tabs.contains_key(&shown));
            if draft.account == account && !elsewhere && draft.discarded.is_none() {
                draft.show_in(*tab);
            }
            false
        });
    }

    pub(super) fn open_draft(
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
            let opening = if as_new {
                Opening::AsNew(identities)
            } else {
                Opening::GoOn
            };
            self.effect(Effect::FetchDraft {
                tab,
                address,
                opening,
            });
        }
    }

    #[inline(never)]
    pub(crate) fn draft_fetched(
        &mut self,
        tab: TabId,
        address: ContentAddress,
        opening: Opening,
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
                    &format!("The message cannot be opened. {why}"),
                    None,
                    true,
                );
                return;
            }
        };
        if !self.tabs.contains_key(&tab) {
            return;
        }
        rich::complete(&mut message);
        if let Opening::Into(id) = opening {
            later::insert(self, tab, &id, message);
            return;
        }
        if let Opening::AsNew(identities) = opening {
            let identity = self.identities(identities).remove(0);
            message.from = identity.address();
            message.reply_to = identity.replies();
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
        draft.saved = Some(saved);
        self.show_draft(tab, draft);
    }
}
