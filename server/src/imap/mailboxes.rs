//! Listing mailboxes and their counts.

use std::collections::{HashMap, HashSet};

use roost_wire::{Counts, Mailbox};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;
use super::to_wire;

/// How many mailboxes are listed at most.
pub const MAX_MAILBOXES: usize = 5_000;
const STATUS_ITEMS: &str = "(MESSAGES UNSEEN)";

/// All mailboxes with roles, subscriptions and counts.
pub async fn list(connection: &mut Connection) -> Result<Vec<Mailbox>, ImapError> {
    let capabilities = connection.capabilities;
    let mut counts: HashMap<String, Counts> = HashMap::new();
    let mut subscribed: HashSet<String> = HashSet::new();
    let mut mailboxes = Vec::new();
    let command = if capabilities.list_extended && capabilities.list_status {
        // RFC 5258 and RFC 5819: names, subscriptions and counts in one round trip.
        let command = Command::new(r#"LIST "" "*" RETURN (SUBSCRIBED"#);
        let command = if capabilities.special_use {
            command.glue(" SPECIAL-USE")
        } else {
            command
        };
        command.glue(" STATUS (MESSAGES UNSEEN))")
    } else {
        for response in connection
            .exec(Command::new(r#"LSUB "" "*""#))
            .await?
            .responses
        {
            if let Response::Subscribed { name } = response {
                subscribed.insert(name);
            }
        }
        Command::new(r#"LIST "" "*""#)
    };
    for response in connection.exec(command).await?.responses {
        match response {
            Response::List {
                attributes,
                delimiter,
                name,
            } if mailboxes.len() < MAX_MAILBOXES => {
                let has = |wanted: &str| attributes.iter().any(|a| a.eq_ignore_ascii_case(wanted));
                mailboxes.push(Mailbox {
                    role: to_wire::role(&name, delimiter, &attributes),
                    selectable: !has("\\Noselect") && !has("\\NonExistent"),
                    subscribed: has("\\Subscribed"),
                    name,
                    delimiter,
                    counts: None,
                });
            }
            Response::MailboxStatus { name, items } => {
                counts.insert(name, read_counts(&items));
            }
            _ => {}
        }
    }
    // Servers list in any order, not always the same.
    mailboxes.sort_by(|a, b| a.name.cmp(&b.name));
    one_role_each(&mut mailboxes);
    for mailbox in &mut mailboxes {
        mailbox.subscribed |= subscribed.contains(&mailbox.name);
        mailbox.counts = counts.get(&mailbox.name).copied();
        if mailbox.counts.is_none() && mailbox.selectable && !capabilities.list_status {
            // A mailbox that refuses STATUS is shown without counts.
            mailbox.counts = match status(connection, &mailbox.name).await {
                Ok(counts) => Some(counts),
                Err(error) if error.is_fatal() => return Err(error),
                Err(_) => None,
            };
        }
    }
    Ok(mailboxes)
}

/// Two mailboxes may claim one role (an attribute and a guess by name, say): the first keeps it.
fn one_role_each(mailboxes: &mut [Mailbox]) {
    let mut taken = HashSet::new();
    for mailbox in mailboxes {
        if let Some(role) = mailbox.role
            && !taken.insert(role)
        {
            mailbox.role = None;
        }
    }
}

/// The counts of one mailbox.
pub async fn status(connection: &mut Connection, mailbox: &str) -> Result<Counts, ImapError> {
    let completion = connection
        .exec(Command::new("STATUS").mailbox(mailbox).raw(STATUS_ITEMS))
        .await?;
    completion
        .responses
        .iter()
        .rev()
        .find_map(|response| match response {
            Response::MailboxStatus { name, items } if name == mailbox => Some(read_counts(items)),
            _ => None,
        })
        .ok_or(ImapError::Garbled("STATUS without an answer"))
}

fn read_counts(items: &[(String, u64)]) -> Counts {
    let find = |name: &str| {
        items
            .iter()
            .find(|(item, _)| item == name)
            .map_or(0, |&(_, number)| number as u32)
    };
    Counts {
        messages: find("MESSAGES"),
        unseen: find("UNSEEN"),
    }
}
