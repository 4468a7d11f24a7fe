//! IMAP's data syntax (RFC 9051, section 9) as a tree: atoms, strings and lists.
//!
//! The parser never recurses, so no server can exhaust the stack, and never fails on a whole line because of one odd
//! value: lists nested deeper than [`MAX_DEPTH`] are skipped and marked, everything else is kept.

use bytes::Bytes;

/// How deep lists may nest before the rest is skipped. Real BODYSTRUCTUREs nest about four lists a MIME level.
pub const MAX_DEPTH: usize = 100;

/// One value of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An atom, number, flag, or a section name such as `BODY[HEADER.FIELDS (TO)]<0>`.
    Atom(Bytes),
    /// A quoted string (unescaped) or a literal.
    Text(Bytes),
    Nil,
    List(Vec<Value>),
    /// A list that was nested too deep to be looked at.
    TooDeep,
}

impl Value {
    /// The bytes of an atom or a string.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Atom(bytes) | Self::Text(bytes) => Some(bytes),
            Self::Nil | Self::List(_) | Self::TooDeep => None,
        }
    }

    /// An atom or string as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Option<String> {
        self.bytes()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.bytes()?).ok()?.parse().ok()
    }

    pub fn list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// Whether it is this atom, in any case.
    pub fn is_atom(&self, name: &str) -> bool {
        matches!(self, Self::Atom(bytes) if bytes.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Reads the values of a line (without its final CRLF). What cannot be read as a value is skipped.
pub fn parse(line: &Bytes) -> Vec<Value> {
    let mut stack: Vec<Vec<Value>> = vec![Vec::new()];
    // Lists opened beyond MAX_DEPTH that are still open.
    let mut too_deep = 0usize;
    let mut at = 0;
    let last_bracket = line.iter().rposition(|&b| b == b']').unwrap_or(0);
    while at < line.len() {
        let value = match line[at] {
            b' ' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'(' => {
                at += 1;
                if too_deep > 0 || stack.len() > MAX_DEPTH {
                    too_deep += 1;
                } else {
                    stack.push(Vec::new());
                }
                continue;
            }
            b')' => {
                at += 1;
                if too_deep > 0 {
                    too_deep -= 1;
                    if too_deep > 0 {
                        continue;
                    }
                    Value::TooDeep
                } else if stack.len() > 1 {
                    Value::List(stack.pop().unwrap_or_default())
                } else {
                    continue;
                }
            }
            b'"' => {
                let (text, next) = quoted(line, at + 1);
                at = next;
                Value::Text(text)
            }
            b'{' | b'~' if literal(line, at).is_some() => {
                let Some((text, next)) = literal(line, at) else {
                    continue;
                };
                at = next;
                Value::Text(text)
            }
            _ => {
                let end = atom_end(line, at, last_bracket);
                let atom = line.slice(at..end);
                at = end;
                if atom.eq_ignore_ascii_case(b"NIL") {
                    Value::Nil
                } else {
                    Value::Atom(atom)
                }
            }
        };
        if too_deep == 0
            && let Some(list) = stack.last_mut()
        {
            list.push(value);
        }
    }
    // Lists left open at the end of the line are closed.
    while stack.len() > 1 {
        let list = stack.pop().unwrap_or_default();
        if let Some(parent) = stack.last_mut() {
            parent.push(Value::List(list));
        }
    }
    stack.pop().unwrap_or_default()
}

/// The unescaped text of a quoted string that starts at `at`, and where it ends.
fn quoted(line: &Bytes, at: usize) -> (Bytes, usize) {
    let rest = &line[at..];
    if let Some(end) = rest.iter().position(|&b| b == b'"' || b == b'\\')
        && rest[end] == b'"'
    {
        return (line.slice(at..at + end), at + end + 1);
    }
    let mut text = Vec::new();
    let mut index = at;
    while index < line.len() {
        match line[index] {
            b'"' => return (text.into(), index + 1),
            b'\\' if index + 1 < line.len() => {
                text.push(line[index + 1]);
                index += 2;
            }
            byte => {
                text.push(byte);
                index += 1;
            }
        }
    }
    (text.into(), index)
}

/// The literal (`{5}CRLFhello`, `~{5}CRLF…`) that starts at `at`, and where it ends.
fn literal(line: &Bytes, at: usize) -> Option<(Bytes, usize)> {
    let open = if line[at] == b'~' { at + 1 } else { at };
    // `{4294967295+}` and its line end: what is longer announces nothing, and is not searched further.
    let head = line.get(open..line.len().min(open + 24))?;
    let close = open + head.iter().position(|&b| b == b'\n')?;
    let length = literal_length(&line[open..=close])?;
    let start = close + 1;
    let end = start.checked_add(length)?;
    (end <= line.len()).then(|| (line.slice(start..end), end))
}

/// The length that a line ending in `{n}CRLF` or `{n+}CRLF` announces.
pub fn literal_length(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let open = line.iter().rposition(|&b| b == b'{')?;
    let digits = &line[open + 1..];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than a usize holds is as unacceptable as usize::MAX.
    Some(
        std::str::from_utf8(digits)
            .ok()?
            .parse()
            .unwrap_or(usize::MAX),
    )
}

/// Where the atom that starts at `at` ends. A `[…]` belongs to it with everything inside; `last_bracket` is where the
/// line's last `]` stands, so that brackets that never close cost nothing.
fn atom_end(line: &[u8], at: usize, last_bracket: usize) -> usize {
    let mut index = at;
    while index < line.len() {
        match line[index] {
            b' ' | b'(' | b')' | b'"' | b'\r' | b'\n' => break,
            b'[' if index < last_bracket => {
                let close = line[index..].iter().position(|&b| b == b']').unwrap_or(0);
                index += close + 1;
            }
            _ => index += 1,
        }
    }
    index.max(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &'static [u8]) -> Vec<Value> {
        parse(&Bytes::from_static(line))
    }

    #[test]
    fn reads_a_fetch() {
        let values = parsed(
            b"12 FETCH (UID 7 FLAGS (\\Seen $X) BODY[HEADER.FIELDS (TO)]<0> {3}\r\na)b X NIL Y \"q\\\"\")",
        );
        assert_eq!(values[0].number(), Some(12));
        let items = values[2].list().expect("a list");
        assert_eq!(items[1].number(), Some(7));
        assert_eq!(items[3].list().map(<[Value]>::len), Some(2));
        assert!(items[4].is_atom("body[header.fields (to)]<0>"));
        assert_eq!(items[5], Value::Text(Bytes::from_static(b"a)b")));
        assert_eq!(items[7], Value::Nil);
        assert_eq!(items[9].text().as_deref(), Some("q\""));
    }

    #[test]
    fn deep_nesting_is_skipped_and_the_rest_is_kept() {
        let mut line = b"1 FETCH (BODYSTRUCTURE ".to_vec();
        line.extend(std::iter::repeat_n(b'(', 100_000));
        line.extend(b"x");
        line.extend(std::iter::repeat_n(b')', 100_000));
        line.extend(b" UID 9)");
        let values = parse(&line.into());
        let items = values[2].list().expect("a list");
        assert_eq!(items[3].number(), Some(9));
    }

    #[test]
    fn garbage_is_survived() {
        for line in [
            &b")))"[..],
            b"\"open",
            b"{99}\r\nshort",
            b"(((",
            b"[",
            b"BODY[",
            b"~",
            b"{",
            b"{99999999999999999999999}\r\n",
            b"\"a\\",
            b"\xff\xfe (\x00)",
        ] {
            let _ = parsed(line);
        }
    }
}
