//! What is shown before the server did it: the mailboxes as they will be once the pending mutations are done.

use roost_wire::{Mutation, Summary, UidSet};

use crate::State;
use crate::cache::Cache;

impl State {
    /// The messages that pending mutations take away from a mailbox.
    pub(crate) fn leaving(&self, mailbox: &str) -> Vec<&UidSet> {
        let discarded = self
            .drafts
            .values()
            .filter_map(|draft| draft.discarded.as_ref())
            .filter(|(of, _)| of == mailbox)
            .map(|(_, uids)| uids);
        self.pending
            .iter()
            .filter_map(|pending| match &pending.mutation {
                Mutation::Move {
                    mailbox: from,
                    uidvalidity,
                    uids,
                    ..
                }
                | Mutation::Expunge {
                    mailbox: from,
                    uidvalidity,
                    uids,
                } if from == mailbox && self.names(from, *uidvalidity) => Some(uids),
                _ => None,
            })
            .chain(discarded)
            .chain(
                self.caches
                    .get(mailbox)
                    .map(Cache::departed)
                    .filter(|gone| !gone.is_empty()),
            )
            .collect()
    }

    /// Whether UIDs of that UIDVALIDITY mean the messages that are known of a mailbox. Those of a mailbox that was
    /// recreated since mean none of them.
    fn names(&self, mailbox: &str, uidvalidity: u32) -> bool {
        let known = self.caches.get(mailbox);
        known.is_none_or(|cache| cache.state.uidvalidity == uidvalidity)
    }

    /// A summary as it will be once the pending mutations are done.
    pub(crate) fn replayed(&self, mailbox: &str, summary: &Summary) -> Summary {
        let mut summary = summary.clone();
        for pending in &self.pending {
            if let Mutation::Receipt {
                mailbox: of,
                uidvalidity,
                uid,
                ..
            } = &pending.mutation
                && of == mailbox
                && self.names(of, *uidvalidity)
                && *uid == summary.uid
            {
                summary.flags.set("$MDNSent", true);
            }
            if let Mutation::Flag {
                mailbox: of,
                uidvalidity,
                uids,
                add,
                remove,
            } = &pending.mutation
                && of == mailbox
                && self.names(of, *uidvalidity)
                && uids.contains(summary.uid)
            {
                for flag in add {
                    summary.flags.set(flag, true);
                }
                for flag in remove {
                    summary.flags.set(flag, false);
                }
            }
        }
        summary
    }

    /// How pending mutations change a mailbox's counts: (messages, unseen).
    #[inline(never)]
    pub(crate) fn pending_counts(&self, mailbox: &str) -> (i64, i64) {
        let (mut messages, mut unseen) = (0, 0);
        let mut touched = std::collections::HashSet::new();
        for pending in &self.pending {
            match &pending.mutation {
                Mutation::Flag {
                    mailbox: of, uids, ..
                } if of == mailbox && uids.len() <= 5_000 => {
                    touched.extend(uids.iter());
                }
                Mutation::Move {
                    mailbox: from,
                    uidvalidity,
                    uids,
                    to,
                    ..
                } if uids.len() <= 5_000 && self.names(from, *uidvalidity) => {
                    let cache = self.caches.get(from);
                    let known = uids.iter().filter_map(|uid| cache?.summary(uid));
                    let unread = known.filter(|summary| !summary.flags.seen).count() as i64;
                    if from == mailbox {
                        messages -= uids.len() as i64;
                        unseen -= unread;
                    } else if to == mailbox {
                        messages += uids.len() as i64;
                        unseen += unread;
                    }
                }
                Mutation::Expunge {
                    mailbox: from,
                    uidvalidity,
                    uids,
                } if from == mailbox && uids.len() <= 5_000 && self.names(from, *uidvalidity) => {
                    messages -= uids.len() as i64;
                }
                _ => {}
            }
        }
        if let Some(cache) = self.caches.get(mailbox) {
            for summary in touched.into_iter().filter_map(|uid| cache.summary(uid)) {
                let after = self.replayed(mailbox, summary);
                unseen += i64::from(summary.flags.seen) - i64::from(after.flags.seen);
            }
        }
        (messages, unseen)
    }
}
