//! A message a person wrote, as a MIME message (RFC 5322, RFC 2045). `mail-builder` writes everything but the bytes of
//! the attachments: each leaves a hole that is filled as a stream, so that a message of any size takes little memory.

mod address;
mod body;
mod check;
mod copy;
mod fields;
#[cfg(test)]
mod tests;

pub use address::{is_address, is_message_id, one_line, wire_address};
pub use body::part_numbers;
pub use copy::{attachments, fingerprint, has_all};
pub use fields::{
    DELIVERY, ORIGIN, SAVED_BY, SEND_AT, parse_origin, parse_send_at, without_own_fields,
};

use std::collections::HashMap;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Header;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use ring::rand::{SecureRandom as _, SystemRandom};
use roost_wire::{Address, Composed, Enclosure};

use self::address::header_of;
use self::body::{Layout, body_of, cut};
use self::check::check;
use self::fields::origin_text;
use super::html::{self, Images};

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

/// The images of a rich text as it names them, for the sanitizer: `cid:` stays `cid:`.
pub fn own_images(enclosures: &[Enclosure]) -> HashMap<String, String> {
    enclosures
        .iter()
        .filter_map(|enclosure| enclosure.content_id.clone())
        .map(|id| (id.clone(), format!("cid:{id}")))
        .collect()
}

/// The first and the latest ones (RFC 5322, section 3.6.4, lets a long list be shortened).
fn shortened(references: &[String]) -> Vec<String> {
    if references.len() <= MAX_REFERENCES {
        return references.to_vec();
    }
    let latest = &references[references.len() - (MAX_REFERENCES - 1)..];
    references.iter().take(1).chain(latest).cloned().collect()
}

/// Something that no text contains, and that nothing else is named by.
pub fn random_name() -> Result<String, &'static str> {
    let mut random = [0; 16];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| "no random numbers")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
