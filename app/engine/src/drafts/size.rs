//! How large a message is once it is on its way: what the mail server counts against its limit (SIZE, RFC 1870).

use roost_wire::{Composed, Enclosure};

/// A line of base64: 57 bytes become 76 characters and a line end (RFC 2045, section 6.8).
const LINE: u64 = 57;

/// How many bytes an attachment of so many bytes has in a message: base64 makes 4 of 3, in lines.
pub fn transferred(bytes: u64) -> u64 {
    bytes.div_ceil(3) * 4 + bytes.div_ceil(LINE) * 2
}

/// The bytes of a message that is sent as it is now, but for its header: never more than it will have.
pub fn of(message: &Composed) -> u64 {
    let html = message.html.as_ref().map_or(0, String::len);
    let shown = |enclosure: &&Enclosure| match (&enclosure.content_id, &message.html) {
        (Some(id), Some(html)) => html.contains(id.as_str()),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let enclosed = message.enclosures.iter().filter(shown).map(|enclosure| {
        let bytes = u64::from(enclosure.size);
        // A whole message passes as it is.
        match enclosure.media_type.as_str() {
            "message/rfc822" => bytes,
            _ => transferred(bytes),
        }
    });
    (message.text.len() + html) as u64 + enclosed.sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_wire::Source;

    fn enclosure(size: u32, media_type: &str, content_id: Option<&str>) -> Enclosure {
        Enclosure {
            name: "a".to_owned(),
            media_type: media_type.to_owned(),
            size,
            source: Source::Upload("a".to_owned()),
            content_id: content_id.map(str::to_owned),
        }
    }

    #[test]
    fn attachments_grow_by_base64_and_whole_messages_do_not() {
        assert_eq!(transferred(57), 78);
        assert_eq!(transferred(58), 84);
        let mut message = Composed {
            text: "12345".to_owned(),
            enclosures: vec![
                enclosure(570, "image/png", None),
                enclosure(1000, "message/rfc822", None),
                enclosure(5700, "image/png", Some("x@y")),
            ],
            ..Composed::default()
        };
        assert_eq!(of(&message), 5 + 780 + 1000);
        message.html = Some("<img src=\"cid:x@y\">".to_owned());
        assert_eq!(of(&message), 5 + 19 + 780 + 1000 + 7800);
    }
}
