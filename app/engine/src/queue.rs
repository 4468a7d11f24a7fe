//! The changes that are not on the server yet, for a person to look at and to cancel.
//!
//! What has not been handed to a gateway exists only here: cancelling it is forgetting it. What was handed over may have
//! been done; nothing but its outcome tells.

use roost_wire::{Composed, Mutation, MutationId, UidSet};

use crate::pending::Pending;
use crate::state::Socket;
use crate::view::{Line, QueuedChange};
use crate::{State, TabId};

const KEPT: &str = "Until then it is kept on this device.";
const PERHAPS_DONE: &str = "The connection broke while it was being sent. It may have been done, so it cannot be cancelled; the server is asked when there is a connection again.";

/// Every change without an outcome, in the order in which they were asked for.
#[inline(never)] // It is in the second half of the module.
pub fn changes(state: &State) -> Vec<QueuedChange> {
    let pending = state.pending.iter().map(|pending| change(state, pending));
    let unsent = state.unsent_drafts().map(|draft| {
        let problem = draft.why_not_sent();
        QueuedChange {
            id: draft.message.id.clone(),
            what: format!("Send {}", titled(&draft.message)),
            at: 0,
            state: if problem.is_empty() {
                waits(state).to_owned()
            } else {
                problem.to_owned()
            },
            can_be_cancelled: true,
        }
    });
    pending.chain(unsent).collect()
}

#[inline(never)]
fn change(state: &State, pending: &Pending) -> QueuedChange {
    let taken_back = state
        .pending
        .iter()
        .any(|other| matches!(&other.mutation, Mutation::Unsend { id } if *id == pending.id));
    let mut text = if pending.sent {
        "Being sent."
    } else if pending.handed_over {
        PERHAPS_DONE
    } else {
        waits(state)
    }
    .to_owned();
    if matches!(pending.mutation, Mutation::SaveDraft { .. }) {
        text = format!("{text} {KEPT}");
    }
    QueuedChange {
        id: name(pending.id),
        what: what(state, &pending.mutation),
        at: pending.at,
        state: text,
        can_be_cancelled: match &pending.mutation {
            // The gateway may hold it still.
            Mutation::Send { .. } => !taken_back && (pending.sent || !pending.handed_over),
            Mutation::SaveDraft { .. } | Mutation::Unsend { .. } => false,
            _ => !pending.handed_over,
        },
    }
}

fn name(id: MutationId) -> String {
    format!("{}-{}", id.device, id.count)
}

/// Why what has not been handed over has not been.
fn waits(state: &State) -> &'static str {
    if state.socket != Socket::Open {
        "Waits for a connection."
    } else if state.line == Line::MailServerDown {
        "Waits for the mail server."
    } else {
        "Waits its turn."
    }
}

/// Forgets a change that no gateway was handed; takes a message back, wherever it is.
#[inline(never)]
pub fn cancel(state: &mut State, tab: TabId, id: &str) {
    let known = state.pending.iter().find(|one| name(one.id) == id);
    let draft = match known.map(|pending| &pending.mutation) {
        Some(Mutation::Send { message, .. } | Mutation::Schedule { message, .. }) => {
            Some(message.id.clone())
        }
        Some(_) => None,
        None => state.drafts.contains_key(id).then(|| id.to_owned()),
    };
    if let Some(draft) = draft {
        state.unsend_draft(tab, &draft);
        return;
    }
    let waits = known.is_some();
    let (text, failed) = if state.withdraw(|pending| name(pending.id) == id) {
        ("Cancelled", false)
    } else if waits {
        ("It was sent meanwhile, and cannot be cancelled.", true)
    } else {
        ("It was done meanwhile.", true)
    };
    state.notice(tab, text, None, failed);
}

/// What a change does, in words.
fn what(state: &State, mutation: &Mutation) -> String {
    let messages = |mailbox: &str, uids: &UidSet| named(state, mailbox, uids);
    match mutation {
        Mutation::Flag {
            mailbox,
            uids,
            add,
            remove,
            ..
        } => {
            let which = messages(mailbox, uids);
            let has = |flags: &[String], flag: &str| flags.iter().any(|known| known == flag);
            if has(add, "\\Seen") {
                format!("Mark {which} as read")
            } else if has(remove, "\\Seen") {
                format!("Mark {which} as unread")
            } else if has(add, "\\Flagged") {
                format!("Star {which}")
            } else if has(remove, "\\Flagged") {
                format!("Remove the star of {which}")
            } else {
                format!("Mark {which}")
            }
        }
        Mutation::Move {
            mailbox, uids, to, ..
        } => format!("Move {} to {to}", messages(mailbox, uids)),
        Mutation::Copy {
            mailbox, uids, to, ..
        } => format!("Copy {} to {to}", messages(mailbox, uids)),
        Mutation::Expunge { mailbox, uids, .. } => {
            format!("Delete {} for good", messages(mailbox, uids))
        }
        Mutation::CreateMailbox { name } => format!("Create the folder {name}"),
        Mutation::RenameMailbox { from, to } => format!("Rename the folder {from} to {to}"),
        Mutation::DeleteMailbox { name } => format!("Delete the folder {name}"),
        Mutation::Subscribe { name, .. } => format!("Change the subscription of {name}"),
        Mutation::SaveDraft { draft, .. } => format!("Save {}", titled(draft)),
        Mutation::DiscardDraft { .. } => "Move a discarded draft to Trash".to_owned(),
        Mutation::Send { message, .. } => format!("Send {}", titled(message)),
        Mutation::Unsend { .. } => "Take back a message".to_owned(),
        Mutation::Schedule { message, .. } => format!("Schedule {}", titled(message)),
        Mutation::Unschedule { mailbox, uid, .. } => {
            let which = messages(mailbox, &[*uid].into_iter().collect());
            format!("Take {which} back into Drafts")
        }
        Mutation::SendScheduled { mailbox, uid, .. } => {
            let which = messages(mailbox, &[*uid].into_iter().collect());
            format!("Send {which} now")
        }
        Mutation::Receipt { mailbox, uid, .. } => {
            let which = messages(mailbox, &[*uid].into_iter().collect());
            format!("Send a receipt for {which}")
        }
    }
}

/// One message by its subject, several by their number.
fn named(state: &State, mailbox: &str, uids: &UidSet) -> String {
    let cache = state.caches.get(mailbox);
    let one = match (uids.len(), uids.iter().next()) {
        (1, Some(uid)) => cache.and_then(|cache| cache.summary(uid)),
        _ => None,
    };
    match (one, uids.len()) {
        (Some(summary), _) if !summary.subject.trim().is_empty() => {
            format!("“{}”", summary.subject.trim())
        }
        (_, 1) => "1 message".to_owned(),
        (_, count) if cache.is_some_and(|cache| count > u64::from(cache.state.exists)) => {
            format!("all messages of {mailbox}")
        }
        (_, count) => format!("{count} messages"),
    }
}

fn titled(message: &Composed) -> String {
    match message.subject.trim() {
        "" => "a message without a subject".to_owned(),
        subject => format!("“{subject}”"),
    }
}
