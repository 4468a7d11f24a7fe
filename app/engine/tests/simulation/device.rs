//! A device: the engine, and a person's screens, which fold what they are shown as tabs do. What can be checked at
//! every step is checked here.

use std::collections::{BTreeMap, BTreeSet};

use roost_engine::{
    Effect, Event, Filter, Intent, Line, ListState, ListView, MailboxRow, MessageView, SessionView,
    Stage, State, TabId, Target, View, step,
};
use roost_wire::{ClientMessage, Mutation, MutationId, Outcome, ServerMessage, Summary};

use crate::network::{ConnectionId, DeviceId};
use crate::server::Ever;
use crate::store::Store;

/// The tab that is always open.
pub const TAB: TabId = 1;
/// How many effects one event may have.
const MAX_EFFECTS: usize = 200;
/// How many devices there may be: what they are called in one life.
const LIVES: u64 = 16;

/// The device that made a mutation, in whichever life.
pub fn number_of(id: MutationId) -> DeviceId {
    (id.device % LIVES) as DeviceId
}

/// What one tab shows.
#[derive(Default)]
pub struct Screen {
    pub session: Option<SessionView>,
    pub mailboxes: Vec<MailboxRow>,
    pub list: Option<ListView>,
    pub message: Option<MessageView>,
    pub undo: Vec<u32>,
}

pub struct Device {
    pub number: DeviceId,
    state: State,
    pub screens: BTreeMap<TabId, Screen>,
    pub socket: Option<ConnectionId>,
    pub store: Store,
    pub offline_until: u64,
    pub has_session: bool,
    /// How often its worker started.
    life: u64,
    /// It starts, or its person is away: what waits has waited before.
    starting: bool,
    /// The person signed out and left so many changes waiting; until they sign in, nothing of theirs is to be seen.
    pub away: Option<u64>,
    /// How many mutations its people made, by how many more wait; and in this life.
    pub made: u64,
    counted: u64,
    /// The mutations it sent.
    pub sent: BTreeMap<MutationId, Mutation>,
    /// The first outcome it heard of each.
    pub ended: BTreeMap<MutationId, Outcome>,
    /// How many it ended by itself: as unknown, or because a person did not want them any more.
    pub ended_here: u64,
    /// The mutations that were cancelled.
    cancelled: BTreeSet<MutationId>,
    /// The messages people saw when they acted.
    pub meant: BTreeMap<MutationId, BTreeSet<u32>>,
    /// The latest of its mutations that was done, and in which life of the gateway.
    pub last_done: (u64, MutationId),
    /// What came back on screen for a moment, as [`Device::flicker`] tells.
    pub came_back: Option<(u32, String, u32)>,
    /// Nothing breaks between gateway and mail server: what was done must not come back for a moment.
    pub no_flicker: bool,
}

impl Device {
    pub fn new(number: DeviceId, no_flicker: bool) -> Self {
        Self {
            number,
            state: State::default(),
            screens: BTreeMap::new(),
            socket: None,
            store: Store::default(),
            offline_until: 0,
            has_session: true,
            life: 0,
            starting: false,
            away: None,
            made: 0,
            counted: 0,
            sent: BTreeMap::new(),
            ended: BTreeMap::new(),
            ended_here: 0,
            cancelled: BTreeSet::new(),
            meant: BTreeMap::new(),
            last_done: (0, MutationId::default()),
            came_back: None,
            no_flicker,
        }
    }

    /// What the device is called in mutation ids: another name each time its worker starts.
    pub fn id(&self) -> u64 {
        self.life * LIVES + self.number as u64
    }

    /// Whether it made a mutation.
    pub fn made_it(&self, id: MutationId) -> bool {
        number_of(id) == self.number
    }

    /// The worker is gone, with all it knew and did not keep. Returns how many changes waited.
    pub fn forget(&mut self) -> u64 {
        let waiting = self.waiting();
        self.state = State::default();
        self.screens.clear();
        self.socket = None;
        self.came_back = None;
        self.life += 1;
        self.counted = 0;
        self.starting = true;
        waiting
    }

    /// The person is about to sign out.
    pub fn leaves(&mut self) {
        self.away = Some(self.waiting());
        self.starting = true;
        self.came_back = None;
    }

    /// The worker has started again: what waited waits.
    pub fn started(&mut self, waited: u64) -> Result<(), String> {
        self.starting = false;
        let waiting = self.waiting();
        if waiting == waited {
            Ok(())
        } else {
            Err(format!(
                "{waited} changes waited, {waiting} do after the start"
            ))
        }
    }

    pub fn screen(&self) -> Option<&Screen> {
        self.screens.get(&TAB)
    }

    pub fn waiting(&self) -> u64 {
        let session = self.screen().and_then(|screen| screen.session.as_ref());
        session.map_or(0, |session| u64::from(session.waiting))
    }

    pub fn is_signed_out(&self) -> bool {
        let session = self.screen().and_then(|screen| screen.session.as_ref());
        session.is_some_and(|session| matches!(session.stage, Stage::SignedOut { .. }))
    }

    /// Whether it keeps mail of a person who is here.
    pub fn keeps(&self) -> bool {
        let session = self.screen().and_then(|screen| screen.session.as_ref());
        session
            .is_some_and(|session| session.keeps && matches!(session.stage, Stage::SignedIn { .. }))
    }

    pub fn is_live(&self) -> bool {
        let session = self.screen().and_then(|screen| screen.session.as_ref());
        session.is_some_and(|session| session.line == Line::Live)
    }

    /// Lets the engine take an event in. Returns what it wants done outside.
    pub fn step(&mut self, event: Event, ever: &Ever) -> Result<Vec<Effect>, String> {
        let before = self.waiting();
        let ends = match &event {
            Event::Server(ServerMessage::Outcome { id, outcome })
                if self.made_it(*id) && !self.ended.contains_key(id) =>
            {
                Some((*id, outcome.clone()))
            }
            _ => None,
        };
        let hello = matches!(&event, Event::Server(ServerMessage::Hello { .. }));
        match &event {
            Event::TabOpened { tab, .. } => {
                self.screens.insert(*tab, Screen::default());
            }
            Event::TabClosed { tab } => {
                self.screens.remove(tab);
            }
            _ => {}
        }
        let withdrawn = match &event {
            Event::Intent {
                intent: Intent::Cancel(id),
                ..
            } => {
                let (device, count) = id.split_once('-').unwrap_or_default();
                let number = |text: &str| text.parse().unwrap_or_default();
                let (device, count) = (number(device), number(count));
                Some(Some(MutationId { device, count }))
            }
            Event::Intent {
                intent: Intent::Undo(_),
                ..
            } => Some(None),
            _ => None,
        };
        let seen = self.seen(&event);
        let effects = step(&mut self.state, event);
        if effects.len() > MAX_EFFECTS {
            return Err(format!("{} effects at once", effects.len()));
        }
        let mut rest = Vec::new();
        for effect in effects {
            match effect {
                Effect::Show { tab, views } => {
                    for view in views {
                        self.show(tab, view, ever)?;
                    }
                }
                Effect::Send(message) => {
                    self.note(&message)?;
                    rest.push(Effect::Send(message));
                }
                other => rest.push(other),
            }
        }
        let after = self.waiting();
        match ends {
            _ if self.starting => {}
            Some((id, outcome)) => {
                // It waits no longer; taking it back may have been waiting for this.
                let more = (after + 1)
                    .checked_sub(before)
                    .ok_or("an outcome ended more than one mutation")?;
                self.made += more;
                self.counted += more;
                self.ended.insert(id, outcome);
                self.came_back = self.flicker(id);
            }
            None if after < before => {
                self.cancelled.extend(withdrawn.flatten());
                if !hello && withdrawn.is_none() {
                    return Err(format!(
                        "{} mutations went without an outcome",
                        before - after
                    ));
                }
                self.ended_here += before - after;
            }
            None => {
                let more = after - before;
                for count in self.counted + 1..=self.counted + more {
                    if let Some(seen) = &seen {
                        let device = self.id();
                        self.meant
                            .insert(MutationId { device, count }, seen.clone());
                    }
                }
                self.made += more;
                self.counted += more;
            }
        }
        Ok(rest)
    }

    /// The messages that a person sees who chooses some to act on.
    fn seen(&self, event: &Event) -> Option<BTreeSet<u32>> {
        let Event::Intent {
            tab,
            intent:
                Intent::Act {
                    target: Target::Uids(uids),
                    ..
                },
            ..
        } = event
        else {
            return None;
        };
        let list = self.screens.get(tab)?.list.as_ref()?;
        let rows = list.rows.iter().flatten();
        rows.filter(|row| uids.contains(&row.uid))
            .map(|row| row.subject.parse().ok())
            .collect()
    }

    fn note(&mut self, message: &ClientMessage) -> Result<(), String> {
        if let ClientMessage::Mutate { id, mutation } = message {
            if !self.made_it(*id) {
                return Err(format!("a mutation of another device: {id:?}"));
            }
            if self.cancelled.contains(id) {
                return Err(format!("{id:?} was cancelled, and is sent"));
            }
            if let Some(before) = self.sent.insert(*id, mutation.clone())
                && before != *mutation
            {
                return Err(format!("{id:?} was {before:?}, now {mutation:?}"));
            }
        }
        Ok(())
    }

    fn show(&mut self, tab: TabId, view: View, ever: &Ever) -> Result<(), String> {
        let Some(screen) = self.screens.get_mut(&tab) else {
            return Err(format!("tab {tab} is shown something, but it is closed"));
        };
        match view {
            View::Session(session) => {
                if self.away.is_some() && matches!(session.stage, Stage::SignedIn { .. }) {
                    return Err("somebody who signed out is signed in".to_owned());
                }
                screen.session = Some(session);
            }
            View::List(_) | View::Message(Some(_)) if self.away.is_some() => {
                return Err("somebody who signed out is shown mail".to_owned());
            }
            View::Mailboxes(mailboxes) => screen.mailboxes = mailboxes,
            View::List(list) => {
                if list.rows.len() > 1_000
                    || list.first as usize + list.rows.len() > list.total as usize
                {
                    return Err(format!(
                        "{} rows from {} of {}",
                        list.rows.len(),
                        list.first,
                        list.total
                    ));
                }
                for row in list.rows.iter().flatten() {
                    belongs(row, &list.mailbox, ever)?;
                }
                // Servers that lie about what vanished must not empty a mailbox (nothing that waits hides its rows).
                let waiting = screen.session.as_ref().is_none_or(|s| s.waiting > 0);
                let all = list.filter == Filter::All && list.search.is_empty();
                if list.total == 0
                    && list.state == ListState::Ready
                    && all
                    && !waiting
                    && !ever.empty.contains(&list.mailbox)
                {
                    return Err(format!("{} is shown empty, it never was", list.mailbox));
                }
                let mut uids: Vec<u32> = list.rows.iter().flatten().map(|row| row.uid).collect();
                let count = uids.len();
                uids.sort_unstable();
                uids.dedup();
                if uids.len() != count {
                    return Err(format!("a message twice in {}", list.mailbox));
                }
                screen.list = Some(list);
            }
            View::Message(message) => {
                if let Some(message) = &message
                    && let Some(summary) = &message.summary
                {
                    belongs(summary, &message.address.mailbox, ever)?;
                }
                screen.message = message;
            }
            View::Body(body) => {
                let open = screen.message.as_ref().and_then(|m| m.summary.as_ref());
                if let Some(open) = open
                    && open.subject != body.subject
                {
                    return Err(format!(
                        "the text of {} is shown for {}",
                        body.subject, open.subject
                    ));
                }
            }
            View::Notice(notice) => screen.undo.extend(notice.undo),
            _ => {}
        }
        Ok(())
    }

    /// What was moved away or deleted must not come back on screen when its outcome is told: the message that does, and
    /// its mailbox with the UIDVALIDITY.
    fn flicker(&self, id: MutationId) -> Option<(u32, String, u32)> {
        let (
            Some(
                Mutation::Move {
                    mailbox,
                    uidvalidity,
                    uids,
                    ..
                }
                | Mutation::Expunge {
                    mailbox,
                    uidvalidity,
                    uids,
                },
            ),
            Some(Outcome::Done { .. }),
            Some(meant),
        ) = (self.sent.get(&id), self.ended.get(&id), self.meant.get(&id))
        else {
            return None;
        };
        if !self.no_flicker {
            return None;
        }
        for screen in self.screens.values() {
            let Some(list) = screen.list.as_ref().filter(|list| list.mailbox == *mailbox) else {
                continue;
            };
            for row in list.rows.iter().flatten() {
                let subject: u32 = row.subject.parse().unwrap_or_default();
                if uids.contains(row.uid) && meant.contains(&subject) {
                    return Some((subject, mailbox.clone(), *uidvalidity));
                }
            }
        }
        None
    }
}

/// Whether a row was ever in the mailbox it is shown in.
fn belongs(row: &Summary, mailbox: &str, ever: &Ever) -> Result<(), String> {
    let subject: u32 = row.subject.parse().unwrap_or_default();
    if ever
        .named
        .get(mailbox)
        .is_some_and(|known| known.contains(&(row.uid, subject)))
    {
        Ok(())
    } else {
        Err(format!(
            "{mailbox} shows UID {} as message {subject}, which it never was",
            row.uid
        ))
    }
}
