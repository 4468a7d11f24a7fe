//! The accounts that are in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::account::{Event, Task};
use super::outgoing::{Desk, Post};
use super::uploads::Uploads;
use crate::imap::{Connection, Credentials, Endpoint, Pool, Tls};

/// How many events may wait for one account.
const QUEUE: usize = 1_024;

/// An account in use: its task's queue and its connections.
#[derive(Debug, Clone)]
pub struct Account {
    pub events: mpsc::Sender<Event>,
    pub pool: Arc<Pool>,
    pub uploads: Arc<Uploads>,
    pub post: Arc<Post>,
    /// Names the memory of what became of its mutations.
    pub ledger: u64,
}

/// All accounts in use. Credentials name an account, password included: a session with an outdated password never
/// reaches the connections of one with the right one.
#[derive(Debug)]
pub struct Accounts {
    endpoint: Endpoint,
    tls: Tls,
    post: Arc<Post>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    accounts: HashMap<[u8; 32], Account>,
    tasks: JoinSet<()>,
    /// The gateway stops: no task is started any more.
    closing: bool,
}

impl Accounts {
    pub fn new(endpoint: Endpoint, tls: Tls, post: Post) -> Self {
        Self {
            endpoint,
            tls,
            post: Arc::new(post),
            open: Mutex::default(),
        }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// The account of these credentials, its task started if need be, unless the gateway stops: then nobody hears what
    /// happens. `first` is a connection that signed in just now.
    pub fn open(&self, credentials: &Credentials, first: Option<Connection>) -> Account {
        let key = key(credentials);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        while open.tasks.try_join_next().is_some() {}
        open.accounts
            .retain(|_, account| !account.events.is_closed());
        if let Some(account) = open.accounts.get(&key) {
            return account.clone();
        }
        let pool = Pool::new(
            self.endpoint.clone(),
            self.tls.clone(),
            credentials.clone(),
            first,
        );
        let (events, inbox) = mpsc::channel(QUEUE);
        let desk = Desk {
            pool: Arc::clone(&pool),
            uploads: Arc::default(),
            post: Arc::clone(&self.post),
            ledger: random(),
            drafts: Arc::default(),
            closing: Arc::default(),
        };
        let account = Account {
            events: events.clone(),
            pool,
            uploads: Arc::clone(&desk.uploads),
            post: Arc::clone(&desk.post),
            ledger: desk.ledger,
        };
        if !open.closing {
            open.accounts.insert(key, account.clone());
            open.tasks.spawn(Task::run(desk, events, inbox));
        }
        account
    }

    /// How many accounts are in use.
    pub fn count(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.accounts
            .values()
            .filter(|account| !account.events.is_closed())
            .count()
    }

    /// Tells every device to come back, and ends all tasks.
    pub async fn shut_down(&self) {
        let (accounts, mut tasks) = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.closing = true;
            let accounts: Vec<Account> =
                open.accounts.drain().map(|(_, account)| account).collect();
            (accounts, std::mem::take(&mut open.tasks))
        };
        for account in accounts {
            let _ = account.events.send(Event::Shutdown).await;
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Differs from one task to the next.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |since| since.as_nanos() as u64),
    }
}

fn key(credentials: &Credentials) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(&(credentials.username.len() as u64).to_be_bytes());
    context.update(credentials.username.as_bytes());
    context.update(credentials.password.as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}
