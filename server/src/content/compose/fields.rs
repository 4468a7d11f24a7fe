//! Header fields of Roost's own: in drafts and in what is sent later, never in what is sent.

use roost_wire::Origin;

/// The header that names the save a draft comes from.
pub const SAVED_BY: &str = "X-Roost-Saved-By";

/// The header that names the message a draft answers or forwards.
pub const ORIGIN: &str = "X-Roost-Origin";

/// The header that says that the sender wants to be told of the delivery.
pub const DELIVERY: &str = "X-Roost-Delivery";

/// The header that says when a message is to be sent: the seconds since 1970-01-01 UTC, and for people the date.
pub const SEND_AT: &str = "X-Roost-Send-At";

/// Reads what [`SEND_AT`] holds.
pub fn parse_send_at(text: &str) -> Option<i64> {
    text.split_whitespace().next()?.parse().ok()
}

/// A header (up to and with the CRLF of its last field) as it is sent: without Roost's own fields, dated `date`. The
/// first of the two is its Bcc field, which is not transmitted either.
pub fn without_own_fields(header: &[u8], date: i64) -> (Vec<u8>, Vec<u8>) {
    let (mut bcc, mut rest) = (Vec::new(), Vec::new());
    let mut into = 0;
    for line in header.split_inclusive(|&byte| byte == b'\n') {
        let named = |name: &str| {
            line.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        // A line that begins with white space goes on with the field before it.
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            into = if named("X-Roost-") {
                0
            } else if named("Bcc:") {
                1
            } else if named("Date:") {
                let date = mail_builder::headers::date::Date::new(date).to_rfc822();
                rest.extend_from_slice(format!("Date: {date}\r\n").as_bytes());
                0
            } else {
                2
            };
        }
        match into {
            1 => bcc.extend_from_slice(line),
            2 => rest.extend_from_slice(line),
            _ => {}
        }
    }
    (bcc, rest)
}

pub(super) fn origin_text(origin: &Origin) -> String {
    let mailbox: String = url::form_urlencoded::byte_serialize(origin.mailbox.as_bytes()).collect();
    let how = if origin.forwarded { "forward" } else { "reply" };
    format!("{how} {} {} {mailbox}", origin.uidvalidity, origin.uid)
}

/// Reads what [`ORIGIN`] holds.
pub fn parse_origin(text: &str) -> Option<Origin> {
    let mut words = text.split_whitespace();
    let forwarded = words.next()? == "forward";
    let uidvalidity = words.next()?.parse().ok()?;
    let uid = words.next()?.parse().ok()?;
    let encoded = format!("m={}", words.next()?);
    let mailbox = url::form_urlencoded::parse(encoded.as_bytes())
        .next()?
        .1
        .into_owned();
    Some(Origin {
        mailbox,
        uidvalidity,
        uid,
        forwarded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_it_was_written() {
        let origin = Origin {
            mailbox: "Reisen & Pläne".to_owned(),
            uidvalidity: 7,
            uid: 12,
            forwarded: true,
        };
        assert_eq!(parse_origin(&origin_text(&origin)), Some(origin));
    }
}
