//! What one device keeps: its store, in memory.

use std::collections::BTreeMap;

use roost_engine::{Event, KeptAccount, KeptMailbox, KeptPage, Record};

#[derive(Default)]
pub struct Store {
    pub account: Option<KeptAccount>,
    mailboxes: BTreeMap<String, KeptMailbox>,
    /// By mailbox, UIDVALIDITY and number.
    pages: BTreeMap<(String, u32, u32), KeptPage>,
}

impl Store {
    pub fn write(&mut self, records: Vec<Record>) {
        for record in records {
            match record {
                Record::Account(account) => self.account = Some(*account),
                Record::Mailbox(mailbox) => {
                    self.mailboxes.insert(mailbox.name.clone(), mailbox);
                }
                Record::Page(page) => {
                    let key = (page.mailbox.clone(), page.uidvalidity, page.page);
                    self.pages.insert(key, page);
                }
                Record::Forget(mailbox) => {
                    self.mailboxes.remove(&mailbox);
                    self.pages.retain(|(of, ..), _| *of != mailbox);
                }
            }
        }
    }

    pub fn mailbox(&self, account: String, mailbox: &str) -> Event {
        Event::MailboxLoaded {
            account,
            kept: self.mailboxes.get(mailbox).cloned(),
        }
    }

    pub fn pages(
        &self,
        account: String,
        mailbox: String,
        uidvalidity: u32,
        wanted: Vec<u32>,
    ) -> Event {
        let pages = wanted
            .into_iter()
            .filter_map(|page| {
                self.pages
                    .get(&(mailbox.clone(), uidvalidity, page))
                    .cloned()
            })
            .collect();
        Event::PagesLoaded {
            account,
            mailbox,
            pages,
        }
    }
}
