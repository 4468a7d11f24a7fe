//! BODYSTRUCTURE (RFC 9051, section 7.5.2), read tolerantly: which part is the text, which are attachments.

use std::collections::HashMap;

use mail_parser::{MessageParser, MimeHeaders as _};
use roost_wire::Attachment;

use super::to_wire::one_line;
use super::value::Value;

/// One leaf of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// RFC 9051, section 6.4.5.
    pub number: String,
    /// Lower case, such as `text/html`.
    pub media_type: String,
    pub charset: Option<String>,
    /// Content-Transfer-Encoding in lower case.
    pub encoding: String,
    /// Encoded size in bytes.
    pub size: u32,
    pub name: Option<String>,
    /// Without its angle brackets.
    pub content_id: Option<String>,
    /// Disposition `attachment`.
    pub attached: bool,
    /// `format=flowed` (RFC 3676).
    pub flowed: bool,
    /// `delsp=yes` (RFC 3676).
    pub delsp: bool,
}

/// A message's MIME tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Structure {
    Multipart {
        /// `mixed`, `alternative`, `related` …
        subtype: String,
        children: Vec<Structure>,
    },
    Leaf(Part),
}

/// What to show of a message.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The texts in the order in which they are shown.
    pub texts: Vec<Part>,
    pub attachments: Vec<Part>,
    /// Images by content id.
    pub inline: HashMap<String, Part>,
}

impl Structure {
    /// From the value of a BODYSTRUCTURE item; `None` where it makes no sense or nests too deep.
    pub fn parse(value: &Value) -> Option<Self> {
        read(value, "")
    }

    /// Whether a part is meant to be saved.
    pub fn has_attachment(&self) -> bool {
        !self.choose().attachments.is_empty()
    }

    /// Chooses what is shown as text (RFC 2046, section 5.1.4: the last alternative that can be shown) and what can
    /// be saved.
    pub fn choose(&self) -> Chosen {
        let mut chosen = Chosen::default();
        self.walk(&mut chosen);
        chosen
    }

    /// Every leaf.
    pub fn parts(&self) -> Vec<&Part> {
        match self {
            Self::Leaf(part) => vec![part],
            Self::Multipart { children, .. } => children.iter().flat_map(Self::parts).collect(),
        }
    }

    fn walk(&self, chosen: &mut Chosen) {
        match self {
            Self::Leaf(part) => part.place(chosen),
            Self::Multipart { subtype, children } if subtype == "alternative" => {
                let shown = children
                    .iter()
                    .rposition(Self::is_html)
                    .or_else(|| children.iter().rposition(Self::is_text));
                for (index, child) in children.iter().enumerate() {
                    if Some(index) == shown {
                        child.walk(chosen);
                    } else if !child.is_text() {
                        // A calendar invitation stands beside the texts and is an attachment.
                        child.walk(chosen);
                    }
                }
            }
            Self::Multipart { children, .. } => {
                for child in children {
                    child.walk(chosen);
                }
            }
        }
    }

    /// Whether an HTML text is in there.
    fn is_html(&self) -> bool {
        match self {
            Self::Leaf(part) => part.media_type == "text/html" && !part.attached,
            Self::Multipart { children, .. } => children.iter().any(Self::is_html),
        }
    }

    /// Whether there is any text to be shown.
    fn is_text(&self) -> bool {
        match self {
            Self::Leaf(part) => part.is_shown(),
            Self::Multipart { children, .. } => children.iter().any(Self::is_text),
        }
    }
}

impl Part {
    fn is_shown(&self) -> bool {
        !self.attached
            && match self.media_type.as_str() {
                "text/html" => true,
                "text/plain" | "text/enriched" => self.name.is_none(),
                _ => false,
            }
    }

    fn place(&self, chosen: &mut Chosen) {
        if self.is_shown() {
            chosen.texts.push(self.clone());
            return;
        }
        if let Some(content_id) = &self.content_id
            && self.media_type.starts_with("image/")
        {
            chosen.inline.insert(content_id.clone(), self.clone());
            if !self.attached {
                return;
            }
        }
        // Signatures and delivery status are for programs.
        if matches!(
            self.media_type.as_str(),
            "application/pgp-signature"
                | "application/pkcs7-signature"
                | "application/x-pkcs7-signature"
        ) {
            return;
        }
        chosen.attachments.push(self.clone());
    }

    /// As the device lists it.
    pub fn attachment(&self) -> Attachment {
        let size = if self.encoding == "base64" {
            // Four characters for three bytes, and two for each line of 76.
            (u64::from(self.size) * 57 / 78) as u32
        } else {
            self.size
        };
        Attachment {
            part: self.number.clone(),
            name: file_name(self.name.as_deref(), &self.media_type),
            media_type: self.media_type.clone(),
            size,
        }
    }
}

/// A file name that is safe to offer: one line, no path, never empty.
pub fn file_name(name: Option<&str>, media_type: &str) -> String {
    let clean: String = one_line(name.unwrap_or_default(), 200)
        .chars()
        .map(|c| {
            if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') {
                '_'
            } else {
                c
            }
        })
        .collect();
    let clean = clean.trim_matches([' ', '.']).to_owned();
    if !clean.is_empty() {
        return clean;
    }
    let extension = match media_type {
        "message/rfc822" => "eml",
        "text/calendar" => "ics",
        "text/plain" => "txt",
        "text/html" => "html",
        "application/pdf" => "pdf",
        "image/jpeg" => "jpg",
        other => other
            .rsplit('/')
            .next()
            .filter(|subtype| {
                subtype.len() <= 5 && subtype.bytes().all(|b| b.is_ascii_alphanumeric())
            })
            .unwrap_or("bin"),
    };
    format!("attachment.{extension}")
}

/// Nesting is bounded by the value parser's `MAX_DEPTH`, so recursion here is too.
fn read(value: &Value, number: &str) -> Option<Structure> {
    let fields = value.list()?;
    if fields.first()?.list().is_some() {
        let mut children = Vec::new();
        let mut rest = fields;
        while let [child @ Value::List(_), tail @ ..] = rest {
            let index = children.len() + 1;
            let child_number = if number.is_empty() {
                index.to_string()
            } else {
                format!("{number}.{index}")
            };
            children.push(read(child, &child_number)?);
            rest = tail;
        }
        return Some(Structure::Multipart {
            subtype: rest.first()?.text()?.to_ascii_lowercase(),
            children,
        });
    }
    let media_type =
        format!("{}/{}", fields[0].text()?, fields.get(1)?.text()?).to_ascii_lowercase();
    let parameters = parameters(fields.get(2));
    let find = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    // Behind the seven basic fields: text has lines; message/rfc822 an envelope, a structure and lines; then MD5,
    // disposition (RFC 9051, `body-ext-1part`).
    let extension = if media_type == "message/rfc822" {
        10
    } else if media_type.starts_with("text/") {
        8
    } else {
        7
    };
    let disposition = fields.get(extension + 1).and_then(Value::list);
    let attached = disposition.is_some_and(|d| {
        d.first()
            .and_then(Value::text)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("attachment"))
    });
    let disposition_parameters = self::parameters(disposition.and_then(|d| d.get(1)));
    Some(Structure::Leaf(Part {
        number: if number.is_empty() {
            "1".to_owned()
        } else {
            number.to_owned()
        },
        charset: find("charset"),
        flowed: find("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed")),
        delsp: find("delsp").is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes")),
        content_id: fields
            .get(3)
            .and_then(Value::text)
            .map(|id| id.trim().trim_matches(['<', '>']).to_owned()),
        encoding: fields
            .get(5)
            .and_then(Value::text)
            .unwrap_or_default()
            .to_ascii_lowercase(),
        size: fields.get(6).and_then(Value::number).unwrap_or(0) as u32,
        name: decode_name(&disposition_parameters, &parameters),
        attached,
        media_type,
    }))
}

fn parameters(value: Option<&Value>) -> Vec<(String, String)> {
    value
        .and_then(Value::list)
        .unwrap_or_default()
        .as_chunks::<2>()
        .0
        .iter()
        .filter_map(|[key, value]| Some((key.text()?.to_ascii_lowercase(), value.text()?)))
        .collect()
}

/// The file name from the parameters, RFC 2231 and RFC 2047 undone by the parser that knows both.
fn decode_name(
    disposition: &[(String, String)],
    content_type: &[(String, String)],
) -> Option<String> {
    let relevant = |key: &str| key.starts_with("filename") || key.starts_with("name");
    if !disposition
        .iter()
        .chain(content_type)
        .any(|(key, _)| relevant(key))
    {
        return None;
    }
    let mut header = String::from("Content-Type: application/octet-stream");
    append(&mut header, content_type, relevant);
    header.push_str("\r\nContent-Disposition: attachment");
    append(&mut header, disposition, relevant);
    header.push_str("\r\n\r\n");
    let message = MessageParser::default().parse(header.as_bytes())?;
    let name = message.parts.first()?.attachment_name()?;
    Some(name.to_owned())
}

fn append(header: &mut String, parameters: &[(String, String)], relevant: impl Fn(&str) -> bool) {
    for (key, value) in parameters {
        if !relevant(key)
            || !key
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b';' && b != b'=')
        {
            continue;
        }
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        if key.ends_with('*') {
            // An extended value is percent-encoded and must not be quoted.
            let value: String = value
                .chars()
                .filter(|c| !c.is_whitespace() && *c != ';')
                .collect();
            header.push_str(&format!("; {key}={value}"));
        } else {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            header.push_str(&format!("; {key}=\"{escaped}\""));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::imap::value;

    fn structure(text: &'static str) -> Option<Structure> {
        value::parse(&Bytes::from_static(text.as_bytes()))
            .first()
            .and_then(Structure::parse)
    }

    #[test]
    fn chooses_html_and_lists_the_attachment() {
        let parsed = structure(concat!(
            r#"((("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 5 1 NIL NIL NIL NIL)"#,
            r#"("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 50 2 NIL NIL NIL NIL) "alternative" ("boundary" "b") NIL NIL NIL)"#,
            r#"("image" "png" NIL "<logo@x>" NIL "base64" 780 NIL ("inline" NIL) NIL NIL)"#,
            r#"("application" "pdf" ("name" "x.pdf") NIL NIL "base64" 7800 NIL ("attachment" ("filename*" "utf-8''r%C3%A9sum%C3%A9.pdf")) NIL NIL) "mixed" NIL NIL NIL NIL)"#,
        ))
        .expect("a structure");
        let chosen = parsed.choose();
        assert_eq!(chosen.texts.len(), 1);
        assert_eq!(chosen.texts[0].number, "1.2");
        assert_eq!(chosen.inline["logo@x"].number, "2");
        let attachment = chosen.attachments[0].attachment();
        assert_eq!(attachment.name, "résumé.pdf");
        assert_eq!(attachment.part, "3");
        assert_eq!(attachment.size, 5700);
    }

    #[test]
    fn odd_structures_do_not_hurt() {
        for text in [
            "NIL",
            "()",
            "(())",
            r#"("text")"#,
            r#"("text" NIL NIL NIL)"#,
            r#"("message" "global" NIL NIL NIL NIL NIL)"#,
            r#"(("text" "plain" (NIL NIL) NIL NIL NIL NIL) NIL)"#,
        ] {
            let _ = structure(text);
        }
        assert!(structure(r#"("text" "plain" NIL NIL NIL "7bit" 3)"#).is_some());
    }

    #[test]
    fn names_cannot_escape_a_folder() {
        assert_eq!(file_name(Some("../../etc/passwd"), "x/y"), "_.._etc_passwd");
        assert_eq!(
            file_name(Some(" \u{202e} "), "text/calendar"),
            "attachment.ics"
        );
        assert_eq!(
            file_name(None, "application/vnd.very-long"),
            "attachment.bin"
        );
    }
}
