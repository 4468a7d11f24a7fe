//! Summaries: by window, by UID, and what changed.

use roost_wire::{
    Change, Delta, MAX_DELTA, MAX_FRAME, MAX_WINDOW, MailboxState, Summary, UidSet, WindowRows,
};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;
use super::to_wire;
use super::value::Value;

/// The lines a summary is made from, and how much of them is read. Two thousand recipients must not push the subject
/// out, so they are asked for apart.
const HEADER_ITEMS: &str =
    "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]<0.8192> BODY.PEEK[HEADER.FIELDS (TO)]<0.2048>";

/// The rows at positions `first .. first + count` from the newest.
pub async fn window(
    connection: &mut Connection,
    mailbox: &str,
    first: u32,
    count: u32,
) -> Result<WindowRows, ImapError> {
    // A message that another session just expunged is silently left out of an answer: one more look sees it gone.
    for _ in 0..2 {
        if let Some(window) = whole_window(connection, mailbox, first, count).await? {
            return Ok(window);
        }
    }
    Err(ImapError::Garbled("rows are missing"))
}

/// `None` where rows are missing from the answer.
async fn whole_window(
    connection: &mut Connection,
    mailbox: &str,
    first: u32,
    count: u32,
) -> Result<Option<WindowRows>, ImapError> {
    let state = connection.select_fresh(mailbox).await?;
    let newest = state.exists.saturating_sub(first);
    let count = count.min(MAX_WINDOW).min(newest);
    let oldest = newest - count + 1;
    let mut rows: Vec<(u32, Summary)> = Vec::new();
    if count > 0 {
        let responses = fetch(connection, Command::new("FETCH").range(oldest, newest)).await?;
        rows.extend(responses.iter().filter_map(|response| match response {
            // Unsolicited ones, for flags alone, are no rows.
            Response::Fetch { seq, items } if (oldest..=newest).contains(seq) && has_row(items) => {
                Some((*seq, to_wire::summary(items)?))
            }
            _ => None,
        }));
    }
    rows.sort_by_key(|&(seq, _)| seq);
    rows.dedup_by_key(|&mut (seq, _)| seq);
    if rows.len() != count as usize {
        return Ok(None);
    }
    Ok(Some(WindowRows {
        mailbox: mailbox.to_owned(),
        state: MailboxState {
            exists: state.exists,
            uidnext: state.uidnext,
            ..connection.state()
        },
        first_seq: oldest.max(1),
        rows: rows.into_iter().map(|(_, summary)| summary).collect(),
    }))
}

/// Whether a FETCH response answers ours.
fn has_row(items: &[(String, Value)]) -> bool {
    items.iter().any(|(name, _)| name == "INTERNALDATE")
}

/// Summaries by UID, ascending. UIDs that do not exist are left out.
pub async fn summaries(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uids: &UidSet,
) -> Result<Vec<Summary>, ImapError> {
    connection.select(mailbox, Some(uidvalidity)).await?;
    fetch_summaries(connection, uids).await
}

async fn fetch_summaries(
    connection: &mut Connection,
    uids: &UidSet,
) -> Result<Vec<Summary>, ImapError> {
    let responses = fetch(connection, Command::new("UID FETCH").uids(uids)).await?;
    let mut summaries: Vec<Summary> = responses
        .iter()
        .filter_map(|response| match response {
            Response::Fetch { items, .. } if has_row(items) => to_wire::summary(items),
            _ => None,
        })
        .filter(|summary| uids.contains(summary.uid))
        .collect();
    summaries.sort_by_key(|summary| summary.uid);
    summaries.dedup_by_key(|summary| summary.uid);
    Ok(summaries)
}

async fn fetch(connection: &mut Connection, command: Command) -> Result<Vec<Response>, ImapError> {
    let command = command.raw("(UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE");
    let command = if connection.capabilities.preview {
        command.raw("PREVIEW")
    } else {
        command
    };
    let command = command.raw(HEADER_ITEMS).glue(")");
    Ok(connection.exec(command).await?.responses)
}

/// About how many bytes a summary takes on the wire.
fn weight(summary: &Summary) -> usize {
    let people = summary.from.iter().chain(&summary.to);
    100 + summary.subject.len()
        + summary.preview.len()
        + people.map(|a| a.name.len() + a.email.len()).sum::<usize>()
        + summary
            .flags
            .keywords
            .iter()
            .map(String::len)
            .sum::<usize>()
}

/// What changed since `modseq`: one SELECT with QRESYNC parameters tells everything at one moment (RFC 7162, section
/// 3.2.5). Without QRESYNC, or when too much changed, the answer is that the mailbox is stale.
pub async fn delta(
    connection: &mut Connection,
    mailbox: &str,
    since: MailboxState,
) -> Result<Change, ImapError> {
    let stale = |state| Change::Stale {
        mailbox: mailbox.to_owned(),
        state,
    };
    if !connection.has_qresync() || since.modseq == 0 {
        let (state, _) = connection.select_anew(mailbox, None).await?;
        return Ok(stale(state));
    }
    let (state, responses) = connection
        .select_anew(mailbox, Some((since.uidvalidity, since.modseq)))
        .await?;
    if state.uidvalidity != since.uidvalidity || state.modseq == 0 {
        return Ok(stale(state));
    }
    let mut vanished = Vec::new();
    let mut flags = Vec::new();
    let mut arrived = Vec::new();
    for response in &responses {
        match response {
            Response::Vanished { uids, .. } => vanished.extend_from_slice(uids.ranges()),
            Response::Fetch { items, .. } => {
                let (Some(uid), Some((_, value))) = (
                    to_wire::uid(items),
                    items.iter().find(|(name, _)| name == "FLAGS"),
                ) else {
                    continue;
                };
                if uid >= since.uidnext {
                    arrived.push(uid);
                } else {
                    flags.push((uid, to_wire::flags(value)));
                }
            }
            _ => {}
        }
    }
    if flags.len() > MAX_DELTA || arrived.len() > MAX_WINDOW as usize || vanished.len() > MAX_DELTA
    {
        return Ok(stale(state));
    }
    let arrived = if arrived.is_empty() {
        Vec::new()
    } else {
        fetch_summaries(connection, &arrived.into_iter().collect()).await?
    };
    let size: usize = arrived.iter().map(weight).sum::<usize>() + flags.len() * 64;
    if size > MAX_FRAME / 2 {
        return Ok(stale(state));
    }
    Ok(Change::Delta(Delta {
        mailbox: mailbox.to_owned(),
        since: since.modseq,
        state,
        vanished: UidSet::from_ranges(vanished),
        flags,
        arrived,
    }))
}
