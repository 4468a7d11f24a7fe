//! What must be true at the end of a history, when the line is good and everything is quiet.

use std::collections::BTreeMap;

use roost_engine::{Filter, Intent, ListState, ListView};
use roost_wire::{Counts, Mutation, Outcome, Summary};

use crate::device::TAB;
use crate::history::History;
use crate::network::DeviceId;
use crate::server::Server;

/// How many rows the person looks at who checks a mailbox.
const ROWS: u32 = 40;

impl History {
    pub fn check_the_end(&mut self) -> Result<(), String> {
        for number in 0..self.devices.len() {
            let told = |why| format!("at the end, device {number}: {why}");
            self.check_mutations(number).map_err(told)?;
            self.check_session(number).map_err(told)?;
            self.check_screens(number).map_err(told)?;
        }
        for number in 0..self.devices.len() {
            let told = |why| format!("at the end, device {number}: {why}");
            for mailbox in self.server.list() {
                self.visit(number, &mailbox.name).map_err(told)?;
            }
        }
        Ok(())
    }

    /// Each mutation that a person made was sent under one id, ended once, and was done as often as its outcome says.
    fn check_mutations(&self, number: DeviceId) -> Result<(), String> {
        let device = &self.devices[number];
        if device.waiting() > 0 {
            return Err(format!("{} changes still wait", device.waiting()));
        }
        let ended = device.ended.len() as u64 + device.ended_here;
        let sent = device.sent.len() as u64;
        if sent > device.made || ended != device.made {
            return Err(format!(
                "{} mutations were made, {sent} sent, {ended} ended",
                device.made
            ));
        }
        for (id, lives) in &self.server.done {
            if !device.made_it(*id) {
                continue;
            }
            let mutation = device
                .sent
                .get(id)
                .ok_or_else(|| format!("{id:?} was done but not sent"))?;
            let mut within = BTreeMap::new();
            for life in lives {
                *within.entry(life).or_insert(0) += 1;
            }
            if within.values().any(|&times| times > 1) || (!may_repeat(mutation) && lives.len() > 1)
            {
                return Err(format!("{mutation:?} was done in the lives {lives:?}"));
            }
        }
        for (id, outcome) in &device.ended {
            if matches!(outcome, Outcome::Done { .. }) && !self.server.done.contains_key(id) {
                return Err(format!("{id:?} is said to be done and was not"));
            }
        }
        Ok(())
    }

    fn check_session(&self, number: DeviceId) -> Result<(), String> {
        let device = &self.devices[number];
        let screen = device.screen().ok_or("no tab")?;
        let session = screen.session.as_ref().ok_or("no session")?;
        if !device.is_live() || session.progress.is_some() {
            return Err(format!("the line is not live: {session:?}"));
        }
        let mut shown: Vec<(String, Counts, bool)> = screen
            .mailboxes
            .iter()
            .map(|row| {
                let counts = Counts {
                    messages: row.messages,
                    unseen: row.unseen,
                };
                (row.name.clone(), counts, row.subscribed)
            })
            .collect();
        shown.sort_by(|a, b| a.0.cmp(&b.0));
        let there: Vec<(String, Counts, bool)> = self
            .server
            .list()
            .into_iter()
            .map(|m| (m.name, m.counts.unwrap_or_default(), m.subscribed))
            .collect();
        if shown == there {
            Ok(())
        } else {
            Err(format!("mailboxes are {there:?}, shown are {shown:?}"))
        }
    }

    /// What is on screen when nobody has touched anything since.
    fn check_screens(&self, number: DeviceId) -> Result<(), String> {
        for screen in self.devices[number].screens.values() {
            let list = screen.list.as_ref().ok_or("no list")?;
            if list.state != ListState::Ready {
                return Err(format!("{} is {:?}", list.mailbox, list.state));
            }
            let Ok(found) = self.server.find(&list.mailbox) else {
                return Err(format!("{} is shown, it is not there", list.mailbox));
            };
            if list.filter == Filter::All && list.search.is_empty() {
                let rows: Vec<Summary> = found.rows().collect();
                check_rows(list, &rows)?;
            } else {
                // Rows do not leave a filtered list under a reader's hands, but they are true.
                for row in &list.rows {
                    let row = row.as_ref().ok_or("a found row is missing")?;
                    if !found.rows().any(|there| there == *row) {
                        return Err(format!("{} finds {row:?}, which is not so", list.mailbox));
                    }
                }
            }
        }
        Ok(())
    }

    /// A person opens a mailbox and scrolls through it.
    fn visit(&mut self, number: DeviceId, mailbox: &str) -> Result<(), String> {
        let open = Intent::OpenMailbox(mailbox.to_owned());
        self.intent(number, TAB, open)?;
        let rows = rows_of(&self.server, mailbox)?;
        let total = rows.len() as u32;
        for first in (0..total.max(1)).step_by(ROWS as usize) {
            self.intent(number, TAB, Intent::Scroll { first, count: ROWS })?;
            self.until_quiet()?;
            check_rows(self.list(number)?, &rows)?;
        }
        let unread: Vec<Summary> = rows.into_iter().filter(|row| !row.flags.seen).collect();
        self.intent(number, TAB, Intent::Filter(Filter::Unread))?;
        self.until_quiet()?;
        check_rows(self.list(number)?, &unread)
    }

    fn list(&self, number: DeviceId) -> Result<&ListView, String> {
        let screen = self.devices[number].screen().ok_or("no tab")?;
        Ok(screen.list.as_ref().ok_or("no list")?)
    }
}

fn rows_of(server: &Server, mailbox: &str) -> Result<Vec<Summary>, String> {
    let found = server.find(mailbox).map_err(|kind| format!("{kind:?}"))?;
    Ok(found.rows().collect())
}

/// Whether doing it twice ends as doing it once.
fn may_repeat(mutation: &Mutation) -> bool {
    matches!(
        mutation,
        Mutation::Flag { .. }
            | Mutation::Move { .. }
            | Mutation::Expunge { .. }
            | Mutation::Subscribe { .. }
    )
}

/// Whether a list shows what is there.
fn check_rows(list: &ListView, there: &[Summary]) -> Result<(), String> {
    if list.state != ListState::Ready {
        return Err(format!("{} is {:?}", list.mailbox, list.state));
    }
    if list.total as usize != there.len() {
        return Err(format!(
            "{} has {} messages, shown are {}",
            list.mailbox,
            there.len(),
            list.total
        ));
    }
    for (shown, there) in list.rows.iter().zip(&there[list.first as usize..]) {
        if shown.as_ref() != Some(there) {
            return Err(format!(
                "{} has {there:?}, shown is {shown:?}",
                list.mailbox
            ));
        }
    }
    Ok(())
}
