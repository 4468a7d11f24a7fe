//! Messages put together, read as text.

use roost_wire::{Address, Composed, Enclosure, Origin, Source};

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
fn a_copy_is_known_from_what_was_written_on_since() {
    let long = "word ".repeat(500);
    let texts = [
        ".\nFrom here\n",
        "> quoted  \n\n-- \nAlice\n",
        "日本語のテキスト\u{a0}and “quotes”\n",
        "",
        &long,
    ];
    for text_of in texts {
        for html in [None, Some(format!("<p><b>{text_of}</b></p>"))] {
            let composed = Composed {
                text: text_of.to_owned(),
                html,
                subject: format!("Grüße {long}"),
                ..message()
            };
            let copy = text(&skeleton(&composed, &Purpose::Send, 0).expect("fine"));
            assert!(has_all(copy.as_bytes(), &composed), "{copy}");
            let longer = Composed {
                text: format!("{text_of} more"),
                ..composed.clone()
            };
            assert!(!has_all(copy.as_bytes(), &longer));
            let mut further = composed.clone();
            further.cc.push(Address {
                name: String::new(),
                email: "carol@roost.test".to_owned(),
            });
            assert!(!has_all(copy.as_bytes(), &further));
            let renamed = Composed {
                subject: "Other".to_owned(),
                ..composed
            };
            assert!(!has_all(copy.as_bytes(), &renamed));
        }
    }
}
