//! From a message that is read to one that answers or forwards it.

mod recipients;
#[cfg(test)]
pub mod tests;
mod words;

use roost_wire::{Address, Body, Composed, Enclosure, Origin, Source};

use self::recipients::{identity_for, recipients};
use self::words::{file_stem, on, prefixed, summary};
use super::signature::{FORWARDED, Quoted, sign};
use super::{quote, rich};
use crate::ContentAddress;
use crate::intent::{Answer, Identity, Style};

/// Composes the answer. `quote` is what was selected in the message, if anything; `account` is the account's own
/// address.
pub fn answer(
    how: Answer,
    address: &ContentAddress,
    body: &Body,
    quote: Option<String>,
    identities: &[Identity],
    account: &str,
    style: Style,
) -> Composed {
    let identity = identity_for(body, identities);
    let own = |email: &str| {
        email.eq_ignore_ascii_case(account)
            || identities
                .iter()
                .any(|identity| identity.email.eq_ignore_ascii_case(email))
    };
    let mut message = Composed {
        from: identity.address(),
        reply_to: identity.replies(),
        ..Composed::default()
    };
    let origin = |forwarded| Origin {
        mailbox: address.mailbox.clone(),
        uidvalidity: address.uidvalidity,
        uid: address.uid,
        forwarded,
    };
    let ids = |name: &str| message_ids(header(body, name).unwrap_or_default());
    let id = ids("Message-ID").into_iter().next();
    let mut above = String::new();
    let mut quoted = Quoted::default();
    match how {
        Answer::Reply | Answer::ReplyAll => {
            (message.to, message.cc) = recipients(body, how == Answer::ReplyAll, own);
            message.subject = prefixed("Re:", &body.subject);
            // RFC 5322, section 3.6.4.
            let mut references = ids("References");
            if references.is_empty() {
                let parent = ids("In-Reply-To");
                if parent.len() == 1 {
                    references = parent;
                }
            }
            references.extend(id.clone());
            message.references = references;
            message.in_reply_to = id.into_iter().collect();
            message.origin = Some(origin(false));
            above = format!(
                "{}{} wrote:\n",
                on(header(body, "Date")),
                body.from.first().map_or("Somebody", Address::label),
            );
            quoted = match (style.rich, quote) {
                (false, quote) => Quoted {
                    text: quote::quoted(&quote.unwrap_or_else(|| quote::text_of(&body.html))),
                    ..Quoted::default()
                },
                (true, Some(quote)) => Quoted::rich(rich::html_of(&quote)),
                (true, None) => {
                    let (html, images) = rich::quoted(body, address);
                    message.enclosures = images;
                    Quoted::rich(html)
                }
            };
            if style.rich {
                quoted.html = format!("<blockquote>{}</blockquote>", quoted.html);
            }
        }
        Answer::Forward => {
            message.subject = prefixed("Fwd:", &body.subject);
            message.references = id.into_iter().collect();
            message.origin = Some(origin(true));
            above = format!("{FORWARDED}\n{}\n", summary(body));
            if style.rich {
                let (html, images) = rich::quoted(body, address);
                message.enclosures = images;
                quoted = Quoted::rich(html);
            } else {
                quoted.text = quote::text_of(&body.html);
            }
            let attached = body.attachments.iter().map(|attachment| Enclosure {
                name: attachment.name.clone(),
                media_type: attachment.media_type.clone(),
                size: attachment.size,
                source: Source::Part {
                    mailbox: address.mailbox.clone(),
                    uidvalidity: address.uidvalidity,
                    uid: address.uid,
                    part: attachment.part.clone(),
                },
                content_id: None,
            });
            message.enclosures.extend(attached);
        }
        Answer::ForwardAttached => {
            message.subject = prefixed("Fwd:", &body.subject);
            message.references = id.into_iter().collect();
            message.origin = Some(origin(true));
            message.enclosures = vec![Enclosure {
                name: format!("{}.eml", file_stem(&body.subject)),
                media_type: "message/rfc822".to_owned(),
                size: 0,
                source: Source::Message {
                    mailbox: address.mailbox.clone(),
                    uidvalidity: address.uidvalidity,
                    uid: address.uid,
                },
                content_id: None,
            }];
        }
    }
    quoted.text.insert_str(0, &above);
    if !above.is_empty() {
        quoted.html.insert_str(0, &rich::html_of(&above));
    }
    sign(&mut message, &identity, &quoted, style);
    message
}

fn header<'a>(body: &'a Body, name: &str) -> Option<&'a str> {
    body.headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
}

/// Message-IDs without their angle brackets.
fn message_ids(value: &str) -> Vec<String> {
    value
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(id, _)| id.trim())
        .filter(|id| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
        })
        .map(str::to_owned)
        .collect()
}
