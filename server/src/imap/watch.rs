//! The watch connection: hears what changes on the server and says in which mailbox. It never tells what changed; the
//! account asks for that over a work connection, by UID and MODSEQ, so that there is one way in which changes come in.
//!
//! With NOTIFY (RFC 5465) one connection hears of all mailboxes. It idles (RFC 2177) on the one on screen besides:
//! Dovecot 2.3 misses the first change of a selected mailbox without. Where there is no NOTIFY, everything but the
//! mailbox on screen is looked at every [`POLL`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::pool::Pool;
use super::response::Response;

/// How long an IDLE or a silent NOTIFY connection is left alone. Far below 29 minutes (RFC 2177), so that a dead line
/// is noticed.
const HEARTBEAT: Duration = Duration::from_secs(240);
/// How often mailboxes that cannot be watched are looked at.
pub const POLL: Duration = Duration::from_secs(30);
/// The first and the longest pause before a lost connection is opened again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// How long a connection must last to be opened again without a pause.
const STEADY: Duration = Duration::from_secs(2);

/// What the watch noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The mail server is reached (again): anything may have changed meanwhile.
    Up,
    /// The mail server cannot be reached.
    Down,
    /// The mail server no longer accepts the password.
    Refused,
    /// Something changed in this mailbox.
    Mailbox(String),
    /// The list of mailboxes changed.
    Mailboxes,
    /// Time to look at everything that cannot be watched.
    Poll,
}

/// Watches until the receiver of hints is gone.
pub async fn run(
    pool: Arc<Pool>,
    mut on_screen: watch::Receiver<String>,
    hints: mpsc::Sender<Hint>,
) {
    let mut pause = Duration::ZERO;
    loop {
        match pool.open().await {
            Ok(mut connection) => {
                let opened = Instant::now();
                match attend(&mut connection, &mut on_screen, &hints).await {
                    Ok(()) => return,
                    Err(error) => tracing::info!("watch connection lost: {error}"),
                }
                // A connection that lasted is opened again at once: only if that fails is the server away.
                if opened.elapsed() > STEADY {
                    pause = Duration::ZERO;
                    continue;
                }
            }
            Err(ImapError::Credentials) => {
                let _ = hints.send(Hint::Refused).await;
                return;
            }
            Err(error) => tracing::info!("cannot watch: {error}"),
        }
        if hints.send(Hint::Down).await.is_err() {
            return;
        }
        pause = (pause * 2).clamp(BACKOFF.0, BACKOFF.1);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = hints.closed() => return,
        }
    }
}

/// Attends one connection. `Ok` when nobody listens any more.
async fn attend(
    connection: &mut Connection,
    on_screen: &mut watch::Receiver<String>,
    hints: &mpsc::Sender<Hint>,
) -> Result<(), ImapError> {
    let notify = connection.capabilities.notify && subscribe(connection).await?;
    let mut poll = tokio::time::interval(POLL);
    poll.reset();
    let mut announced = false;
    let mut left = None;
    loop {
        let mailbox = on_screen.borrow_and_update().clone();
        let (watched, said) = if connection.selected() == Some(mailbox.as_str()) {
            (Some(mailbox), Vec::new())
        } else {
            match connection.select_anew(&mailbox, None).await {
                Ok((_, said)) => (Some(mailbox), said),
                Err(error) if error.is_fatal() => return Err(error),
                // A mailbox that cannot be selected (deleted meanwhile, say) is not watched; the others are.
                Err(_) => (None, Vec::new()),
            }
        };
        let idle = watched.is_some() && connection.capabilities.idle && connection.idle().await?;
        // Only now: what changes from here on is heard of, and what changed before is looked at.
        if !announced {
            if hints.send(Hint::Up).await.is_err() {
                return Ok(());
            }
        } else if left != watched {
            // Between leaving one mailbox and idling on the next, a change of either may go unheard.
            for mailbox in left.into_iter().chain(watched.clone()) {
                if hints.send(Hint::Mailbox(mailbox)).await.is_err() {
                    return Ok(());
                }
            }
        }
        announced = true;
        // What was said meanwhile of other mailboxes counts as well.
        if !tell(hints, &said, None).await? {
            return Ok(());
        }
        let beat = tokio::time::sleep(HEARTBEAT);
        tokio::pin!(beat);
        let moved_on = loop {
            tokio::select! {
                events = connection.next_event() => {
                    if !tell(hints, &events?, watched.as_deref()).await? {
                        return Ok(());
                    }
                }
                changed = on_screen.changed() => break changed.is_ok(),
                () = &mut beat => break true,
                _ = poll.tick(), if !notify => {
                    if hints.send(Hint::Poll).await.is_err() {
                        return Ok(());
                    }
                }
                () = hints.closed() => return Ok(()),
            }
        };
        // What came while IDLE ended counts as well.
        let rest = if idle {
            connection.done_within().await?;
            connection.take_events()
        } else {
            connection.exec(Command::new("NOOP")).await?.responses
        };
        if !moved_on || !tell(hints, &rest, watched.as_deref()).await? {
            return Ok(());
        }
        left = watched;
    }
}

/// Passes on what events say; `false` when nobody listens any more.
async fn tell(
    hints: &mpsc::Sender<Hint>,
    events: &[Response],
    watched: Option<&str>,
) -> Result<bool, ImapError> {
    if events.iter().any(is_overflow) {
        return Err(ImapError::Garbled(
            "more changes than the server will notify of",
        ));
    }
    for hint in read(events, watched) {
        if hints.send(hint).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Asks for notifications of everything, `false` where the server will not.
async fn subscribe(connection: &mut Connection) -> Result<bool, ImapError> {
    let command = Command::new("NOTIFY SET")
        .raw("(SELECTED (MessageNew MessageExpunge FlagChange))")
        .raw("(PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))");
    match connection.exec(command).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(false),
    }
}

/// RFC 5465, section 5.8: from now on the server will not notify.
fn is_overflow(event: &Response) -> bool {
    matches!(event, Response::Status(status) if status.has_code("NOTIFICATIONOVERFLOW"))
}

fn read(events: &[Response], watched: Option<&str>) -> Vec<Hint> {
    let mut hints = Vec::new();
    for event in events {
        let hint = match event {
            Response::Exists(_)
            | Response::Expunge(_)
            | Response::Vanished { .. }
            | Response::Fetch { .. } => watched.map(|name| Hint::Mailbox(name.to_owned())),
            Response::MailboxStatus { name, .. } => Some(Hint::Mailbox(name.clone())),
            Response::List { .. } | Response::Subscribed { .. } => Some(Hint::Mailboxes),
            _ => None,
        };
        if let Some(hint) = hint
            && !hints.contains(&hint)
        {
            hints.push(hint);
        }
    }
    hints
}
