//! The gateway's task of one account, as `server/src/gateway/account.rs` is: what it answers, in which order, and what
//! it does not wait for. Jobs read the mail server at one moment and are heard of at a later one, in any order.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use roost_wire::{
    Answer, Change, ClientMessage, Counts, MAX_WINDOW, MailServer, Mailbox, MailboxState, Mutation,
    MutationId, Outcome, Problem, ProblemKind, Recovery, Request, RequestId, ServerMessage,
    WindowRows,
};

use crate::network::ConnectionId;
use crate::random::Random;
use crate::server::{Applied, Server};

/// How long after a change of names the list is looked at once more, in milliseconds.
const SETTLE: u64 = 2_000;
/// How long until a mailbox that could not be looked at is looked at again.
const RETRY: u64 = 2_000;
/// How long an account without devices lives.
pub const LINGER: u64 = 60_000;
/// How many connections to the mail server there are.
const CONNECTIONS: usize = 2;

/// Which of its own rules the gateway keeps. All, but in histories that must fail.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub ledger: bool,
    pub outcome_after_refresh: bool,
}

impl Rules {
    pub const ALL: Self = Self {
        ledger: true,
        outcome_after_refresh: true,
    };
}

#[derive(Debug, Clone)]
pub enum Hint {
    Up,
    Down,
    Mailbox(String),
    Mailboxes,
    Poll,
}

#[derive(Debug)]
pub enum Event {
    Detached(ConnectionId),
    Message(ConnectionId, ClientMessage),
    Hint(Hint),
    Answered {
        to: ConnectionId,
        id: RequestId,
        result: Result<Answer, Problem>,
    },
    Listed(Result<Vec<Mailbox>, Problem>),
    Refreshed {
        mailbox: String,
        result: Result<(Counts, Option<Change>), Problem>,
    },
    Mutated {
        id: MutationId,
        result: Result<Applied, Outcome>,
        touched: Vec<String>,
    },
    Settled,
}

/// Something that reads or changes the mail server.
#[derive(Debug)]
pub enum Job {
    Answer {
        to: ConnectionId,
        id: RequestId,
        request: Request,
    },
    List,
    Look {
        mailbox: String,
        since: Option<MailboxState>,
    },
    Mutate {
        id: MutationId,
        mutation: Mutation,
    },
}

/// Something to be done outside.
#[derive(Debug)]
pub enum Out {
    Send(ConnectionId, ServerMessage),
    Job(Job),
    Later(u64, Event),
}

pub struct Gateway {
    /// Counts the lives of the gateway.
    pub life: u64,
    pub ledger_name: u64,
    rules: Rules,
    pub attached: BTreeSet<ConnectionId>,
    mailboxes: Option<Vec<Mailbox>>,
    /// A list is on its way; whether it must be asked for again.
    listing: Option<bool>,
    settling: bool,
    settle_again: bool,
    want_list: Vec<(ConnectionId, RequestId)>,
    tracks: BTreeMap<String, MailboxState>,
    refreshing: BTreeMap<String, bool>,
    ledger: HashMap<MutationId, Option<Outcome>>,
    mutations: VecDeque<(MutationId, Mutation)>,
    running: Option<MutationId>,
    opening: BTreeMap<String, bool>,
    ending: Vec<Ending>,
    reachable: bool,
    /// What each connection to the mail server has selected, as it was then.
    selected: [Option<(String, MailboxState)>; CONNECTIONS],
    out: Vec<Out>,
}

struct Ending {
    id: MutationId,
    outcome: Outcome,
    mailboxes: BTreeSet<String>,
    list: bool,
}

impl Gateway {
    pub fn new(life: u64, ledger_name: u64, rules: Rules) -> Self {
        Self {
            life,
            ledger_name,
            rules,
            attached: BTreeSet::new(),
            mailboxes: None,
            listing: None,
            settling: false,
            settle_again: false,
            want_list: Vec::new(),
            tracks: BTreeMap::new(),
            refreshing: BTreeMap::new(),
            ledger: HashMap::new(),
            mutations: VecDeque::new(),
            running: None,
            opening: BTreeMap::new(),
            ending: Vec::new(),
            reachable: true,
            selected: Default::default(),
            out: Vec::new(),
        }
    }

    pub fn is_busy(&self) -> bool {
        self.running.is_some() || !self.mutations.is_empty() || !self.ending.is_empty()
    }

    /// The mail server threw its connections out: they select anew.
    pub fn deselect_all(&mut self) {
        self.selected = Default::default();
    }

    pub fn handle(&mut self, event: Event) -> Vec<Out> {
        match event {
            Event::Detached(connection) => {
                self.attached.remove(&connection);
                self.want_list.retain(|&(of, _)| of != connection);
            }
            Event::Message(from, message) => self.receive(from, message),
            Event::Hint(hint) => self.hint(hint),
            Event::Answered { to, id, result } => {
                if let Ok(answer) = &result {
                    self.track(answer);
                }
                // What changed while the rows were on their way may not be in them.
                let changed = match &result {
                    Ok(Answer::Window(rows)) => self
                        .opening
                        .remove(&rows.mailbox)
                        .and_then(|changed| changed.then(|| rows.mailbox.clone())),
                    _ => None,
                };
                self.send(to, ServerMessage::Answer { id, result });
                if let Some(mailbox) = changed {
                    self.refresh(mailbox);
                }
            }
            Event::Listed(result) => self.listed(result),
            Event::Refreshed { mailbox, result } => self.refreshed(mailbox, result),
            Event::Mutated {
                id,
                result,
                touched,
            } => self.mutated(id, result, touched),
            Event::Settled => {
                self.settling = false;
                if self.listing.is_some() {
                    self.settle_again = true;
                } else {
                    self.list();
                }
                if std::mem::take(&mut self.settle_again) {
                    self.list_again_later();
                }
            }
        }
        std::mem::take(&mut self.out)
    }

    fn receive(&mut self, from: ConnectionId, message: ClientMessage) {
        match message {
            ClientMessage::Hello { version, build } => {
                self.attached.insert(from);
                self.send(
                    from,
                    ServerMessage::Hello {
                        version,
                        build,
                        account: "a".to_owned(),
                        username: "alice".to_owned(),
                        address: "alice@roost.test".to_owned(),
                        ledger: self.ledger_name,
                        sends: true,
                    },
                );
                let server = if self.reachable {
                    MailServer::Reachable
                } else {
                    MailServer::Unreachable
                };
                self.send(from, ServerMessage::MailServer(server));
            }
            ClientMessage::Request { id, request } => self.request(from, id, request),
            ClientMessage::Mutate { id, mutation } => match self.ledger.get(&id) {
                Some(Some(outcome)) if self.rules.ledger => {
                    let outcome = outcome.clone();
                    self.send(from, ServerMessage::Outcome { id, outcome });
                }
                Some(None) if self.rules.ledger => {}
                _ => {
                    self.ledger.insert(id, None);
                    self.mutations.push_back((id, mutation));
                    self.mutate_next();
                }
            },
            ClientMessage::Watch { .. } => {}
        }
    }

    fn request(&mut self, from: ConnectionId, id: RequestId, request: Request) {
        if request == Request::Mailboxes {
            match &self.mailboxes {
                Some(mailboxes) => {
                    let result = Ok(Answer::Mailboxes(mailboxes.clone()));
                    self.send(from, ServerMessage::Answer { id, result });
                }
                None => {
                    self.want_list.push((from, id));
                    self.list();
                }
            }
            return;
        }
        match &request {
            Request::Window { mailbox, .. } | Request::Ahead { mailbox, .. }
                if !self.tracks.contains_key(mailbox) =>
            {
                self.opening.entry(mailbox.clone()).or_default();
            }
            // A device that comes back says where it stands.
            Request::Delta { mailbox, since } => {
                self.tracks.entry(mailbox.clone()).or_insert(*since);
            }
            _ => {}
        }
        self.out.push(Out::Job(Job::Answer {
            to: from,
            id,
            request,
        }));
    }

    fn hint(&mut self, hint: Hint) {
        match hint {
            Hint::Up => {
                self.set_reachable(true);
                if self.mailboxes.is_some() {
                    self.list();
                }
                self.refresh_tracks();
            }
            Hint::Down => self.set_reachable(false),
            Hint::Mailbox(mailbox) => {
                if let Some(changed) = self.opening.get_mut(&mailbox) {
                    *changed = true;
                }
                if self.lists(&mailbox) || self.tracks.contains_key(&mailbox) {
                    self.refresh(mailbox);
                }
            }
            Hint::Mailboxes => {
                self.list();
                self.list_again_later();
                // What has a known name may be another mailbox.
                self.refresh_tracks();
            }
            Hint::Poll => {
                self.list();
                self.refresh_tracks();
            }
        }
    }

    fn lists(&self, mailbox: &str) -> bool {
        self.mailboxes
            .iter()
            .flatten()
            .any(|known| known.name == mailbox)
    }

    fn set_reachable(&mut self, reachable: bool) {
        if self.reachable != reachable {
            self.reachable = reachable;
            self.broadcast(&ServerMessage::MailServer(if reachable {
                MailServer::Reachable
            } else {
                MailServer::Unreachable
            }));
        }
    }

    fn list(&mut self) {
        match &mut self.listing {
            Some(again) => *again = true,
            None => {
                self.listing = Some(false);
                self.out.push(Out::Job(Job::List));
            }
        }
    }

    fn listed(&mut self, result: Result<Vec<Mailbox>, Problem>) {
        let again = self.listing.take().unwrap_or_default();
        for (to, id) in std::mem::take(&mut self.want_list) {
            let result = result.clone().map(Answer::Mailboxes);
            self.send(to, ServerMessage::Answer { id, result });
        }
        if let Ok(mailboxes) = result
            && self.mailboxes.as_ref() != Some(&mailboxes)
        {
            let names = |list: &[Mailbox]| -> Vec<String> {
                list.iter().map(|mailbox| mailbox.name.clone()).collect()
            };
            if self
                .mailboxes
                .as_ref()
                .is_some_and(|known| names(known) != names(&mailboxes))
            {
                self.list_again_later();
            }
            // Devices forget what is not listed any more. What is there again before that has another UIDVALIDITY, and a
            // refresh tells.
            self.tracks
                .retain(|name, _| mailboxes.iter().any(|mailbox| mailbox.name == *name));
            self.broadcast(&ServerMessage::Change(Change::Mailboxes(mailboxes.clone())));
            self.mailboxes = Some(mailboxes);
        }
        if again {
            self.list();
        } else {
            for ending in &mut self.ending {
                ending.list = false;
            }
            self.tell_outcomes();
        }
    }

    fn track(&mut self, answer: &Answer) {
        let (mailbox, state) = match answer {
            Answer::Window(window) => (&window.mailbox, window.state),
            Answer::Delta(Change::Delta(delta)) => (&delta.mailbox, delta.state),
            Answer::Delta(Change::Stale { mailbox, state }) => (mailbox, *state),
            _ => return,
        };
        self.tracks.entry(mailbox.clone()).or_insert(state);
    }

    fn refresh_tracks(&mut self) {
        for name in self.tracks.keys().cloned().collect::<Vec<_>>() {
            self.refresh(name);
        }
    }

    fn refresh(&mut self, mailbox: String) {
        if let Some(changed) = self.opening.get_mut(&mailbox) {
            *changed = true;
        }
        if let Some(again) = self.refreshing.get_mut(&mailbox) {
            *again = true;
            return;
        }
        self.refreshing.insert(mailbox.clone(), false);
        let since = self.tracks.get(&mailbox).copied();
        self.out.push(Out::Job(Job::Look { mailbox, since }));
    }

    fn list_again_later(&mut self) {
        if self.settling {
            self.settle_again = true;
        } else {
            self.settling = true;
            self.out.push(Out::Later(SETTLE, Event::Settled));
        }
    }

    fn refreshed(&mut self, mailbox: String, result: Result<(Counts, Option<Change>), Problem>) {
        let again = self.refreshing.remove(&mailbox).unwrap_or_default();
        match result {
            Ok((counts, change)) => {
                if let Some(change) = change {
                    self.changed(&mailbox, change);
                }
                self.counted(&mailbox, counts);
            }
            Err(problem) => {
                if problem.kind.recovery() == Recovery::Retry && !self.attached.is_empty() {
                    let hint = Event::Hint(Hint::Mailbox(mailbox.clone()));
                    self.out.push(Out::Later(RETRY, hint));
                } else if problem.kind == ProblemKind::NoSuchMailbox && !self.lists(&mailbox) {
                    self.tracks.remove(&mailbox);
                }
            }
        }
        if again {
            self.refresh(mailbox);
        } else {
            for ending in &mut self.ending {
                ending.mailboxes.remove(&mailbox);
            }
            self.tell_outcomes();
        }
    }

    fn changed(&mut self, mailbox: &str, change: Change) {
        let state = match &change {
            Change::Delta(delta) => delta.state,
            Change::Stale { state, .. } => *state,
            Change::Mailboxes(_) | Change::Counts { .. } => return,
        };
        let Some(track) = self.tracks.get_mut(mailbox) else {
            return;
        };
        let same = *track == state;
        *track = state;
        if !same || state.modseq == 0 {
            self.broadcast(&ServerMessage::Change(change));
        }
    }

    fn counted(&mut self, mailbox: &str, counts: Counts) {
        let known = self
            .mailboxes
            .iter_mut()
            .flatten()
            .find(|known| known.name == mailbox);
        if let Some(known) = known
            && known.counts != Some(counts)
        {
            known.counts = Some(counts);
            // A list that is on its way may be older.
            if let Some(again) = &mut self.listing {
                *again = true;
            }
            self.broadcast(&ServerMessage::Change(Change::Counts {
                mailbox: mailbox.to_owned(),
                counts,
            }));
        }
    }

    fn mutate_next(&mut self) {
        if self.running.is_none()
            && let Some((id, mutation)) = self.mutations.pop_front()
        {
            self.running = Some(id);
            self.out.push(Out::Job(Job::Mutate { id, mutation }));
        }
    }

    fn mutated(&mut self, id: MutationId, result: Result<Applied, Outcome>, touched: Vec<String>) {
        self.running = None;
        let (outcome, list, touched) = match result {
            Ok(applied) => {
                let moved = applied.moved;
                (Outcome::Done { moved }, applied.names, applied.touched)
            }
            Err(outcome) => (outcome, touched.is_empty(), touched),
        };
        for mailbox in &touched {
            self.refresh(mailbox.clone());
        }
        if list {
            self.list();
        }
        let waits = self.rules.outcome_after_refresh;
        self.ending.push(Ending {
            id,
            outcome,
            mailboxes: touched.into_iter().filter(|_| waits).collect(),
            list: list && waits,
        });
        self.mutate_next();
        self.tell_outcomes();
    }

    fn tell_outcomes(&mut self) {
        let (ready, waiting): (Vec<Ending>, Vec<Ending>) = std::mem::take(&mut self.ending)
            .into_iter()
            .partition(|ending| ending.mailboxes.is_empty() && !ending.list);
        self.ending = waiting;
        for Ending { id, outcome, .. } in ready {
            self.ledger.insert(id, Some(outcome.clone()));
            self.broadcast(&ServerMessage::Outcome { id, outcome });
        }
    }

    pub fn broadcast(&mut self, message: &ServerMessage) {
        for to in self.attached.clone() {
            self.send(to, message.clone());
        }
    }

    fn send(&mut self, to: ConnectionId, message: ServerMessage) {
        if self.attached.contains(&to) {
            self.out.push(Out::Send(to, message));
        }
    }

    /// Does a job on the mail server, at one moment. `faults`: its line may break.
    pub fn perform(
        &mut self,
        job: Job,
        server: &mut Server,
        random: &mut Random,
        faults: bool,
    ) -> Event {
        let broken = faults && random.chance(3);
        let problem = |kind| Problem::new(kind, "");
        match job {
            Job::Answer { to, id, request } => {
                let result = if broken {
                    Err(ProblemKind::Unreachable)
                } else {
                    self.answer(request, server, random)
                };
                Event::Answered {
                    to,
                    id,
                    result: result.map_err(problem),
                }
            }
            Job::List => Event::Listed(if broken {
                Err(problem(ProblemKind::Unreachable))
            } else {
                Ok(server.list())
            }),
            Job::Look { mailbox, since } => {
                let result = if broken {
                    Err(ProblemKind::Timeout)
                } else {
                    look(&mailbox, since, server)
                };
                Event::Refreshed {
                    mailbox,
                    result: result.map_err(problem),
                }
            }
            Job::Mutate { id, mutation } => {
                let touched = mailboxes_of(&mutation);
                let refused = broken.then(|| random.below(4));
                if refused == Some(0) {
                    let why = Problem::new(ProblemKind::OverQuota, "");
                    return Event::Mutated {
                        id,
                        result: Err(Outcome::Rejected(why)),
                        touched,
                    };
                }
                let result = match refused {
                    // The line broke before the command was heard.
                    Some(1) => Err(Outcome::Unknown),
                    // It broke before the answer was.
                    Some(_) => {
                        self.carry_out(id, &mutation, server).ok();
                        Err(Outcome::Unknown)
                    }
                    None => self
                        .carry_out(id, &mutation, server)
                        .map_err(|kind| Outcome::Rejected(problem(kind))),
                };
                Event::Mutated {
                    id,
                    result,
                    touched,
                }
            }
        }
    }

    fn carry_out(
        &mut self,
        id: MutationId,
        mutation: &Mutation,
        server: &mut Server,
    ) -> Result<Applied, ProblemKind> {
        let applied = server.apply(mutation)?;
        server.note(id, self.life, &applied);
        if applied.names {
            self.deselect_all();
        }
        Ok(applied)
    }

    fn answer(
        &mut self,
        request: Request,
        server: &Server,
        random: &mut Random,
    ) -> Result<Answer, ProblemKind> {
        match request {
            Request::Mailboxes => Err(ProblemKind::BadRequest),
            Request::MessageLimit => Ok(Answer::MessageLimit(Some(10_000_000))),
            Request::Window {
                mailbox,
                first,
                count,
            }
            | Request::Ahead {
                mailbox,
                first,
                count,
            } => {
                let now = server.state(&mailbox)?;
                let connection = &mut self.selected[random.below(CONNECTIONS as u64) as usize];
                // A connection that has it selected already hears of new counts, not of UIDNEXT and MODSEQ.
                let state = match connection {
                    Some((name, then)) if *name == mailbox => MailboxState {
                        exists: now.exists,
                        ..*then
                    },
                    _ => now,
                };
                *connection = Some((mailbox.clone(), state));
                let newest = now.exists.saturating_sub(first);
                let count = count.min(MAX_WINDOW).min(newest);
                let oldest = newest - count + 1;
                let messages = &server.find(&mailbox)?.messages;
                Ok(Answer::Window(WindowRows {
                    mailbox,
                    state,
                    first_seq: oldest.max(1),
                    rows: messages[(oldest as usize - 1)..newest as usize]
                        .iter()
                        .map(crate::server::Message::summary)
                        .collect(),
                }))
            }
            Request::Summaries {
                mailbox,
                uidvalidity,
                uids,
            } => {
                let found = server.find(&mailbox)?;
                if found.uidvalidity != uidvalidity {
                    return Err(ProblemKind::UidValidityChanged);
                }
                Ok(Answer::Summaries(
                    found
                        .messages
                        .iter()
                        .filter(|message| uids.contains(message.uid))
                        .map(crate::server::Message::summary)
                        .collect(),
                ))
            }
            Request::Delta { mailbox, since } => {
                let change = server.delta(&mailbox, since)?;
                let connection = &mut self.selected[random.below(CONNECTIONS as u64) as usize];
                *connection = Some((mailbox.clone(), server.state(&mailbox)?));
                Ok(Answer::Delta(change))
            }
            Request::Search { mailbox, query } => {
                let (uidvalidity, uids) = server.search(&mailbox, &query)?;
                Ok(Answer::Found {
                    uidvalidity,
                    total: uids.len() as u32,
                    uids,
                })
            }
        }
    }
}

fn look(
    mailbox: &str,
    since: Option<MailboxState>,
    server: &Server,
) -> Result<(Counts, Option<Change>), ProblemKind> {
    let change = since
        .map(|since| server.delta(mailbox, since))
        .transpose()?;
    Ok((server.find(mailbox)?.counts(), change))
}

/// What a mutation may change, for the case that it fails half-way.
fn mailboxes_of(mutation: &Mutation) -> Vec<String> {
    match mutation {
        Mutation::Flag { mailbox, .. } | Mutation::Expunge { mailbox, .. } => vec![mailbox.clone()],
        Mutation::Move { mailbox, to, .. } | Mutation::Copy { mailbox, to, .. } => {
            vec![mailbox.clone(), to.clone()]
        }
        _ => Vec::new(),
    }
}
