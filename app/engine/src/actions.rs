//! What people do: looking at mailboxes and messages, and acting on them.

use roost_wire::{Mailbox, Mutation, Role, Uid, UidSet};

use crate::state::{Open, Source};
use crate::undo::Inverse;
use crate::{Action, Effect, Intent, State, TabId, Target, Wake, queue};

/// How long a message is on screen before it counts as read.
const READ_MS: u32 = 600;

impl State {
    pub(crate) fn intent(&mut self, tab: TabId, intent: Intent) {
        match intent {
            Intent::SignIn {
                username,
                password,
                shared,
            } => self.sign_in(username, password, shared),
            Intent::SignOut { keep } => self.sign_out(keep),
            Intent::OpenMailbox(mailbox) => self.open_mailbox(tab, mailbox),
            Intent::Filter(filter) => self.narrow(tab, |source| source.filter = filter),
            Intent::Search(text) => self.search(tab, &text, false),
            Intent::TypeSearch(text) => self.search(tab, &text, true),
            Intent::Scroll { first, count } => {
                if let Some(tab) = self.tabs.get_mut(&tab) {
                    tab.first = first;
                    tab.count = count.clamp(1, 500);
                }
            }
            Intent::OpenMessage {
                mailbox,
                uid,
                images,
            } => {
                if self.shows(tab, &mailbox) {
                    self.open_message(tab, uid, images);
                }
            }
            Intent::CloseMessage => {
                if let Some(tab) = self.tabs.get_mut(&tab) {
                    tab.open = None;
                }
            }
            Intent::Act {
                mailbox,
                target,
                action,
            } => {
                if self.shows(tab, &mailbox) {
                    self.act(tab, target, action);
                }
            }
            Intent::Receipt { mailbox, uid, from } => self.answer_receipt(tab, mailbox, uid, from),
            Intent::Undo(undo) => self.take_back(tab, undo),
            Intent::CreateMailbox(name) => {
                self.mutate(tab, Mutation::CreateMailbox { name }, None);
            }
            Intent::RenameMailbox { from, to } => {
                let inverse = Mutation::RenameMailbox {
                    from: to.clone(),
                    to: from.clone(),
                };
                let undo = self.remember_undo(Inverse::Mutations(vec![inverse]));
                self.notice(tab, &format!("Renamed to {to}"), Some(undo), false);
                self.mutate(tab, Mutation::RenameMailbox { from, to }, Some(undo));
            }
            Intent::DeleteMailbox(name) => {
                self.mutate(tab, Mutation::DeleteMailbox { name }, None);
            }
            Intent::Subscribe { name, subscribed } => {
                let change = |subscribed| Mutation::Subscribe {
                    name: name.clone(),
                    subscribed,
                };
                let undo = self.remember_undo(Inverse::Mutations(vec![change(!subscribed)]));
                let text = if subscribed {
                    format!("Subscribed to {name}")
                } else {
                    format!("No longer subscribed to {name}")
                };
                self.notice(tab, &text, Some(undo), false);
                self.mutate(tab, change(subscribed), Some(undo));
            }
            Intent::Circumstances(circumstances) => self.circumstances(tab, circumstances),
            Intent::ForgetMail => self.forget_mail(),
            Intent::ConnectNow => self.connect_now(),
            Intent::Inspect(on) => {
                if let Some(tab) = self.tabs.get_mut(&tab) {
                    tab.inspects = on;
                }
            }
            Intent::Cancel(id) => queue::cancel(self, tab, &id),
            Intent::Write(write) => self.write(tab, write),
            Intent::Complete { typed, own } => {
                if let Some(tab) = self.tabs.get_mut(&tab) {
                    tab.typed = typed;
                    tab.own = own;
                }
            }
        }
    }

    /// Whether a tab still shows the mailbox that an intent is about: UIDs of one mean other messages in another.
    fn shows(&self, tab: TabId, mailbox: &str) -> bool {
        self.tabs
            .get(&tab)
            .is_some_and(|tab| tab.mailbox == mailbox)
    }

    fn open_mailbox(&mut self, id: TabId, mailbox: String) {
        self.use_cache(&mailbox);
        if let Some(tab) = self.tabs.get_mut(&id) {
            tab.mailbox = mailbox;
            tab.home = None;
            tab.source = Source::default();
            tab.forget_found();
            tab.failed = None;
            tab.first = 0;
            tab.open = None;
        }
        self.watch(id);
    }

    pub(crate) fn narrow(&mut self, tab: TabId, change: impl FnOnce(&mut Source)) {
        if let Some(tab) = self.tabs.get_mut(&tab) {
            let before = tab.source.clone();
            change(&mut tab.source);
            if tab.source != before {
                tab.forget_found();
                tab.failed = None;
                tab.first = 0;
            }
        }
    }

    #[inline(never)]
    fn open_message(&mut self, id: TabId, uid: Uid, images: bool) {
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        let mailbox = tab.mailbox.clone();
        let Some(address) = self.address(&mailbox, uid) else {
            return;
        };
        let counted_as_read = tab
            .open
            .as_ref()
            .is_some_and(|open| open.address == address && open.counted_as_read);
        if let Some(tab) = self.tabs.get_mut(&id) {
            tab.open = Some(Open {
                address,
                images,
                failed: None,
                counted_as_read,
            });
        }
    }

    /// The text of an open message came on screen.
    pub(crate) fn message_shown(&mut self, id: TabId, mailbox: String, uid: Uid) {
        self.effect(Effect::Wake {
            wake: Wake::Read {
                tab: id,
                mailbox,
                uid,
            },
            after_ms: READ_MS,
        });
    }

    #[inline(never)]
    pub(crate) fn count_as_read(&mut self, id: TabId, mailbox: &str, uid: Uid) {
        let Some(open) = self.tabs.get_mut(&id).and_then(|tab| tab.open.as_mut()) else {
            return;
        };
        if open.address.mailbox != mailbox || open.address.uid != uid || open.counted_as_read {
            return;
        }
        open.counted_as_read = true;
        let uidvalidity = open.address.uidvalidity;
        let unread = self
            .caches
            .get(mailbox)
            .and_then(|cache| cache.summary(uid))
            .is_some_and(|summary| !self.replayed(mailbox, summary).flags.seen);
        if unread {
            let mutation = Mutation::Flag {
                mailbox: mailbox.to_owned(),
                uidvalidity,
                uids: [uid].into_iter().collect(),
                add: vec!["\\Seen".to_owned()],
                remove: Vec::new(),
            };
            self.mutate(id, mutation, None);
        }
    }

    /// There is a list of mailboxes now: what waited for it is done, in mailboxes that are still shown.
    #[inline(never)]
    pub(crate) fn act_early(&mut self) {
        for early in std::mem::take(&mut self.early) {
            if self.shows(early.tab, &early.mailbox) {
                self.act(early.tab, Target::Uids(early.uids), early.action);
            }
        }
    }

    #[inline(never)]
    fn act(&mut self, id: TabId, target: Target, action: Action) {
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        let mailbox = tab.mailbox.clone();
        let uids: UidSet = match target {
            Target::Uids(uids) => uids.into_iter().collect(),
            Target::All => self.everything(id),
        };
        let Some(cache) = self.caches.get(&mailbox) else {
            return;
        };
        let uidvalidity = cache.state.uidvalidity;
        if uids.is_empty() || uidvalidity == 0 {
            return;
        }
        let how_many = match uids.len() {
            1 => "1 message".to_owned(),
            _ if uids.len() > u64::from(cache.state.exists) => "All messages".to_owned(),
            count => format!("{count} messages"),
        };
        let role = self.role_of(&mailbox);
        let needs_list = matches!(action, Action::Archive | Action::Delete | Action::Junk);
        if needs_list && self.mailboxes.is_empty() {
            // Without the list it is not known which mailbox is the Trash; guessing would create a second one.
            let early = Early {
                tab: id,
                mailbox,
                uids: uids.iter().collect(),
                action,
            };
            if !self.early.contains(&early) {
                self.early.push(early);
            }
            return;
        }
        let chosen = Chosen {
            tab: id,
            mailbox,
            uidvalidity,
            uids,
        };
        match action {
            Action::Seen(on) => {
                // Marking as unread what is open: it must not be marked as read again on account of being shown.
                if let Some(open) = self.tabs.get_mut(&id).and_then(|tab| tab.open.as_mut())
                    && chosen.uids.contains(open.address.uid)
                {
                    open.counted_as_read = true;
                }
                let what = if on {
                    "marked as read"
                } else {
                    "marked as unread"
                };
                self.flag(chosen, "\\Seen", on, &format!("{how_many} {what}"));
            }
            Action::Starred(on) => {
                let what = if on { "starred" } else { "no longer starred" };
                self.flag(chosen, "\\Flagged", on, &format!("{how_many} {what}"));
            }
            Action::Archive => {
                let to = self.mailbox_for(id, Role::Archive);
                self.move_to(
                    chosen,
                    to,
                    Keywords::default(),
                    &format!("{how_many} archived"),
                );
            }
            Action::Delete if role == Some(Role::Trash) => {
                self.close_if_open(id, &chosen.uids);
                self.notice(id, &format!("{how_many} deleted for good"), None, false);
                let mutation = Mutation::Expunge {
                    mailbox: chosen.mailbox,
                    uidvalidity,
                    uids: chosen.uids,
                };
                self.mutate(id, mutation, None);
            }
            Action::Delete => {
                let to = self.mailbox_for(id, Role::Trash);
                let text = format!("{how_many} moved to Trash");
                self.move_to(chosen, to, Keywords::default(), &text);
            }
            Action::Junk => {
                let to = self.mailbox_for(id, Role::Junk);
                // https://www.iana.org/assignments/imap-jmap-keywords: what filters learn from.
                let keywords = Keywords {
                    add: "$Junk",
                    remove: "$NotJunk",
                };
                self.move_to(chosen, to, keywords, &format!("{how_many} moved to Junk"));
            }
            Action::NotJunk => {
                let keywords = Keywords {
                    add: "$NotJunk",
                    remove: "$Junk",
                };
                let text = format!("{how_many} moved to the inbox");
                self.move_to(chosen, "INBOX".to_owned(), keywords, &text);
            }
            Action::Move(to) => {
                let text = format!("{how_many} moved to {to}");
                self.move_to(chosen, to, Keywords::default(), &text);
            }
            Action::Copy(to) => {
                let undo = self.remember_undo(Inverse::Uncopy {
                    mailbox: to.clone(),
                    copies: None,
                });
                let text = format!("{how_many} copied to {to}");
                self.notice(id, &text, Some(undo), false);
                let mutation = Mutation::Copy {
                    mailbox: chosen.mailbox,
                    uidvalidity,
                    uids: chosen.uids,
                    to,
                };
                self.mutate(id, mutation, Some(undo));
            }
        }
    }

    fn flag(&mut self, chosen: Chosen, flag: &str, on: bool, text: &str) {
        let Chosen {
            tab,
            mailbox,
            uidvalidity,
            uids,
        } = chosen;
        // Undo sets back only what this changes. Where that is not known of every message, there is none: marking
        // read mail as unread would not be taking back.
        let changed = self.changed_by(&mailbox, &uids, flag, on);
        if changed.as_ref().is_some_and(UidSet::is_empty) {
            return;
        }
        let mutation = |on: bool, uids: UidSet| {
            let flags = vec![flag.to_owned()];
            let (add, remove) = if on {
                (flags, Vec::new())
            } else {
                (Vec::new(), flags)
            };
            Mutation::Flag {
                mailbox: mailbox.clone(),
                uidvalidity,
                uids,
                add,
                remove,
            }
        };
        let undo = changed
            .map(|changed| self.remember_undo(Inverse::Mutations(vec![mutation(!on, changed)])));
        let forward = mutation(on, uids);
        self.notice(tab, text, undo, false);
        self.mutate(tab, forward, undo);
    }

    /// The messages whose flag a mutation changes, `None` where that is not known.
    fn changed_by(&self, mailbox: &str, uids: &UidSet, flag: &str, on: bool) -> Option<UidSet> {
        let cache = self.caches.get(mailbox)?;
        let differs = |uid: Uid| {
            let summary = cache.summary(uid)?;
            Some(self.replayed(mailbox, summary).flags.has(flag) != on)
        };
        let named: Vec<Uid> = if uids.len() <= 500 {
            uids.iter().collect()
        } else if cache.uids().contains(&0) {
            return None;
        } else {
            cache
                .uids()
                .iter()
                .copied()
                .filter(|uid| uids.contains(*uid))
                .collect()
        };
        let mut changed = Vec::new();
        for uid in named {
            if differs(uid)? {
                changed.push(uid);
            }
        }
        Some(changed.into_iter().collect())
    }

    fn move_to(&mut self, chosen: Chosen, to: String, keywords: Keywords, text: &str) {
        let Chosen {
            tab,
            mailbox,
            uidvalidity,
            uids,
        } = chosen;
        if to == mailbox {
            return;
        }
        self.close_if_open(tab, &uids);
        let some = |keyword: &str| -> Vec<String> {
            if keyword.is_empty() {
                Vec::new()
            } else {
                vec![keyword.to_owned()]
            }
        };
        let undo = self.remember_undo(Inverse::MoveBack {
            from: to.clone(),
            to: mailbox.clone(),
            add: Vec::new(),
            remove: some(keywords.add),
            moved: None,
        });
        self.notice(tab, text, Some(undo), false);
        let mutation = Mutation::Move {
            mailbox,
            uidvalidity,
            uids,
            to,
            add: some(keywords.add),
            remove: some(keywords.remove),
        };
        self.mutate(tab, mutation, Some(undo));
    }

    /// After the open message went, the next older one is shown.
    fn close_if_open(&mut self, id: TabId, uids: &UidSet) {
        let Some(tab) = self.tabs.get(&id) else {
            return;
        };
        let Some(open) = tab
            .open
            .as_ref()
            .filter(|open| uids.contains(open.address.uid))
        else {
            return;
        };
        let next = self.rows(tab).and_then(|rows| {
            let position = rows.position(open.address.uid)?;
            (position + 1..rows.len())
                .map_while(|p| rows.uid(p))
                .find(|uid| !uids.contains(*uid))
        });
        let images = false;
        match next {
            Some(uid) => self.open_message(id, uid, images),
            None => {
                if let Some(tab) = self.tabs.get_mut(&id) {
                    tab.open = None;
                }
            }
        }
    }

    pub(crate) fn role_of(&self, mailbox: &str) -> Option<Role> {
        self.mailboxes
            .iter()
            .find(|known| known.name == mailbox)
            .and_then(|known| known.role)
    }

    /// The mailbox of a role; created if there is none, so that nothing is ever destroyed for want of a Trash.
    pub(crate) fn mailbox_for(&mut self, tab: TabId, role: Role) -> String {
        if let Some(known) = self.mailboxes.iter().find(|known| known.role == Some(role)) {
            return known.name.clone();
        }
        let label = match role {
            Role::Archive => "Archive",
            Role::Junk => "Junk",
            Role::Drafts => "Drafts",
            Role::Sent => "Sent",
            _ => "Trash",
        };
        let name = format!("{}{label}", personal_prefix(&self.mailboxes));
        let creating = self.pending.iter().any(
            |pending| matches!(&pending.mutation, Mutation::CreateMailbox { name: known } if *known == name),
        );
        if !creating {
            self.mutate(tab, Mutation::CreateMailbox { name: name.clone() }, None);
        }
        name
    }
}

/// An action that waits for the list of mailboxes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Early {
    tab: TabId,
    mailbox: String,
    uids: Vec<Uid>,
    action: Action,
}

/// The messages an action is for, and the tab that asked.
struct Chosen {
    tab: TabId,
    mailbox: String,
    uidvalidity: u32,
    uids: UidSet,
}

#[derive(Default)]
struct Keywords {
    add: &'static str,
    remove: &'static str,
}

/// `INBOX.` on servers that keep everything below the inbox.
pub(crate) fn personal_prefix(mailboxes: &[Mailbox]) -> String {
    let Some(delimiter) = mailboxes.iter().find_map(|mailbox| mailbox.delimiter) else {
        return String::new();
    };
    let prefix = format!("INBOX{delimiter}");
    let mut others = mailboxes
        .iter()
        .filter(|mailbox| mailbox.name != "INBOX")
        .peekable();
    if others.peek().is_some() && others.all(|mailbox| mailbox.name.starts_with(&prefix)) {
        prefix
    } else {
        String::new()
    }
}
