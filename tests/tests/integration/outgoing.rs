//! Drafts and sending through a real Postfix into a real Dovecot, each message checked with Python's `email`.

use roost_tests::client::Client;
use roost_tests::device::{Device, http};
use roost_tests::dovecot::{Dovecot, Options};
use roost_tests::independent::parse;
use roost_tests::postfix::{NOBODY, SIZE_LIMIT};
use roost_tests::proxy::Proxy;
use roost_tests::writing::{
    Stage, address, copies, gateway, gateway_with, message, save, wait_for,
};
use roost_wire::{
    Address, Answer, Composed, Enclosure, Mutation, Origin, Outcome, ProblemKind, Request, Saved,
    ServerMessage, Source,
};

fn send(message: &Composed) -> Mutation {
    send_as(message, 0, None)
}

/// Sends, held for so many seconds, handed over before to the ledger of that name.
fn send_as(message: &Composed, hold: u32, ledger: Option<u64>) -> Mutation {
    Mutation::Send {
        message: Box::new(message.clone()),
        hold,
        drafts: "Drafts".to_owned(),
        sent: Some("Sent".to_owned()),
        ledger,
    }
}

fn saved(outcome: Outcome) -> anyhow::Result<Saved> {
    match outcome {
        Outcome::Saved(saved) => Ok(saved),
        other => anyhow::bail!("not saved: {other:?}"),
    }
}

fn enclosure(name: &str, media_type: &str, source: Source) -> Enclosure {
    Enclosure {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        size: 0,
        source,
        content_id: None,
    }
}

/// Waits until a message has been delivered, and returns it.
async fn delivered(dovecot: &Dovecot, user: &str, id: &str) -> anyhow::Result<String> {
    let mut client = Client::sign_in(dovecot.port, user).await?;
    let came = wait_for(&mut client, "INBOX", id, 1).await?;
    client.raw("INBOX", came[0]).await
}

/// What Postfix and Dovecot put in front of a message.
fn without_trace(raw: &str) -> &str {
    let at = raw.find("\r\nMessage-ID:").map_or(0, |at| at + 2);
    let from = raw.find("\r\nFrom:").map_or(at, |at| at + 2);
    &raw[at.min(from)..]
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written_and_is_in_sent() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let pdf: Vec<u8> = (0..200_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let mut composed = message("one");
    composed.cc = vec![address("Kovács, Béla \"BK\"", "bela")];
    composed.bcc = vec![address("", "secret")];
    composed.subject = "Grüße aus 東京, and a subject that is long enough to be folded into several lines of the header".to_owned();
    composed.text = format!(
        ".\n..two dots\nFrom the start\n\nZażółć gęślą jaźń שלום 日本\n{}\ntrailing  \n",
        "long ".repeat(400)
    );
    composed.in_reply_to = vec!["parent@example.org".to_owned()];
    composed.references = vec![
        "root@example.org".to_owned(),
        "parent@example.org".to_owned(),
    ];
    composed.enclosures = vec![
        enclosure(
            "Résumé 2026 – 東京.pdf",
            "application/pdf",
            Source::Upload(device.upload(&pdf).await?),
        ),
        enclosure(
            "empty.bin",
            "application/octet-stream",
            Source::Upload(device.upload(b"").await?),
        ),
    ];
    let outcome = device.mutate(send(&composed)).await?;
    assert_eq!(outcome, Outcome::Done { moved: None });

    let raw = delivered(&stage.dovecot, "bob", &composed.id).await?;
    let parsed = parse(raw.as_bytes()).await?;
    assert_eq!(parsed["defects"], serde_json::json!([]), "{raw}");
    assert!(parsed["longest_line"].as_u64() <= Some(998));
    assert_eq!(parsed["bare_line_ends"], 0);
    let headers = &parsed["headers"];
    assert_eq!(headers["Subject"], composed.subject.as_str());
    assert_eq!(headers["From"], "Alice Müller <alice@roost.test>");
    assert_eq!(
        headers["Cc"],
        "\"Kovács, Béla \\\"BK\\\"\" <bela@roost.test>"
    );
    assert_eq!(headers["Message-ID"], "<one@roost.test>");
    assert_eq!(headers["In-Reply-To"], "<parent@example.org>");
    assert_eq!(
        headers["References"],
        "<root@example.org> <parent@example.org>"
    );
    assert!(headers["Bcc"].is_null(), "Bcc is not transmitted");
    assert!(
        !raw.contains("X-Roost"),
        "nothing of Roost's own is transmitted"
    );
    let parts = &parsed["body"]["parts"];
    let text = parts[0]["text"].as_str().expect("a text");
    assert_eq!(text.replace("\r\n", "\n"), composed.text);
    assert_eq!(parts[1]["name"], "Résumé 2026 – 東京.pdf");
    assert_eq!(parts[1]["type"], "application/pdf");
    assert_eq!(parts[1]["disposition"], "attachment");
    assert_eq!(parts[1]["size"], 200_000);
    assert_eq!(
        parts[1]["sha256"],
        "ff41b7e9cc397e9de1484b9ba8bd73b47c1bdfbc363d738bde401789cca5ef56"
    );
    assert_eq!(parts[2]["size"], 0);
    delivered(&stage.dovecot, "secret", &composed.id).await?;

    let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
    let sent = copies(&mut client, "Sent", &composed.id).await?;
    assert_eq!(sent.len(), 1);
    let copy = client.raw("Sent", sent[0]).await?;
    assert!(copy.starts_with("Bcc: <secret@roost.test>\r\n"), "{copy}");
    let bytes = &copy["Bcc: <secret@roost.test>\r\n".len()..];
    assert_eq!(
        bytes,
        without_trace(&raw),
        "the copy is what was sent, byte for byte"
    );
    assert_eq!(client.search("Sent", "SEEN").await?, sent);
    Ok(())
}

/// Where the submission server puts what it sends into Sent, Roost adds no copy, and the draft stays until that one is there.
#[tokio::test]
async fn a_server_that_files_what_it_sends_is_left_to_it() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let gateway =
        gateway_with(&stage.dovecot, &stage.postfix.url(), &["--smtp-files-sent"]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let composed = message("filed");
    saved(device.mutate(save(&composed, None)).await?)?;
    let filing = async {
        let raw = delivered(&stage.dovecot, "bob", &composed.id).await?;
        assert_eq!(copies(&mut own, "Drafts", &composed.id).await?.len(), 1);
        own.append("Sent", "\\Seen", without_trace(&raw)).await
    };
    let (outcome, filed) = tokio::join!(device.mutate(send(&composed)), filing);
    filed?;
    assert_eq!(outcome?, Outcome::Done { moved: None });
    assert_eq!(copies(&mut own, "Sent", &composed.id).await?.len(), 1);
    assert_eq!(copies(&mut own, "Drafts", &composed.id).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_answer_marks_what_it_answers_and_its_draft_goes() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
    client
        .append(
            "INBOX",
            "",
            "From: bob@roost.test\nSubject: Question\nMessage-ID: <q@roost.test>\n\n?\n",
        )
        .await?;
    let uid = client.search("INBOX", "ALL").await?[0];
    let status = client.run("STATUS INBOX (UIDVALIDITY)").await?;
    let uidvalidity: u32 = status
        .iter()
        .find_map(|line| {
            line.split_once("UIDVALIDITY ")?
                .1
                .trim_end_matches(')')
                .parse()
                .ok()
        })
        .expect("a UIDVALIDITY");
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let mut composed = message("answer");
    composed.origin = Some(Origin {
        mailbox: "INBOX".to_owned(),
        uidvalidity,
        uid,
        forwarded: false,
    });
    let kept = saved(device.mutate(save(&composed, None)).await?)?;
    assert_eq!(client.search("Drafts", "DRAFT SEEN").await?, [kept.uid]);
    // Another device that opens the draft learns what it answers.
    let reply = device
        .content("draft", "Drafts", kept.uidvalidity, kept.uid, "")
        .await?;
    let read: Composed = postcard::from_bytes(&reply.body)?;
    assert_eq!(read, composed);
    assert_eq!(
        device.mutate(send(&composed)).await?,
        Outcome::Done { moved: None }
    );
    assert_eq!(client.search("INBOX", "ANSWERED").await?, [uid]);
    assert!(client.search("Drafts", "ALL").await?.is_empty());
    composed.id = "forward@roost.test".to_owned();
    if let Some(origin) = &mut composed.origin {
        origin.forwarded = true;
    }
    assert_eq!(
        device.mutate(send(&composed)).await?,
        Outcome::Done { moved: None }
    );
    assert_eq!(client.search("INBOX", "KEYWORD $Forwarded").await?, [uid]);
    Ok(())
}

#[tokio::test]
async fn attachments_travel_inside_the_gateway() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let picture: Vec<u8> = (0..70_000_u32).map(|n| (n % 256) as u8).collect();
    let mut composed = message("draft");
    composed.enclosures = vec![enclosure(
        "p.png",
        "image/png",
        Source::Upload(device.upload(&picture).await?),
    )];
    let first = saved(device.mutate(save(&composed, None)).await?)?;
    assert_eq!(first.parts, ["2"]);
    // From now on it comes from the draft, and outlives the draft it came from.
    let part = |saved: &Saved, part: &str| Source::Part {
        mailbox: "Drafts".to_owned(),
        uidvalidity: saved.uidvalidity,
        uid: saved.uid,
        part: part.to_owned(),
    };
    composed.enclosures[0].source = part(&first, "2");
    composed.text.push_str("more\n");
    let second = saved(device.mutate(save(&composed, Some(first.uid))).await?)?;
    assert_ne!(first.uid, second.uid);
    composed.enclosures[0].source = part(&second, "2");
    composed.enclosures.push(enclosure(
        "whole.eml",
        "message/rfc822",
        Source::Message {
            mailbox: "Drafts".to_owned(),
            uidvalidity: second.uidvalidity,
            uid: second.uid,
        },
    ));
    assert_eq!(
        device.mutate(send(&composed)).await?,
        Outcome::Done { moved: None }
    );
    let raw = delivered(&stage.dovecot, "bob", &composed.id).await?;
    let parsed = parse(raw.as_bytes()).await?;
    assert_eq!(parsed["defects"], serde_json::json!([]));
    let parts = &parsed["body"]["parts"];
    assert_eq!(parts[1]["size"], 70_000);
    assert_eq!(
        parts[1]["sha256"],
        "0c6c96cc20d3f906e54f1f1296e8878c1ac39262fb587cd56235c3aa9103d837"
    );
    assert_eq!(parts[2]["type"], "message/rfc822");
    assert_eq!(parts[2]["subject"], "Message draft");
    // What is gone is said, and nothing is sent without it.
    let mut without = message("without");
    without.enclosures = vec![enclosure(
        "x",
        "image/png",
        Source::Upload("nothing".to_owned()),
    )];
    match device.mutate(send(&without)).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::NoSuchMessage),
        other => anyhow::bail!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn pictures_of_a_rich_text_stay_beside_it_in_drafts_and_on_the_way() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let picture: Vec<u8> = (0..70_000_u32).map(|n| (n % 256) as u8).collect();
    let upload = device.upload(&picture).await?;
    // It can be looked at before it is in any draft, as what the device says it is, if that is a picture.
    let path = format!("/api/a/{}/upload/{upload}?type=image/png", device.account);
    let cookie = [("Cookie", device.cookie.as_str())];
    let reply = http(&device.base, "GET", &path, &cookie, "").await?;
    assert_eq!((reply.status, &reply.body), (200, &picture));
    assert!(reply.headers.contains("content-type: image/png"));
    let path = path.replace("image/png", "text/html");
    let reply = http(&device.base, "GET", &path, &cookie, "").await?;
    assert!(
        reply
            .headers
            .contains("content-type: application/octet-stream")
    );

    let mut composed = message("picture");
    composed.html = Some(
        "<p>one <img src=\"cid:shown@roost.invalid\" onerror=\"alert(1)\"><img src=\"https://far.example/x.png\"></p>"
            .to_owned(),
    );
    for (name, content_id) in [
        ("list.pdf", None),
        ("gone.png", Some("gone@roost.invalid")),
        ("shown.png", Some("shown@roost.invalid")),
    ] {
        let source = Source::Upload(device.upload(&picture).await?);
        composed.enclosures.push(Enclosure {
            content_id: content_id.map(str::to_owned),
            ..enclosure(name, "image/png", source)
        });
    }
    let draft = saved(device.mutate(save(&composed, None)).await?)?;
    assert_eq!(draft.parts, ["2", "1.2.2", "1.2.3"]);
    // Another device finds the text with its picture, and what was taken out of it no longer. Nothing is loaded from
    // elsewhere by the frame it is shown in, so what the text names there is kept.
    let reply = device
        .content("draft", "Drafts", draft.uidvalidity, draft.uid, "")
        .await?;
    let read: Composed = postcard::from_bytes(&reply.body)?;
    assert_eq!(
        read.html.as_deref().map(str::trim),
        Some(
            "<p>one <img src=\"cid:shown@roost.invalid\"><img src=\"https://far.example/x.png\"></p>"
        )
    );
    let names: Vec<&str> = read.enclosures.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["list.pdf", "shown.png"]);
    assert_eq!(read.enclosures[0].content_id, None);
    assert_eq!(
        read.enclosures[1].content_id.as_deref(),
        Some("shown@roost.invalid")
    );
    // From the draft it is sent.
    let read = Composed {
        text: "one\n".to_owned(),
        ..read
    };
    assert_eq!(
        device.mutate(send(&read)).await?,
        Outcome::Done { moved: None }
    );
    let raw = delivered(&stage.dovecot, "bob", &composed.id).await?;
    let parsed = parse(raw.as_bytes()).await?;
    assert_eq!(parsed["defects"], serde_json::json!([]));
    let body = &parsed["body"];
    assert_eq!(body["type"], "multipart/mixed");
    assert_eq!(body["parts"][0]["type"], "multipart/alternative");
    assert_eq!(body["parts"][1]["name"], "list.pdf");
    let related = &body["parts"][0]["parts"][1];
    assert_eq!(related["type"], "multipart/related");
    assert_eq!(related["parts"].as_array().map(Vec::len), Some(2));
    assert_eq!(related["parts"][1]["id"], "shown@roost.invalid");
    assert_eq!(related["parts"][1]["disposition"], "inline");
    assert_eq!(related["parts"][1]["size"], 70_000);
    assert!(!raw.contains("onerror"));
    Ok(())
}

#[tokio::test]
async fn what_is_pasted_is_sanitized_for_those_who_are_signed_in() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let device = Device::connect(&stage.gateway.url, "alice").await?;
    let path = format!("/api/a/{}/sanitize", device.account);
    let pasted =
        "<b>x</b><script>alert(1)</script><img src=https://far.example/p.gif onerror=alert(1)>";
    let (cookie, origin) = (device.cookie.as_str(), device.base.as_str());
    let own = [
        ("Cookie", cookie),
        ("Origin", origin),
        ("Content-Type", "text/plain; charset=utf-8"),
    ];
    let reply = http(&device.base, "POST", &path, &own, pasted).await?;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "<b>x</b><img>")
    );
    assert!(reply.headers.contains("content-type: text/plain"));
    for (headers, status) in [
        (
            [("Cookie", cookie), ("Origin", "https://other.example")],
            403,
        ),
        ([("Cookie", "none"), ("Origin", origin)], 401),
    ] {
        let reply = http(&device.base, "POST", &path, &headers, pasted).await?;
        assert_eq!(reply.status, status);
    }
    let long = vec![b'x'; roost_wire::MAX_TEXT + 1];
    let reply = http(&device.base, "POST", &path, &own, &long).await?;
    assert_eq!(reply.status, 413);
    Ok(())
}

#[tokio::test]
async fn there_is_one_draft_ever() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let mut draft = message("draft");
    draft.to = vec![Address {
        name: String::new(),
        email: "unfinished".to_owned(),
    }];
    let mut base = None;
    for round in 0..5 {
        draft.text = format!("round {round}\n");
        base = Some(saved(device.mutate(save(&draft, base)).await?)?.uid);
        assert_eq!(copies(&mut client, "Drafts", &draft.id).await?.len(), 1);
    }
    // The answer to a save was lost: the device goes on from what it knew.
    draft.text = "again\n".to_owned();
    let newest = saved(device.mutate(save(&draft, base.map(|uid| uid - 1))).await?)?.uid;
    assert_eq!(copies(&mut client, "Drafts", &draft.id).await?, [newest]);
    // Another device saved meanwhile: it is asked.
    let mut other = Device::connect(&stage.gateway.url, "alice").await?;
    draft.text = "on the other device\n".to_owned();
    let theirs = saved(other.mutate(save(&draft, Some(newest))).await?)?.uid;
    draft.text = "here\n".to_owned();
    match device.mutate(save(&draft, Some(newest))).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Conflict),
        outcome => anyhow::bail!("{outcome:?}"),
    }
    assert!(
        client
            .raw("Drafts", theirs)
            .await?
            .contains("on the other device")
    );
    // What was typed is kept as it was.
    let reply = device.content("draft", "Drafts", 1, 1, "").await?;
    assert_ne!(reply.status, 200);
    let mine = saved(device.mutate(save(&draft, None)).await?)?;
    let reply = device
        .content("draft", "Drafts", mine.uidvalidity, mine.uid, "")
        .await?;
    let read: Composed = postcard::from_bytes(&reply.body)?;
    assert_eq!(read.to[0].email, "unfinished");
    assert_eq!(read.text, "here\n");
    Ok(())
}

#[tokio::test]
async fn a_repeat_never_sends_twice() -> anyhow::Result<()> {
    let mut stage = Stage::start().await?;
    let mut client = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let composed = message("twice");
    let id = device.new_mutation_id();
    for _ in 0..3 {
        let outcome = device.mutate_as(id, send(&composed)).await?;
        assert_eq!(outcome, Outcome::Done { moved: None });
    }
    delivered(&stage.dovecot, "bob", &composed.id).await?;
    // The gateway restarts and has forgotten: it looks for the message instead of sending it.
    let before = device.ledger;
    stage.gateway.restart().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    assert_ne!(device.ledger, before);
    let outcome = device
        .mutate_as(id, send_as(&composed, 0, Some(before)))
        .await?;
    assert_eq!(outcome, Outcome::Done { moved: None });
    let never = message("never");
    assert_eq!(
        device.mutate(send_as(&never, 0, Some(before))).await?,
        Outcome::Unknown
    );
    assert_eq!(copies(&mut client, "INBOX", &composed.id).await?.len(), 1);
    assert!(copies(&mut client, "INBOX", &never.id).await?.is_empty());
    Ok(())
}

/// The same draft, sent by two devices at once, one after the other, and through a gateway that knows nothing of it.
#[tokio::test]
async fn two_devices_that_send_the_same_draft_send_it_once() -> anyhow::Result<()> {
    let mut stage = Stage::start().await?;
    let mut client = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut first = Device::connect(&stage.gateway.url, "alice").await?;
    let mut second = Device::connect(&stage.gateway.url, "alice").await?;
    let done = Outcome::Done { moved: None };
    let composed = message("shared");
    let held = send_as(&composed, 1, None);
    let (a, b) = tokio::join!(first.mutate(held.clone()), second.mutate(held));
    assert_eq!((a?, b?), (done.clone(), done.clone()));
    delivered(&stage.dovecot, "bob", &composed.id).await?;
    // What the second saved meanwhile goes.
    saved(second.mutate(save(&composed, None)).await?)?;
    assert_eq!(second.mutate(send(&composed)).await?, done);
    assert!(copies(&mut own, "Drafts", &composed.id).await?.is_empty());
    // What somebody wrote on after that was not sent: it is neither told to be, nor removed.
    let further = Composed {
        text: format!("{} And more.\n", composed.text),
        ..composed.clone()
    };
    let conflict = |outcome: Outcome| matches!(outcome, Outcome::Rejected(problem) if problem.kind == ProblemKind::Conflict);
    saved(second.mutate(save(&further, None)).await?)?;
    assert!(conflict(second.mutate(send(&further)).await?));
    assert_eq!(copies(&mut own, "Drafts", &composed.id).await?.len(), 1);
    stage.gateway.restart().await?;
    let mut third = Device::connect(&stage.gateway.url, "alice").await?;
    assert!(conflict(third.mutate(send(&further)).await?));
    assert_eq!(copies(&mut own, "Drafts", &composed.id).await?.len(), 1);
    assert_eq!(third.mutate(send(&composed)).await?, done);
    assert_eq!(copies(&mut client, "INBOX", &composed.id).await?.len(), 1);
    assert_eq!(copies(&mut own, "Sent", &composed.id).await?.len(), 1);
    // Taken back by one of two that wait: neither sends it.
    let held = message("taken-back");
    let id = third.new_mutation_id();
    third
        .send(&roost_wire::ClientMessage::Mutate {
            id,
            mutation: send_as(&held, 30, None),
        })
        .await?;
    let mut fourth = Device::connect(&stage.gateway.url, "alice").await?;
    let other = fourth.new_mutation_id();
    fourth
        .send(&roost_wire::ClientMessage::Mutate {
            id: other,
            mutation: send_as(&held, 30, None),
        })
        .await?;
    // What is answered was heard after what was said before.
    for device in [&mut third, &mut fourth] {
        device.ask(roost_wire::Request::Mailboxes).await?.ok();
    }
    assert_eq!(third.mutate(Mutation::Unsend { id }).await?, done);
    match fourth.outcome(other).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Cancelled),
        outcome => anyhow::bail!("{outcome:?}"),
    }
    Ok(())
}

/// Without UIDPLUS nothing is expunged that somebody else marked as deleted, and yet a draft does not multiply.
#[tokio::test]
async fn one_draft_without_uidplus() -> anyhow::Result<()> {
    let dovecot = Dovecot::start(&Options {
        without: vec!["UIDPLUS"],
        ..Options::default()
    })
    .await?;
    dovecot.add_user("alice").await?;
    let gateway = gateway(&dovecot, "smtp://127.0.0.1:1").await?;
    let mut client = Client::sign_in(dovecot.port, "alice").await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let mut draft = message("draft");
    let mut base = None;
    for round in 0..4 {
        draft.text = format!("round {round}\n");
        base = Some(saved(device.mutate(save(&draft, base)).await?)?.uid);
        assert_eq!(client.search("Drafts", "ALL").await?.len(), 1);
    }
    // Somebody else's message is marked: it stays, and ours is marked too.
    let other = "From: a@roost.test\nSubject: marked elsewhere\n\n";
    client.append("Drafts", "\\Deleted", other).await?;
    draft.text = "last\n".to_owned();
    saved(device.mutate(save(&draft, base)).await?)?;
    assert_eq!(client.search("Drafts", "UNDELETED").await?.len(), 1);
    let elsewhere = client.search("Drafts", "SUBJECT elsewhere").await?;
    assert_eq!(elsewhere.len(), 1, "not ours to expunge");
    Ok(())
}

#[tokio::test]
async fn a_held_message_can_be_taken_back() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let composed = message("held");
    let id = device.new_mutation_id();
    device
        .send(&roost_wire::ClientMessage::Mutate {
            id,
            mutation: send_as(&composed, 30, None),
        })
        .await?;
    assert_eq!(
        device.mutate(Mutation::Unsend { id }).await?,
        Outcome::Done { moved: None }
    );
    let ended = device
        .wait(|message| matches!(message, ServerMessage::Outcome { id: ended, .. } if *ended == id))
        .await?;
    match ended {
        ServerMessage::Outcome {
            outcome: Outcome::Rejected(problem),
            ..
        } => {
            assert_eq!(problem.kind, ProblemKind::Cancelled);
        }
        other => anyhow::bail!("{other:?}"),
    }
    // What is not taken back goes by itself.
    let mut second = composed.clone();
    second.id = "second@roost.test".to_owned();
    assert_eq!(
        device.mutate(send_as(&second, 1, None)).await?,
        Outcome::Done { moved: None }
    );
    delivered(&stage.dovecot, "bob", &second.id).await?;
    let mut client = Client::sign_in(stage.dovecot.port, "bob").await?;
    assert!(copies(&mut client, "INBOX", &composed.id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn refusals_are_told_and_nothing_is_sent() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let mut composed = message("refused");
    composed.cc.push(Address {
        name: String::new(),
        email: NOBODY.to_owned(),
    });
    match device.mutate(send(&composed)).await? {
        Outcome::Rejected(problem) => {
            assert_eq!(problem.kind, ProblemKind::Refused);
            assert!(
                problem.detail.starts_with(&format!("{NOBODY}: ")),
                "{}",
                problem.detail
            );
            assert!(
                problem.detail.contains("nobody of that name"),
                "{}",
                problem.detail
            );
        }
        other => anyhow::bail!("{other:?}"),
    }
    composed.cc.clear();
    composed.to[0].email = "bob@roost.test\r\nRCPT TO:<eve@roost.test>".to_owned();
    match device.mutate(send(&composed)).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::BadRequest),
        other => anyhow::bail!("{other:?}"),
    }
    composed.to[0].email = "grün@roost.test".to_owned();
    match device.mutate(send(&composed)).await? {
        Outcome::Done { .. } => {}
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Unsupported),
        other => anyhow::bail!("{other:?}"),
    }
    // Larger than the server says it takes. A device may know that before; what could never be sent is not taken in.
    assert_eq!(
        device.ask(Request::MessageLimit).await?,
        Ok(Answer::MessageLimit(Some(SIZE_LIMIT)))
    );
    let refused = device.upload(&vec![7; SIZE_LIMIT as usize + 1]).await;
    let why = refused.err().map(|error| error.to_string());
    assert!(
        why.as_ref().is_some_and(|why| why.contains("40 MB")),
        "{why:?}"
    );
    let big = device
        .upload(&vec![7; (SIZE_LIMIT / 4 * 3 + 1_000_000) as usize])
        .await?;
    let mut large = message("large");
    large.enclosures = vec![enclosure(
        "big.bin",
        "application/octet-stream",
        Source::Upload(big),
    )];
    match device.mutate(send(&large)).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::TooLarge),
        other => anyhow::bail!("{other:?}"),
    }
    let mut client = Client::sign_in(stage.dovecot.port, "bob").await?;
    for id in [&composed.id, &large.id] {
        assert!(copies(&mut client, "INBOX", id).await?.is_empty());
    }
    // A server that is away: certainly not sent.
    let away = gateway(&stage.dovecot, "smtp://127.0.0.1:1").await?;
    let mut device = Device::connect(&away.url, "alice").await?;
    assert_eq!(
        device.ask(Request::MessageLimit).await?,
        Ok(Answer::MessageLimit(None))
    );
    match device.mutate(send(&message("away"))).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Unreachable),
        other => anyhow::bail!("{other:?}"),
    }
    Ok(())
}

/// The line to the submission server is cut at every stage of the dialogue, 200 times and more: at most one copy is
/// delivered, and what is told is true.
#[tokio::test]
async fn wherever_the_line_is_cut_the_truth_is_told() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let proxy = Proxy::start(stage.postfix.port).await?;
    let gateway = gateway(&stage.dovecot, &format!("smtp://127.0.0.1:{}", proxy.port)).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let mut claims = Vec::new();
    // The whole dialogue takes some 1,400 bytes: every seventh byte is tried, and then none.
    for (round, cut_after) in (1..1_470_u64).step_by(7).chain([0]).enumerate() {
        proxy.set(|line| line.cut_after = cut_after);
        let composed = message(&format!("cut-{round}"));
        let outcome = device.mutate(send(&composed)).await?;
        claims.push((composed.id, outcome, cut_after));
    }
    assert!(claims.len() > 200);
    assert_eq!(
        claims.last().map(|claim| &claim.1),
        Some(&Outcome::Done { moved: None })
    );
    delivered(&stage.dovecot, "bob", &claims[claims.len() - 1].0).await?;
    let mut client = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut unknown = 0;
    for (id, outcome, cut_after) in &claims {
        if matches!(outcome, Outcome::Done { .. }) {
            wait_for(&mut client, "INBOX", id, 1).await?;
        }
        let count = copies(&mut client, "INBOX", id).await?.len();
        match outcome {
            Outcome::Done { .. } => assert_eq!(count, 1, "said to be sent, cut after {cut_after}"),
            Outcome::Rejected(_) => {
                assert_eq!(count, 0, "said not to be sent, cut after {cut_after}")
            }
            Outcome::Unknown => {
                unknown += 1;
                assert!(count <= 1);
            }
            Outcome::Saved(_) => anyhow::bail!("a draft?"),
        }
    }
    // Only once the whole message is in the line's buffers can nobody tell.
    assert!(unknown < 80, "{unknown} of {} are unknown", claims.len());
    Ok(())
}

/// 25 MB arrive whole, and the gateway's memory stays bounded while several people upload and send.
#[tokio::test]
async fn large_messages_take_little_memory() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    assert_eq!(
        device.mutate(send(&message("warm"))).await?,
        Outcome::Done { moved: None }
    );
    let before = stage.gateway.own_memory()?;
    let content: Vec<u8> = (0..25_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut composed = message("large");
    let upload = device.upload(&content).await?;
    composed.enclosures = vec![enclosure(
        "large.bin",
        "application/octet-stream",
        Source::Upload(upload),
    )];
    assert_eq!(
        device.mutate(send(&composed)).await?,
        Outcome::Done { moved: None }
    );
    let after = stage.gateway.own_memory()?;
    assert!(
        after < before + 20_000_000,
        "{before} bytes before, {after} after"
    );
    let raw = delivered(&stage.dovecot, "bob", &composed.id).await?;
    let parsed = parse(raw.as_bytes()).await?;
    assert_eq!(parsed["body"]["parts"][1]["size"], 25_000_000);
    assert_eq!(
        parsed["body"]["parts"][1]["sha256"],
        "26bc7fe050ea56b17783451a0d524a35289b1d2daf3718f0378b89c23b89745a"
    );
    Ok(())
}
