//! The task of one account: a single loop over a closed [`Event`] enum.
//!
//! Invariants:
//! 1. What changed is read from the server in one way only: a refresh (counts and delta) of one mailbox, never two of
//!    the same mailbox at once. Hints and mutations only mark mailboxes as dirty.
//! 2. Mutations run one after the other, in the order in which they came. Drafts and mail on its way out do not hold
//!    up the others, nor each other: a device sends the next state of a draft after the outcome of the one before.
//! 3. The outcome of a mutation is told after the refreshes of what it touched: a device that drops its pending
//!    mutation holds the confirmed state already.
//! 4. A device whose queue is full is cut off; when it comes back it resynchronizes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use roost_wire::{
    Answer, Bye, Change, ClientMessage, Counts, MailServer, Mailbox, MailboxState, Mutation,
    MutationId, Outcome, Problem, ProblemKind, Recovery, Request, RequestId, ServerMessage,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::jobs::{self, answer, caught, look, mailboxes_of, mutate};
use super::ledger::{Entry, Known, Ledger};
use super::outgoing::Desk;
use super::outgoing::later::Looked;
use super::schedule::{self, Schedule};
use crate::content::compose;
use crate::imap::watch::Hint;
use crate::imap::{self, Applied, ImapError, Pool};

/// How long an account without devices keeps its connections: the time of a reload or a short loss of the line.
pub const LINGER: Duration = Duration::from_secs(60);
/// How long to wait before looking again at a mailbox that could not be looked at.
const RETRY: Duration = Duration::from_secs(2);
/// How long after a change of names the list is looked at once more.
const SETTLE: Duration = Duration::from_secs(2);
/// How many lists until then are looked at over connections of their own. While names go on changing it is one more for each
/// such time: a server may tell of changes without end.
const MAX_ANEW: u8 = 4;
/// How long a mutation may take to end when the gateway stops.
const FINISH_TIME: Duration = Duration::from_secs(5);
/// How many requests of one device may be under way.
const MAX_REQUESTS: usize = 64;
/// How many mutations may wait.
const MAX_MUTATIONS: usize = 1_000;
/// How many drafts and messages may be on their way out.
const MAX_OUTGOING: usize = 100;
/// How many mailboxes are followed by delta. Beyond that, the one unused longest is forgotten.
const MAX_TRACKS: usize = 64;
/// How many devices one account may have attached.
const MAX_DEVICES: usize = 32;

/// Names an attached device.
pub type DeviceId = u64;

/// The account's end of a device.
#[derive(Debug)]
pub struct Device {
    pub id: DeviceId,
    /// Dropping it closes the device's socket.
    pub outbox: mpsc::Sender<ServerMessage>,
}

/// Everything an account's task reacts to.
#[derive(Debug)]
pub enum Event {
    Attached(Device),
    Detached(DeviceId),
    Message(DeviceId, ClientMessage),
    Hint(Hint),
    Answered {
        device: DeviceId,
        id: RequestId,
        /// The mailbox whose rows were asked for, if it was not followed then.
        opened: Option<String>,
        result: Result<Answer, Problem>,
    },
    Listed(Result<Vec<Mailbox>, Problem>),
    Refreshed {
        mailbox: String,
        result: Result<Refresh, Problem>,
    },
    Progress {
        id: MutationId,
        done: u32,
        total: u32,
    },
    Remark {
        id: MutationId,
        text: String,
    },
    Mutated {
        id: MutationId,
        result: Result<Applied, Outcome>,
        /// What may have changed even if the mutation failed.
        touched: Vec<String>,
    },
    /// The messages that wait for their time were looked at.
    Looked(Result<Looked, Problem>),
    /// Names changed a while ago.
    Settled,
    Shutdown,
    /// The session behind some devices ended.
    SignedOut(Vec<DeviceId>),
}

/// What a refresh found.
#[derive(Debug)]
pub struct Refresh {
    pub counts: Counts,
    pub change: Option<Change>,
}

/// A mailbox that devices hold rows of.
#[derive(Debug, Default)]
struct Track {
    state: MailboxState,
    used: u64,
    /// The last look was refused, though it is listed.
    refused: bool,
}

#[derive(Debug, Default)]
struct Refreshing {
    /// Something changed while the refresh ran: it must run again.
    again: bool,
}

/// The mutation that runs.
#[derive(Debug)]
struct Running {
    id: MutationId,
    /// It changes names: nobody lists meanwhile, which disturbs Dovecot 2.3, and a list follows.
    names: bool,
}

/// Names changed a moment ago.
#[derive(Debug)]
struct Settling {
    /// How many more lists may be looked at over connections of their own.
    anew: u8,
    /// They changed again meanwhile.
    again: bool,
}

pub struct Task {
    pool: Arc<Pool>,
    desk: Desk,
    events: mpsc::Sender<Event>,
    on_screen: watch::Sender<String>,
    devices: HashMap<DeviceId, Attached>,
    jobs: JoinSet<()>,
    /// The mutations that run: these are waited for at the end.
    mutating: JoinSet<()>,
    mailboxes: Option<Vec<Mailbox>>,
    listing: Option<Refreshing>,
    settling: Option<Settling>,
    /// Devices that wait for the list of mailboxes.
    want_list: Vec<(DeviceId, RequestId)>,
    tracks: HashMap<String, Track>,
    clock: u64,
    refreshing: HashMap<String, Refreshing>,
    ledger: Ledger,
    mutations: VecDeque<(MutationId, Mutation)>,
    running: Option<Running>,
    /// Drafts being saved and messages being held or sent. Sending takes a held message back; dropping the sender ends
    /// its wait too, because the gateway goes away.
    outgoing: HashMap<MutationId, oneshot::Sender<()>>,
    /// Mailboxes whose rows are being asked for and are not followed yet, and whether they changed meanwhile.
    opening: HashMap<String, bool>,
    /// Outcomes that wait for refreshes.
    ending: Vec<Ending>,
    reachable: bool,
    /// The messages that wait for their time.
    schedule: Schedule,
}

struct Attached {
    outbox: mpsc::Sender<ServerMessage>,
    requests: usize,
}

struct Ending {
    id: MutationId,
    outcome: Outcome,
    mailboxes: HashSet<String>,
    list: bool,
}

impl Task {
    /// Runs an account until it has had no device for [`LINGER`], or is shut down. One that has messages to be sent later
    /// is kept for longer (see [`Schedule`]).
    pub async fn run(desk: Desk, events: mpsc::Sender<Event>, mut inbox: mpsc::Receiver<Event>) {
        let pool = Arc::clone(&desk.pool);
        let (on_screen, screen) = watch::channel("INBOX".to_owned());
        let (hint_sender, mut hints) = mpsc::channel(64);
        let watching = tokio::spawn(imap::watch::run(Arc::clone(&pool), screen, hint_sender));
        let mut task = Self {
            pool,
            desk,
            events,
            on_screen,
            devices: HashMap::new(),
            jobs: JoinSet::new(),
            mutating: JoinSet::new(),
            mailboxes: None,
            listing: None,
            settling: None,
            want_list: Vec::new(),
            tracks: HashMap::new(),
            clock: 0,
            refreshing: HashMap::new(),
            ledger: Ledger::default(),
            mutations: VecDeque::new(),
            running: None,
            outgoing: HashMap::new(),
            opening: HashMap::new(),
            ending: Vec::new(),
            reachable: true,
            schedule: Schedule::default(),
        };
        let warming = Arc::clone(&task.pool);
        task.jobs.spawn(async move { warming.warm().await });
        let mut empty_since = Some(Instant::now());
        loop {
            let idle = empty_since.filter(|_| !task.is_busy());
            let linger = task.linger();
            let time_to_look = task.schedule.wait();
            let event = tokio::select! {
                event = inbox.recv() => match event {
                    Some(event) => event,
                    None => break,
                },
                Some(hint) = hints.recv() => Event::Hint(hint),
                Some(_) = task.jobs.join_next() => continue,
                Some(_) = task.mutating.join_next() => continue,
                () = tokio::time::sleep_until((idle.unwrap_or_else(Instant::now) + linger).into()), if idle.is_some() => break,
                () = time_to_look => {
                    task.look_at_waiting();
                    continue;
                }
            };
            match event {
                Event::Shutdown => {
                    task.close(&mut inbox, Bye::Restart).await;
                    break;
                }
                // The next session, with a password that works, starts a new task.
                Event::Hint(Hint::Refused) => {
                    task.close(&mut inbox, Bye::SignedOut).await;
                    break;
                }
                event => task.handle(event),
            }
            if task.devices.is_empty() {
                empty_since.get_or_insert_with(Instant::now);
            } else {
                empty_since = None;
            }
        }
        watching.abort();
    }

    /// How long to go on without a device.
    fn linger(&self) -> Duration {
        if self.schedule.is_kept() {
            schedule::KEEP
        } else {
            LINGER
        }
    }

    fn is_busy(&self) -> bool {
        self.running.is_some()
            || !self.mutations.is_empty()
            || !self.outgoing.is_empty()
            || !self.ending.is_empty()
            || self.schedule.is_looking()
    }

    /// Ends the task: what runs comes to its end, for a command cut off in the middle may be done or not; what is held
    /// is not sent; every outcome that is known is told.
    async fn close(&mut self, inbox: &mut mpsc::Receiver<Event>, bye: Bye) {
        // A message that is still held is handed by its device to the next task.
        self.outgoing.clear();
        self.desk.closing.store(true, Ordering::Relaxed);
        let _ = tokio::time::timeout(FINISH_TIME, async {
            while self.mutating.join_next().await.is_some() {}
        })
        .await;
        while let Ok(event) = inbox.try_recv() {
            match event {
                Event::Mutated { id, result, .. } => {
                    let outcome = result.map_or_else(|outcome| outcome, |a| outcome_of(&a));
                    self.end(id, outcome);
                }
                Event::Message(_, ClientMessage::Mutate { id, .. }) => {
                    match self.ledger.begin(id) {
                        None => {
                            self.end(id, Outcome::Rejected(Problem::new(ProblemKind::Busy, "")))
                        }
                        Some(Entry::Ended(outcome)) => {
                            self.broadcast(&ServerMessage::Outcome { id, outcome });
                        }
                        Some(Entry::Running) => {}
                    }
                }
                _ => {}
            }
        }
        for ending in std::mem::take(&mut self.ending) {
            self.end(ending.id, ending.outcome);
        }
        self.broadcast(&ServerMessage::Bye(bye));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Attached(device) => self.attach(device),
            Event::Detached(id) => {
                self.devices.remove(&id);
                self.want_list.retain(|&(device, _)| device != id);
            }
            Event::Message(device, message) => self.receive(device, message),
            Event::Hint(hint) => self.hint(hint),
            Event::Answered {
                device,
                id,
                opened,
                result,
            } => {
                let held = result.as_ref().ok().and_then(|answer| self.track(answer));
                if let Some(attached) = self.devices.get_mut(&device) {
                    attached.requests -= 1;
                }
                self.send(device, ServerMessage::Answer { id, result });
                if let Some(mailbox) = opened {
                    self.opened(device, mailbox, held);
                }
            }
            Event::Listed(result) => self.listed(result),
            Event::Refreshed { mailbox, result } => self.refreshed(mailbox, result),
            Event::Progress { id, done, total } => {
                self.broadcast(&ServerMessage::Progress { id, done, total });
            }
            Event::Remark { id, text } => self.broadcast(&ServerMessage::Remark { id, text }),
            Event::Mutated {
                id,
                result,
                touched,
            } => self.mutated(id, result, touched),
            Event::SignedOut(devices) => {
                for device in devices {
                    self.send(device, ServerMessage::Bye(Bye::SignedOut));
                    self.devices.remove(&device);
                }
                // Who signs out wants nothing of theirs to be kept here.
                if self.devices.is_empty() {
                    self.schedule.let_go();
                }
            }
            Event::Looked(result) => self.looked(result),
            Event::Settled => self.settled(),
            Event::Shutdown => {}
        }
    }

    fn attach(&mut self, device: Device) {
        if self.devices.len() >= MAX_DEVICES {
            // Dropping the outbox closes the socket.
            let _ = device.outbox.try_send(ServerMessage::Bye(Bye::Protocol(
                "too many devices at once".to_owned(),
            )));
            return;
        }
        let id = device.id;
        self.schedule.keep();
        self.devices.insert(
            id,
            Attached {
                outbox: device.outbox,
                requests: 0,
            },
        );
        let server = if self.reachable {
            MailServer::Reachable
        } else {
            MailServer::Unreachable
        };
        self.send(id, ServerMessage::MailServer(server));
    }

    fn receive(&mut self, device: DeviceId, message: ClientMessage) {
        match message {
            // The socket has dealt with it.
            ClientMessage::Hello { .. } => {}
            ClientMessage::Request { id, request } => self.request(device, id, request),
            ClientMessage::Mutate { id, mutation } => match self.ledger.begin(id) {
                Some(Entry::Ended(outcome)) => {
                    self.send(device, ServerMessage::Outcome { id, outcome });
                }
                Some(Entry::Running) => {}
                None => self.begin(id, mutation),
            },
            ClientMessage::Watch { mailbox } => {
                self.on_screen.send_if_modified(|current| {
                    let changed = *current != mailbox;
                    *current = mailbox;
                    changed
                });
            }
        }
    }

    fn begin(&mut self, id: MutationId, mutation: Mutation) {
        let busy = || Outcome::Rejected(Problem::new(ProblemKind::Busy, ""));
        match mutation {
            Mutation::Unsend { id: held } => {
                let taken_back = self
                    .outgoing
                    .remove(&held)
                    .is_some_and(|taken_back| taken_back.send(()).is_ok());
                let outcome = if taken_back {
                    Outcome::Done { moved: None }
                } else {
                    let why = "The message is on its way already.";
                    Outcome::Rejected(Problem::new(ProblemKind::Refused, why))
                };
                self.end(id, outcome);
            }
            Mutation::SaveDraft { .. }
            | Mutation::DiscardDraft { .. }
            | Mutation::Send { .. }
            | Mutation::Schedule { .. }
            | Mutation::Unschedule { .. }
            | Mutation::SendScheduled { .. }
            | Mutation::Receipt { .. } => {
                if self.outgoing.len() >= MAX_OUTGOING {
                    self.end(id, busy());
                    return;
                }
                // Two devices that send the same draft are one: it is sent once, and both are told how that ended.
                let known = match &mutation {
                    Mutation::Send { message, .. } => {
                        let says = compose::fingerprint(message);
                        self.ledger.begin_sending(id, &message.id, says)
                    }
                    _ => Known::No,
                };
                match known {
                    Known::No => self.start_outgoing(id, mutation),
                    Known::Running => {}
                    Known::Otherwise => {
                        let conflict = Problem::new(ProblemKind::Conflict, "");
                        self.end(id, Outcome::Rejected(conflict));
                    }
                    Known::Sent => {
                        let desk = self.desk.clone();
                        let touched = mailboxes_of(&mutation);
                        self.run_mutation(id, touched, async move { desk.repeat(mutation).await });
                    }
                    Known::Unknown => self.end(id, Outcome::Unknown),
                }
            }
            _ if self.mutations.len() >= MAX_MUTATIONS => self.end(id, busy()),
            mutation => {
                self.mutations.push_back((id, mutation));
                self.mutate_next();
            }
        }
    }

    fn start_outgoing(&mut self, id: MutationId, mutation: Mutation) {
        let (taken_back, wait) = oneshot::channel();
        self.outgoing.insert(id, taken_back);
        let desk = self.desk.clone();
        let events = self.events.clone();
        self.run_mutation(id, mailboxes_of(&mutation), async move {
            let remark = |text| {
                let _ = events.try_send(Event::Remark { id, text });
            };
            desk.run(id, mutation, wait, remark).await
        });
    }

    fn request(&mut self, device: DeviceId, id: RequestId, request: Request) {
        let Some(attached) = self.devices.get_mut(&device) else {
            return;
        };
        if attached.requests >= MAX_REQUESTS {
            let result = Err(Problem::new(ProblemKind::Busy, ""));
            self.send(device, ServerMessage::Answer { id, result });
            return;
        }
        if request == Request::Mailboxes {
            match &self.mailboxes {
                Some(mailboxes) => {
                    let result = Ok(Answer::Mailboxes(mailboxes.clone()));
                    self.send(device, ServerMessage::Answer { id, result });
                }
                None => {
                    self.want_list.push((device, id));
                    self.list();
                }
            }
            return;
        }
        attached.requests += 1;
        if request == Request::MessageLimit {
            let post = Arc::clone(&self.desk.post);
            let limit = async move { Ok(Answer::MessageLimit(post.limit().await)) };
            self.answer_with(device, id, None, limit);
            return;
        }
        let mut opened = None;
        match &request {
            Request::Window { mailbox, .. } | Request::Ahead { mailbox, .. }
                if !self.tracks.contains_key(mailbox) && self.opening.len() < MAX_TRACKS =>
            {
                self.opening.entry(mailbox.clone()).or_default();
                opened = Some(mailbox.clone());
            }
            // A device that comes back says where it stands: what changes from now on is told from there.
            Request::Delta { mailbox, since } => self.follow(mailbox, *since),
            _ => {}
        }
        let pool = Arc::clone(&self.pool);
        let work = async move { caught(answer(&pool, request)).await };
        self.answer_with(device, id, opened, work);
    }

    /// Answers a request with what comes of work beside the loop.
    fn answer_with(
        &mut self,
        device: DeviceId,
        id: RequestId,
        opened: Option<String>,
        work: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
    ) {
        let events = self.events.clone();
        self.jobs.spawn(async move {
            let answered = Event::Answered {
                device,
                id,
                opened,
                result: work.await,
            };
            let _ = events.send(answered).await;
        });
    }

    /// Lets the loop react to something after a while.
    fn later(&mut self, after: Duration, event: Event) {
        let events = self.events.clone();
        self.jobs.spawn(async move {
            tokio::time::sleep(after).await;
            let _ = events.send(event).await;
        });
    }

    fn hint(&mut self, hint: Hint) {
        match hint {
            Hint::Up => {
                self.set_reachable(true);
                // At the very start the rows on screen come first; the device asks for the list by itself.
                if self.mailboxes.is_some() || self.listing.is_some() {
                    self.list();
                }
                self.refresh_tracks();
            }
            Hint::Down => self.set_reachable(false),
            // The loop has dealt with it.
            Hint::Refused => {}
            // A server may name any mailbox, as often as it likes: only known ones are looked at.
            Hint::Mailbox(mailbox) => {
                if let Some(changed) = self.opening.get_mut(&mailbox) {
                    *changed = true;
                }
                if self.lists(&mailbox) || self.tracks.contains_key(&mailbox) {
                    self.refresh(mailbox);
                }
            }
            Hint::Mailboxes => {
                self.list_changed();
                // What has a known name may be another mailbox now.
                self.refresh_tracks();
            }
            Hint::Poll => {
                self.list();
                self.refresh_tracks();
            }
        }
    }

    /// Whether devices were told that there is such a mailbox.
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

    /// Whether names are just being changed.
    fn is_naming(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.names)
    }

    fn list(&mut self) {
        if let Some(listing) = &mut self.listing {
            listing.again = true;
            return;
        }
        if self.is_naming() {
            return;
        }
        match &mut self.settling {
            Some(settling) if settling.anew > 0 => {
                settling.anew -= 1;
                self.list_with(jobs::list_anew);
            }
            _ => self.list_with(jobs::list),
        }
    }

    /// The list is another one than before, or may be.
    fn list_changed(&mut self) {
        self.names_changed();
        self.list();
    }

    /// Dovecot 2.3 swallows a rename that follows another change closely, and a connection that listed between the two
    /// goes on answering with the older list: after the last change of names, one more look follows. Until then each is
    /// over a connection of its own, lest folders come and go on screen.
    fn names_changed(&mut self) {
        match &mut self.settling {
            Some(settling) => settling.again = true,
            None => self.settle(MAX_ANEW),
        }
    }

    fn settle(&mut self, anew: u8) {
        self.settling = Some(Settling { anew, again: false });
        self.later(SETTLE, Event::Settled);
    }

    fn settled(&mut self) {
        let Some(Settling { anew, again }) = self.settling.take() else {
            return;
        };
        let looks = self.listing.is_some() || self.is_naming();
        if !looks {
            self.list_with(jobs::list_anew);
        }
        // As where names change: what has a known name may be another mailbox now.
        self.refresh_tracks();
        if again || looks {
            self.settle(anew.max(1));
        }
    }

    fn list_with<F>(&mut self, look: impl FnOnce(Arc<Pool>) -> F)
    where
        F: Future<Output = Result<Vec<Mailbox>, ImapError>> + Send + 'static,
    {
        self.listing = Some(Refreshing::default());
        let looking = look(Arc::clone(&self.pool));
        let events = self.events.clone();
        self.jobs.spawn(async move {
            let result = caught(looking).await;
            let _ = events.send(Event::Listed(result)).await;
        });
    }

    fn listed(&mut self, result: Result<Vec<Mailbox>, Problem>) {
        let again = self.listing.take().is_some_and(|listing| listing.again);
        for (device, id) in std::mem::take(&mut self.want_list) {
            let result = result.clone().map(Answer::Mailboxes);
            self.send(device, ServerMessage::Answer { id, result });
        }
        if let Ok(mailboxes) = result
            && self.mailboxes.as_ref() != Some(&mailboxes)
        {
            let names = |list: &[Mailbox]| -> Vec<String> {
                list.iter().map(|mailbox| mailbox.name.clone()).collect()
            };
            let renamed = self
                .mailboxes
                .as_ref()
                .is_some_and(|known| names(known) != names(&mailboxes));
            if renamed {
                self.names_changed();
            }
            // Devices forget what is not listed any more. What is there again before anybody listed is another mailbox,
            // and a refresh tells by its UIDVALIDITY.
            self.tracks
                .retain(|name, _| mailboxes.iter().any(|mailbox| mailbox.name == *name));
            let change = Change::Mailboxes(mailboxes.clone());
            self.broadcast(&ServerMessage::Change(change));
            self.schedule.set_mailboxes(&mailboxes);
            self.mailboxes = Some(mailboxes);
        }
        self.mutate_next();
        if again {
            self.list();
        } else {
            for ending in &mut self.ending {
                ending.list = false;
            }
            self.tell_outcomes();
        }
    }

    /// Remembers what state a device holds of a mailbox: that one.
    fn track(&mut self, answer: &Answer) -> Option<MailboxState> {
        let (mailbox, state) = match answer {
            Answer::Window(window) => (&window.mailbox, window.state),
            Answer::Delta(Change::Delta(delta)) => (&delta.mailbox, delta.state),
            Answer::Delta(Change::Stale { mailbox, state }) => (mailbox, *state),
            _ => return None,
        };
        self.follow(mailbox, state);
        Some(state)
    }

    /// A device has the rows of a mailbox that was not followed when it asked, and `held` is their state.
    fn opened(&mut self, device: DeviceId, mailbox: String, held: Option<MailboxState>) {
        let changed = self.opening.remove(&mailbox).unwrap_or_default();
        let Some(held) = held else {
            return;
        };
        // Another device's rows came first, and are newer.
        if let Some(&Track { state, .. }) = self.tracks.get(&mailbox)
            && state.uidvalidity == held.uidvalidity
            && state.modseq > held.modseq
        {
            let mailbox = mailbox.clone();
            self.send(
                device,
                ServerMessage::Change(Change::Stale { mailbox, state }),
            );
        }
        // What changed while the rows were on their way may not be in them.
        if changed {
            self.refresh(mailbox);
        }
    }

    /// Follows a mailbox by delta from that state on, if it is not followed yet.
    fn follow(&mut self, mailbox: &str, state: MailboxState) {
        self.clock += 1;
        let track = self.tracks.entry(mailbox.to_owned()).or_insert(Track {
            state,
            used: 0,
            refused: false,
        });
        track.used = self.clock;
        if self.tracks.len() > MAX_TRACKS
            && let Some(oldest) = self
                .tracks
                .iter()
                .min_by_key(|(_, track)| track.used)
                .map(|(name, _)| name.clone())
        {
            self.tracks.remove(&oldest);
        }
    }

    fn refresh_tracks(&mut self) {
        for changed in self.opening.values_mut() {
            *changed = true;
        }
        let names: Vec<String> = self.tracks.keys().cloned().collect();
        for name in names {
            self.refresh(name);
        }
    }

    fn refresh(&mut self, mailbox: String) {
        if let Some(changed) = self.opening.get_mut(&mailbox) {
            *changed = true;
        }
        if let Some(running) = self.refreshing.get_mut(&mailbox) {
            running.again = true;
            return;
        }
        self.refreshing
            .insert(mailbox.clone(), Refreshing::default());
        let since = self.tracks.get(&mailbox).map(|track| track.state);
        let pool = Arc::clone(&self.pool);
        let events = self.events.clone();
        self.jobs.spawn(async move {
            let result = caught(look(&pool, &mailbox, since)).await;
            let _ = events.send(Event::Refreshed { mailbox, result }).await;
        });
    }

    fn refreshed(&mut self, mailbox: String, result: Result<Refresh, Problem>) {
        let again = self
            .refreshing
            .remove(&mailbox)
            .is_some_and(|running| running.again);
        match result {
            Ok(refresh) => {
                self.schedule.changed(&mailbox);
                if let Some(track) = self.tracks.get_mut(&mailbox) {
                    track.refused = false;
                }
                if let Some(change) = refresh.change {
                    self.changed(&mailbox, change);
                }
                self.counted(&mailbox, refresh.counts);
            }
            Err(problem) => {
                tracing::debug!("a refresh failed: {:?}", problem.kind);
                let gone = problem.kind.may_be_missing();
                if problem.kind.recovery() == Recovery::Retry && !self.devices.is_empty() {
                    // The line to the mail server broke.
                    let hint = Hint::Mailbox(mailbox.clone());
                    self.later(RETRY, Event::Hint(hint));
                } else if gone && !self.lists(&mailbox) {
                    self.tracks.remove(&mailbox);
                } else if gone
                    && let Some(track) = self.tracks.get_mut(&mailbox)
                    && !std::mem::replace(&mut track.refused, true)
                    && self.settling.is_none()
                {
                    // It is just being recreated, perhaps: it is looked at once more when names have settled.
                    self.settle(MAX_ANEW);
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
        let same = track.state == state;
        track.state = state;
        // Without MODSEQ the state cannot tell whether flags changed.
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
            if let Some(listing) = &mut self.listing {
                listing.again = true;
            }
            self.broadcast(&ServerMessage::Change(Change::Counts {
                mailbox: mailbox.to_owned(),
                counts,
            }));
        }
    }

    /// Looks at the messages that wait for their time, and sends those whose time has come.
    fn look_at_waiting(&mut self) {
        let Some((mailbox, sent)) = self.schedule.begin() else {
            return;
        };
        let desk = self.desk.clone();
        let events = self.events.clone();
        // Waited for at the end, as mutations are.
        self.mutating.spawn(async move {
            // On the heap: it is a large future, and most accounts have none.
            let looked = caught(Box::pin(desk.look_at_waiting(&mailbox, &sent))).await;
            let _ = events.send(Event::Looked(looked)).await;
        });
    }

    fn looked(&mut self, result: Result<Looked, Problem>) {
        let looked = result.unwrap_or_else(|problem| {
            tracing::debug!("the messages that wait: {:?}", problem.kind);
            Looked::soon()
        });
        self.schedule.end(looked.next, looked.failed);
        for mailbox in looked.touched {
            self.refresh(mailbox);
        }
        for text in looked.remarks {
            let id = MutationId::default();
            self.broadcast(&ServerMessage::Remark { id, text });
        }
    }

    fn mutate_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some((_, next)) = self.mutations.front() else {
            return;
        };
        let names = changes_names(next);
        // It begins once the list is there.
        if names && self.listing.is_some() {
            return;
        }
        let Some((id, mutation)) = self.mutations.pop_front() else {
            return;
        };
        self.running = Some(Running { id, names });
        let pool = Arc::clone(&self.pool);
        let events = self.events.clone();
        self.run_mutation(id, mailboxes_of(&mutation), async move {
            let mut tell = |done, total| {
                // Progress that finds the queue full is left out: the next one tells more.
                let _ = events.try_send(Event::Progress { id, done, total });
            };
            mutate(&pool, &mutation, &mut tell).await
        });
    }

    /// Runs what a mutation asks for beside the loop. `touched` is what it may have changed if it fails half-way.
    fn run_mutation(
        &mut self,
        id: MutationId,
        touched: Vec<String>,
        work: impl Future<Output = Result<Applied, Outcome>> + Send + 'static,
    ) {
        let events = self.events.clone();
        self.mutating.spawn(async move {
            let result = AssertUnwindSafe(work)
                .catch_unwind()
                .await
                .unwrap_or(Err(Outcome::Unknown));
            let mutated = Event::Mutated {
                id,
                result,
                touched,
            };
            let _ = events.send(mutated).await;
        });
    }

    fn mutated(&mut self, id: MutationId, result: Result<Applied, Outcome>, touched: Vec<String>) {
        if self
            .running
            .as_ref()
            .is_some_and(|running| running.id == id)
        {
            self.running = None;
        }
        self.outgoing.remove(&id);
        let (outcome, list, touched) = match result {
            Ok(applied) => (outcome_of(&applied), applied.mailboxes, applied.touched),
            Err(outcome) => (outcome, touched.is_empty(), touched),
        };
        for mailbox in &touched {
            self.refresh(mailbox.clone());
        }
        if list {
            self.list_changed();
        }
        self.ending.push(Ending {
            id,
            outcome,
            mailboxes: touched.into_iter().collect(),
            list,
        });
        self.mutate_next();
        self.tell_outcomes();
    }

    fn tell_outcomes(&mut self) {
        let (ready, waiting): (Vec<Ending>, Vec<Ending>) = std::mem::take(&mut self.ending)
            .into_iter()
            .partition(|ending| ending.mailboxes.is_empty() && !ending.list);
        self.ending = waiting;
        for ending in ready {
            self.end(ending.id, ending.outcome);
        }
    }

    fn end(&mut self, id: MutationId, outcome: Outcome) {
        for follower in self.ledger.end(id, outcome.clone()) {
            self.end(follower, outcome.clone());
        }
        self.broadcast(&ServerMessage::Outcome { id, outcome });
    }

    fn broadcast(&mut self, message: &ServerMessage) {
        self.devices
            .retain(|_, device| device.outbox.try_send(message.clone()).is_ok());
    }

    fn send(&mut self, device: DeviceId, message: ServerMessage) {
        if let Some(attached) = self.devices.get(&device)
            && attached.outbox.try_send(message).is_err()
        {
            self.devices.remove(&device);
        }
    }
}

/// Whether it is a list that shows what it did.
fn changes_names(mutation: &Mutation) -> bool {
    matches!(
        mutation,
        Mutation::CreateMailbox { .. }
            | Mutation::RenameMailbox { .. }
            | Mutation::DeleteMailbox { .. }
            | Mutation::Subscribe { .. }
    )
}

fn outcome_of(applied: &Applied) -> Outcome {
    match &applied.saved {
        Some(saved) => Outcome::Saved(saved.clone()),
        None => Outcome::Done {
            moved: applied.moved.clone(),
        },
    }
}
