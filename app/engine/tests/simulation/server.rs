//! A mail server: mailboxes with UIDVALIDITY, UIDNEXT, MODSEQ, flags and a memory of what was expunged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use roost_wire::{
    Address, Counts, Delta, Flags, Mailbox, MailboxState, Moved, Mutation, MutationId, ProblemKind,
    Role, SearchQuery, Summary, UidSet,
};

/// What a mail server can do (RFC 7162).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It tells what vanished: changes come as deltas. It notifies of every change (RFC 5465).
    Qresync,
    /// It has MODSEQ but does not tell what vanished: a changed mailbox is stale. It is polled.
    Condstore,
    /// No MODSEQ, no COPYUID; polled.
    Basic,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub uid: u32,
    /// Names the message for ever, whatever mailbox it is in; its copies have the same.
    pub subject: u32,
    pub flags: Flags,
    modseq: u64,
}

#[derive(Debug)]
pub struct ServerMailbox {
    pub name: String,
    pub uidvalidity: u32,
    uidnext: u32,
    modseq: u64,
    /// Ascending by UID.
    pub messages: Vec<Message>,
    expunged: Vec<(u32, u64)>,
    subscribed: bool,
}

/// What somebody did to the mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noise {
    Mailbox(String),
    Names,
}

pub struct Server {
    pub level: Level,
    pub boxes: Vec<ServerMailbox>,
    /// It names every UID that is not there as vanished, however long ago it went (RFC 7162, section 3.2.5.1 lets it).
    forgetful: bool,
    /// Now and then it names everything as vanished, what is there too.
    lies: bool,
    next_subject: u32,
    next_uidvalidity: u32,
    pub ever: Ever,
    /// What changed since it was last asked.
    pub noise: Vec<Noise>,
    /// How often each mutation was done, by the life of the gateway that did it.
    pub done: BTreeMap<MutationId, Vec<u64>>,
    /// The mutations done since it was last asked, with the messages they reached.
    pub reached: Vec<(MutationId, BTreeSet<u32>)>,
}

/// What was ever so, by the name of the mailbox.
#[derive(Default)]
pub struct Ever {
    /// Which message each UID has named.
    pub named: HashMap<String, HashSet<(u32, u32)>>,
    /// Where there was no message at some time.
    pub empty: HashSet<String>,
}

/// What an applied mutation did.
#[derive(Debug, Default)]
pub struct Applied {
    pub moved: Option<Moved>,
    pub touched: Vec<String>,
    pub names: bool,
    /// The messages it reached.
    pub subjects: BTreeSet<u32>,
}

impl Server {
    pub fn new(level: Level, forgetful: bool, lies: bool) -> Self {
        let mut server = Self {
            level,
            boxes: Vec::new(),
            forgetful,
            lies,
            next_subject: 1,
            next_uidvalidity: 1,
            ever: Ever::default(),
            noise: Vec::new(),
            done: BTreeMap::new(),
            reached: Vec::new(),
        };
        for name in ["INBOX", "Archive", "Trash", "Work"] {
            server.create(name).expect("a new name");
        }
        server
    }

    pub fn find(&self, name: &str) -> Result<&ServerMailbox, ProblemKind> {
        let found = self.boxes.iter().find(|b| b.name == name);
        found.ok_or(ProblemKind::NoSuchMailbox)
    }

    fn find_mut(&mut self, name: &str) -> Result<&mut ServerMailbox, ProblemKind> {
        let found = self.boxes.iter_mut().find(|b| b.name == name);
        found.ok_or(ProblemKind::NoSuchMailbox)
    }

    fn changed(&mut self, name: &str) {
        self.noise.push(Noise::Mailbox(name.to_owned()));
    }

    pub fn state(&self, name: &str) -> Result<MailboxState, ProblemKind> {
        let found = self.find(name)?;
        Ok(MailboxState {
            uidvalidity: found.uidvalidity,
            uidnext: found.uidnext,
            exists: found.messages.len() as u32,
            modseq: if self.level == Level::Basic {
                0
            } else {
                found.modseq
            },
        })
    }

    pub fn list(&self) -> Vec<Mailbox> {
        let mut list: Vec<Mailbox> = self
            .boxes
            .iter()
            .map(|b| Mailbox {
                name: b.name.clone(),
                delimiter: Some('/'),
                role: role(&b.name),
                selectable: true,
                subscribed: b.subscribed,
                counts: Some(b.counts()),
            })
            .collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    pub fn deliver(&mut self, name: &str) -> Result<(), ProblemKind> {
        let subject = self.next_subject;
        self.next_subject += 1;
        self.append(name, subject, Flags::default())?;
        self.changed(name);
        Ok(())
    }

    fn append(&mut self, name: &str, subject: u32, flags: Flags) -> Result<u32, ProblemKind> {
        let found = self.find_mut(name)?;
        found.modseq += 1;
        let uid = found.uidnext;
        found.uidnext += 1;
        found.messages.push(Message {
            uid,
            subject,
            flags,
            modseq: found.modseq,
        });
        self.remember(name, uid, subject);
        Ok(uid)
    }

    fn remember(&mut self, name: &str, uid: u32, subject: u32) {
        match self.ever.named.get_mut(name) {
            Some(known) => {
                known.insert((uid, subject));
            }
            None => {
                self.ever
                    .named
                    .insert(name.to_owned(), HashSet::from([(uid, subject)]));
            }
        }
    }

    pub fn flag(
        &mut self,
        name: &str,
        uids: &UidSet,
        add: &[String],
        remove: &[String],
    ) -> Result<BTreeSet<u32>, ProblemKind> {
        let found = self.find_mut(name)?;
        let mut subjects = BTreeSet::new();
        let mut changed = false;
        for message in &mut found.messages {
            if !uids.contains(message.uid) {
                continue;
            }
            subjects.insert(message.subject);
            let before = message.flags.clone();
            for flag in add {
                message.flags.set(flag, true);
            }
            for flag in remove {
                message.flags.set(flag, false);
            }
            if message.flags != before {
                found.modseq += 1;
                message.modseq = found.modseq;
                changed = true;
            }
        }
        if changed {
            self.changed(name);
        }
        Ok(subjects)
    }

    pub fn expunge(&mut self, name: &str, uids: &UidSet) -> Result<BTreeSet<u32>, ProblemKind> {
        let found = self.find_mut(name)?;
        let mut subjects = BTreeSet::new();
        let modseq = found.modseq + 1;
        let expunged = &mut found.expunged;
        found.messages.retain(|message| {
            let goes = uids.contains(message.uid);
            if goes {
                subjects.insert(message.subject);
                expunged.push((message.uid, modseq));
            }
            !goes
        });
        if !subjects.is_empty() {
            found.modseq = modseq;
            if found.messages.is_empty() {
                self.ever.empty.insert(name.to_owned());
            }
            self.changed(name);
        }
        Ok(subjects)
    }

    pub fn copy(
        &mut self,
        from: &str,
        uids: &UidSet,
        to: &str,
    ) -> Result<(BTreeSet<u32>, Option<Moved>), ProblemKind> {
        self.find(to)?;
        let found = self.find(from)?;
        let copies: Vec<(u32, Flags)> = found
            .messages
            .iter()
            .filter(|message| uids.contains(message.uid))
            .map(|message| (message.subject, message.flags.clone()))
            .collect();
        let mut placed = Vec::new();
        let mut subjects = BTreeSet::new();
        for (subject, flags) in copies {
            subjects.insert(subject);
            placed.push(self.append(to, subject, flags)?);
        }
        if !placed.is_empty() {
            self.changed(to);
        }
        let moved = (self.level != Level::Basic && !placed.is_empty()).then(|| Moved {
            uidvalidity: self.find(to).map_or(0, |b| b.uidvalidity),
            uids: placed.into_iter().collect(),
        });
        Ok((subjects, moved))
    }

    pub fn create(&mut self, name: &str) -> Result<(), ProblemKind> {
        if self.find(name).is_ok() {
            return Err(ProblemKind::Refused);
        }
        self.boxes.push(ServerMailbox {
            name: name.to_owned(),
            uidvalidity: self.next_uidvalidity,
            uidnext: 1,
            modseq: 1,
            messages: Vec::new(),
            expunged: Vec::new(),
            subscribed: true,
        });
        self.next_uidvalidity += 1;
        self.ever.empty.insert(name.to_owned());
        self.noise.push(Noise::Names);
        Ok(())
    }

    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), ProblemKind> {
        if from == "INBOX" || self.find(to).is_ok() {
            return Err(ProblemKind::Refused);
        }
        let found = self.find_mut(from)?;
        to.clone_into(&mut found.name);
        let names: Vec<(u32, u32)> = found.messages.iter().map(|m| (m.uid, m.subject)).collect();
        for (uid, subject) in names {
            self.remember(to, uid, subject);
        }
        if self.ever.empty.contains(from) {
            self.ever.empty.insert(to.to_owned());
        }
        self.noise.push(Noise::Names);
        Ok(())
    }

    pub fn delete(&mut self, name: &str) -> Result<(), ProblemKind> {
        self.find(name)?;
        if name == "INBOX" {
            return Err(ProblemKind::Refused);
        }
        self.boxes.retain(|b| b.name != name);
        self.noise.push(Noise::Names);
        Ok(())
    }

    /// Gives a mailbox another UIDVALIDITY, as after a restored backup: its UIDs name other messages from now on.
    pub fn recreate(&mut self, name: &str) -> Result<(), ProblemKind> {
        let uidvalidity = self.next_uidvalidity;
        self.next_uidvalidity += 1;
        let found = self.find_mut(name)?;
        found.uidvalidity = uidvalidity;
        found.expunged.clear();
        found.modseq = 1;
        found.messages.reverse();
        for (index, message) in found.messages.iter_mut().enumerate() {
            message.uid = index as u32 + 1;
            message.modseq = 1;
        }
        found.uidnext = found.messages.len() as u32 + 1;
        let names: Vec<(u32, u32)> = found.messages.iter().map(|m| (m.uid, m.subject)).collect();
        for (uid, subject) in names {
            self.remember(name, uid, subject);
        }
        self.changed(name);
        Ok(())
    }

    /// What changed since a state, if this server can tell.
    pub fn delta(
        &self,
        name: &str,
        since: MailboxState,
    ) -> Result<roost_wire::Change, ProblemKind> {
        let state = self.state(name)?;
        let found = self.find(name)?;
        if self.level != Level::Qresync
            || since.modseq == 0
            || since.uidvalidity != state.uidvalidity
        {
            return Ok(roost_wire::Change::Stale {
                mailbox: name.to_owned(),
                state,
            });
        }
        let vanished = if self.lies && state.modseq.is_multiple_of(5) {
            UidSet::range(1, state.uidnext - 1)
        } else if self.forgetful && since.modseq < state.modseq {
            let there: HashSet<u32> = found.messages.iter().map(|m| m.uid).collect();
            (1..found.uidnext)
                .filter(|uid| !there.contains(uid))
                .collect()
        } else {
            found
                .expunged
                .iter()
                .filter(|&&(_, modseq)| modseq > since.modseq)
                .map(|&(uid, _)| uid)
                .collect()
        };
        let changed = || found.messages.iter().filter(|m| m.modseq > since.modseq);
        Ok(roost_wire::Change::Delta(Delta {
            mailbox: name.to_owned(),
            since: since.modseq,
            state,
            vanished,
            flags: changed()
                .filter(|m| m.uid < since.uidnext)
                .map(|m| (m.uid, m.flags.clone()))
                .collect(),
            arrived: changed()
                .filter(|m| m.uid >= since.uidnext)
                .map(Message::summary)
                .collect(),
        }))
    }

    pub fn search(&self, name: &str, query: &SearchQuery) -> Result<(u32, UidSet), ProblemKind> {
        let found = self.find(name)?;
        let uids = found
            .messages
            .iter()
            .filter(|m| query.unread.is_none_or(|unread| m.flags.seen != unread))
            .filter(|m| query.starred.is_none_or(|on| m.flags.flagged == on))
            .filter(|m| !query.attachment || m.summary().attachment)
            .filter(|m| query.text.iter().all(|t| m.summary().subject.contains(t)))
            .map(|m| m.uid)
            .collect();
        Ok((found.uidvalidity, uids))
    }

    /// Does what a mutation asks for, once.
    pub fn apply(&mut self, mutation: &Mutation) -> Result<Applied, ProblemKind> {
        let mut applied = Applied::default();
        match mutation {
            Mutation::Flag {
                mailbox,
                uidvalidity,
                uids,
                add,
                remove,
            } => {
                self.same(mailbox, *uidvalidity)?;
                applied.subjects = self.flag(mailbox, uids, add, remove)?;
                applied.touched = vec![mailbox.clone()];
            }
            Mutation::Move {
                mailbox,
                uidvalidity,
                uids,
                to,
                add,
                remove,
            } => {
                self.same(mailbox, *uidvalidity)?;
                self.find(to)?;
                self.flag(mailbox, uids, add, remove)?;
                (applied.subjects, applied.moved) = self.copy(mailbox, uids, to)?;
                self.expunge(mailbox, uids)?;
                applied.touched = vec![mailbox.clone(), to.clone()];
            }
            Mutation::Copy {
                mailbox,
                uidvalidity,
                uids,
                to,
            } => {
                self.same(mailbox, *uidvalidity)?;
                (applied.subjects, applied.moved) = self.copy(mailbox, uids, to)?;
                applied.touched = vec![to.clone()];
            }
            Mutation::Expunge {
                mailbox,
                uidvalidity,
                uids,
            } => {
                self.same(mailbox, *uidvalidity)?;
                applied.subjects = self.expunge(mailbox, uids)?;
                applied.touched = vec![mailbox.clone()];
            }
            Mutation::CreateMailbox { name } => {
                self.create(name)?;
                applied.names = true;
            }
            Mutation::RenameMailbox { from, to } => {
                self.rename(from, to)?;
                applied.names = true;
            }
            Mutation::DeleteMailbox { name } => {
                self.delete(name)?;
                applied.names = true;
            }
            Mutation::Subscribe { name, subscribed } => {
                self.find_mut(name)?.subscribed = *subscribed;
                self.noise.push(Noise::Names);
                applied.names = true;
            }
            Mutation::SaveDraft { .. }
            | Mutation::DiscardDraft { .. }
            | Mutation::Send { .. }
            | Mutation::Unsend { .. }
            | Mutation::Schedule { .. }
            | Mutation::Unschedule { .. }
            | Mutation::SendScheduled { .. }
            | Mutation::Receipt { .. } => return Err(ProblemKind::BadRequest),
        }
        Ok(applied)
    }

    /// Notes that the gateway of that life did a mutation.
    pub fn note(&mut self, id: MutationId, life: u64, applied: &Applied) {
        self.done.entry(id).or_default().push(life);
        self.reached.push((id, applied.subjects.clone()));
    }

    fn same(&self, name: &str, uidvalidity: u32) -> Result<(), ProblemKind> {
        if self.find(name)?.uidvalidity == uidvalidity {
            Ok(())
        } else {
            Err(ProblemKind::UidValidityChanged)
        }
    }
}

impl ServerMailbox {
    pub fn counts(&self) -> Counts {
        Counts {
            messages: self.messages.len() as u32,
            unseen: self.messages.iter().filter(|m| !m.flags.seen).count() as u32,
        }
    }

    /// The rows of a list, newest first.
    pub fn rows(&self) -> impl Iterator<Item = Summary> + '_ {
        self.messages.iter().rev().map(Message::summary)
    }
}

impl Message {
    pub fn summary(&self) -> Summary {
        Summary {
            uid: self.uid,
            flags: self.flags.clone(),
            received: i64::from(self.subject),
            from: vec![Address::default()],
            to: Vec::new(),
            subject: self.subject.to_string(),
            preview: String::new(),
            // Most are too large to be fetched ahead: that is not what histories are about.
            size: if self.subject.is_multiple_of(7) {
                1_000
            } else {
                1_000_000
            },
            attachment: self.subject.is_multiple_of(5),
        }
    }
}

fn role(name: &str) -> Option<Role> {
    match name {
        "INBOX" => Some(Role::Inbox),
        "Archive" => Some(Role::Archive),
        "Trash" => Some(Role::Trash),
        "Junk" => Some(Role::Junk),
        _ => None,
    }
}
