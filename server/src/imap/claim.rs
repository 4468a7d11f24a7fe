//! Marks that only one of several can set, and the messages that wait for their time.

use roost_wire::{Flags, UidSet};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::mutations::store;
use super::response::Response;
use super::to_wire;
use super::value::Value;

/// How many messages that wait are looked at: the newest.
const MAX_WAITING: usize = 500;

/// How often a message is tried to be claimed that changes while that is done.
const CLAIMS: usize = 10;

/// Sets a keyword on a message, unless it has it. Of several gateways that try at once, one is told `true`: the change
/// is made only if nothing changed since the flags were read (UNCHANGEDSINCE; RFC 7162, section 3.1.3). What changed may be
/// something else, such as that it was read: then the flags are read again. Where the server has no CONDSTORE, two that
/// try at the very same moment may both succeed.
pub async fn claim(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
    keyword: &str,
) -> Result<bool, ImapError> {
    connection.select_current(mailbox, uidvalidity).await?;
    for _ in 0..CLAIMS {
        let (flags, modseq) = state(connection, uid).await?;
        if flags.has(keyword) {
            return Ok(false);
        }
        let keyword = [keyword.to_owned()];
        if modseq == 0 {
            let uids: UidSet = [uid].into_iter().collect();
            store(connection, &uids, &keyword, &[]).await?;
            return Ok(true);
        }
        let command = Command::new("UID STORE")
            .number(uid)
            .raw("(UNCHANGEDSINCE")
            .number(modseq)
            .glue(")")
            .raw("+FLAGS.SILENT")
            .flags(&keyword);
        let completion = connection.exec(command).await?;
        if !completion.status.has_code("MODIFIED") {
            return Ok(true);
        }
    }
    Err(ImapError::Busy)
}

/// The flags of a message, and its modification sequence: 0 where the server has none.
async fn state(connection: &mut Connection, uid: u32) -> Result<(Flags, u64), ImapError> {
    let command = Command::new("UID FETCH").number(uid);
    let command = if connection.capabilities.condstore {
        command.raw("(UID FLAGS MODSEQ)")
    } else {
        command.raw("(UID FLAGS)")
    };
    let mut flags = None;
    let mut modseq = 0;
    for response in connection.exec(command).await?.responses {
        let Response::Fetch { items, .. } = response else {
            continue;
        };
        if to_wire::uid(&items) != Some(uid) {
            continue;
        }
        for (name, value) in &items {
            match name.as_str() {
                "FLAGS" => flags = Some(to_wire::flags(value)),
                "MODSEQ" => {
                    let first = value.list().and_then(|list| list.first());
                    modseq = first.and_then(Value::number).unwrap_or(0);
                }
                _ => {}
            }
        }
    }
    flags
        .map(|flags| (flags, modseq))
        .ok_or(ImapError::NoSuchMessage)
}

/// A message that waits for its time.
#[derive(Debug)]
pub struct Waiting {
    pub uid: u32,
    pub flags: Flags,
    /// The header fields that were asked for.
    pub header: bytes::Bytes,
}

/// The messages of a mailbox that have a keyword and the header field of a time to be sent at, with UIDVALIDITY. The
/// field is `X-Roost-Send-At`, which `content::compose` writes.
pub async fn waiting(
    connection: &mut Connection,
    mailbox: &str,
    keyword: &'static str,
) -> Result<(u32, Vec<Waiting>), ImapError> {
    let state = connection.select_fresh(mailbox).await?;
    let search = Command::new("UID SEARCH KEYWORD")
        .raw(keyword)
        .raw("HEADER X-Roost-Send-At")
        .string("");
    let found = connection.exec(search).await?.found();
    let uids: UidSet = found.iter().rev().take(MAX_WAITING).collect();
    if uids.is_empty() {
        return Ok((state.uidvalidity, Vec::new()));
    }
    let fetch = Command::new("UID FETCH")
        .uids(&uids)
        .raw("(UID FLAGS BODY.PEEK[HEADER.FIELDS (X-Roost-Send-At Message-ID)])");
    let mut waiting = Vec::new();
    for response in connection.exec(fetch).await?.responses {
        let Response::Fetch { items, .. } = response else {
            continue;
        };
        let find = |wanted: &str| {
            let item = items.iter().find(|(name, _)| name.starts_with(wanted));
            item.map(|(_, value)| value)
        };
        if let (Some(uid), Some(flags), Some(header)) = (
            to_wire::uid(&items).filter(|uid| uids.contains(*uid)),
            find("FLAGS"),
            find("BODY[").and_then(Value::bytes),
        ) {
            waiting.push(Waiting {
                uid,
                flags: to_wire::flags(flags),
                header: header.clone(),
            });
        }
    }
    Ok((state.uidvalidity, waiting))
}
