//! From IMAP's types to the wire's. Nothing else converts between them.

use bytes::Bytes;
use mail_parser::{Address as ParsedAddress, HeaderName, MessageParser};
use roost_wire::{Address, Flags, Role, Summary};

use super::structure::Structure;
use super::value::Value;

/// How many recipients a summary carries.
const SUMMARY_RECIPIENTS: usize = 4;
/// How many flags and keywords of one message are read.
const MAX_FLAGS: usize = 50;
/// How many characters of preview a summary carries.
const PREVIEW_LENGTH: usize = 200;
/// How many characters of a subject or name a summary carries.
const LINE_LENGTH: usize = 300;

/// Flags from a FLAGS list.
pub fn flags(value: &Value) -> Flags {
    let mut flags = Flags::default();
    for flag in value.list().unwrap_or_default().iter().take(MAX_FLAGS) {
        if let Some(name) = flag.text() {
            flags.set(&name, true);
        }
    }
    flags
}

/// A mailbox's role from its attributes (RFC 6154), or from its name where the server has no special use.
pub fn role(name: &str, delimiter: Option<char>, attributes: &[String]) -> Option<Role> {
    if name.eq_ignore_ascii_case("INBOX") {
        return Some(Role::Inbox);
    }
    attributes
        .iter()
        .find_map(|attribute| match attribute.to_ascii_lowercase().as_str() {
            "\\drafts" => Some(Role::Drafts),
            "\\sent" => Some(Role::Sent),
            "\\archive" => Some(Role::Archive),
            "\\junk" => Some(Role::Junk),
            "\\trash" => Some(Role::Trash),
            "\\all" => Some(Role::All),
            "\\flagged" => Some(Role::Flagged),
            _ => None,
        })
        .or_else(|| role_by_name(name, delimiter))
}

fn role_by_name(name: &str, delimiter: Option<char>) -> Option<Role> {
    // Only at the top, or right below INBOX as some servers have it.
    let mut levels: Vec<&str> = match delimiter {
        Some(delimiter) => name.split(delimiter).collect(),
        None => vec![name],
    };
    if levels.len() > 1 && levels[0].eq_ignore_ascii_case("INBOX") {
        levels.remove(0);
    }
    let [only] = levels[..] else {
        return None;
    };
    match only.to_lowercase().as_str() {
        "drafts" => Some(Role::Drafts),
        "sent" | "sent items" | "sent messages" | "sent mail" => Some(Role::Sent),
        "archive" | "archives" => Some(Role::Archive),
        "junk" | "spam" | "junk e-mail" => Some(Role::Junk),
        "trash" | "deleted items" | "deleted messages" | "bin" => Some(Role::Trash),
        _ => None,
    }
}

/// A summary from the items of a FETCH response; `None` without a UID.
pub fn summary(items: &[(String, Value)]) -> Option<Summary> {
    let mut summary = Summary {
        uid: uid(items)?,
        flags: Flags::default(),
        received: 0,
        from: Vec::new(),
        to: Vec::new(),
        subject: String::new(),
        preview: String::new(),
        size: 0,
        attachment: false,
    };
    for (name, value) in items {
        match name.as_str() {
            "FLAGS" => summary.flags = flags(value),
            "INTERNALDATE" => {
                summary.received = value
                    .text()
                    .and_then(|date| internal_date(&date))
                    .unwrap_or(0);
            }
            "RFC822.SIZE" => summary.size = value.number().unwrap_or(0) as u32,
            "BODYSTRUCTURE" => {
                summary.attachment =
                    Structure::parse(value).is_some_and(|structure| structure.has_attachment());
            }
            "PREVIEW" => {
                summary.preview = one_line(&value.text().unwrap_or_default(), PREVIEW_LENGTH)
            }
            header if header.starts_with("BODY[HEADER") => {
                if let Some(bytes) = value.bytes() {
                    headers(bytes, &mut summary);
                }
            }
            _ => {}
        }
    }
    Some(summary)
}

/// The UID among the items of a FETCH response.
pub fn uid(items: &[(String, Value)]) -> Option<u32> {
    items
        .iter()
        .find(|(name, _)| name == "UID")
        .and_then(|(_, value)| u32::try_from(value.number()?).ok())
        .filter(|&uid| uid > 0)
}

fn headers(bytes: &Bytes, summary: &mut Summary) {
    let Some(message) = MessageParser::default().parse_headers(&bytes[..]) else {
        return;
    };
    // The fields come in more than one piece.
    if let Some(subject) = message
        .header(HeaderName::Subject)
        .and_then(|value| value.as_text())
    {
        summary.subject = one_line(subject, LINE_LENGTH);
    }
    if let Some(from) = message.from() {
        summary.from = addresses(Some(from), SUMMARY_RECIPIENTS);
    }
    if let Some(to) = message.to() {
        summary.to = addresses(Some(to), SUMMARY_RECIPIENTS);
    }
}

/// The addresses of a header, groups flattened, at most `limit`.
pub fn addresses(parsed: Option<&ParsedAddress<'_>>, limit: usize) -> Vec<Address> {
    parsed
        .into_iter()
        .flat_map(ParsedAddress::iter)
        .take(limit)
        .map(|address| Address {
            name: one_line(address.name.as_deref().unwrap_or_default(), LINE_LENGTH),
            email: one_line(address.address.as_deref().unwrap_or_default(), LINE_LENGTH),
        })
        .filter(|address| !(address.name.is_empty() && address.email.is_empty()))
        .collect()
}

/// White space and control characters become single spaces; characters that reorder text (bidi overrides, with which
/// a sender can make `exe.pdf` look like `fdp.exe`) are dropped.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit * 4));
    let mut count = 0;
    for c in text.chars() {
        if count == limit {
            line.push('…');
            break;
        }
        if c.is_whitespace() || c.is_control() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
                count += 1;
            }
        } else if !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') {
            line.push(c);
            count += 1;
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// INTERNALDATE (`17-Jul-1996 02:44:25 -0700`) in seconds since 1970-01-01 UTC.
fn internal_date(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let mut date = words.next()?.split('-');
    let day: i64 = date.next()?.parse().ok()?;
    let month = date.next()?.to_ascii_lowercase();
    let month = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    .iter()
    .position(|name| *name == month)? as i64
        + 1;
    let year: i64 = date.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(str::parse::<i64>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    let zone: i64 = words.next().unwrap_or("+0000").parse().ok()?;
    if ![hour, minute, second]
        .iter()
        .all(|part| (0..=60).contains(part))
        || zone.abs() > 2400
    {
        return None;
    }
    if !(1..=31).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let offset = (zone / 100) * 3600 + (zone % 100) * 60;
    Some(days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset)
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_internal_dates() {
        assert_eq!(
            internal_date("17-Jul-1996 02:44:25 -0700"),
            Some(837_596_665)
        );
        assert_eq!(internal_date(" 1-Jan-1970 00:00:00 +0000"), Some(0));
        assert_eq!(
            internal_date("29-Feb-2024 12:00:00 +0530"),
            Some(1_709_188_200)
        );
        assert_eq!(internal_date("nonsense"), None);
    }

    #[test]
    fn a_name_cannot_reorder_the_line() {
        assert_eq!(one_line("a\u{202e}fdp.exe\r\n b\0c", 100), "afdp.exe b c");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }

    #[test]
    fn roles_by_attribute_and_by_name() {
        let attributes = ["\\Sent".to_owned()];
        assert_eq!(role("Gesendet", Some('/'), &attributes), Some(Role::Sent));
        assert_eq!(role("INBOX.Trash", Some('.'), &[]), Some(Role::Trash));
        assert_eq!(role("work/trash", Some('/'), &[]), None);
    }
}
