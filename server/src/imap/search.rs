//! Searching a mailbox on the server (RFC 9051, section 6.4.4).

use std::collections::HashSet;

use roost_wire::{SearchQuery, Uid, UidSet};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;
use super::to_wire;

/// How many words and operators one search may have.
const MAX_TERMS: usize = 20;
/// How long one of them may be, in bytes.
const MAX_TERM: usize = 500;

/// How many matches are looked at one by one, for what IMAP cannot ask for: the newest.
const MAX_LOOKED_AT: usize = 2_000;

/// UIDVALIDITY and every match. The device looks for the same among what it keeps (its `haystack.rs`).
pub async fn search(
    connection: &mut Connection,
    mailbox: &str,
    query: &SearchQuery,
) -> Result<(u32, UidSet), ImapError> {
    let state = connection.select_fresh(mailbox).await?;
    let terms = query
        .text
        .iter()
        .chain(&query.from)
        .chain(&query.to)
        .chain(&query.subject);
    if terms.clone().count() > MAX_TERMS || terms.clone().any(|term| term.len() > MAX_TERM) {
        return Err(ImapError::Argument("a search that is too long"));
    }
    let mut found = matching(connection, query, false).await?;
    let doubtful = if query.attachment {
        newest(&found, MAX_LOOKED_AT)
    } else {
        UidSet::default()
    };
    if found.len() > doubtful.len() && query.attachment {
        // Of older ones, the nearest thing IMAP knows counts: a message whose parts are mixed.
        let mixed = matching(connection, query, true).await?;
        found = UidSet::from_ranges([doubtful.ranges(), mixed.ranges()].concat());
    }
    // Days count from midnight UTC, as on the device; a server counts them where it is.
    let mut edges = UidSet::default();
    for day in [query.after, query.before].into_iter().flatten() {
        let around = SearchQuery {
            after: Some(day.saturating_sub(1)),
            before: Some(day.saturating_add(1)),
            ..SearchQuery::default()
        };
        let near = matching(connection, &around, false)
            .await?
            .intersection(&found);
        edges = UidSet::from_ranges([edges.ranges(), near.ranges()].concat());
    }
    let edges = newest(&edges, MAX_LOOKED_AT);
    let looked_at = UidSet::from_ranges([doubtful.ranges(), edges.ranges()].concat());
    if looked_at.is_empty() {
        return Ok((state.uidvalidity, found));
    }
    let fits = |(uid, attachment, received): &(Uid, bool, i64)| {
        let day = received.div_euclid(86_400);
        (!doubtful.contains(*uid) || *attachment)
            && query.after.is_none_or(|after| day >= i64::from(after))
            && query.before.is_none_or(|before| day < i64::from(before))
    };
    let seen = look_at(connection, &looked_at).await?;
    let good: HashSet<Uid> = seen
        .iter()
        .filter(|one| fits(one))
        .map(|one| one.0)
        .collect();
    let found = found
        .iter()
        .filter(|uid| !looked_at.contains(*uid) || good.contains(uid))
        .collect();
    Ok((state.uidvalidity, found))
}

/// The newest so many of a set.
fn newest(uids: &UidSet, count: usize) -> UidSet {
    uids.iter().rev().take(count).collect()
}

/// Of each message: its UID, whether it has an attachment, and when it was received, as its summary tells it.
async fn look_at(
    connection: &mut Connection,
    uids: &UidSet,
) -> Result<Vec<(Uid, bool, i64)>, ImapError> {
    let command = Command::new("UID FETCH")
        .uids(uids)
        .raw("(UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE)");
    let completion = connection.exec(command).await?;
    let looked_at = completion
        .responses
        .iter()
        .filter_map(|response| match response {
            Response::Fetch { items, .. } => {
                let summary = to_wire::summary(items)?;
                Some((summary.uid, summary.attachment, summary.received))
            }
            _ => None,
        });
    Ok(looked_at.collect())
}

/// What the server finds: a day more at either end; and where an attachment is asked for, messages that might have one,
/// or those that are `mixed`.
async fn matching(
    connection: &mut Connection,
    query: &SearchQuery,
    mixed: bool,
) -> Result<UidSet, ImapError> {
    let terms = query
        .text
        .iter()
        .chain(&query.from)
        .chain(&query.to)
        .chain(&query.subject);
    let mut command = Command::new("UID SEARCH");
    if connection.capabilities.esearch {
        command = command.raw("RETURN (ALL)");
    }
    if !terms.clone().all(|term| term.is_ascii()) {
        command = command.raw("CHARSET UTF-8");
    }
    command = command.raw("ALL");
    for word in &query.text {
        command = command.raw("TEXT").string(word);
    }
    for (key, value) in [
        ("FROM", &query.from),
        ("TO", &query.to),
        ("SUBJECT", &query.subject),
    ] {
        if let Some(value) = value {
            command = command.raw(key).string(value);
        }
    }
    match query.unread {
        Some(true) => command = command.raw("UNSEEN"),
        Some(false) => command = command.raw("SEEN"),
        None => {}
    }
    match query.starred {
        Some(true) => command = command.raw("FLAGGED"),
        Some(false) => command = command.raw("UNFLAGGED"),
        None => {}
    }
    if query.attachment && mixed {
        command = command.raw(r#"HEADER "Content-Type" "multipart/mixed""#);
    } else if query.attachment {
        // IMAP cannot ask for attachments: whatever is not one plain text is looked at.
        command = command
            .raw(r#"HEADER "Content-Type" "/""#)
            .raw(r#"OR OR OR HEADER "Content-Type" "multipart/" HEADER "Content-Type" "name""#)
            .raw(r#"HEADER "Content-Disposition" "a""#)
            .raw(r#"NOT OR HEADER "Content-Type" "text/plain" HEADER "Content-Type" "text/html""#);
    }
    if let Some(day) = query.after {
        command = command.raw("SINCE").string(&date(day.saturating_sub(1)));
    }
    if let Some(day) = query.before {
        command = command.raw("BEFORE").string(&date(day.saturating_add(1)));
    }
    if let Some(size) = query.larger {
        command = command.raw("LARGER").number(size);
    }
    Ok(connection.exec(command).await?.found())
}

/// A day as IMAP writes it (`1-Feb-1994`), from days since 1970-01-01.
fn date(day: i32) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let z = i64::from(day) + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{day}-{}-{year}", MONTHS[(month - 1) as usize])
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_become_dates() {
        assert_eq!(super::date(0), "1-Jan-1970");
        assert_eq!(super::date(19_782), "29-Feb-2024");
        assert_eq!(super::date(-1), "31-Dec-1969");
    }
}
