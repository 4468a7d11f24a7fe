//! What people type into the search field: words and operators.

use roost_wire::SearchQuery;

use crate::Filter;

const OPERATORS: [&str; 9] = [
    "from", "to", "subject", "has", "is", "in", "before", "after", "larger",
];

/// What was typed, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// What a message must have. A day is one of UTC, and `larger` counts bytes as IMAP does (RFC822.SIZE).
    pub search: SearchQuery,
    /// The mailbox it is to be in, as a person calls it.
    pub within: Option<String>,
}

/// Reads a search text. Operators: `from:` `to:` `subject:` `has:attachment` `is:unread` `is:read` `is:starred` `in:`
/// `before:` `after:` (both `2024-02-29`), `larger:` (`5M`, `200k`). A value or phrase may be quoted. The same is then
/// asked of the server and looked for on this device.
pub fn parse(text: &str) -> Query {
    let mut query = SearchQuery::default();
    let mut within = None;
    for word in words(text) {
        let operator = word
            .split_once(':')
            .map(|(name, value)| {
                (
                    name.to_ascii_lowercase(),
                    value.trim_matches('"').to_owned(),
                )
            })
            // An operator that is still being typed asks for nothing yet.
            .filter(|(name, value)| !value.is_empty() || OPERATORS.contains(&name.as_str()));
        match operator
            .as_ref()
            .map(|(name, value)| (name.as_str(), value.as_str()))
        {
            Some((_, "")) => {}
            Some(("in", value)) => within = Some(value.to_owned()),
            Some(("from", value)) => query.from = Some(value.to_owned()),
            Some(("to", value)) => query.to = Some(value.to_owned()),
            Some(("subject", value)) => query.subject = Some(value.to_owned()),
            Some(("has", "attachment" | "attachments")) => query.attachment = true,
            Some(("is", "unread")) => query.unread = Some(true),
            Some(("is", "read")) => query.unread = Some(false),
            Some(("is", "starred")) => query.starred = Some(true),
            Some(("before", value)) if day(value).is_some() => query.before = day(value),
            Some(("after", value)) if day(value).is_some() => query.after = day(value),
            Some(("larger", value)) if bytes(value).is_some() => query.larger = bytes(value),
            _ => {
                let word = word.trim_matches('"');
                if !word.is_empty() {
                    query.text.push(word.to_owned());
                }
            }
        }
    }
    Query {
        search: query,
        within,
    }
}

/// Narrows a query by a quick filter.
pub fn narrow(mut query: SearchQuery, filter: Filter) -> SearchQuery {
    match filter {
        Filter::All => {}
        Filter::Unread => query.unread = Some(true),
        Filter::Starred => query.starred = Some(true),
        Filter::Attachment => query.attachment = true,
    }
    query
}

/// Splits at blanks outside quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        if c == '"' {
            quoted = !quoted;
        }
        if c.is_whitespace() && !quoted {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `2024-02-29` as days since 1970-01-01.
fn day(text: &str) -> Option<i32> {
    let mut pieces = text.split('-').map(str::parse::<i64>);
    let (year, month, day) = (
        pieces.next()?.ok()?,
        pieces.next()?.ok()?,
        pieces.next()?.ok()?,
    );
    if pieces.next().is_some()
        || !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
    {
        return None;
    }
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(days - 719_468).ok()
}

/// `5M`, `200k`, `1234`.
fn bytes(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_and_words() {
        let query = parse(
            "from:ann \"two words\" is:unread has:attachment after:2024-02-29 larger:5M plain",
        )
        .search;
        assert_eq!(query.from.as_deref(), Some("ann"));
        assert_eq!(query.text, ["two words", "plain"]);
        assert_eq!(query.unread, Some(true));
        assert!(query.attachment);
        assert_eq!(query.after, Some(19_782));
        assert_eq!(query.larger, Some(5 << 20));
    }

    #[test]
    fn what_is_no_operator_is_text() {
        assert_eq!(
            parse("http://x after:soon re:").search.text,
            ["http://x", "after:soon", "re:"]
        );
        assert_eq!(parse("from: is:").search, SearchQuery::default());
    }

    #[test]
    fn a_mailbox_may_have_blanks() {
        let query = parse("in:\"Old mail\" tulips");
        assert_eq!(query.within.as_deref(), Some("Old mail"));
        assert_eq!(query.search.text, ["tulips"]);
    }
}
