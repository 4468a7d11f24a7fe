//! A message a person wrote, as a MIME message (RFC 5322, RFC 2045). `mail-builder` writes everything but the bytes of
//! the attachments: each leaves a hole that is filled as a stream, so that a message of any size takes little memory.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Header;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use ring::rand::{SecureRandom as _, SystemRandom};
use roost_wire::{
    Address, Composed, Enclosure, MAX_ENCLOSURES, MAX_RECIPIENTS, MAX_TEXT, Origin, Source,
};

use super::html::{self, Clean, Images};

/// The longest address, name or identifier, in bytes (RFC 5321, section 4.5.3.1, is stricter).
const MAX_FIELD: usize = 1_000;
/// How many message identifiers are referred to: the first and the latest of a long conversation.
const MAX_REFERENCES: usize = 50;

/// What a message is put together for.
#[derive(Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be kept: addresses may be unfinished, Bcc stays, and the header says who saved it.
    Draft { saved_by: String },
    /// To be sent: every address must be one, Bcc is left out.
    Send,
    /// To be kept until it is sent at a time, in seconds since 1970-01-01 UTC: as [`Self::Send`], with what is not
    /// transmitted in fields in front.
    Later { saved_by: String, at: i64 },
}

/// A message with holes where the attachments go.
#[derive(Debug)]
pub struct Skeleton {
    pub pieces: Vec<Piece>,
    /// Header fields that are kept and not transmitted, each with its CRLF: Bcc, which goes in front of the copy in
    /// Sent too, and before it what [`Purpose::Later`] needs.
    pub bcc: Vec<u8>,
    /// The part number of each attachment.
    pub parts: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Bytes(Vec<u8>),
    /// The attachment of that index, in base64, or as it is.
    Enclosure {
        index: usize,
        base64: bool,
    },
}

/// The header that names the save a draft comes from.
pub const SAVED_BY: &str = "X-Roost-Saved-By";
/// The header that names the message a draft answers or forwards.
pub const ORIGIN: &str = "X-Roost-Origin";

/// The header that says that the sender wants to be told of the delivery.
pub const DELIVERY: &str = "X-Roost-Delivery";
/// The header that says when a message is to be sent: the seconds since 1970-01-01 UTC, and for people the date.
pub const SEND_AT: &str = "X-Roost-Send-At";

/// Builds it. `date` is in seconds since 1970-01-01 UTC. An error says what is wrong with the message.
pub fn skeleton(
    message: &Composed,
    purpose: &Purpose,
    date: i64,
) -> Result<Skeleton, &'static str> {
    check(message)?;
    let sending = !matches!(purpose, Purpose::Draft { .. });
    let addresses = |list: &[Address]| -> Result<Header<'static>, &'static str> {
        let headers: Result<Vec<Header<'static>>, _> = list
            .iter()
            .map(|address| header_of(address, sending))
            .collect();
        Ok(Header::new_list(headers?))
    };
    let mut builder = MessageBuilder::new()
        .message_id(message.id.clone())
        .date(date)
        .from(addresses(std::slice::from_ref(&message.from))?)
        .subject(one_line(&message.subject));
    if !message.reply_to.is_empty() {
        builder = builder.reply_to(addresses(&message.reply_to)?);
    }
    if !message.to.is_empty() {
        builder = builder.to(addresses(&message.to)?);
    }
    if !message.cc.is_empty() {
        builder = builder.cc(addresses(&message.cc)?);
    }
    let mut bcc = Vec::new();
    if let Purpose::Later { saved_by, at } = purpose {
        let date = mail_builder::headers::date::Date::new(*at).to_rfc822();
        bcc.extend_from_slice(
            format!("{SEND_AT}: {at} ({date})\r\n{SAVED_BY}: {saved_by}\r\n").as_bytes(),
        );
        if message.delivery {
            bcc.extend_from_slice(format!("{DELIVERY}: notify\r\n").as_bytes());
        }
        if let Some(origin) = &message.origin {
            bcc.extend_from_slice(format!("{ORIGIN}: {}\r\n", origin_text(origin)).as_bytes());
        }
    }
    if !message.bcc.is_empty() {
        let list = addresses(&message.bcc)?;
        match purpose {
            Purpose::Draft { .. } => builder = builder.bcc(list),
            Purpose::Send | Purpose::Later { .. } => {
                use mail_builder::headers::Header as _;
                bcc.extend_from_slice(b"Bcc: ");
                list.write_header(&mut bcc, 5);
            }
        }
    }
    if !message.in_reply_to.is_empty() {
        builder = builder.in_reply_to(MessageId::new_list(message.in_reply_to.iter().cloned()));
    }
    if !message.references.is_empty() {
        builder = builder.references(MessageId::new_list(
            shortened(&message.references).into_iter(),
        ));
    }
    if message.important {
        builder = builder
            .header("X-Priority", Raw::new("1 (Highest)"))
            .header("Importance", Raw::new("high"));
    }
    if message.receipt {
        builder = builder.header(
            "Disposition-Notification-To",
            addresses(std::slice::from_ref(&message.from))?,
        );
    }
    if let Purpose::Draft { saved_by } = purpose {
        builder = builder.header(SAVED_BY, Raw::new(saved_by.clone()));
        if message.delivery {
            builder = builder.header(DELIVERY, Raw::new("notify"));
        }
        if let Some(origin) = &message.origin {
            builder = builder.header(ORIGIN, Raw::new(origin_text(origin)));
        }
    }
    let nonce = random_name()?;
    let hole = |index: usize| format!("roost-{nonce}-{index:04}-");
    let rich = message.html.as_deref().map(|fragment| {
        let own = own_images(&message.enclosures);
        let images = Images {
            remote: true,
            inline: &own,
        };
        html::sanitize(fragment, &images)
    });
    let mut layout = Layout::of(message);
    let kept = matches!(purpose, Purpose::Draft { .. });
    if let (false, Some(rich)) = (kept, &rich) {
        layout.leave_out_unshown(&message.enclosures, &rich.shown);
    }
    let body = body_of(message, rich, &layout, hole);
    let mut bytes = Vec::new();
    builder.body(body).serialize(&mut bytes);
    Ok(Skeleton {
        pieces: cut(&bytes, &message.enclosures, &layout, hole),
        bcc,
        parts: part_numbers(message),
    })
}

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

/// The part number of each attachment of a draft (RFC 9051, section 6.4.5).
pub fn part_numbers(message: &Composed) -> Vec<String> {
    let layout = Layout::of(message);
    // Attachments follow the text: the text is the first part, and its images follow it within its second alternative.
    let above = if layout.attached.is_empty() { "" } else { "1." };
    let place = |list: &[usize], index: usize| list.iter().position(|&other| other == index);
    (0..message.enclosures.len())
        .map(|index| match place(&layout.inline, index) {
            Some(place) => format!("{above}2.{}", place + 2),
            None => (place(&layout.attached, index).unwrap_or_default() + 2).to_string(),
        })
        .collect()
}

/// The images of a rich text as it names them, for the sanitizer: `cid:` stays `cid:`.
pub fn own_images(enclosures: &[Enclosure]) -> HashMap<String, String> {
    enclosures
        .iter()
        .filter_map(|enclosure| enclosure.content_id.clone())
        .map(|id| (id.clone(), format!("cid:{id}")))
        .collect()
}

/// Where attachments stand, by their indexes: beside the rich text that shows them (`multipart/related`, RFC 2387), or
/// after the text (`multipart/mixed`).
struct Layout {
    inline: Vec<usize>,
    attached: Vec<usize>,
}

impl Layout {
    fn of(message: &Composed) -> Self {
        let (inline, attached) = (0..message.enclosures.len()).partition(|&index| {
            message.html.is_some() && message.enclosures[index].content_id.is_some()
        });
        Self { inline, attached }
    }

    /// What was taken out of the text is kept in a draft, so that it can be put back; it is not sent.
    fn leave_out_unshown(&mut self, enclosures: &[Enclosure], shown: &HashSet<String>) {
        self.inline.retain(|&index| {
            let content_id = enclosures[index].content_id.as_ref();
            content_id.is_some_and(|content_id| shown.contains(content_id))
        });
    }
}

/// Whether an address can be written to: `local@domain`, nothing in it that could end a header or a command.
pub fn is_address(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return false;
    };
    !local.is_empty()
        && !domain.is_empty()
        && email.len() <= MAX_FIELD
        && !email
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "<>(),;:\\\"[]".contains(c))
        && !local.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..")
        && ascii_domain(domain).is_some()
}

/// An address as it is written on the wire: the domain in ASCII (RFC 5890).
pub fn wire_address(email: &str) -> Cow<'_, str> {
    match email.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => match ascii_domain(domain) {
            Some(ascii) => Cow::Owned(format!("{local}@{ascii}")),
            None => Cow::Borrowed(email),
        },
        _ => Cow::Borrowed(email),
    }
}

fn ascii_domain(domain: &str) -> Option<String> {
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) if !ascii.is_empty() => Some(ascii),
        _ => None,
    }
}

fn check(message: &Composed) -> Result<(), &'static str> {
    let recipients = message.to.len() + message.cc.len() + message.bcc.len();
    if recipients > MAX_RECIPIENTS {
        return Err("too many recipients");
    }
    if message.enclosures.len() > MAX_ENCLOSURES {
        return Err("too many attachments");
    }
    if message.text.len() + message.html.as_ref().map_or(0, String::len) > MAX_TEXT {
        return Err("the text is too long");
    }
    if !is_message_id(&message.id) {
        return Err("a malformed Message-ID");
    }
    let referred = message.in_reply_to.iter().chain(&message.references);
    if !referred.clone().all(|id| is_message_id(id)) || referred.count() > 2 * MAX_FIELD {
        return Err("a malformed reference");
    }
    let all = [&message.to, &message.cc, &message.bcc, &message.reply_to];
    if std::iter::once(&message.from)
        .chain(all.into_iter().flatten())
        .any(|address| address.name.len() > MAX_FIELD || address.email.len() > MAX_FIELD)
    {
        return Err("an address that is too long");
    }
    if message.subject.len() > 10 * MAX_FIELD {
        return Err("a subject that is too long");
    }
    for enclosure in &message.enclosures {
        let fine = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        let well_formed = enclosure
            .media_type
            .split_once('/')
            .is_some_and(|(kind, subtype)| fine(kind) && fine(subtype));
        if !well_formed || enclosure.media_type.len() > 200 || enclosure.name.len() > MAX_FIELD {
            return Err("an attachment with a malformed type or name");
        }
        if !enclosure.content_id.iter().all(|id| is_message_id(id)) {
            return Err("an image with a malformed name");
        }
    }
    Ok(())
}

/// What may stand between the angle brackets of a Message-ID, and in a search for it.
pub fn is_message_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_FIELD
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>\"\\".contains(&b))
}

fn header_of(address: &Address, sending: bool) -> Result<Header<'static>, &'static str> {
    if sending && !is_address(&address.email) {
        return Err("an address that is not one");
    }
    let name = one_line(&address.name);
    let email = one_line(&address.email);
    if !is_address(&email) {
        // An unfinished one is kept as what was typed, in the place of a name.
        let typed = if email.is_empty() { name } else { email };
        return Ok(Header::new_address(Some(typed), ""));
    }
    let email = wire_address(&email).into_owned();
    Ok(Header::new_address(
        (!name.is_empty()).then_some(name),
        email,
    ))
}

/// Without line breaks and other control characters.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The first and the latest ones (RFC 5322, section 3.6.4, lets a long list be shortened).
fn shortened(references: &[String]) -> Vec<String> {
    if references.len() <= MAX_REFERENCES {
        return references.to_vec();
    }
    let latest = &references[references.len() - (MAX_REFERENCES - 1)..];
    references.iter().take(1).chain(latest).cloned().collect()
}

/// Text, alternatives, images and attachments, as far as there are any.
fn body_of(
    message: &Composed,
    rich: Option<Clean>,
    layout: &Layout,
    hole: impl Fn(usize) -> String,
) -> MimePart<'static> {
    let around = |first: MimePart<'static>, subtype: &'static str, indexes: &[usize]| {
        if indexes.is_empty() {
            return first;
        }
        let parts = indexes
            .iter()
            .map(|&index| enclosed(&message.enclosures[index], subtype, hole(index)));
        MimePart::new(
            subtype,
            std::iter::once(first).chain(parts).collect::<Vec<_>>(),
        )
    };
    let mut text = MimePart::new("text/plain", with_crlf(&message.text));
    if let Some(Clean { html, .. }) = rich {
        let document = format!(
            "<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"></head><body>{}</body></html>\r\n",
            with_crlf(&html)
        );
        let rich = MimePart::new("text/html", document);
        let rich = around(rich, "multipart/related", &layout.inline);
        text = MimePart::new("multipart/alternative", vec![text, rich]);
    }
    around(text, "multipart/mixed", &layout.attached)
}

/// Line ends as mail has them; NUL is left out.
fn with_crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for line in text.replace("\r\n", "\n").split_inclusive(['\n', '\r']) {
        out.extend(line.chars().filter(|c| !matches!(c, '\n' | '\r' | '\0')));
        if line.ends_with(['\n', '\r']) {
            out.push_str("\r\n");
        }
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out
}

/// An attachment, with a hole for its bytes.
fn enclosed(enclosure: &Enclosure, within: &str, hole: String) -> MimePart<'static> {
    let name = one_line(&enclosure.name);
    let content_type =
        ContentType::new(enclosure.media_type.clone()).attribute("name", name.clone());
    let encoding = if is_message(enclosure) {
        "8bit"
    } else {
        "base64"
    };
    let part = MimePart::new(
        content_type,
        BodyPart::Binary(Cow::Owned(hole.into_bytes())),
    )
    .transfer_encoding(encoding);
    match &enclosure.content_id {
        Some(content_id) if within == "multipart/related" => part
            .header(
                "Content-Disposition",
                ContentType::new("inline").attribute("filename", name),
            )
            .cid(content_id.clone()),
        _ => part.attachment(name),
    }
}

/// RFC 2046, section 5.2.1: a message is never encoded.
fn is_message(enclosure: &Enclosure) -> bool {
    matches!(enclosure.source, Source::Message { .. }) || enclosure.media_type == "message/rfc822"
}

fn cut(
    bytes: &[u8],
    enclosures: &[Enclosure],
    layout: &Layout,
    hole: impl Fn(usize) -> String,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for &index in layout.inline.iter().chain(&layout.attached) {
        let enclosure = &enclosures[index];
        let hole = hole(index).into_bytes();
        if let Some(at) = rest.windows(hole.len()).position(|window| window == hole) {
            pieces.push(Piece::Bytes(rest[..at].to_vec()));
            pieces.push(Piece::Enclosure {
                index,
                base64: !is_message(enclosure),
            });
            rest = &rest[at + hole.len()..];
        }
    }
    pieces.push(Piece::Bytes(rest.to_vec()));
    pieces
}

/// Something that no text contains, and that nothing else is named by.
pub fn random_name() -> Result<String, &'static str> {
    let mut random = [0; 16];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| "no random numbers")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn origin_text(origin: &Origin) -> String {
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

    fn message() -> Composed {
        Composed {
            id: "one@roost.test".to_owned(),
            from: Address {
                name: "Alice Müller, Dr.".to_owned(),
                email: "alice@roost.test".to_owned(),
            },
            to: vec![Address {
                name: String::new(),
                email: "bob@bücher.example".to_owned(),
            }],
            bcc: vec![Address {
                name: String::new(),
                email: "secret@roost.test".to_owned(),
            }],
            subject: "Grüße".to_owned(),
            text: ".\nFrom here\n".to_owned(),
            ..Composed::default()
        }
    }

    fn text(skeleton: &Skeleton) -> String {
        skeleton
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Piece::Enclosure { index, .. } => format!("<<{index}>>"),
            })
            .collect()
    }

    #[test]
    fn bcc_is_not_transmitted_and_domains_are_ascii() {
        let built = skeleton(&message(), &Purpose::Send, 0).expect("fine");
        let sent = text(&built);
        assert!(!sent.contains("secret"), "{sent}");
        assert!(sent.contains("bob@xn--bcher-kva.example"), "{sent}");
        assert_eq!(built.bcc, b"Bcc: <secret@roost.test>\r\n");
        let draft = skeleton(
            &message(),
            &Purpose::Draft {
                saved_by: "1.2".to_owned(),
            },
            0,
        )
        .expect("fine");
        assert!(text(&draft).contains("secret"));
    }

    #[test]
    fn what_waits_is_sent_without_the_fields_in_front() {
        let mut waiting = message();
        waiting.origin = Some(Origin {
            mailbox: "INBOX".to_owned(),
            uidvalidity: 7,
            uid: 12,
            forwarded: false,
        });
        let purpose = Purpose::Later {
            saved_by: "1.2".to_owned(),
            at: 1_800_000_000,
        };
        let built = skeleton(&waiting, &purpose, 1_800_000_000).expect("fine");
        let kept = [built.bcc.clone(), text(&built).into_bytes()].concat();
        let kept = String::from_utf8(kept).expect("ascii");
        assert!(kept.starts_with("X-Roost-Send-At: 1800000000 ("), "{kept}");
        let end = kept.find("\r\n\r\n").expect("a header") + 2;
        let (bcc, sent) = without_own_fields(&kept.as_bytes()[..end], 1_800_000_060);
        let sent = String::from_utf8(sent).expect("ascii");
        assert_eq!(bcc, b"Bcc: <secret@roost.test>\r\n");
        let as_sent = text(&skeleton(&waiting, &Purpose::Send, 1_800_000_060).expect("fine"));
        let mut fields: Vec<&str> = sent.lines().collect();
        let mut expected: Vec<&str> = as_sent
            .split("\r\n\r\n")
            .next()
            .expect("a header")
            .lines()
            .collect();
        fields.sort_unstable();
        expected.sort_unstable();
        assert_eq!(fields, expected);
    }

    fn typed(email: &str) -> Address {
        Address {
            name: String::new(),
            email: email.to_owned(),
        }
    }

    #[test]
    fn nothing_typed_becomes_a_header() {
        for evil in [
            "x\r\nBcc: eve@evil.example",
            "x\nEvil: 1",
            "x\0y",
            "x\u{85}Evil: 1",
            "x\rEvil: 1",
            "x\u{2028}Evil: 1",
            "=?utf-8?Q?x=0D=0AEvil:_1?=",
            "=?utf-8?B?eA0KRXZpbDogMQ==?=",
            "\"\r\nEvil: 1\r\nx: \"",
            "x\r\n\r\nEvil: 1",
        ] {
            let mut hostile = message();
            hostile.subject = evil.to_owned();
            hostile.from.name = evil.to_owned();
            hostile.to[0].name = evil.to_owned();
            for list in [&mut hostile.cc, &mut hostile.bcc, &mut hostile.reply_to] {
                *list = vec![Address {
                    name: evil.to_owned(),
                    email: "a@b.example".to_owned(),
                }];
            }
            hostile.receipt = true;
            hostile.important = true;
            hostile.origin = Some(Origin {
                mailbox: evil.to_owned(),
                uidvalidity: 1,
                uid: 1,
                forwarded: false,
            });
            hostile.enclosures = vec![Enclosure {
                name: evil.to_owned(),
                media_type: "text/plain".to_owned(),
                size: 1,
                source: Source::Upload("u".to_owned()),
                content_id: None,
            }];
            let saved_by = "1.2".to_owned();
            for purpose in [
                Purpose::Send,
                Purpose::Draft {
                    saved_by: saved_by.clone(),
                },
                Purpose::Later { saved_by, at: 1 },
            ] {
                let built = skeleton(&hostile, &purpose, 0).expect("encoded");
                let fields = String::from_utf8(built.bcc.clone()).expect("ascii") + &text(&built);
                // The attachment's own header too.
                for line in fields.lines() {
                    assert!(!line.starts_with("Evil"), "{fields}");
                }
                let header = fields.split("\r\n\r\n").next().expect("a header");
                assert!(
                    header.contains("\r\nMIME-Version:"),
                    "not cut short: {header}"
                );
                assert!(
                    !header.contains('\0') && !header.contains('\u{85}'),
                    "{header}"
                );
                let fields = header.matches("Bcc:").count();
                assert!(fields <= 1 || evil.contains("Bcc"), "{header}");
            }
            for spoil in [
                |m: &mut Composed, e: &str| m.to[0].email = format!("{e}@roost.test"),
                |m: &mut Composed, e: &str| m.from.email = format!("a@{e}"),
                |m: &mut Composed, e: &str| m.cc = vec![typed(&format!("{e}@roost.test"))],
                |m: &mut Composed, e: &str| m.bcc = vec![typed(&format!("a@{e}"))],
                |m: &mut Composed, e: &str| m.reply_to = vec![typed(&format!("a@{e}"))],
                |m: &mut Composed, e: &str| m.id = e.to_owned(),
                |m: &mut Composed, e: &str| m.references = vec![e.to_owned()],
                |m: &mut Composed, e: &str| m.in_reply_to = vec![e.to_owned()],
            ] {
                let mut hostile = message();
                spoil(&mut hostile, evil);
                // What is refused is refused; an identifier in the form of an encoded word is one, and stays as it is.
                if let Ok(built) = skeleton(&hostile, &Purpose::Send, 0) {
                    assert!(is_message_id(evil), "{evil:?}");
                    let built = text(&built);
                    assert!(built.contains(evil), "{built}");
                    assert!(!built.contains("\nEvil"), "{built}");
                }
            }
            let mut hostile = message();
            hostile.enclosures = vec![Enclosure {
                name: "a".to_owned(),
                media_type: format!("text/{evil}"),
                size: 1,
                source: Source::Upload("u".to_owned()),
                content_id: None,
            }];
            assert!(skeleton(&hostile, &Purpose::Send, 0).is_err());
        }
    }

    #[test]
    fn attachments_are_holes_in_order() {
        let mut with = message();
        for name in ["résumé.pdf", "b.bin"] {
            with.enclosures.push(Enclosure {
                name: name.to_owned(),
                media_type: "application/pdf".to_owned(),
                size: 1,
                source: Source::Upload("u".to_owned()),
                content_id: None,
            });
        }
        let built = skeleton(&with, &Purpose::Send, 0).expect("fine");
        assert_eq!(built.parts, ["2", "3"]);
        assert_eq!(built.pieces.len(), 5);
        let text = text(&built);
        assert!(text.find("<<0>>") < text.find("<<1>>"), "{text}");
    }

    #[test]
    fn an_image_of_the_text_stands_beside_it_and_is_sent_only_where_it_is_shown() {
        let mut rich = message();
        rich.html = Some("<p>See <img src=\"cid:shown@x\" alt=\"\"></p>".to_owned());
        for (name, content_id) in [
            ("a.pdf", None),
            ("gone.png", Some("gone@x")),
            ("shown.png", Some("shown@x")),
        ] {
            rich.enclosures.push(Enclosure {
                name: name.to_owned(),
                media_type: "image/png".to_owned(),
                size: 1,
                source: Source::Upload("u".to_owned()),
                content_id: content_id.map(str::to_owned),
            });
        }
        let saved_by = "1.2".to_owned();
        let draft = skeleton(&rich, &Purpose::Draft { saved_by }, 0).expect("fine");
        assert_eq!(draft.parts, ["2", "1.2.2", "1.2.3"]);
        assert_eq!(draft.pieces.len(), 7, "a draft keeps what may be put back");
        let sent = text(&skeleton(&rich, &Purpose::Send, 0).expect("fine"));
        assert!(sent.replace("=\r\n", "").contains("cid:shown@x"), "{sent}");
        assert!(sent.contains("Content-ID: <shown@x>"), "{sent}");
        assert!(sent.find("<<2>>") < sent.find("<<0>>"), "{sent}");
        assert!(!sent.contains("<<1>>"), "{sent}");
        rich.enclosures[2].content_id = Some("x>\r\nEvil: 1".to_owned());
        assert!(skeleton(&rich, &Purpose::Send, 0).is_err());
    }

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

    #[test]
    fn addresses() {
        for good in ["a@b.example", "a.b+c@localhost", "grün@bücher.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b..c",
            "a@.b",
            "a@b@c",
            "<a@b>",
            "a@b\r\n",
            "a,b@c",
            "a@[1.2.3.4]",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
