//! From a message that is read to one that answers or forwards it.

use roost_wire::{Address, Body, Composed, Enclosure, Origin, Party, Source};

use super::address::{address_problem, addresses};
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
            above = format!(
                "---------- Forwarded message ----------\n{}\n",
                summary(body)
            );
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

/// What is quoted, in the form that the message is written in.
#[derive(Default)]
pub struct Quoted {
    text: String,
    html: String,
}

impl Quoted {
    fn rich(html: String) -> Self {
        Self {
            html,
            ..Self::default()
        }
    }
}

/// Puts what the person wrote already, the signature and what is quoted in their order: the signature stands above what
/// is quoted, where it belongs to what the person writes (RFC 3676, section 4.3), or at the end.
pub fn sign(message: &mut Composed, identity: &Identity, quoted: &Quoted, style: Style) {
    let mut signature = String::new();
    let own_text = identity.text();
    if !own_text.trim().is_empty() {
        signature = format!("\n\n-- \n{}\n", own_text.trim_end());
    }
    if style.rich {
        let own = rich::html_of(&message.text);
        let signature = match (signature.trim_start_matches('\n'), &identity.formatted) {
            ("", _) => String::new(),
            (_, Some(html)) => format!("{}{html}", rich::html_of("\n-- ")),
            (signature, None) => rich::html_of(&format!("\n{signature}")),
        };
        let gap = if quoted.html.is_empty() {
            String::new()
        } else {
            rich::html_of("")
        };
        message.html = Some(if style.signature_last {
            format!("{own}{gap}{}{signature}", quoted.html)
        } else {
            format!("{own}{signature}{gap}{}", quoted.html)
        });
        rich::complete(message);
        return;
    }
    let mut quotation = String::new();
    if !quoted.text.is_empty() {
        quotation = format!("\n\n{}", quoted.text);
    }
    message.text.push_str(&if style.signature_last {
        quotation + &signature
    } else {
        signature + &quotation
    });
}

/// The identity that the message was written to; the first one otherwise.
fn identity_for(body: &Body, identities: &[Identity]) -> Identity {
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
fn recipients(body: &Body, all: bool, own: impl Fn(&str) -> bool) -> (Vec<Address>, Vec<Address>) {
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

fn prefixed(prefix: &str, subject: &str) -> String {
    let stem = subject.trim();
    let has = |known: &str| {
        stem.get(..known.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(known))
    };
    if has(prefix) || (prefix == "Fwd:" && has("Fw:")) {
        stem.to_owned()
    } else {
        format!("{prefix} {stem}").trim_end().to_owned()
    }
}

fn on(date: Option<&str>) -> String {
    match date {
        Some(date) => format!("On {}, ", date.trim()),
        None => String::new(),
    }
}

fn summary(body: &Body) -> String {
    let list = |party: Party| {
        let all: Vec<String> = body
            .recipients
            .iter()
            .filter(|(stands, _)| *stands == party)
            .take(50)
            .map(|(_, address)| address.to_string())
            .collect();
        all.join(", ")
    };
    let from: Vec<String> = body.from.iter().map(Address::to_string).collect();
    let mut out = format!("From: {}\n", from.join(", "));
    if let Some(date) = header(body, "Date") {
        out.push_str(&format!("Date: {}\n", date.trim()));
    }
    out.push_str(&format!("Subject: {}\n", body.subject));
    for (name, party) in [("To", Party::To), ("Cc", Party::Cc)] {
        let all = list(party);
        if !all.is_empty() {
            out.push_str(&format!("{name}: {all}\n"));
        }
    }
    out
}

fn file_stem(subject: &str) -> String {
    let stem: String = subject
        .chars()
        .filter(|c| !c.is_control() && !"/\\:*?\"<>|".contains(*c))
        .take(80)
        .collect();
    match stem.trim() {
        "" => "message".to_owned(),
        stem => stem.to_owned(),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use roost_wire::{BodyKind, Header};

    fn person(email: &str) -> Address {
        Address {
            name: String::new(),
            email: email.to_owned(),
        }
    }

    fn me() -> Vec<Identity> {
        vec![Identity {
            name: "Me".to_owned(),
            email: "me@roost.test".to_owned(),
            ..Identity::default()
        }]
    }

    pub fn body() -> Body {
        Body {
            from: vec![person("ann@example.org")],
            reply_to: Vec::new(),
            recipients: vec![
                (Party::To, person("me@roost.test")),
                (Party::To, person("bob@example.org")),
                (Party::Cc, person("ME@roost.test")),
                (Party::Cc, person("cat@example.org")),
                (Party::Cc, person("Bob@example.org")),
            ],
            subject: "Plans".to_owned(),
            sent: None,
            headers: vec![
                Header {
                    name: "Message-ID".to_owned(),
                    value: "<two@example.org>".to_owned(),
                },
                Header {
                    name: "References".to_owned(),
                    value: "<zero@example.org> <one@example.org>".to_owned(),
                },
            ],
            html: "<p>Hello</p>".to_owned(),
            css: String::new(),
            kind: BodyKind::Html,
            blocked: 0,
            attachments: Vec::new(),
            defects: Vec::new(),
            images: Vec::new(),
        }
    }

    fn place() -> ContentAddress {
        ContentAddress {
            account: "a".to_owned(),
            mailbox: "INBOX".to_owned(),
            uidvalidity: 1,
            uid: 7,
        }
    }

    fn emails(list: &[Address]) -> Vec<&str> {
        list.iter().map(|address| address.email.as_str()).collect()
    }

    #[test]
    fn an_answer_to_all_is_never_to_oneself_nor_twice_to_anybody() {
        let reply = answer(
            Answer::ReplyAll,
            &place(),
            &body(),
            None,
            &me(),
            "me@roost.test",
            Style::default(),
        );
        assert_eq!(emails(&reply.to), ["ann@example.org", "bob@example.org"]);
        assert_eq!(emails(&reply.cc), ["cat@example.org"]);
        assert_eq!(reply.subject, "Re: Plans");
        assert_eq!(reply.in_reply_to, ["two@example.org"]);
        assert_eq!(
            reply.references,
            ["zero@example.org", "one@example.org", "two@example.org"]
        );
        assert!(
            reply.text.ends_with("ann@example.org wrote:\n> Hello\n"),
            "{}",
            reply.text
        );
    }

    #[test]
    fn reply_to_and_mail_followup_to_are_honoured() {
        let mut message = body();
        message.reply_to = vec![person("desk@example.org")];
        let reply = answer(
            Answer::Reply,
            &place(),
            &message,
            None,
            &me(),
            "me@roost.test",
            Style::default(),
        );
        assert_eq!(emails(&reply.to), ["desk@example.org"]);
        assert!(reply.cc.is_empty());
        message.headers.push(Header {
            name: "Mail-Followup-To".to_owned(),
            value: "The List <list@example.org>, me@roost.test".to_owned(),
        });
        let reply = answer(
            Answer::ReplyAll,
            &place(),
            &message,
            None,
            &me(),
            "me@roost.test",
            Style::default(),
        );
        assert_eq!(emails(&reply.to), ["list@example.org"]);
        assert!(reply.cc.is_empty());
    }

    #[test]
    fn a_list_is_one_of_all_though_it_stands_in_no_field() {
        let mut message = body();
        let reply = |message: &Body, how| {
            let own = "me@roost.test";
            answer(how, &place(), message, None, &me(), own, Style::default())
        };
        let mut listed = |value: &str| {
            message.headers.retain(|header| header.name != "List-Post");
            message.headers.push(Header {
                name: "List-Post".to_owned(),
                value: value.to_owned(),
            });
            message.clone()
        };
        let all = reply(
            &listed("<https://lists.example>, <mailto:list@example.org?subject=x> (all)"),
            Answer::ReplyAll,
        );
        assert_eq!(emails(&all.cc), ["cat@example.org", "list@example.org"]);
        let there = reply(&listed("<MAILTO:Bob@example.org>"), Answer::ReplyAll);
        assert_eq!(emails(&there.cc), ["cat@example.org"]);
        let none = reply(&listed("NO (posting not allowed)"), Answer::ReplyAll);
        assert_eq!(emails(&none.cc), ["cat@example.org"]);
        let author = reply(&listed("<mailto:list@example.org>"), Answer::Reply);
        assert_eq!(emails(&author.to), ["ann@example.org"]);
        assert!(author.cc.is_empty());
    }

    #[test]
    fn answering_oneself_goes_on_writing_to_the_others() {
        let mut message = body();
        message.from = vec![person("me@roost.test")];
        message.recipients = vec![(Party::To, person("ann@example.org"))];
        let reply = answer(
            Answer::Reply,
            &place(),
            &message,
            None,
            &me(),
            "me@roost.test",
            Style::default(),
        );
        assert_eq!(emails(&reply.to), ["ann@example.org"]);
    }

    #[test]
    fn what_was_selected_is_quoted_alone_and_prefixes_do_not_pile_up() {
        let mut message = body();
        message.subject = "RE: Plans".to_owned();
        let quote = Some("just this".to_owned());
        let reply = answer(
            Answer::Reply,
            &place(),
            &message,
            quote,
            &me(),
            "me@roost.test",
            Style::default(),
        );
        assert_eq!(reply.subject, "RE: Plans");
        assert!(reply.text.ends_with("> just this\n"));
        let forward = answer(
            Answer::Forward,
            &place(),
            &message,
            None,
            &me(),
            "me@roost.test",
            Style::default(),
        );
        assert_eq!(forward.subject, "Fwd: RE: Plans");
        assert!(forward.text.contains("From: ann@example.org\n"));
    }

    #[test]
    fn the_signature_stands_between_what_is_written_and_what_is_quoted() {
        let mut identities = me();
        identities[0].signature = "Me & Co.".to_owned();
        let reply = answer(
            Answer::Reply,
            &place(),
            &body(),
            None,
            &identities,
            "me@roost.test",
            Style::default(),
        );
        assert!(
            reply.text.starts_with("\n\n-- \nMe & Co.\n\n\nann@"),
            "{:?}",
            reply.text
        );
        let last = Style {
            signature_last: true,
            rich: false,
        };
        let reply = answer(
            Answer::Reply,
            &place(),
            &body(),
            None,
            &identities,
            "me@roost.test",
            last,
        );
        assert!(
            reply.text.ends_with("> Hello\n\n\n-- \nMe & Co.\n"),
            "{:?}",
            reply.text
        );
    }

    #[test]
    fn rich_answers_quote_the_sanitized_html_and_have_a_text_beside_it() {
        let mut identities = me();
        identities[0].signature = "Me & Co.".to_owned();
        let mut message = body();
        message.html = "<p>Hello <b>you</b></p>".to_owned();
        let style = Style {
            rich: true,
            signature_last: false,
        };
        let write = |how, quote: Option<&str>| {
            let quote = quote.map(str::to_owned);
            let own = "me@roost.test";
            answer(how, &place(), &message, quote, &identities, own, style)
        };
        let reply = write(Answer::Reply, None);
        assert_eq!(
            reply.html.as_deref(),
            Some(
                "<div dir=\"auto\"><br></div><div dir=\"auto\"><br></div><div dir=\"auto\">--&nbsp;</div>\
                 <div dir=\"auto\">Me &amp; Co.</div><div dir=\"auto\"><br></div>\
                 <div dir=\"auto\">ann@example.org wrote:</div><blockquote><p>Hello <b>you</b></p></blockquote>"
            )
        );
        assert!(
            reply
                .text
                .ends_with("ann@example.org wrote:\n> Hello you\n"),
            "{:?}",
            reply.text
        );
        identities[0].formatted = Some("<div>Me <i>and</i> Co.</div>".to_owned());
        let signed = |style| {
            let own = "me@roost.test";
            answer(
                Answer::Reply,
                &place(),
                &message,
                None,
                &identities,
                own,
                style,
            )
        };
        let html = signed(style).html.unwrap_or_default();
        assert!(
            html.contains("<div dir=\"auto\">--&nbsp;</div><div>Me <i>and</i> Co.</div><div dir=\"auto\"><br></div>"),
            "{html}"
        );
        // Without formatting it is the text of it.
        let text = signed(Style::default()).text;
        assert!(
            text.starts_with("\n\n-- \nMe and Co.\n\n\nann@"),
            "{text:?}"
        );
        let write = |how, quote: Option<&str>| {
            let quote = quote.map(str::to_owned);
            let own = "me@roost.test";
            answer(how, &place(), &message, quote, &me(), own, style)
        };
        let part = write(Answer::Reply, Some("just <this>"));
        let html = part.html.unwrap_or_default();
        assert!(
            html.ends_with("<blockquote><div dir=\"auto\">just &lt;this&gt;</div></blockquote>"),
            "{html}"
        );
        let forward = write(Answer::Forward, None);
        let html = forward.html.unwrap_or_default();
        assert!(
            html.contains("<div dir=\"auto\">Subject: Plans</div>"),
            "{html}"
        );
        assert!(html.ends_with("<p>Hello <b>you</b></p>"), "{html}");
    }
}
