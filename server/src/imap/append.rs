//! Putting messages into mailboxes, and finding them again by their Message-ID.

use roost_wire::{Uid, UidSet};
use tokio::io::AsyncRead;

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;

/// Appends a message of `length` bytes (RFC 9051, section 6.3.12). Returns UIDVALIDITY and UID where the server tells
/// them (UIDPLUS).
pub async fn append(
    connection: &mut Connection,
    mailbox: &str,
    flags: &[String],
    message: &mut (dyn AsyncRead + Send + Unpin),
    length: u64,
) -> Result<Option<(u32, u32)>, ImapError> {
    let command = Command::new("APPEND").mailbox(mailbox).flags(flags);
    let completion = connection
        .exec_with_literal(command, message, length)
        .await?;
    Ok(completion.status.appenduid())
}

/// Puts a message in the place of one of the selected mailbox, in one step (REPLACE, RFC 8508). Returns what [`append`]
/// does.
pub async fn replace(
    connection: &mut Connection,
    uid: Uid,
    mailbox: &str,
    flags: &[String],
    message: &mut (dyn AsyncRead + Send + Unpin),
    length: u64,
) -> Result<Option<(u32, u32)>, ImapError> {
    let command = Command::new("UID REPLACE")
        .number(uid)
        .mailbox(mailbox)
        .flags(flags);
    let completion = connection
        .exec_with_literal(command, message, length)
        .await?;
    // The server says it before the old message goes (section 3.5).
    let before = completion
        .responses
        .iter()
        .find_map(|response| match response {
            Response::Status(status) => status.appenduid(),
            _ => None,
        });
    Ok(before.or_else(|| completion.status.appenduid()))
}

/// UIDVALIDITY, and the messages of a mailbox with this Message-ID (without angle brackets).
pub async fn find(
    connection: &mut Connection,
    mailbox: &str,
    message_id: &str,
) -> Result<(u32, UidSet), ImapError> {
    let state = connection.select_fresh(mailbox).await?;
    let command = Command::new("UID SEARCH HEADER Message-ID").string(&format!("<{message_id}>"));
    let found = connection.exec(command).await?.found();
    Ok((state.uidvalidity, found))
}
