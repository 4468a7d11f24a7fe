//! Changing the account: flags, moves, deletions, mailboxes.

use roost_wire::{Moved, Mutation, Saved, UidSet};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;

/// How many messages one command touches. Between batches the device hears how far it is.
const BATCH: usize = 500;
/// A set of more UIDs than this is taken for a range over everything, and which of them exist is asked first.
const MAX_NAMED: u64 = 20_000;
/// The most messages that one mutation touches.
const MAX_AT_ONCE: u64 = 5_000_000;

/// What a mutation did.
#[derive(Debug, Default)]
pub struct Applied {
    pub moved: Option<Moved>,
    /// Where the draft is that was saved.
    pub saved: Option<Saved>,
    /// Mailboxes whose messages changed.
    pub touched: Vec<String>,
    /// Whether the list of mailboxes changed.
    pub mailboxes: bool,
}

/// Told after each batch: how many of how many messages are done.
pub type Progress<'a> = &'a mut (dyn FnMut(u32, u32) + Send);

/// Applies a mutation. On an error, some batches may be done already; the mailboxes' deltas tell which.
pub async fn apply(
    connection: &mut Connection,
    mutation: &Mutation,
    progress: Progress<'_>,
) -> Result<Applied, ImapError> {
    match mutation {
        Mutation::Flag {
            mailbox,
            uidvalidity,
            uids,
            add,
            remove,
        } => {
            connection.select_current(mailbox, *uidvalidity).await?;
            for batch in &mut batches(connection, uids, progress).await? {
                store(connection, batch.uids(), add, remove).await?;
                batch.finish(progress);
            }
            Ok(Applied {
                touched: vec![mailbox.clone()],
                ..Applied::default()
            })
        }
        Mutation::Move {
            mailbox,
            uidvalidity,
            uids,
            to,
            add,
            remove,
        } => {
            let capabilities = connection.capabilities;
            if !capabilities.r#move && !capabilities.uidplus {
                return Err(ImapError::Unsupported(
                    "MOVE or UIDPLUS, without which moving could destroy other messages",
                ));
            }
            connection.select_current(mailbox, *uidvalidity).await?;
            let mut moved = Collected::default();
            for batch in &mut batches(connection, uids, progress).await? {
                if !add.is_empty() || !remove.is_empty() {
                    store(connection, batch.uids(), add, remove).await?;
                }
                if capabilities.r#move {
                    let command = Command::new("UID MOVE").uids(batch.uids()).mailbox(to);
                    let completion = connection.exec(command).await?;
                    moved.add(completion.status.copyuid());
                    for response in &completion.responses {
                        // RFC 6851, section 4.3: COPYUID comes in an untagged OK.
                        if let Response::Status(status) = response {
                            moved.add(status.copyuid());
                        }
                    }
                } else {
                    let command = Command::new("UID COPY").uids(batch.uids()).mailbox(to);
                    moved.add(connection.exec(command).await?.status.copyuid());
                    expunge(connection, batch.uids()).await?;
                }
                batch.finish(progress);
            }
            Ok(Applied {
                moved: moved.into_moved(),
                touched: vec![mailbox.clone(), to.clone()],
                ..Applied::default()
            })
        }
        Mutation::Copy {
            mailbox,
            uidvalidity,
            uids,
            to,
        } => {
            connection.select_current(mailbox, *uidvalidity).await?;
            let mut moved = Collected::default();
            for batch in &mut batches(connection, uids, progress).await? {
                let command = Command::new("UID COPY").uids(batch.uids()).mailbox(to);
                moved.add(connection.exec(command).await?.status.copyuid());
                batch.finish(progress);
            }
            Ok(Applied {
                moved: moved.into_moved(),
                touched: vec![to.clone()],
                ..Applied::default()
            })
        }
        Mutation::Expunge {
            mailbox,
            uidvalidity,
            uids,
        } => {
            if !connection.capabilities.uidplus {
                return Err(ImapError::Unsupported(
                    "UIDPLUS, without which deleting could destroy other messages",
                ));
            }
            connection.select_current(mailbox, *uidvalidity).await?;
            for batch in &mut batches(connection, uids, progress).await? {
                expunge(connection, batch.uids()).await?;
                batch.finish(progress);
            }
            Ok(Applied {
                touched: vec![mailbox.clone()],
                ..Applied::default()
            })
        }
        Mutation::CreateMailbox { name } => {
            create(connection, name).await?;
            Ok(names_changed())
        }
        Mutation::RenameMailbox { from, to } => {
            leave(connection, from);
            connection
                .exec(Command::new("RENAME").mailbox(from).mailbox(to))
                .await?;
            // Subscriptions follow names, not mailboxes (RFC 9051, section 6.3.6). One of the two may not exist.
            for command in [
                Command::new("UNSUBSCRIBE").mailbox(from),
                Command::new("SUBSCRIBE").mailbox(to),
            ] {
                match connection.exec(command).await {
                    Err(error) if error.is_fatal() => return Err(error),
                    _ => {}
                }
            }
            Ok(names_changed())
        }
        Mutation::DeleteMailbox { name } => {
            leave(connection, name);
            delete(connection, name).await?;
            match connection
                .exec(Command::new("UNSUBSCRIBE").mailbox(name))
                .await
            {
                Err(error) if error.is_fatal() => Err(error),
                _ => Ok(names_changed()),
            }
        }
        Mutation::Subscribe { name, subscribed } => {
            let command = if *subscribed {
                "SUBSCRIBE"
            } else {
                "UNSUBSCRIBE"
            };
            connection.exec(Command::new(command).mailbox(name)).await?;
            Ok(names_changed())
        }
        // These are more than commands: the account's outgoing part does them.
        Mutation::SaveDraft { .. }
        | Mutation::DiscardDraft { .. }
        | Mutation::Send { .. }
        | Mutation::Unsend { .. }
        | Mutation::Schedule { .. }
        | Mutation::Unschedule { .. }
        | Mutation::SendScheduled { .. }
        | Mutation::Receipt { .. } => Err(ImapError::Argument("a mutation out of place")),
    }
}

/// Whether applying it a second time ends as applying it once. Moving by UID does where the server moves atomically:
/// what is gone is not moved again.
pub fn is_repeatable(mutation: &Mutation, connection: &Connection) -> bool {
    match mutation {
        Mutation::Flag { .. } | Mutation::Expunge { .. } | Mutation::Subscribe { .. } => true,
        Mutation::Move { .. } => connection.capabilities.r#move,
        Mutation::Copy { .. }
        | Mutation::CreateMailbox { .. }
        | Mutation::RenameMailbox { .. }
        | Mutation::DeleteMailbox { .. }
        | Mutation::SaveDraft { .. }
        | Mutation::DiscardDraft { .. }
        | Mutation::Send { .. }
        | Mutation::Unsend { .. }
        | Mutation::Schedule { .. }
        | Mutation::Unschedule { .. }
        | Mutation::SendScheduled { .. }
        | Mutation::Receipt { .. } => false,
    }
}

fn names_changed() -> Applied {
    Applied {
        mailboxes: true,
        ..Applied::default()
    }
}

/// A mailbox about to go must not stay selected.
fn leave(connection: &mut Connection, mailbox: &str) {
    if connection.selected() == Some(mailbox) {
        connection.deselect();
    }
}

pub(super) async fn store(
    connection: &mut Connection,
    uids: &UidSet,
    add: &[String],
    remove: &[String],
) -> Result<(), ImapError> {
    for (name, flags) in [("+FLAGS.SILENT", add), ("-FLAGS.SILENT", remove)] {
        if !flags.is_empty() {
            let command = Command::new("UID STORE").uids(uids).raw(name).flags(flags);
            connection.exec(command).await?;
        }
    }
    Ok(())
}

/// Adds flags to messages of a mailbox, and removes others.
pub async fn mark(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uids: &UidSet,
    add: &[String],
    remove: &[String],
) -> Result<(), ImapError> {
    connection.select_current(mailbox, uidvalidity).await?;
    store(connection, uids, add, remove).await
}

/// Creates a mailbox and subscribes to it.
pub async fn create(connection: &mut Connection, name: &str) -> Result<(), ImapError> {
    connection
        .exec(Command::new("CREATE").mailbox(name))
        .await?;
    connection
        .exec(Command::new("SUBSCRIBE").mailbox(name))
        .await?;
    Ok(())
}

/// How often a mailbox is deleted that is there still.
const DELETE_TRIES: usize = 3;

/// Deletes a mailbox. Dovecot 2.3 fails where somebody lists or looks at it in the same moment (`SERVERBUG`, RFC 5530): it is
/// there still then, or went all the same.
async fn delete(connection: &mut Connection, name: &str) -> Result<(), ImapError> {
    let mut disturbed = 0;
    loop {
        match connection.exec(Command::new("DELETE").mailbox(name)).await {
            Err(ImapError::No { code, .. })
                if code == "SERVERBUG" && disturbed + 1 < DELETE_TRIES =>
            {
                disturbed += 1;
            }
            Err(ImapError::No { code, .. }) if code == "NONEXISTENT" && disturbed > 0 => {
                return Ok(());
            }
            deleted => return deleted.map(drop),
        }
    }
}

/// Deletes messages of the selected mailbox for good.
pub async fn expunge(connection: &mut Connection, uids: &UidSet) -> Result<(), ImapError> {
    store(connection, uids, &["\\Deleted".to_owned()], &[]).await?;
    connection
        .exec(Command::new("UID EXPUNGE").uids(uids))
        .await?;
    Ok(())
}

/// Deletes messages of the selected mailbox for good, where the server may lack UIDPLUS too: there, EXPUNGE takes
/// everything that is marked (RFC 9051, section 6.4.3), so it is used only while nobody else's messages are. Otherwise
/// ours stay marked as deleted, which every client takes for gone.
pub async fn remove(connection: &mut Connection, uids: &UidSet) -> Result<(), ImapError> {
    if connection.capabilities.uidplus {
        return expunge(connection, uids).await;
    }
    store(connection, uids, &["\\Deleted".to_owned()], &[]).await?;
    let marked = connection
        .exec(Command::new("UID SEARCH DELETED"))
        .await?
        .found();
    if marked.intersection(uids) == marked {
        connection.exec(Command::new("EXPUNGE")).await?;
    }
    Ok(())
}

/// Some of the messages of a mutation.
struct Batch {
    uids: UidSet,
    done_after: u32,
    total: u32,
}

impl Batch {
    fn uids(&self) -> &UidSet {
        &self.uids
    }

    fn finish(&self, progress: &mut (dyn FnMut(u32, u32) + Send)) {
        if self.total as usize > BATCH {
            progress(self.done_after, self.total);
        }
    }
}

/// Cuts a set into batches. A large set may be written as one range over everything: which of its UIDs exist is asked
/// first.
async fn batches(
    connection: &mut Connection,
    uids: &UidSet,
    progress: &mut (dyn FnMut(u32, u32) + Send),
) -> Result<Vec<Batch>, ImapError> {
    if !uids.is_valid() || uids.is_empty() {
        return Err(ImapError::Argument("a malformed set of messages"));
    }
    let existing: Vec<u32> = if uids.len() <= MAX_NAMED {
        // UIDs that do not exist are harmless in UID commands (RFC 9051, section 6.4.9).
        uids.iter().collect()
    } else {
        let mut command = Command::new("UID SEARCH");
        if connection.capabilities.esearch {
            command = command.raw("RETURN (ALL)");
        }
        let completion = connection.exec(command.raw("UID").uids(uids)).await?;
        // Only what was asked for, whatever the server answered.
        let found = completion.found().intersection(uids);
        if found.len() > u64::from(connection.state().exists).min(MAX_AT_ONCE) {
            return Err(ImapError::Garbled("more messages than there are"));
        }
        found.iter().collect()
    };
    let total = existing.len() as u32;
    if existing.len() > BATCH {
        progress(0, total);
    }
    Ok(existing
        .chunks(BATCH)
        .enumerate()
        .map(|(index, chunk)| Batch {
            uids: chunk.iter().copied().collect(),
            done_after: (index * BATCH + chunk.len()) as u32,
            total,
        })
        .collect())
}

/// The COPYUIDs of all batches.
#[derive(Default)]
struct Collected {
    uidvalidity: u32,
    ranges: Vec<(u32, u32)>,
}

impl Collected {
    fn add(&mut self, copyuid: Option<(u32, UidSet, UidSet)>) {
        if let Some((uidvalidity, _, to)) = copyuid {
            self.uidvalidity = uidvalidity;
            self.ranges.extend_from_slice(to.ranges());
        }
    }

    fn into_moved(self) -> Option<Moved> {
        (!self.ranges.is_empty()).then(|| Moved {
            uidvalidity: self.uidvalidity,
            uids: UidSet::from_ranges(self.ranges),
        })
    }
}
