//! Fetching a message's header, structure and parts.

use bytes::{Bytes, BytesMut};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;
use super::structure::Structure;
use super::to_wire;
use super::value::Value;

/// How many bytes of a part are asked for at once: bounds the memory of one download.
pub const SLICE: u64 = 256 * 1024;
/// How much of a text is shown. Longer texts are cut; the source has all of it.
pub const MAX_TEXT: u64 = 16 * 1024 * 1024;
/// The largest message that is parsed here because the mail server cannot describe it.
pub const MAX_RAW: u64 = 32 * 1024 * 1024;
/// How much header is read.
const MAX_HEADER: u64 = 512 * 1024;

/// What is needed to decide how a message is shown.
#[derive(Debug)]
pub struct Envelope {
    pub header: Bytes,
    /// `None` where the server's BODYSTRUCTURE makes no sense.
    pub structure: Option<Structure>,
    /// RFC822.SIZE.
    pub size: u64,
}

/// Header, structure and size of one message.
pub async fn envelope(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
) -> Result<Envelope, ImapError> {
    connection.select(mailbox, Some(uidvalidity)).await?;
    let command = Command::new("UID FETCH")
        .number(uid)
        .raw("(UID RFC822.SIZE BODYSTRUCTURE")
        .section("HEADER", 0, MAX_HEADER)
        .glue(")");
    let items = fetch_one(connection, command, uid).await?;
    let find = |wanted: &str| {
        items
            .iter()
            .find(|(name, _)| name.starts_with(wanted))
            .map(|(_, value)| value)
    };
    Ok(Envelope {
        header: find("BODY[HEADER]")
            .and_then(Value::bytes)
            .cloned()
            .unwrap_or_default(),
        structure: find("BODYSTRUCTURE").and_then(Structure::parse),
        size: find("RFC822.SIZE").and_then(Value::number).unwrap_or(0),
    })
}

/// RFC822.SIZE of one message.
pub async fn raw_size(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
) -> Result<u64, ImapError> {
    connection.select(mailbox, Some(uidvalidity)).await?;
    let command = Command::new("UID FETCH")
        .number(uid)
        .raw("(UID RFC822.SIZE)");
    let items = fetch_one(connection, command, uid).await?;
    items
        .iter()
        .find(|(name, _)| name == "RFC822.SIZE")
        .and_then(|(_, value)| value.number())
        .ok_or(ImapError::Garbled("a message without a size"))
}

/// One slice of a part, still in its transfer encoding. `number` is empty for the whole message. A slice shorter than
/// [`SLICE`] is the last.
pub async fn slice(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
    number: &str,
    offset: u64,
) -> Result<Bytes, ImapError> {
    connection.select(mailbox, Some(uidvalidity)).await?;
    let command = Command::new("UID FETCH")
        .number(uid)
        .raw("(UID")
        .section(number, offset, SLICE)
        .glue(")");
    let items = fetch_one(connection, command, uid).await?;
    let bytes = items
        .into_iter()
        .find(|(name, _)| name.starts_with("BODY["))
        .and_then(|(_, value)| value.bytes().cloned())
        .unwrap_or_default();
    if bytes.len() as u64 > SLICE {
        return Err(ImapError::Garbled("more of a part than was asked for"));
    }
    Ok(bytes)
}

/// A whole part up to `limit` bytes, still in its transfer encoding.
pub async fn part(
    connection: &mut Connection,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
    number: &str,
    limit: u64,
) -> Result<Bytes, ImapError> {
    let mut whole = BytesMut::new();
    while (whole.len() as u64) < limit {
        let next = slice(
            connection,
            mailbox,
            uidvalidity,
            uid,
            number,
            whole.len() as u64,
        )
        .await?;
        let last = (next.len() as u64) < SLICE;
        whole.extend_from_slice(&next);
        if last {
            break;
        }
    }
    Ok(whole.freeze())
}

async fn fetch_one(
    connection: &mut Connection,
    command: Command,
    uid: u32,
) -> Result<Vec<(String, Value)>, ImapError> {
    let items = fetch_known(connection, command.clone(), uid).await?;
    if !items.is_empty() {
        return Ok(items);
    }
    // It may have come to the mailbox through another connection, and be new to this one.
    connection.exec(Command::new("NOOP")).await?;
    let items = fetch_known(connection, command, uid).await?;
    if items.is_empty() {
        Err(ImapError::NoSuchMessage)
    } else {
        Ok(items)
    }
}

/// What the server says of a message; nothing where it knows none of that UID.
async fn fetch_known(
    connection: &mut Connection,
    command: Command,
    uid: u32,
) -> Result<Vec<(String, Value)>, ImapError> {
    let completion = connection.exec(command).await?;
    let mut merged = Vec::new();
    for response in completion.responses {
        // The answer may come in several FETCH responses, among unsolicited ones for other messages.
        if let Response::Fetch { items, .. } = response
            && to_wire::uid(&items) == Some(uid)
        {
            merged.extend(items);
        }
    }
    Ok(merged)
}
