//! Searching a mailbox on the server (RFC 9051, section 6.4.4).

use roost_wire::{SearchQuery, UidSet};

use super::command::Command;
use super::connection::Connection;
use super::error::ImapError;
use super::response::Response;

/// How many words and operators one search may have.
const MAX_TERMS: usize = 20;
/// How long one of them may be, in bytes.
const MAX_TERM: usize = 500;

/// UIDVALIDITY and every match.
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
    let ascii = terms.clone().all(|term| term.is_ascii());
    let mut command = Command::new("UID SEARCH");
    if connection.capabilities.esearch {
        command = command.raw("RETURN (ALL)");
    }
    if !ascii {
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
    if query.attachment {
        // The nearest thing IMAP knows: a message whose parts are mixed.
        command = command.raw(r#"HEADER "Content-Type" "multipart/mixed""#);
    }
    if let Some(day) = query.after {
        command = command.raw("SINCE").string(&date(day));
    }
    if let Some(day) = query.before {
        command = command.raw("BEFORE").string(&date(day));
    }
    if let Some(size) = query.larger {
        command = command.raw("LARGER").number(size);
    }
    let completion = connection.exec(command).await?;
    let mut found = Vec::new();
    for response in &completion.responses {
        match response {
            Response::Esearch { all, .. } => found.extend_from_slice(all.ranges()),
            Response::Search(uids) => found.extend_from_slice(uids.ranges()),
            _ => {}
        }
    }
    Ok((state.uidvalidity, UidSet::from_ranges(found)))
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
