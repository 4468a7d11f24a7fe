//! What a message must be before anything is made of it.

use roost_wire::{Composed, MAX_ENCLOSURES, MAX_RECIPIENTS, MAX_TEXT};

use super::{MAX_FIELD, is_message_id};

pub(super) fn check(message: &Composed) -> Result<(), &'static str> {
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
