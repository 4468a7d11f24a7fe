//! Responses as the mail server sent them, read tolerantly.

use bytes::Bytes;
use roost_wire::UidSet;

use super::utf7;
use super::value::{self, Value};

/// One response.
#[derive(Debug, Clone)]
pub enum Response {
    Status(StatusLine),
    Capability(Vec<String>),
    List {
        attributes: Vec<String>,
        delimiter: Option<char>,
        name: String,
    },
    /// `LSUB`: a subscribed name.
    Subscribed {
        name: String,
    },
    /// `STATUS`: items in upper case with their values.
    MailboxStatus {
        name: String,
        items: Vec<(String, u64)>,
    },
    Search(UidSet),
    /// `ESEARCH` (RFC 4731): the ALL set and the COUNT, where asked for.
    Esearch {
        all: UidSet,
        count: Option<u32>,
    },
    Exists(u32),
    Expunge(u32),
    /// `VANISHED` (RFC 7162, section 3.2.10).
    Vanished {
        earlier: bool,
        uids: UidSet,
    },
    Fetch {
        seq: u32,
        items: Vec<(String, Value)>,
    },
    /// What Roost does not use, or cannot read.
    Other,
}

impl Response {
    /// Whether it is about a mailbox by its name, not about the one that is selected.
    pub fn names_mailbox(&self) -> bool {
        matches!(
            self,
            Self::List { .. } | Self::Subscribed { .. } | Self::MailboxStatus { .. }
        )
    }
}

/// A status response: tagged or not.
#[derive(Debug, Clone)]
pub struct StatusLine {
    /// `OK`, `NO`, `BAD`, `BYE` or `PREAUTH`.
    pub status: String,
    /// The response code without its brackets; empty when there is none.
    pub code: Vec<Value>,
    /// The text for people.
    pub text: String,
}

impl StatusLine {
    fn parse(text: &Bytes) -> Self {
        let end = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
        let status = String::from_utf8_lossy(&text[..end]).to_ascii_uppercase();
        let mut rest = text.slice((end + 1).min(text.len())..);
        let mut code = Vec::new();
        if rest.first() == Some(&b'[')
            && let Some(close) = rest.iter().position(|&b| b == b']')
        {
            code = value::parse(&rest.slice(1..close));
            rest = rest.slice(close + 1..);
        }
        Self {
            status,
            code,
            text: String::from_utf8_lossy(&rest).trim().to_owned(),
        }
    }

    /// Whether the response code has this name.
    pub fn has_code(&self, name: &str) -> bool {
        self.code.first().is_some_and(|code| code.is_atom(name))
    }

    /// The number in a code such as `[UIDNEXT 12]`.
    pub fn code_number(&self, name: &str) -> Option<u64> {
        self.has_code(name)
            .then(|| self.code.get(1)?.number())
            .flatten()
    }

    /// `APPENDUID`: the mailbox's UIDVALIDITY and the new message's UID (RFC 4315, section 3).
    pub fn appenduid(&self) -> Option<(u32, u32)> {
        if !self.has_code("APPENDUID") {
            return None;
        }
        Some((
            u32::try_from(self.code.get(1)?.number()?).ok()?,
            u32::try_from(self.code.get(2)?.number()?).ok()?,
        ))
    }

    /// `COPYUID`: the destination's UIDVALIDITY, the source and the destination UIDs (RFC 4315, section 3).
    pub fn copyuid(&self) -> Option<(u32, UidSet, UidSet)> {
        if !self.has_code("COPYUID") {
            return None;
        }
        let uidvalidity = u32::try_from(self.code.get(1)?.number()?).ok()?;
        Some((
            uidvalidity,
            uid_set(self.code.get(2)?)?,
            uid_set(self.code.get(3)?)?,
        ))
    }
}

/// Reads one response (without its CRLF).
pub fn parse(line: &Bytes) -> Response {
    let Some(rest) = line.strip_prefix(b"* ") else {
        // A tagged completion.
        let start = line.iter().position(|&b| b == b' ').map_or(0, |at| at + 1);
        return Response::Status(StatusLine::parse(&line.slice(start..)));
    };
    let word = rest.split(|&b| b == b' ').next().unwrap_or_default();
    match word.to_ascii_uppercase().as_slice() {
        b"OK" | b"NO" | b"BAD" | b"BYE" | b"PREAUTH" => {
            return Response::Status(StatusLine::parse(&line.slice(2..)));
        }
        _ => {}
    }
    data(&value::parse(&line.slice(2..))).unwrap_or(Response::Other)
}

fn data(values: &[Value]) -> Option<Response> {
    let first = values.first()?;
    if let Some(number) = first.number() {
        let number = u32::try_from(number).ok()?;
        let kind = values.get(1)?;
        return if kind.is_atom("EXISTS") {
            Some(Response::Exists(number))
        } else if kind.is_atom("EXPUNGE") {
            Some(Response::Expunge(number))
        } else if kind.is_atom("FETCH") {
            let items = pairs(values.get(2)?.list()?);
            Some(Response::Fetch { seq: number, items })
        } else {
            None
        };
    }
    match first.text()?.to_ascii_uppercase().as_str() {
        "CAPABILITY" => Some(Response::Capability(
            values[1..].iter().filter_map(Value::text).collect(),
        )),
        "LIST" => Some(Response::List {
            attributes: values
                .get(1)?
                .list()?
                .iter()
                .filter_map(Value::text)
                .collect(),
            delimiter: values.get(2)?.text().and_then(|text| text.chars().next()),
            name: mailbox_name(values.get(3)?)?,
        }),
        "LSUB" => Some(Response::Subscribed {
            name: mailbox_name(values.get(3)?)?,
        }),
        "STATUS" => Some(Response::MailboxStatus {
            name: mailbox_name(values.get(1)?)?,
            items: pairs(values.get(2)?.list()?)
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.number()?)))
                .collect(),
        }),
        "SEARCH" => Some(Response::Search(
            values[1..]
                .iter()
                .filter_map(|value| u32::try_from(value.number()?).ok())
                .collect(),
        )),
        "ESEARCH" => {
            let find = |name: &str| {
                let at = values.iter().position(|value| value.is_atom(name))?;
                values.get(at + 1)
            };
            Some(Response::Esearch {
                all: find("ALL").and_then(uid_set).unwrap_or_default(),
                count: find("COUNT")
                    .and_then(Value::number)
                    .and_then(|count| u32::try_from(count).ok()),
            })
        }
        "VANISHED" => {
            let earlier = values.get(1)?.list().is_some();
            let uids = uid_set(values.get(if earlier { 2 } else { 1 })?)?;
            Some(Response::Vanished { earlier, uids })
        }
        _ => None,
    }
}

/// `name value name value …` with the names in upper case; `BODY[…]` keeps its section.
fn pairs(values: &[Value]) -> Vec<(String, Value)> {
    values
        .as_chunks::<2>()
        .0
        .iter()
        .filter_map(|[name, value]| Some((name.text()?.to_ascii_uppercase(), value.clone())))
        .collect()
}

fn mailbox_name(value: &Value) -> Option<String> {
    let name = value.text()?;
    Some(if name.eq_ignore_ascii_case("INBOX") {
        "INBOX".to_owned()
    } else {
        utf7::decode(&name)
    })
}

/// `1:3,7` (`*` never stands in an answer).
fn uid_set(value: &Value) -> Option<UidSet> {
    let text = value.text()?;
    let ranges: Option<Vec<(u32, u32)>> = text
        .split(',')
        .map(|range| {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            Some((first.parse().ok()?, last.parse().ok()?))
        })
        .collect();
    Some(UidSet::from_ranges(ranges?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &'static str) -> Response {
        parse(&Bytes::from_static(line.as_bytes()))
    }

    #[test]
    fn reads_what_imap_proto_cannot() {
        assert!(matches!(
            read(r#"* ESEARCH (TAG "A1") UID COUNT 3 ALL 1:2,9"#),
            Response::Esearch { ref all, count: Some(3) } if all.to_string() == "1:2,9"
        ));
        assert!(matches!(
            read("* VANISHED (EARLIER) 41,43:116"),
            Response::Vanished { earlier: true, ref uids } if uids.len() == 75
        ));
        assert!(matches!(
            read("* STATUS INBOX (MESSAGES 3 SIZE 99 MAILBOXID (F1))"),
            Response::MailboxStatus { ref items, .. } if items.len() == 2
        ));
        assert!(matches!(
            read(r#"* LIST (\HasNoChildren \Sent) "/" "Entw&APw-rfe" (OLDNAME ("x"))"#),
            Response::List { ref name, .. } if name == "Entwürfe"
        ));
        assert!(matches!(read("* XYZZY 1 2 (3"), Response::Other));
        assert!(matches!(read("* 1 FETCH NIL"), Response::Other));
        assert!(matches!(read("* "), Response::Other));
    }

    #[test]
    fn reads_codes_of_tagged_lines() {
        let Response::Status(line) = read("A4 OK [COPYUID 38505 304,319:320 3956:3958] Done")
        else {
            panic!("a status");
        };
        let (uidvalidity, from, to) = line.copyuid().expect("a COPYUID");
        assert_eq!((uidvalidity, from.len(), to.len()), (38505, 3, 3));
        assert_eq!(line.text, "Done");
    }
}
