//! The work connections of one account: few, shared by all its devices, a person's request before background work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::command::Command;
use super::connection::{Connection, Credentials};
use super::endpoint::{Endpoint, Tls};
use super::error::ImapError;

/// Work connections per account. The watch connection comes on top.
pub const MAX_CONNECTIONS: usize = 4;
/// How many of them background work may hold: the others are for what a person waits for.
const MAX_BACKGROUND: usize = 2;
/// How many operations may wait for a connection.
const MAX_WAITING: usize = 256;
/// How long an unused connection is kept. Well below the 30 minutes a server must grant (RFC 9051, section 5.4).
const KEEP_IDLE: Duration = Duration::from_secs(240);

/// A connection used this recently is taken to be alive.
const TRUSTED: Duration = Duration::from_secs(5);
/// How long an idle connection may take to answer before it counts as dead.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// What an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person waits for it.
    Interactive,
    /// Nobody looks.
    Background,
}

/// See the module's first lines.
#[derive(Debug)]
pub struct Pool {
    endpoint: Endpoint,
    tls: Tls,
    credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    open: usize,
    background: usize,
    /// Rises when a mailbox was renamed or deleted: selections from before may not mean what their names say.
    epoch: u64,
    interactive: VecDeque<oneshot::Sender<()>>,
    waiting_background: VecDeque<oneshot::Sender<()>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} open, {} idle", self.open, self.idle.len())
    }
}

/// A place in the queue. One who is called but has left calls the next.
struct Waiting {
    pool: Arc<Pool>,
    waiting: oneshot::Receiver<()>,
    called: bool,
}

impl Waiting {
    async fn turn(mut self) {
        // An error means that the sender was dropped: look again either way.
        let _ = (&mut self.waiting).await;
        self.called = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiting.close();
        if !self.called && self.waiting.try_recv().is_ok() {
            self.pool.lock().wake_next();
        }
    }
}

/// A borrowed connection. Goes back when dropped; a broken one is closed instead.
pub struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    priority: Priority,
    epoch: u64,
}

impl Lease {
    /// Makes sure that there is a connection and that it is alive: one that waited in the pool for long is tried and,
    /// if need be, replaced. On an error the lease, dropped without a connection, gives its place back.
    async fn revive(&mut self) -> Result<(), ImapError> {
        if let Some(connection) = &mut self.connection {
            if connection.last_used.elapsed() < TRUSTED {
                return Ok(());
            }
            if connection
                .exec_within(Command::new("NOOP"), PROBE_TIME)
                .await
                .is_ok()
            {
                return Ok(());
            }
            self.connection = None;
        }
        self.connection = Some(self.pool.open().await?);
        Ok(())
    }
}

impl Pool {
    /// A pool with the connection that signed in as its first.
    pub fn new(
        endpoint: Endpoint,
        tls: Tls,
        credentials: Credentials,
        first: Option<Connection>,
    ) -> Arc<Self> {
        let idle: Vec<Connection> = first.into_iter().collect();
        Arc::new(Self {
            endpoint,
            tls,
            credentials,
            state: Mutex::new(State {
                open: idle.len(),
                idle,
                ..State::default()
            }),
        })
    }

    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Opens a connection beside the pool, for the watch.
    pub async fn open(&self) -> Result<Connection, ImapError> {
        Connection::open(&self.endpoint, &self.tls, &self.credentials).await
    }

    /// Makes ready what the first device asks for at once: the inbox selected on one connection, and a second one for
    /// the list of mailboxes. Failures are met again when somebody waits for the answer.
    pub async fn warm(self: &Arc<Self>) {
        if let Ok(mut lease) = self.acquire(Priority::Interactive, Some("INBOX")).await {
            let _ = lease.select("INBOX", None).await;
        }
        {
            let mut state = self.lock();
            if state.open >= MAX_CONNECTIONS {
                return;
            }
            state.open += 1;
        }
        let mut spare = Lease {
            pool: Arc::clone(self),
            connection: None,
            priority: Priority::Interactive,
            epoch: 0,
        };
        spare.connection = self.open().await.ok();
    }

    /// Borrows a connection, preferably one that has `mailbox` selected.
    pub async fn acquire(
        self: &Arc<Self>,
        priority: Priority,
        mailbox: Option<&str>,
    ) -> Result<Lease, ImapError> {
        loop {
            match self.take(priority, mailbox)? {
                Ok(mut lease) => {
                    lease.revive().await?;
                    return Ok(lease);
                }
                Err(waiting) => waiting.turn().await,
            }
        }
    }

    /// A place, with an idle connection if there is one, or something to wait for.
    fn take(
        self: &Arc<Self>,
        priority: Priority,
        mailbox: Option<&str>,
    ) -> Result<Result<Lease, Waiting>, ImapError> {
        let mut state = self.lock();
        state.drop_stale();
        if state.may_start(priority) {
            let connection = state.take_idle(mailbox);
            if connection.is_none() {
                state.open += 1;
            }
            if priority == Priority::Background {
                state.background += 1;
            }
            return Ok(Ok(Lease {
                pool: Arc::clone(self),
                connection,
                priority,
                epoch: state.epoch,
            }));
        }
        if state.interactive.len() + state.waiting_background.len() >= MAX_WAITING {
            return Err(ImapError::Busy);
        }
        let (wake, waiting) = oneshot::channel();
        match priority {
            Priority::Interactive => state.interactive.push_back(wake),
            Priority::Background => state.waiting_background.push_back(wake),
        }
        Ok(Err(Waiting {
            pool: Arc::clone(self),
            waiting,
            called: false,
        }))
    }

    /// Forgets which mailboxes are selected, after one was renamed or deleted.
    pub fn deselect_all(&self) {
        let mut state = self.lock();
        state.epoch += 1;
        for connection in &mut state.idle {
            connection.deselect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_start(&self, priority: Priority) -> bool {
        let free = !self.idle.is_empty() || self.open < MAX_CONNECTIONS;
        free && (priority == Priority::Interactive
            || (self.background < MAX_BACKGROUND && self.interactive.is_empty()))
    }

    fn take_idle(&mut self, mailbox: Option<&str>) -> Option<Connection> {
        let matching = self
            .idle
            .iter()
            .position(|connection| mailbox.is_some() && connection.selected() == mailbox);
        match matching {
            Some(index) => Some(self.idle.swap_remove(index)),
            None => self.idle.pop(),
        }
    }

    fn drop_stale(&mut self) {
        let before = self.idle.len();
        let now = Instant::now();
        self.idle
            .retain(|connection| now.duration_since(connection.last_used) < KEEP_IDLE);
        self.open -= before - self.idle.len();
    }

    fn wake_next(&mut self) {
        while let Some(waiting) = self.interactive.pop_front() {
            if waiting.send(()).is_ok() {
                return;
            }
        }
        while self.background < MAX_BACKGROUND
            && let Some(waiting) = self.waiting_background.pop_front()
        {
            if waiting.send(()).is_ok() {
                return;
            }
        }
    }
}

impl std::ops::Deref for Lease {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("a lease holds a connection until it is dropped")
    }
}

impl std::ops::DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("a lease holds a connection until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if self.priority == Priority::Background {
            state.background -= 1;
        }
        match self.connection.take() {
            Some(mut connection) if connection.is_usable() => {
                if self.epoch != state.epoch {
                    connection.deselect();
                }
                state.idle.push(connection);
            }
            _ => state.open -= 1,
        }
        state.wake_next();
    }
}
