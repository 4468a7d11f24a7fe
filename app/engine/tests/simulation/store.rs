//! What one device keeps: its store, in memory. It passes the suite that the browser's store passes (`tests/storage`).

use std::collections::BTreeMap;

use roost_engine::{Effect, Event, KeptAccount, KeptMailbox, KeptPage, Record};
use roost_wire::Body;

#[derive(Default)]
pub struct Store {
    pub account: Option<KeptAccount>,
    /// By account and name.
    mailboxes: BTreeMap<(String, String), KeptMailbox>,
    /// By account, mailbox, UIDVALIDITY and number.
    pages: BTreeMap<(String, String, u32, u32), KeptPage>,
    /// By account, mailbox, UIDVALIDITY, and UID. Who fetches one keeps it.
    pub bodies: BTreeMap<((String, String, u32), u32), Body>,
    /// There is no room for summaries, only for what exists here alone: that is small, and bodies go first.
    pub full: bool,
}

impl Store {
    /// Does what the engine wants kept, or read; the event that answers it.
    pub fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Store { account, records }
                if self.full && records.iter().any(|one| matches!(one, Record::Page(_))) =>
            {
                Some(Event::NotStored { account, records })
            }
            Effect::Store { account, records } => {
                for record in records {
                    self.write(&account, record);
                }
                None
            }
            Effect::LoadMailbox { account, mailbox } => {
                let kept = self.mailboxes.get(&(account.clone(), mailbox)).cloned();
                Some(Event::MailboxLoaded { account, kept })
            }
            Effect::LoadPages {
                account,
                mailbox,
                uidvalidity,
                purpose,
                pages,
            } => {
                let pages = self.pages(&account, &mailbox, uidvalidity, pages);
                Some(Event::PagesLoaded {
                    account,
                    mailbox,
                    purpose,
                    pages,
                })
            }
            Effect::ListBodies {
                account,
                mailbox,
                uidvalidity,
            } => {
                let of = (account.clone(), mailbox.clone(), uidvalidity);
                let kept = self.bodies.keys().filter(|(place, _)| *place == of);
                let uids = kept.map(|(_, uid)| *uid).collect();
                Some(Event::BodiesListed {
                    account,
                    mailbox,
                    uidvalidity,
                    uids,
                })
            }
            Effect::ReadBodies {
                account,
                mailbox,
                uidvalidity,
                uids,
            } => {
                let of = (account.clone(), mailbox.clone(), uidvalidity);
                let kept = uids.into_iter().filter_map(|uid| {
                    let body = self.bodies.get(&(of.clone(), uid))?;
                    Some((uid, body.clone()))
                });
                let bodies = kept.collect();
                Some(Event::BodiesRead {
                    account,
                    mailbox,
                    uidvalidity,
                    bodies,
                })
            }
            Effect::Wipe => {
                *self = Self {
                    full: self.full,
                    ..Self::default()
                };
                None
            }
            _ => None,
        }
    }

    /// The account that is kept, as a worker that starts is given it.
    pub fn recall(&self) -> Event {
        Event::Recalled(self.account.clone().map(Box::new))
    }

    /// Those of these pages that there are.
    pub fn pages(
        &self,
        account: &str,
        mailbox: &str,
        uidvalidity: u32,
        wanted: Vec<u32>,
    ) -> Vec<KeptPage> {
        let pages = wanted.into_iter().filter_map(|page| {
            let key = (account.to_owned(), mailbox.to_owned(), uidvalidity, page);
            self.pages.get(&key).cloned()
        });
        pages.collect()
    }

    fn write(&mut self, account: &str, record: Record) {
        let owner = account.to_owned();
        match record {
            Record::Account(kept) => self.account = Some(*kept),
            Record::Mailbox(kept) => {
                self.mailboxes.insert((owner, kept.name.clone()), kept);
            }
            Record::Page(kept) => {
                let key = (owner, kept.mailbox.clone(), kept.uidvalidity, kept.page);
                self.pages.insert(key, kept);
            }
            Record::Forget(mailbox) => {
                self.pages
                    .retain(|(of, name, ..), _| *of != owner || *name != mailbox);
                self.mailboxes.remove(&(owner, mailbox));
            }
        }
    }
}
