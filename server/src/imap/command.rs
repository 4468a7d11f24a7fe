//! Commands, built so that no argument can become a second command.
//!
//! Every argument is encoded by what it is: an atom is checked, a string is quoted where that is possible and sent as
//! a literal otherwise. CR, LF and NUL in a name, a keyword or a search text are refused.

use roost_wire::UidSet;

use super::utf7;

/// A command under construction, without its tag.
#[derive(Debug, Clone)]
pub struct Command {
    /// Text between literals: `parts[0] {n}CRLF literals[0] parts[1] {n}CRLF …`.
    parts: Vec<String>,
    literals: Vec<String>,
    refused: Option<&'static str>,
}

/// A command ready to be written.
#[derive(Debug)]
pub struct Encoded {
    pub parts: Vec<String>,
    pub literals: Vec<String>,
}

impl Command {
    /// Starts with fixed protocol text, such as `UID FETCH`. Never pass anything here that came from elsewhere.
    pub fn new(name: &'static str) -> Self {
        Self {
            parts: vec![name.to_owned()],
            literals: Vec::new(),
            refused: None,
        }
    }

    fn push(mut self, text: &str) -> Self {
        if let Some(last) = self.parts.last_mut() {
            last.push_str(text);
        }
        self
    }

    /// A space and fixed protocol text.
    pub fn raw(self, text: &'static str) -> Self {
        self.push(" ").push(text)
    }

    /// Fixed protocol text right after what stands there.
    pub fn glue(self, text: &'static str) -> Self {
        self.push(text)
    }

    pub fn number(self, number: impl Into<u64>) -> Self {
        self.push(" ").push(&number.into().to_string())
    }

    /// Digits right after what stands there.
    pub fn digits(self, number: u64) -> Self {
        self.push(&number.to_string())
    }

    /// A set of UIDs; an empty one is refused.
    pub fn uids(mut self, uids: &UidSet) -> Self {
        if uids.is_empty() {
            self.refused = Some("an empty set of messages");
        }
        self.push(" ").push(&uids.to_string())
    }

    /// A range of sequence numbers.
    pub fn range(self, first: u32, last: u32) -> Self {
        self.push(&format!(" {first}:{last}"))
    }

    /// A part number such as `1.2`, inside `BODY.PEEK[…]<offset.length>`.
    pub fn section(mut self, part: &str, offset: u64, length: u64) -> Self {
        if !part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
            self.refused = Some("a malformed part number");
        }
        self.push(&format!(" BODY.PEEK[{part}]<{offset}.{length}>"))
    }

    /// A flag or keyword (RFC 9051, `flag`).
    pub fn flag(mut self, flag: &str) -> Self {
        let atom = flag.strip_prefix('\\').unwrap_or(flag);
        if atom.is_empty()
            || !atom
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b))
        {
            self.refused = Some("a keyword with characters that IMAP does not allow");
        }
        self.push(flag)
    }

    /// A parenthesized list of flags.
    pub fn flags(self, flags: &[String]) -> Self {
        let mut command = self.push(" (");
        for (index, flag) in flags.iter().enumerate() {
            if index > 0 {
                command = command.push(" ");
            }
            command = command.flag(flag);
        }
        command.push(")")
    }

    /// A mailbox name, in modified UTF-7.
    pub fn mailbox(mut self, name: &str) -> Self {
        if name.is_empty() {
            self.refused = Some("an empty mailbox name");
        }
        if name.chars().any(char::is_control) {
            self.refused = Some("a mailbox name with control characters");
        }
        self.string(&utf7::encode(name))
    }

    /// A string: quoted if it is short printable ASCII, else a literal.
    pub fn string(mut self, text: &str) -> Self {
        if text.contains(['\r', '\n', '\0']) {
            self.refused = Some("a line break or NUL in a text");
        }
        let quotable = text.len() <= 1000 && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        let command = self.push(" ");
        if quotable {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            command.push("\"").push(&escaped).push("\"")
        } else {
            command.literal(text)
        }
    }

    fn literal(mut self, text: &str) -> Self {
        self.literals.push(text.to_owned());
        self.parts.push(String::new());
        self
    }

    /// The command, or what was refused.
    pub fn encode(self) -> Result<Encoded, &'static str> {
        match self.refused {
            Some(why) => Err(why),
            None => Ok(Encoded {
                parts: self.parts,
                literals: self.literals,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let encoded = Command::new("SELECT").mailbox(r#"a"b\c"#).encode();
        assert_eq!(encoded.expect("fine").parts, [r#"SELECT "a\"b\\c""#]);
    }

    #[test]
    fn non_ascii_becomes_utf7_in_names_and_a_literal_in_text() {
        let name = Command::new("SELECT").mailbox("Entwürfe").encode();
        assert_eq!(name.expect("fine").parts, [r#"SELECT "Entw&APw-rfe""#]);
        let text = Command::new("UID SEARCH TEXT")
            .string("größe")
            .raw("SEEN")
            .encode()
            .expect("fine");
        assert_eq!(text.parts, ["UID SEARCH TEXT ", " SEEN"]);
        assert_eq!(text.literals, ["größe"]);
    }

    #[test]
    fn nothing_can_start_a_second_command() {
        for bad in ["a\r\nA1 DELETE INBOX", "a\0b", "a\nb"] {
            assert!(Command::new("SELECT").mailbox(bad).encode().is_err());
            assert!(Command::new("SEARCH TEXT").string(bad).encode().is_err());
            assert!(Command::new("STORE").flag(bad).encode().is_err());
            assert!(Command::new("FETCH").section(bad, 0, 1).encode().is_err());
        }
        for bad in ["", "\\", "a b", "a)b", "a(b", "a\"b", "ä", "a]b", "\\a\\b"] {
            assert!(Command::new("STORE").flag(bad).encode().is_err(), "{bad}");
        }
        assert!(Command::new("SELECT").mailbox("").encode().is_err());
        assert!(
            Command::new("UID FETCH")
                .uids(&UidSet::default())
                .encode()
                .is_err()
        );
    }
}
