//! Drafts and mail on its way out: a message is put together in a file without a name, byte for byte as it is sent,
//! then kept in Drafts, or submitted and filed in Sent.
//!
//! Invariants:
//! 1. "Done" is said of a message only after the submission server took it (250 to the end of DATA).
//! 2. After the end of DATA was written and no answer came, the outcome is unknown; it is never sent again by itself.
//! 3. A new draft is appended before the old ones go, or takes their place in one step: at no moment is there none.

mod drafts;
mod filing;
pub mod later;
mod message;
mod receipt;
mod sending;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use roost_wire::{Composed, Mutation, MutationId, Outcome, Problem, ProblemKind, Source};
use tokio::sync::{Semaphore, oneshot};

use self::later::Place;
use super::uploads::Uploads;
use crate::content::compose::wire_address;
use crate::imap::{Applied, Endpoint, Pool};
use crate::smtp::{self, Limit};

/// How many messages one gateway submits at once.
const MAX_SUBMITTING: usize = 64;

fn no_server() -> Outcome {
    Outcome::Rejected(Problem::new(
        ProblemKind::Unsupported,
        "No outgoing mail server is set up (--smtp). Your message is kept in Drafts.",
    ))
}

/// Everybody it goes to, as the submission server is told.
fn recipients_of(message: &Composed) -> Vec<String> {
    [&message.to, &message.cc, &message.bcc]
        .into_iter()
        .flatten()
        .map(|address| wire_address(&address.email).into_owned())
        .collect()
}

/// What sending needs; one for all accounts.
#[derive(Debug)]
pub struct Post {
    /// The submission server, if mail can be sent.
    pub endpoint: Option<Endpoint>,
    /// Whether what it sends is in Sent without Roost.
    files_sent: bool,
    /// How large a message it takes.
    limit: Limit,
    submitting: Semaphore,
    /// The bytes of all messages that are put together or held.
    room: Arc<AtomicU64>,
}

impl Post {
    pub fn new(endpoint: Option<Endpoint>, files_sent: bool) -> Self {
        Self {
            endpoint,
            files_sent,
            limit: Limit::default(),
            submitting: Semaphore::new(MAX_SUBMITTING),
            room: Arc::default(),
        }
    }

    /// The largest message the submission server takes, in bytes; `None` where it does not say. It is asked where that
    /// is not known yet.
    pub async fn limit(&self) -> Option<u64> {
        match (self.limit.known(), &self.endpoint) {
            (Some(limit), _) => limit,
            (None, Some(endpoint)) => smtp::ask_limit(endpoint, &self.limit).await,
            (None, None) => None,
        }
    }

    /// [`Self::limit`], as far as it is known.
    pub fn known_limit(&self) -> Option<u64> {
        self.limit.known().flatten()
    }
}

/// What one account's outgoing mail works with.
#[derive(Debug, Clone)]
pub struct Desk {
    pub pool: Arc<Pool>,
    pub uploads: Arc<Uploads>,
    pub post: Arc<Post>,
    /// Names the account's ledger.
    pub ledger: u64,
    /// Held while copies of a draft come and go: two saves at once would each take the other's for the older.
    pub drafts: Arc<tokio::sync::Mutex<()>>,
    /// The gateway stops: nothing more is sent that waits for its time.
    pub closing: Arc<AtomicBool>,
}

impl Desk {
    /// Does what a mutation about outgoing mail asks for. `taken_back` ends the time a message is held.
    pub async fn run(
        &self,
        id: MutationId,
        mutation: Mutation,
        taken_back: oneshot::Receiver<()>,
        remark: impl Fn(String),
    ) -> Result<Applied, Outcome> {
        match mutation {
            Mutation::SaveDraft {
                draft,
                mailbox,
                base,
            } => {
                let saved = self
                    .save(id, &draft, &mailbox, base)
                    .await
                    .map_err(Outcome::Rejected)?;
                // From now on the attachments come from the draft.
                self.forget_uploads(&draft);
                Ok(saved)
            }
            Mutation::DiscardDraft { id, mailbox, to } => self
                .discard(&id, &mailbox, to)
                .await
                .map_err(|error| Outcome::Rejected(error.to_problem())),
            Mutation::Send {
                message,
                hold,
                drafts,
                sent,
                ledger,
            } => {
                if ledger.is_some_and(|ledger| ledger != self.ledger) {
                    return self.look_for(&message, &drafts, sent.as_deref()).await;
                }
                self.send(&message, hold, &drafts, sent.as_deref(), taken_back, remark)
                    .await
            }
            Mutation::Schedule {
                message,
                at,
                mailbox,
                drafts,
                sent,
            } => {
                self.schedule(id, &message, at, &mailbox, &drafts, sent.as_deref())
                    .await
            }
            Mutation::Unschedule {
                mailbox,
                uidvalidity,
                uid,
                drafts,
                sure,
            } => {
                let place = Place {
                    mailbox: &mailbox,
                    uidvalidity,
                    uid,
                };
                self.unschedule(place, &drafts, sure).await
            }
            Mutation::SendScheduled {
                mailbox,
                uidvalidity,
                uid,
                sent,
                sure,
            } => {
                let place = Place {
                    mailbox: &mailbox,
                    uidvalidity,
                    uid,
                };
                self.send_waiting(place, sent.as_deref(), sure, &remark)
                    .await
            }
            Mutation::Receipt {
                mailbox,
                uidvalidity,
                uid,
                from,
            } => {
                let place = Place {
                    mailbox: &mailbox,
                    uidvalidity,
                    uid,
                };
                self.send_receipt(place, &from).await
            }
            _ => Err(Outcome::Rejected(Problem::new(ProblemKind::BadRequest, ""))),
        }
    }

    /// A message that another of the account's devices asked for too, and that this gateway has sent: what the device
    /// saved of it goes, if it is that.
    pub async fn repeat(&self, mutation: Mutation) -> Result<Applied, Outcome> {
        match mutation {
            Mutation::Send {
                message,
                drafts,
                sent,
                ..
            } => self.sent_before(&message, &drafts, sent.as_deref()).await,
            _ => Err(Outcome::Rejected(Problem::new(ProblemKind::BadRequest, ""))),
        }
    }

    fn forget_uploads(&self, message: &Composed) {
        for enclosure in &message.enclosures {
            if let Source::Upload(name) = &enclosure.source {
                self.uploads.forget(name);
            }
        }
    }
}
