//! Whom an answer goes to.

use roost_wire::{Address, Body, Party};

use super::header;
use crate::drafts::address::{address_problem, addresses};
use crate::intent::Identity;

/// The identity that the message was written to; the first one otherwise.
pub(super) fn identity_for(body: &Body, identities: &[Identity]) -> Identity {
    let named = |identity: &&Identity| {
        body.recipients
            .iter()
            .map(|(_, address)| address)
            .chain(&body.from)
            .any(|address| address.email.eq_ignore_ascii_case(&identity.email))
    };
    identities
        .iter()
        .find(named)
        .or_else(|| identities.first())
        .cloned()
        .unwrap_or_default()
}

/// To and Cc of an answer: never oneself, unless there is nobody else.
pub(super) fn recipients(
    body: &Body,
    all: bool,
    own: impl Fn(&str) -> bool,
) -> (Vec<Address>, Vec<Address>) {
    let of = |party: Party| {
        body.recipients
            .iter()
            .filter(move |(stands, _)| *stands == party)
            .map(|(_, address)| address.clone())
    };
    let from_me = body.from.iter().all(|from| own(&from.email)) && !body.from.is_empty();
    // An answer to what one wrote oneself goes to those it was written to.
    if from_me {
        let to = unique(of(Party::To), &[], |_| false);
        let cc = if all {
            unique(of(Party::Cc), &to, &own)
        } else {
            Vec::new()
        };
        if !to.is_empty() {
            return (to, cc);
        }
    }
    let sender = if body.reply_to.is_empty() {
        &body.from
    } else {
        &body.reply_to
    };
    if !all {
        return (unique(sender.iter().cloned(), &[], |_| false), Vec::new());
    }
    // What the author of a message to a list asked for.
    if let Some(followup) = header(body, "Mail-Followup-To") {
        let to = unique(addresses(followup).into_iter(), &[], &own);
        if !to.is_empty() {
            return (to, Vec::new());
        }
    }
    let to = unique(sender.iter().cloned().chain(of(Party::To)), &[], &own);
    // A list that stands in neither field, for it was in Bcc, is one of all (List-Post, RFC 2369).
    let list = header(body, "List-Post").and_then(posts_to);
    let cc = unique(of(Party::Cc).chain(list), &to, &own);
    if to.is_empty() {
        return (unique(sender.iter().cloned(), &[], |_| false), cc);
    }
    (to, cc)
}

/// Where a list takes mail: the first `mailto:` of its header; none where it says `NO`.
fn posts_to(value: &str) -> Option<Address> {
    let urls = value.split('<').skip(1);
    let url = urls
        .filter_map(|rest| rest.split_once('>'))
        .find_map(|(url, _)| {
            let (scheme, rest) = url.trim().split_once(':')?;
            scheme.eq_ignore_ascii_case("mailto").then_some(rest)
        })?;
    let email = url.split('?').next()?.trim();
    let address = Address {
        name: String::new(),
        email: email.to_owned(),
    };
    address_problem(&address).is_none().then_some(address)
}

fn unique(
    list: impl Iterator<Item = Address>,
    besides: &[Address],
    leave_out: impl Fn(&str) -> bool,
) -> Vec<Address> {
    let mut out: Vec<Address> = Vec::new();
    for address in list {
        let same = |other: &Address| other.email.eq_ignore_ascii_case(&address.email);
        if !address.email.is_empty()
            && !leave_out(&address.email)
            && !out.iter().any(same)
            && !besides.iter().any(same)
        {
            out.push(address);
        }
    }
    out
}
