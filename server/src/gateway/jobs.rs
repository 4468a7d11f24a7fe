//! What an account's task has done for it while it goes on: listing, looking, answering, changing.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use roost_wire::{
    Answer, MAX_RESULTS, MAX_WINDOW, Mailbox, MailboxState, Mutation, Outcome, Problem,
    ProblemKind, Request,
};

use super::account::Refresh;
use crate::imap::{self, Applied, ImapError, Pool, Priority};

/// Runs a job; a panic in it, over something a server sent, is an answer too. Without one the account would wait for
/// ever.
pub async fn caught<T>(job: impl Future<Output = Result<T, ImapError>>) -> Result<T, Problem> {
    AssertUnwindSafe(job)
        .catch_unwind()
        .await
        .unwrap_or(Err(ImapError::Garbled("something unforeseen")))
        .map_err(|error| error.to_problem())
}

/// What a mutation may change, for the case that it fails half-way.
pub fn mailboxes_of(mutation: &Mutation) -> Vec<String> {
    match mutation {
        Mutation::Flag { mailbox, .. } | Mutation::Expunge { mailbox, .. } => vec![mailbox.clone()],
        Mutation::Move { mailbox, to, .. } | Mutation::Copy { mailbox, to, .. } => {
            vec![mailbox.clone(), to.clone()]
        }
        Mutation::SaveDraft { mailbox, .. } => vec![mailbox.clone()],
        Mutation::DiscardDraft { mailbox, to, .. } => vec![mailbox.clone(), to.clone()],
        Mutation::Send { drafts, sent, .. } => {
            std::iter::once(drafts).chain(sent).cloned().collect()
        }
        Mutation::CreateMailbox { .. }
        | Mutation::RenameMailbox { .. }
        | Mutation::DeleteMailbox { .. }
        | Mutation::Subscribe { .. }
        | Mutation::Unsend { .. } => Vec::new(),
        Mutation::Schedule {
            mailbox, drafts, ..
        }
        | Mutation::Unschedule {
            mailbox, drafts, ..
        } => vec![mailbox.clone(), drafts.clone()],
        Mutation::SendScheduled { mailbox, sent, .. } => {
            std::iter::once(mailbox).chain(sent).cloned().collect()
        }
        Mutation::Receipt { mailbox, .. } => vec![mailbox.clone()],
    }
}

/// Lists the mailboxes.
pub async fn list(pool: Arc<Pool>) -> Result<Vec<Mailbox>, ImapError> {
    let mut lease = pool.acquire(Priority::Interactive, None).await?;
    imap::list(&mut lease).await
}

/// Lists the mailboxes over a connection that has never listed them before, or over one there is where the mail server
/// gives no other.
pub async fn list_anew(pool: Arc<Pool>) -> Result<Vec<Mailbox>, ImapError> {
    match pool.open().await {
        Ok(mut connection) => imap::list(&mut connection).await,
        Err(_) => list(pool).await,
    }
}

/// Looks at one mailbox: its counts, and what changed if devices hold rows of it.
pub async fn look(
    pool: &Arc<Pool>,
    mailbox: &str,
    since: Option<MailboxState>,
) -> Result<Refresh, ImapError> {
    let mut lease = pool.acquire(Priority::Interactive, Some(mailbox)).await?;
    let change = match since {
        Some(since) => Some(imap::delta(&mut lease, mailbox, since).await?),
        None => {
            lease.catch_up(mailbox).await?;
            None
        }
    };
    let counts = imap::status(&mut lease, mailbox).await?;
    Ok(Refresh { counts, change })
}

pub async fn answer(pool: &Arc<Pool>, request: Request) -> Result<Answer, ImapError> {
    match request {
        // Answered by the account's task.
        Request::Mailboxes | Request::MessageLimit => {
            Err(ImapError::Argument("a request out of place"))
        }
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
        Request::Ahead {
            mailbox,
            first,
            count,
        } => {
            let mut lease = pool.acquire(Priority::Background, Some(&mailbox)).await?;
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

pub async fn mutate(
    pool: &Arc<Pool>,
    mutation: &Mutation,
    progress: &mut (dyn FnMut(u32, u32) + Send),
) -> Result<Applied, Outcome> {
    let rejected = |error: &ImapError| Outcome::Rejected(error.to_problem());
    let mailbox = mailboxes_of(mutation).into_iter().next();
    let mut lease = pool
        .acquire(Priority::Interactive, mailbox.as_deref())
        .await
        .map_err(|error| match error {
            // Nothing of it was said to the mail server.
            ImapError::Timeout => Outcome::Rejected(Problem::new(ProblemKind::Unreachable, "")),
            error => rejected(&error),
        })?;
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
    let again = async {
        let mut lease = pool
            .acquire(Priority::Interactive, mailbox.as_deref())
            .await?;
        imap::apply(&mut lease, mutation, progress).await
    };
    again.await.map_err(|error| match error {
        // The device repeats it once the mail server is back.
        ImapError::Io(_) | ImapError::Timeout | ImapError::Busy => rejected(&ImapError::Timeout),
        error => rejected(&error),
    })
}
