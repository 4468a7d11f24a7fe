//! Whether what was sent, or is being sent, is the message that is to be sent.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use mail_parser::{Address, MessageParser};
use roost_wire::Composed;

use super::address::wire_address;

/// How many attachments a message has, not counting the images that its text shows.
pub fn attachments(message: &Composed) -> usize {
    let attached = message.enclosures.iter();
    attached.filter(|one| one.content_id.is_none()).count()
}

/// What a message says, and to whom, as a number that is another for another message.
pub fn fingerprint(message: &Composed) -> u64 {
    let mut hasher = DefaultHasher::new();
    words(&message.subject).hash(&mut hasher);
    words(&message.text).hash(&mut hasher);
    for address in message.to.iter().chain(&message.cc).chain(&message.bcc) {
        wire_address(&address.email)
            .to_lowercase()
            .hash(&mut hasher);
    }
    attachments(message).hash(&mut hasher);
    hasher.finish()
}

/// Whether a copy, of which `raw` is the beginning, has subject, words and visible recipients of a message. White space
/// does not count: it changes on the way. Nor does formatting, nor Bcc, which servers that file copies leave out.
pub fn has_all(raw: &[u8], message: &Composed) -> bool {
    let Some(copy) = MessageParser::default().parse(raw) else {
        return false;
    };
    let named = [copy.to(), copy.cc(), copy.bcc()];
    let known: Vec<String> = named
        .into_iter()
        .flatten()
        .flat_map(Address::iter)
        .filter_map(|address| address.address())
        .map(|address| wire_address(address).to_lowercase())
        .collect();
    let mut visible = message.to.iter().chain(&message.cc);
    let text = copy.body_text(0).unwrap_or_default();
    words(copy.subject().unwrap_or_default()) == words(&message.subject)
        // A server that files copies may add a line.
        && words(&text).starts_with(&words(&message.text))
        && visible.all(|address| known.contains(&wire_address(&address.email).to_lowercase()))
}

fn words(text: &str) -> String {
    let solid = |c: &char| !c.is_whitespace() && *c != '\0';
    text.chars().filter(solid).collect()
}
