//! Messages that are sent later, and receipts, with a real Postfix and Dovecot.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roost_tests::client::Client;
use roost_tests::device::Device;
use roost_tests::gateway::Gateway;
use roost_tests::independent::parse;
use roost_tests::postfix::{DOMAIN, NOBODY};
use roost_tests::proxy::Proxy;
use roost_tests::writing::{Stage, address, copies, gateway, message, save, wait_for, wait_until};
use roost_wire::{Composed, Enclosure, Mutation, Origin, Outcome, ProblemKind, Request, Source};

const SCHEDULED: &str = "Scheduled";

/// So many seconds from now.
fn after(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() as i64) + seconds
}

fn schedule(message: &Composed, at: i64) -> Mutation {
    Mutation::Schedule {
        message: Box::new(message.clone()),
        at,
        mailbox: SCHEDULED.to_owned(),
        drafts: "Drafts".to_owned(),
        sent: Some("Sent".to_owned()),
    }
}

/// The receipt for a message of alice's inbox.
fn receipt(uidvalidity: u32, uid: u32) -> Mutation {
    Mutation::Receipt {
        mailbox: "INBOX".to_owned(),
        uidvalidity,
        uid,
        from: address("", "alice"),
    }
}

/// A device as the app is one: it asks for the mailboxes first.
async fn device(gateway: &Gateway) -> anyhow::Result<Device> {
    let mut device = Device::connect(&gateway.url, "alice").await?;
    device
        .ask(Request::Mailboxes)
        .await?
        .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    Ok(device)
}

async fn uidvalidity(client: &mut Client, mailbox: &str) -> anyhow::Result<u32> {
    let status = client
        .run(&format!("STATUS {mailbox} (UIDVALIDITY)"))
        .await?;
    status
        .iter()
        .find_map(|line| {
            let number = line.split_once("UIDVALIDITY ")?.1;
            number.trim_end_matches(')').parse().ok()
        })
        .ok_or_else(|| anyhow::anyhow!("no UIDVALIDITY"))
}

const DONE: Outcome = Outcome::Done { moved: None };

#[tokio::test]
async fn a_message_waits_where_every_client_sees_it_and_goes_at_its_time() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut device = device(&stage.gateway).await?;
    own.append(
        "INBOX",
        "",
        "From: bob@roost.test\nSubject: Question\nMessage-ID: <q@roost.test>\n\n?\n",
    )
    .await?;
    let mut composed = message("later");
    composed.bcc = vec![address("", "secret")];
    composed.origin = Some(Origin {
        mailbox: "INBOX".to_owned(),
        uidvalidity: uidvalidity(&mut own, "INBOX").await?,
        uid: own.search("INBOX", "ALL").await?[0],
        forwarded: false,
    });
    composed.enclosures = vec![Enclosure {
        name: "a.bin".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        size: 300_000,
        source: Source::Upload(device.upload(&vec![9; 300_000]).await?),
        content_id: None,
    }];
    // It was a draft before, and is changed once while it waits.
    let Outcome::Saved(saved) = device.mutate(save(&composed, None)).await? else {
        anyhow::bail!("not saved");
    };
    composed.enclosures[0].source = Source::Part {
        mailbox: saved.mailbox.clone(),
        uidvalidity: saved.uidvalidity,
        uid: saved.uid,
        part: saved.parts[0].clone(),
    };
    let at = after(10);
    assert_eq!(device.mutate(schedule(&composed, at)).await?, DONE);
    assert!(copies(&mut own, "Drafts", &composed.id).await?.is_empty());
    let waiting = copies(&mut own, SCHEDULED, &composed.id).await?;
    let kept = own.raw(SCHEDULED, waiting[0]).await?;
    assert!(
        kept.starts_with(&format!("X-Roost-Send-At: {at} (")),
        "{kept}"
    );
    assert!(copies(&mut bob, "INBOX", &composed.id).await?.is_empty());

    let came = wait_for(&mut bob, "INBOX", &composed.id, 1).await?;
    assert!(after(0) >= at, "not before its time");
    let raw = bob.raw("INBOX", came[0]).await?;
    assert!(
        !raw.contains("X-Roost") && !raw.contains("secret@"),
        "{raw}"
    );
    let parsed = parse(raw.as_bytes()).await?;
    assert_eq!(parsed["defects"], serde_json::json!([]));
    assert_eq!(parsed["body"]["parts"][1]["size"], 300_000);
    let sent = wait_for(&mut own, "Sent", &composed.id, 1).await?;
    let copy = own.raw("Sent", sent[0]).await?;
    assert!(copy.starts_with("Bcc: <secret@roost.test>\r\n"), "{copy}");
    wait_for(&mut own, SCHEDULED, &composed.id, 0).await?;
    assert_eq!(own.search("INBOX", "ANSWERED").await?.len(), 1);
    let mut secret = Client::sign_in(stage.dovecot.port, "secret").await?;
    wait_for(&mut secret, "INBOX", &composed.id, 1).await?;
    // The device's answer was lost, and it asks once more: it was sent.
    assert_eq!(device.mutate(schedule(&composed, at)).await?, DONE);
    assert!(copies(&mut own, SCHEDULED, &composed.id).await?.is_empty());
    Ok(())
}

/// What is only delivered into that mailbox, or moved there, goes nowhere, whatever its header says.
#[tokio::test]
async fn nothing_is_sent_that_was_not_put_there_to_be_sent() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut device = device(&stage.gateway).await?;
    let composed = message("real");
    assert_eq!(device.mutate(schedule(&composed, after(3600))).await?, DONE);
    let forged = "X-Roost-Send-At: 1 (long ago)\nX-Roost-Saved-By: 1.1\nMessage-ID: <forged@evil.example>\nFrom: alice@roost.test\nTo: bob@roost.test\nSubject: forged\n\nSend me money.\n";
    own.append(SCHEDULED, "", forged).await?;
    // A message that is due after it went is proof that the mailbox was looked at.
    let proof = message("proof");
    assert_eq!(device.mutate(schedule(&proof, after(1))).await?, DONE);
    wait_for(&mut bob, "INBOX", &proof.id, 1).await?;
    assert!(
        copies(&mut bob, "INBOX", "forged@evil.example")
            .await?
            .is_empty()
    );
    assert_eq!(
        copies(&mut own, SCHEDULED, "forged@evil.example")
            .await?
            .len(),
        1
    );
    Ok(())
}

/// Two gateways hold the same account and both see that the time has come; one restarts meanwhile.
#[tokio::test]
async fn several_gateways_send_it_once() -> anyhow::Result<()> {
    let mut stage = Stage::start().await?;
    let other = gateway(&stage.dovecot, &stage.postfix.url()).await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut first = device(&stage.gateway).await?;
    let _second = device(&other).await?;
    let at = after(3);
    let ids: Vec<String> = (0..12).map(|n| format!("shared-{n}")).collect();
    for id in &ids {
        assert_eq!(first.mutate(schedule(&message(id), at)).await?, DONE);
    }
    // The mailbox is new to the second gateway; this makes sure that it knows it.
    let third = device(&other).await?;
    drop(third);
    stage.gateway.restart().await?;
    let _again = device(&stage.gateway).await?;
    for id in &ids {
        let id = message(id).id;
        wait_for(&mut bob, "INBOX", &id, 1).await?;
        wait_for(&mut own, SCHEDULED, &id, 0).await?;
    }
    for id in &ids {
        let id = message(id).id;
        assert_eq!(stage.postfix.was_taken(&id).await?, 1, "{id}");
        assert_eq!(copies(&mut own, "Sent", &id).await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn it_can_be_taken_back_sent_at_once_and_is_never_sent_when_nobody_knows()
-> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut device = device(&stage.gateway).await?;
    let mut back = message("back");
    back.bcc = vec![address("", "secret")];
    assert_eq!(device.mutate(schedule(&back, after(600))).await?, DONE);
    // Scheduled anew for another time: there is one.
    assert_eq!(device.mutate(schedule(&back, after(900))).await?, DONE);
    let uid = copies(&mut own, SCHEDULED, &back.id).await?;
    assert_eq!(uid.len(), 1);
    let validity = uidvalidity(&mut own, SCHEDULED).await?;
    let unschedule = |uid: u32, sure: bool| Mutation::Unschedule {
        mailbox: SCHEDULED.to_owned(),
        uidvalidity: validity,
        uid,
        drafts: "Drafts".to_owned(),
        sure,
    };
    let Outcome::Saved(saved) = device.mutate(unschedule(uid[0], false)).await? else {
        anyhow::bail!("not taken back");
    };
    assert_eq!(
        copies(&mut own, "Drafts", &back.id).await?,
        [saved.uid],
        "it is a draft again"
    );
    let reply = device
        .content("draft", "Drafts", saved.uidvalidity, saved.uid, "")
        .await?;
    let read: Composed = postcard::from_bytes(&reply.body)?;
    assert_eq!(
        (read.to, read.bcc, read.text),
        (back.to, back.bcc, back.text)
    );

    let now = message("now");
    assert_eq!(device.mutate(schedule(&now, after(600))).await?, DONE);
    let uid = copies(&mut own, SCHEDULED, &now.id).await?[0];
    let send_now = |uid: u32, sure: bool| Mutation::SendScheduled {
        mailbox: SCHEDULED.to_owned(),
        uidvalidity: validity,
        uid,
        sent: Some("Sent".to_owned()),
        sure,
    };
    assert_eq!(device.mutate(send_now(uid, false)).await?, DONE);
    wait_for(&mut bob, "INBOX", &now.id, 1).await?;
    assert!(copies(&mut own, SCHEDULED, &now.id).await?.is_empty());

    // A gateway was killed in the middle of sending it: the mark is all that is left.
    let interrupted = message("interrupted");
    assert_eq!(device.mutate(schedule(&interrupted, after(8))).await?, DONE);
    let uid = copies(&mut own, SCHEDULED, &interrupted.id).await?[0];
    own.run(&format!("UID STORE {uid} +FLAGS ($RoostSending)"))
        .await?;
    // One whose time is later goes, the marked one does not.
    let clock = message("clock");
    assert_eq!(device.mutate(schedule(&clock, after(9))).await?, DONE);
    wait_for(&mut bob, "INBOX", &clock.id, 1).await?;
    assert!(copies(&mut bob, "INBOX", &interrupted.id).await?.is_empty());
    // Nor is it replaced by what another device made of it, which would be sent too, or be lost.
    let otherwise = Composed {
        text: "Something else.\n".to_owned(),
        ..interrupted.clone()
    };
    let replaced = schedule(&otherwise, after(60));
    for mutation in [unschedule(uid, false), send_now(uid, false), replaced] {
        match device.mutate(mutation).await? {
            Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Conflict),
            other => anyhow::bail!("{other:?}"),
        }
    }
    // The person decides.
    assert_eq!(device.mutate(send_now(uid, true)).await?, DONE);
    wait_for(&mut bob, "INBOX", &interrupted.id, 1).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_refused_at_its_time_stays_and_is_told() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut device = device(&stage.gateway).await?;
    let mut composed = message("refused");
    composed.to[0].email = NOBODY.to_owned();
    assert_eq!(device.mutate(schedule(&composed, after(1))).await?, DONE);
    let told = device
        .wait(|message| matches!(message, roost_wire::ServerMessage::Remark { .. }))
        .await?;
    match told {
        roost_wire::ServerMessage::Remark { text, .. } => {
            assert!(text.contains("nobody of that name"), "{text}");
        }
        other => anyhow::bail!("{other:?}"),
    }
    let marked = own.search(SCHEDULED, "KEYWORD $RoostRefused").await?;
    assert_eq!(marked.len(), 1);
    assert_eq!(
        own.search(SCHEDULED, "KEYWORD $RoostSending").await?,
        Vec::<u32>::new()
    );
    composed.to.clear();
    match device.mutate(schedule(&composed, after(1))).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::BadRequest),
        other => anyhow::bail!("{other:?}"),
    }
    Ok(())
}

/// The sender is told of the delivery where the server can do that, and told that it cannot where it cannot.
#[tokio::test]
async fn the_delivery_is_told() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut device = device(&stage.gateway).await?;
    let mut composed = message("told+=");
    composed.delivery = true;
    // Kept with the draft, and through the time it waits.
    let Outcome::Saved(saved) = device.mutate(save(&composed, None)).await? else {
        anyhow::bail!("not saved");
    };
    let reply = device
        .content("draft", "Drafts", saved.uidvalidity, saved.uid, "")
        .await?;
    assert!(postcard::from_bytes::<Composed>(&reply.body)?.delivery);
    assert_eq!(device.mutate(schedule(&composed, after(1))).await?, DONE);
    let came = wait_until(&mut own, "INBOX", "FROM MAILER-DAEMON", 1).await?;
    let report = own.raw("INBOX", came[0]).await?;
    assert!(
        report.contains(&format!("Original-Envelope-Id: {}", composed.id)),
        "{report}"
    );
    assert!(report.contains("Action: relayed"), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_receipt_is_sent_once_and_by_the_book() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    own.append(
        "INBOX",
        "",
        "From: bob@roost.test\nSubject: Did you see?\nMessage-ID: <asks@roost.test>\nDisposition-Notification-To: Bob <bob@roost.test>\n\n?\n",
    )
    .await?;
    let uid = own.search("INBOX", "ALL").await?[0];
    let asked = receipt(uidvalidity(&mut own, "INBOX").await?, uid);
    let mut first = device(&stage.gateway).await?;
    let mut second = device(&stage.gateway).await?;
    let (a, b) = tokio::join!(first.mutate(asked.clone()), second.mutate(asked));
    assert_eq!((a?, b?), (DONE, DONE));
    assert_eq!(own.search("INBOX", "KEYWORD $MDNSent").await?, [uid]);
    let subject = "SUBJECT \"Read: Did you see?\"";
    let came = wait_until(&mut bob, "INBOX", subject, 1).await?;
    let raw = bob.raw("INBOX", came[0]).await?;
    assert!(raw.starts_with("Return-Path: <>\r\n"), "{raw}");
    let parsed = parse(raw.as_bytes()).await?;
    assert_eq!(parsed["defects"], serde_json::json!([]), "{raw}");
    assert_eq!(parsed["body"]["type"], "multipart/report");
    assert!(
        raw.contains("report-type=\"disposition-notification\""),
        "{raw}"
    );
    assert!(raw.contains("\r\nFinal-Recipient: rfc822;alice@roost.test\r\n"));
    assert!(raw.contains("\r\nOriginal-Message-ID: <asks@roost.test>\r\n"));
    assert!(raw.contains("\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n"));
    assert_eq!(parsed["headers"]["In-Reply-To"], "<asks@roost.test>");
    // What asks for nothing is sent nothing.
    own.append("INBOX", "", "From: bob@roost.test\nSubject: plain\n\n.\n")
        .await?;
    let plain = receipt(uidvalidity(&mut own, "INBOX").await?, uid + 1);
    match first.mutate(plain).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::BadRequest),
        other => anyhow::bail!("{other:?}"),
    }
    Ok(())
}

/// A message whose flags change while it is claimed, by a person who stars or reads it, is claimed all the same.
#[tokio::test]
async fn a_receipt_is_sent_though_the_flags_change_meanwhile() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let far = Proxy::start(stage.dovecot.port).await?;
    let imap = format!("imap://127.0.0.1:{}", far.port);
    let arguments = ["--smtp", &stage.postfix.url(), "--mail-domain", DOMAIN];
    let gateway = Gateway::start(&imap, &arguments).await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    own.append(
        "INBOX",
        "",
        "From: bob@roost.test\nSubject: Busy\nMessage-ID: <b@roost.test>\nDisposition-Notification-To: bob@roost.test\n\n?\n",
    )
    .await?;
    let uid = own.search("INBOX", "ALL").await?[0];
    let uidvalidity = uidvalidity(&mut own, "INBOX").await?;
    let mut device = device(&gateway).await?;
    // Reading the flags and setting one takes longer from there than it takes somebody else to change another.
    far.set(|line| line.delay = Duration::from_millis(100));
    let changing = tokio::spawn(async move {
        own.run("SELECT INBOX").await?;
        for round in 0..16 {
            let sign = if round % 2 == 0 { '+' } else { '-' };
            own.run(&format!("UID STORE {uid} {sign}FLAGS (\\Flagged)"))
                .await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(own)
    });
    assert_eq!(device.mutate(receipt(uidvalidity, uid)).await?, DONE);
    let mut own = changing.await??;
    assert_eq!(own.search("INBOX", "KEYWORD $MDNSent").await?, [uid]);
    wait_until(&mut bob, "INBOX", "SUBJECT \"Read: Busy\"", 1).await?;
    Ok(())
}

/// While the submission server is away, a message that is due is tried now and then, not without a pause.
#[tokio::test]
async fn a_server_that_is_away_is_tried_now_and_then() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = away.local_addr()?.port();
    let gateway = gateway(&stage.dovecot, &format!("smtp://127.0.0.1:{port}")).await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut device = device(&gateway).await?;
    assert_eq!(
        device.mutate(schedule(&message("away"), after(1))).await?,
        DONE
    );
    // Taken and dropped at once, as by a server that is away.
    drop(tokio::time::timeout(Duration::from_secs(10), away.accept()).await??);
    let mut more = 0;
    while let Ok(again) = tokio::time::timeout(Duration::from_secs(6), away.accept()).await {
        drop(again?);
        more += 1;
        anyhow::ensure!(more < 3, "it is tried without a pause");
    }
    let marked = own.search(SCHEDULED, "KEYWORD $RoostSending").await?;
    assert!(marked.is_empty(), "it is free for others");
    assert_eq!(own.search(SCHEDULED, "ALL").await?.len(), 1);
    Ok(())
}

/// Templates have a mailbox that is made when the first one is saved.
#[tokio::test]
async fn a_template_makes_its_mailbox() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut own = Client::sign_in(stage.dovecot.port, "alice").await?;
    let mut device = device(&stage.gateway).await?;
    for id in ["one", "two"] {
        let save = Mutation::SaveDraft {
            draft: Box::new(message(id)),
            mailbox: "Templates".to_owned(),
            base: None,
        };
        let outcome = device.mutate(save).await?;
        assert!(matches!(outcome, Outcome::Saved(_)), "{outcome:?}");
    }
    assert_eq!(own.search("Templates", "ALL").await?.len(), 2);
    Ok(())
}
