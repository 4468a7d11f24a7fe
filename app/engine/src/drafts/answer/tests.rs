//! Messages as they are answered and forwarded.

use roost_wire::{BodyKind, Header, Party};

use super::*;

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
