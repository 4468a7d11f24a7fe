//! The task of one account: a single loop over a closed [`Event`] enum.
//!
//! Invariants:
//! 1. What changed is read from the server in one way only: a refresh (counts and delta) of one mailbox, never two of
//!    the same mailbox at once. Hints and mutations only mark mailboxes as dirty.
//! 2. Mutations run one after the other, in the order in which they came.
//! 3. The outcome of a mutation is told after the refreshes of what it touched: a device that drops its pending
//!    mutation holds the confirmed state already.
//! 4. A device whose queue is full is cut off; when it comes back it resynchronizes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use roost_wire::{
    Answer, Bye, Change, ClientMessage, Counts, MAX_RESULTS, MAX_WINDOW, MailServer, Mailbox,
    MailboxState, Mutation, MutationId, Outcome, Problem, ProblemKind, Recovery, Request,
    RequestId, ServerMessage,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::ledger::{Entry, Ledger};
use crate::imap::watch::Hint;
use crate::imap::{self, Applied, ImapError, Pool, Priority};

/// How long an account without devices keeps its connections: the time of a reload or a short loss of the line.
pub const LINGER: Duration = Duration::from_secs(60);
/// How long to wait before looking again at a mailbox that could not be looked at.
const RETRY: Duration = Duration::from_secs(2);
/// How long after a change of names the list is looked at once more.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a mutation may take to end when the gateway stops.
const FINISH_TIME: Duration = Duration::from_secs(5);
/// How many requests of one device may be under way.
const MAX_REQUESTS: usize = 64;
/// How many mutations may wait.
const MAX_MUTATIONS: usize = 1_000;
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
    Mutated {
        id: MutationId,
        result: Result<Applied, Outcome>,
        /// What may have changed even if the mutation failed.
        touched: Vec<String>,
    },
    /// Names changed a while ago.
    Settled,
    Shutdown,
    /// The session behind some devices ended.
    SignedOut(Vec<DeviceId>),
}

/// What a refresh found.
#[derive(Debug)]
pub struct Refresh {
    counts: Counts,
    change: Option<Change>,
}

/// A mailbox that devices hold rows of.
#[derive(Debug, Default)]
struct Track {
    state: MailboxState,
    used: u64,
}

#[derive(Debug, Default)]
struct Refreshing {
    /// Something changed while the refresh ran: it must run again.
    again: bool,
}

pub struct Task {
    pool: Arc<Pool>,
    events: mpsc::Sender<Event>,
    on_screen: watch::Sender<String>,
    devices: HashMap<DeviceId, Attached>,
    jobs: JoinSet<()>,
    mailboxes: Option<Vec<Mailbox>>,
    listing: Option<Refreshing>,
    settling: bool,
    /// Devices that wait for the list of mailboxes.
    want_list: Vec<(DeviceId, RequestId)>,
    tracks: HashMap<String, Track>,
    clock: u64,
    refreshing: HashMap<String, Refreshing>,
    ledger: Ledger,
    mutations: VecDeque<(MutationId, Mutation)>,
    running: bool,
    /// Outcomes that wait for refreshes.
    ending: Vec<Ending>,
    reachable: bool,
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
    /// Runs an account until it has had no device for [`LINGER`], or is shut down.
    pub async fn run(
        pool: Arc<Pool>,
        events: mpsc::Sender<Event>,
        mut inbox: mpsc::Receiver<Event>,
    ) {
        let (on_screen, screen) = watch::channel("INBOX".to_owned());
        let (hint_sender, mut hints) = mpsc::channel(64);
        let watching = tokio::spawn(imap::watch::run(Arc::clone(&pool), screen, hint_sender));
        let mut task = Self {
            pool,
            events,
            on_screen,
            devices: HashMap::new(),
            jobs: JoinSet::new(),
            mailboxes: None,
            listing: None,
            settling: false,
            want_list: Vec::new(),
            tracks: HashMap::new(),
            clock: 0,
            refreshing: HashMap::new(),
            ledger: Ledger::default(),
            mutations: VecDeque::new(),
            running: false,
            ending: Vec::new(),
            reachable: true,
        };
        let warming = Arc::clone(&task.pool);
        task.jobs.spawn(async move { warming.warm().await });
        let mut empty_since = Some(Instant::now());
        loop {
            let idle = empty_since.filter(|_| !task.running && task.mutations.is_empty());
            let event = tokio::select! {
                event = inbox.recv() => match event {
                    Some(event) => event,
                    None => break,
                },
                Some(hint) = hints.recv() => Event::Hint(hint),
                Some(_) = task.jobs.join_next() => continue,
                () = tokio::time::sleep_until((idle.unwrap_or_else(Instant::now) + LINGER).into()), if idle.is_some() => break,
            };
            match event {
                Event::Shutdown => {
                    task.finish_mutation().await;
                    while let Ok(event) = inbox.try_recv() {
                        if let Event::Mutated { id, result, .. } = event {
                            let done = |applied: Applied| Outcome::Done {
                                moved: applied.moved,
                            };
                            task.end(id, result.map_or_else(|outcome| outcome, done));
                        }
                    }
                    task.broadcast(&ServerMessage::Bye(Bye::Restart));
                    break;
                }
                // The next session, with a password that works, starts a new task.
                Event::Hint(Hint::Refused) => {
                    task.broadcast(&ServerMessage::Bye(Bye::SignedOut));
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

    /// Lets the mutation that runs come to its end: a command cut off in the middle may be done or not.
    async fn finish_mutation(&mut self) {
        if self.running {
            let _ = tokio::time::timeout(FINISH_TIME, async {
                while self.jobs.join_next().await.is_some() {}
            })
            .await;
        }
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
            Event::Answered { device, id, result } => {
                if let Ok(answer) = &result {
                    self.track(answer);
                }
                if let Some(attached) = self.devices.get_mut(&device) {
                    attached.requests -= 1;
                }
                self.send(device, ServerMessage::Answer { id, result });
            }
            Event::Listed(result) => self.listed(result),
            Event::Refreshed { mailbox, result } => self.refreshed(mailbox, result),
            Event::Progress { id, done, total } => {
                self.broadcast(&ServerMessage::Progress { id, done, total });
            }
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
            }
            Event::Settled => {
                self.settling = false;
                self.list();
            }
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
                None if self.mutations.len() >= MAX_MUTATIONS => {
                    let problem = Problem::new(ProblemKind::Busy, "");
                    self.end(id, Outcome::Rejected(problem));
                }
                None => {
                    self.mutations.push_back((id, mutation));
                    self.mutate_next();
                }
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
        let pool = Arc::clone(&self.pool);
        let events = self.events.clone();
        self.jobs.spawn(async move {
            let result = caught(answer(&pool, request)).await;
            let _ = events.send(Event::Answered { device, id, result }).await;
        });
    }

    fn hint(&mut self, hint: Hint) {
        match hint {
            Hint::Up => {
                self.set_reachable(true);
                // At the very start the rows on screen come first; the device asks for the list by itself.
                if self.mailboxes.is_some() {
                    self.list();
                }
                self.refresh_tracks();
            }
            Hint::Down => self.set_reachable(false),
            // The loop has dealt with it.
            Hint::Refused => {}
            // A server may name any mailbox, as often as it likes: only known ones are looked at.
            Hint::Mailbox(mailbox) => {
                let listed = self.mailboxes.iter().flatten().any(|m| m.name == mailbox);
                if listed || self.tracks.contains_key(&mailbox) {
                    self.refresh(mailbox);
                }
            }
            Hint::Mailboxes => {
                self.list();
                self.list_again_later();
            }
            Hint::Poll => {
                self.list();
                self.refresh_tracks();
            }
        }
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
        if let Some(listing) = &mut self.listing {
            listing.again = true;
            return;
        }
        self.listing = Some(Refreshing::default());
        let pool = Arc::clone(&self.pool);
        let events = self.events.clone();
        self.jobs.spawn(async move {
            let result = caught(list(&pool)).await;
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
                self.list_again_later();
            }
            let change = Change::Mailboxes(mailboxes.clone());
            self.broadcast(&ServerMessage::Change(change));
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

    /// Remembers what state a device holds of a mailbox.
    fn track(&mut self, answer: &Answer) {
        let (mailbox, state) = match answer {
            Answer::Window(window) => (&window.mailbox, window.state),
            // A device that comes back asks only for the difference.
            Answer::Delta(Change::Delta(delta)) => (&delta.mailbox, delta.state),
            Answer::Delta(Change::Stale { mailbox, state }) => (mailbox, *state),
            _ => return,
        };
        {
            self.clock += 1;
            let track = self
                .tracks
                .entry(mailbox.clone())
                .or_insert(Track { state, used: 0 });
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
    }

    fn refresh_tracks(&mut self) {
        let names: Vec<String> = self.tracks.keys().cloned().collect();
        for name in names {
            self.refresh(name);
        }
    }

    fn refresh(&mut self, mailbox: String) {
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

    /// Dovecot 2.3 swallows a rename that follows another change closely: when names change, one more look follows.
    fn list_again_later(&mut self) {
        if !self.settling {
            self.settling = true;
            let events = self.events.clone();
            self.jobs.spawn(async move {
                tokio::time::sleep(SETTLE).await;
                let _ = events.send(Event::Settled).await;
            });
        }
    }

    /// Looks again after a while, when the line to the mail server broke.
    fn refresh_later(&mut self, mailbox: String) {
        let events = self.events.clone();
        self.jobs.spawn(async move {
            tokio::time::sleep(RETRY).await;
            let _ = events.send(Event::Hint(Hint::Mailbox(mailbox))).await;
        });
    }

    fn refreshed(&mut self, mailbox: String, result: Result<Refresh, Problem>) {
        let again = self
            .refreshing
            .remove(&mailbox)
            .is_some_and(|running| running.again);
        match result {
            Ok(refresh) => {
                if let Some(change) = refresh.change {
                    self.changed(&mailbox, change);
                }
                self.counted(&mailbox, refresh.counts);
            }
            Err(problem) => {
                tracing::debug!("a refresh failed: {:?}", problem.kind);
                if problem.kind.recovery() == Recovery::Retry && !self.devices.is_empty() {
                    self.refresh_later(mailbox.clone());
                } else if problem.kind == ProblemKind::NoSuchMailbox
                    || problem.kind == ProblemKind::Refused
                {
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
            self.broadcast(&ServerMessage::Change(Change::Counts {
                mailbox: mailbox.to_owned(),
                counts,
            }));
        }
    }

    fn mutate_next(&mut self) {
        if self.running {
            return;
        }
        let Some((id, mutation)) = self.mutations.pop_front() else {
            return;
        };
        self.running = true;
        let pool = Arc::clone(&self.pool);
        let events = self.events.clone();
        self.jobs.spawn(async move {
            let touched = mailboxes_of(&mutation);
            let progress = events.clone();
            let mut tell = |done, total| {
                // Progress that finds the queue full is left out: the next one tells more.
                let _ = progress.try_send(Event::Progress { id, done, total });
            };
            let result = AssertUnwindSafe(mutate(&pool, &mutation, &mut tell))
                .catch_unwind()
                .await
                .unwrap_or(Err(Outcome::Unknown));
            let _ = events
                .send(Event::Mutated {
                    id,
                    result,
                    touched,
                })
                .await;
        });
    }

    fn mutated(&mut self, id: MutationId, result: Result<Applied, Outcome>, touched: Vec<String>) {
        self.running = false;
        let (outcome, list, touched) = match result {
            Ok(applied) => (
                Outcome::Done {
                    moved: applied.moved,
                },
                applied.mailboxes,
                applied.touched,
            ),
            Err(outcome) => (outcome, touched.is_empty(), touched),
        };
        for mailbox in &touched {
            self.refresh(mailbox.clone());
        }
        if list {
            self.list();
        }
        self.ending.push(Ending {
            id,
            outcome,
            mailboxes: touched.into_iter().collect(),
            list,
        });
        self.mutate_next();
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
        self.ledger.end(id, outcome.clone());
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

/// Runs a job; a panic in it, over something a server sent, is an answer too. Without one the account would wait for
/// ever.
async fn caught<T>(job: impl Future<Output = Result<T, ImapError>>) -> Result<T, Problem> {
    AssertUnwindSafe(job)
        .catch_unwind()
        .await
        .unwrap_or(Err(ImapError::Garbled("something unforeseen")))
        .map_err(|error| error.to_problem())
}

/// What a mutation may change, for the case that it fails half-way.
fn mailboxes_of(mutation: &Mutation) -> Vec<String> {
    match mutation {
        Mutation::Flag { mailbox, .. } | Mutation::Expunge { mailbox, .. } => vec![mailbox.clone()],
        Mutation::Move { mailbox, to, .. } | Mutation::Copy { mailbox, to, .. } => {
            vec![mailbox.clone(), to.clone()]
        }
        Mutation::CreateMailbox { .. }
        | Mutation::RenameMailbox { .. }
        | Mutation::DeleteMailbox { .. }
        | Mutation::Subscribe { .. } => Vec::new(),
    }
}

async fn list(pool: &Arc<Pool>) -> Result<Vec<Mailbox>, ImapError> {
    let mut lease = pool.acquire(Priority::Interactive, None).await?;
    imap::list(&mut lease).await
}

/// Looks at one mailbox: its counts, and what changed if devices hold rows of it.
async fn look(
    pool: &Arc<Pool>,
    mailbox: &str,
    since: Option<MailboxState>,
) -> Result<Refresh, ImapError> {
    let mut lease = pool.acquire(Priority::Interactive, Some(mailbox)).await?;
    let change = match since {
        Some(since) => Some(imap::delta(&mut lease, mailbox, since).await?),
        None => None,
    };
    let counts = imap::status(&mut lease, mailbox).await?;
    Ok(Refresh { counts, change })
}

async fn answer(pool: &Arc<Pool>, request: Request) -> Result<Answer, ImapError> {
    match request {
        // Answered from the account's own list.
        Request::Mailboxes => Err(ImapError::Argument("a request out of place")),
        Request::Window {
            mailbox,
            first,
            count,
        } => {
            let mut lease = pool.acquire(Priority::Interactive, Some(&mailbox)).await?;
            imap::window(&mut lease, &mailbox, first, count)
                .await
                .map(Answer::Window)
        }
        Request::Summaries {
            mailbox,
            uidvalidity,
            uids,
        } => {
            if !uids.is_valid() || uids.len() > u64::from(MAX_WINDOW) {
                return Err(ImapError::Argument("too many summaries at once"));
            }
            let mut lease = pool.acquire(Priority::Interactive, Some(&mailbox)).await?;
            imap::summaries(&mut lease, &mailbox, uidvalidity, &uids)
                .await
                .map(Answer::Summaries)
        }
        Request::Delta { mailbox, since } => {
            let mut lease = pool.acquire(Priority::Interactive, Some(&mailbox)).await?;
            imap::delta(&mut lease, &mailbox, since)
                .await
                .map(Answer::Delta)
        }
        Request::Search { mailbox, query } => {
            let mut lease = pool.acquire(Priority::Interactive, Some(&mailbox)).await?;
            let (uidvalidity, found) = imap::search(&mut lease, &mailbox, &query).await?;
            let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
            let uids = if found.len() > MAX_RESULTS as u64 {
                found.iter().rev().take(MAX_RESULTS).collect()
            } else {
                found
            };
            Ok(Answer::Found {
                uidvalidity,
                uids,
                total,
            })
        }
    }
}

async fn mutate(
    pool: &Arc<Pool>,
    mutation: &Mutation,
    progress: &mut (dyn FnMut(u32, u32) + Send),
) -> Result<Applied, Outcome> {
    let rejected = |error: &ImapError| Outcome::Rejected(error.to_problem());
    let mailbox = mailboxes_of(mutation).into_iter().next();
    let mut lease = pool
        .acquire(Priority::Interactive, mailbox.as_deref())
        .await
        .map_err(|error| rejected(&error))?;
    let applied = imap::apply(&mut lease, mutation, progress).await;
    if matches!(
        mutation,
        Mutation::RenameMailbox { .. } | Mutation::DeleteMailbox { .. }
    ) {
        pool.deselect_all();
    }
    let error = match applied {
        Ok(applied) => return Ok(applied),
        Err(error) => error,
    };
    if !matches!(error, ImapError::Io(_) | ImapError::Timeout) {
        return Err(rejected(&error));
    }
    // The line broke in the middle.
    if !imap::is_repeatable(mutation, &lease) {
        return Err(Outcome::Unknown);
    }
    drop(lease);
    let mut lease = pool
        .acquire(Priority::Interactive, mailbox.as_deref())
        .await
        .map_err(|_| Outcome::Unknown)?;
    imap::apply(&mut lease, mutation, progress)
        .await
        .map_err(|error| match error {
            ImapError::Io(_) | ImapError::Timeout => Outcome::Unknown,
            error => rejected(&error),
        })
}
