//! Mail servers that hang, cut, lie and send garbage. The gateway survives, other accounts notice nothing, memory stays
//! bounded, the device is told the truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use roost_tests::device::{Device, http, sign_in};
use roost_tests::gateway::Gateway;
use roost_tests::scripted::{PLAIN, Reaction, Scripted, behave, row};
use roost_wire::{
    Answer, Body, Change, ClientMessage, MailServer, Mutation, Outcome, Problem, ProblemKind,
    Request, SearchQuery, ServerMessage, UidSet,
};

/// How much memory a hostile server may cost the gateway.
const MEMORY: u64 = 150 * 1024 * 1024;

/// How many seconds a server is given here.
const PATIENCE: &str = "2";

fn say(text: impl AsRef<[u8]>) -> Reaction {
    Reaction::Say(text.as_ref().to_vec())
}

async fn window(device: &mut Device) -> anyhow::Result<Result<Answer, Problem>> {
    device
        .ask(Request::Window {
            mailbox: "INBOX".to_owned(),
            first: 0,
            count: 10,
        })
        .await
}

async fn is_well(gateway: &mut Gateway) -> anyhow::Result<()> {
    assert!(gateway.is_running(), "the gateway survived");
    let reply = http(&gateway.url, "GET", "/healthz", &[], "").await?;
    assert_eq!(reply.status, 200);
    let memory = gateway.own_memory()?;
    assert!(memory < MEMORY, "the gateway holds {memory} bytes");
    Ok(())
}

/// A server that misbehaves when `trigger` is part of a command, and behaves otherwise.
async fn misbehaving(
    trigger: &'static str,
    reaction: Reaction,
) -> anyhow::Result<(Scripted, Gateway)> {
    let server = Scripted::start(move |command| {
        if command.contains(trigger) {
            reaction.clone()
        } else {
            Reaction::Behave
        }
    })
    .await?;
    let gateway = Gateway::start(&server.url(), &["--imap-timeout", PATIENCE]).await?;
    Ok((server, gateway))
}

#[tokio::test]
async fn a_well_behaved_scripted_server_is_served() -> anyhow::Result<()> {
    let (_server, mut gateway) = misbehaving("nothing", Reaction::Behave).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    match window(&mut device).await? {
        Ok(Answer::Window(rows)) => assert_eq!(rows.rows.len(), 3),
        other => anyhow::bail!("{other:?}"),
    }
    let reply = device.content("body", "INBOX", 7, 1, "").await?;
    let body: Body = postcard::from_bytes(&reply.body)?;
    assert!(body.html.contains("Hello"), "{}", body.html);
    is_well(&mut gateway).await
}

#[tokio::test]
async fn cuts_and_garbage_while_signing_in_are_told_as_such() -> anyhow::Result<()> {
    let garbage = || say("\0\u{1}\u{2}garbage\r\n");
    let nested = say(format!("* OK {}\r\n", "(".repeat(100_000)));
    for (trigger, reaction) in [
        ("GREETING", Reaction::Cut),
        ("GREETING", garbage()),
        ("GREETING", say("220 mail ESMTP\r\n")),
        ("GREETING", say("* BYE go away\r\n")),
        ("GREETING", say(vec![b'x'; 20 * 1024 * 1024])),
        ("AUTHENTICATE", Reaction::Cut),
        ("AUTHENTICATE", garbage()),
        ("AUTHENTICATE", say("* 1 FETCH (X {4294967296}\r\n")),
        (
            "AUTHENTICATE",
            say("+ not base64 at all\r\n+ again\r\n+ and again\r\n{tag} BYE\r\n"),
        ),
        (
            "AUTHENTICATE",
            say("{tag} NO [UNAVAILABLE] database down\r\n"),
        ),
        ("GREETING", nested),
    ] {
        let told = format!(
            "{trigger} {}",
            match &reaction {
                Reaction::Say(bytes) =>
                    String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned(),
                _ => "cut".to_owned(),
            }
        );
        let (_server, mut gateway) = misbehaving(trigger, reaction).await?;
        match sign_in(&gateway.url, "alice", "demo").await? {
            Err(reply) => assert_eq!(reply.status, 502, "{told}: {}", reply.text()),
            // A greeting with an odd text is still a greeting.
            Ok(_) => assert!(told.contains("(((("), "{told}"),
        }
        is_well(&mut gateway).await?;
    }
    Ok(())
}

#[tokio::test]
async fn hanging_and_dripping_servers_are_given_up() -> anyhow::Result<()> {
    for trigger in ["GREETING", "AUTHENTICATE"] {
        for reaction in [
            Reaction::Hang,
            Reaction::Drip(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] slow\r\n".to_vec()),
        ] {
            let (_server, mut gateway) = misbehaving(trigger, reaction).await?;
            let started = Instant::now();
            let reply = sign_in(&gateway.url, "alice", "demo")
                .await?
                .expect_err("refused");
            assert_eq!(reply.status, 502, "{trigger}: {}", reply.text());
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{trigger} took {:?}",
                started.elapsed()
            );
            is_well(&mut gateway).await?;
        }
    }
    for trigger in ["SELECT", "FETCH"] {
        for reaction in [
            Reaction::Hang,
            Reaction::Drip(b"* 3 EXISTS\r\n".repeat(100)),
        ] {
            let (_server, mut gateway) = misbehaving(trigger, reaction).await?;
            let mut device = Device::connect(&gateway.url, "alice").await?;
            assert_eq!(
                window(&mut device).await?.map_err(|problem| problem.kind),
                Err(ProblemKind::Timeout),
                "{trigger}"
            );
            is_well(&mut gateway).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn garbage_in_answers_neither_kills_nor_empties() -> anyhow::Result<()> {
    let deep = format!("{}{}", "(".repeat(10_000), ")".repeat(10_000));
    for (trigger, reaction, expected) in [
        // A tagged NO is never an empty success.
        (
            "FETCH",
            say("{tag} NO [SERVERBUG] no\r\n"),
            Some(ProblemKind::Refused),
        ),
        (
            "FETCH",
            say("{tag} BAD what\r\n"),
            Some(ProblemKind::Refused),
        ),
        (
            "FETCH",
            say("{tag} OK nothing fetched\r\n"),
            Some(ProblemKind::Garbled),
        ),
        (
            "FETCH",
            say("* BYE shutting down\r\n"),
            Some(ProblemKind::Timeout),
        ),
        ("FETCH", Reaction::Cut, Some(ProblemKind::Unreachable)),
        (
            "FETCH",
            say("* 1 FETCH (UID 1 BODY[HEADER] {4294967296}\r\n"),
            Some(ProblemKind::Unreachable),
        ),
        (
            "FETCH",
            say("\u{fffd}\u{fffd}\r\n"),
            Some(ProblemKind::Unreachable),
        ),
        (
            "SELECT",
            say("{tag} NO [NONEXISTENT] gone\r\n"),
            Some(ProblemKind::NoSuchMailbox),
        ),
        // Odd rows among good ones.
        (
            "FETCH",
            say(format!(
                "* 1 FETCH NIL\r\n* 2 FETCH (UID NIL)\r\n* 9999999999 FETCH (UID 1)\r\n* XYZZY ((\r\n{}",
                behave("FETCH 1:3")
            )),
            None,
        ),
        (
            "FETCH",
            say(format!(
                "{}{}{}{{tag}} OK fetched\r\n",
                row(1, &deep),
                row(2, "NIL"),
                row(3, "(NIL NIL)")
            )),
            None,
        ),
        (
            "FETCH",
            say(behave("FETCH 1:3").replace("\"01-Feb-2024 10:00:01 +0000\"", "NIL")),
            None,
        ),
        (
            "SELECT",
            say(format!(
                "* OK [ALERT] \u{e9}t\u{e9}\r\n* FLAGS (\\Answered\r\n{}",
                behave("SELECT")
            )),
            None,
        ),
        (
            "SELECT",
            say(format!(
                "{}{}",
                "* OK still here\r\n".repeat(200),
                behave("SELECT")
            )),
            None,
        ),
    ] {
        let told = format!("{trigger}: {reaction:?}")
            .chars()
            .take(120)
            .collect::<String>();
        let (_server, mut gateway) = misbehaving(trigger, reaction).await?;
        let mut device = Device::connect(&gateway.url, "alice").await?;
        let answer = window(&mut device).await?;
        match (&answer, expected) {
            (Err(problem), Some(kind)) => assert_eq!(problem.kind, kind, "{told}"),
            (Ok(Answer::Window(rows)), None) => assert_eq!(rows.rows.len(), 3, "{told}"),
            _ => anyhow::bail!("{told}: {answer:?}"),
        }
        is_well(&mut gateway).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_structure_that_makes_no_sense_is_read_from_the_raw_message() -> anyhow::Result<()> {
    let deep = format!("{}{}", "(".repeat(10_000), ")".repeat(10_000));
    let server = Scripted::start(move |command| {
        if command.contains("BODY.PEEK[HEADER]") {
            return say(behave(command).replace(PLAIN, &deep));
        }
        if command.contains("BODY.PEEK[]") {
            let raw = "From: a@example.org\r\nSubject: Hello\r\n\r\nread from the raw message";
            return say(format!(
                "* 1 FETCH (UID 1 BODY[]<0> {{{}}}\r\n{raw})\r\n{{tag}} OK fetched\r\n",
                raw.len()
            ));
        }
        Reaction::Behave
    })
    .await?;
    let mut gateway = Gateway::start(&server.url(), &[]).await?;
    let device = Device::connect(&gateway.url, "alice").await?;
    let reply = device.content("body", "INBOX", 7, 1, "").await?;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body: Body = postcard::from_bytes(&reply.body)?;
    assert!(
        body.html.contains("read from the raw message"),
        "{}",
        body.html
    );
    assert_eq!(body.defects.len(), 1, "the person is told");
    is_well(&mut gateway).await
}

#[tokio::test]
async fn a_refused_search_and_a_cut_move_are_told_truly() -> anyhow::Result<()> {
    let (_server, mut gateway) =
        misbehaving("SEARCH", say("{tag} NO [LIMIT] too much\r\n")).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let search = Request::Search {
        mailbox: "INBOX".to_owned(),
        query: SearchQuery::default(),
    };
    assert_eq!(
        device.ask(search).await?.map_err(|problem| problem.kind),
        Err(ProblemKind::Refused)
    );
    is_well(&mut gateway).await?;

    // A copy that was cut off may have been done: nobody says that it was, or was not.
    let (_server, mut gateway) = misbehaving("UID COPY", Reaction::Cut).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let copy = Mutation::Copy {
        mailbox: "INBOX".to_owned(),
        uidvalidity: 7,
        uids: UidSet::range(1, 1),
        to: "Trash".to_owned(),
    };
    assert_eq!(device.mutate(copy).await?, Outcome::Unknown);
    is_well(&mut gateway).await?;

    // Deletion without UIDPLUS could destroy what somebody else marked: refused, and said why.
    let server =
        Scripted::start(|command| say(behave(command).replace(" UIDPLUS MOVE", ""))).await?;
    let gateway = Gateway::start(&server.url(), &[]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let expunge = Mutation::Expunge {
        mailbox: "INBOX".to_owned(),
        uidvalidity: 7,
        uids: UidSet::range(1, 1),
    };
    match device.mutate(expunge).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Unsupported),
        other => anyhow::bail!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_for_one_account_is_not_noticed_by_another() -> anyhow::Result<()> {
    // Everything Alice asks hangs once she is signed in; the scripted server knows her by her name.
    let hanging = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&hanging);
    let server = Scripted::start(move |command| {
        if hangs.load(Ordering::Relaxed)
            && (command.starts_with("FETCH") || command.starts_with("UID"))
        {
            Reaction::Hang
        } else {
            Reaction::Behave
        }
    })
    .await?;
    let mut gateway = Gateway::start(&server.url(), &[]).await?;
    let mut alice = Device::connect(&gateway.url, "alice").await?;
    window(&mut alice)
        .await?
        .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    hanging.store(true, Ordering::Relaxed);
    for id in 1_000..1_040 {
        let request = Request::Window {
            mailbox: "INBOX".to_owned(),
            first: 0,
            count: 10,
        };
        alice
            .send(&roost_wire::ClientMessage::Request { id, request })
            .await?;
    }
    hanging.store(false, Ordering::Relaxed);
    let started = Instant::now();
    let mut bob = Device::connect(&gateway.url, "bob").await?;
    window(&mut bob)
        .await?
        .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "Bob was served at once"
    );
    is_well(&mut gateway).await
}

/// Dovecot 2.3 does so where somebody looks at the mailbox in the same moment.
#[tokio::test]
async fn a_folder_whose_deletion_is_disturbed_is_deleted_all_the_same() -> anyhow::Result<()> {
    for then in ["{tag} OK deleted\r\n", "{tag} NO [NONEXISTENT] gone\r\n"] {
        let disturbed = AtomicBool::new(false);
        let server = Scripted::start(move |command| {
            if !command.starts_with("DELETE") {
                Reaction::Behave
            } else if disturbed.swap(true, Ordering::Relaxed) {
                say(then)
            } else {
                say("{tag} NO [SERVERBUG] Internal error occurred.\r\n")
            }
        })
        .await?;
        let gateway = Gateway::start(&server.url(), &[]).await?;
        let mut device = Device::connect(&gateway.url, "alice").await?;
        let name = "Old".to_owned();
        let outcome = device.mutate(Mutation::DeleteMailbox { name }).await?;
        assert_eq!(outcome, Outcome::Done { moved: None }, "then {then:?}");
    }
    Ok(())
}

#[tokio::test]
async fn two_hundred_unsolicited_lines_at_once_are_one_change() -> anyhow::Result<()> {
    let flood: String = (0..200)
        .map(|n| {
            format!(
                "* {} FETCH (FLAGS (\\Seen))\r\n* STATUS \"Box {n}\" (MESSAGES 1)\r\n",
                n % 3 + 1
            )
        })
        .collect();
    // The flood comes when the watch idles anew: not before the device holds rows that it can make stale.
    let armed = Arc::new(AtomicBool::new(false));
    let is_armed = Arc::clone(&armed);
    let server = Scripted::start(move |command| {
        if command == "IDLE" && is_armed.load(Ordering::Relaxed) {
            say(format!("+ idling\r\n{flood}"))
        } else {
            Reaction::Behave
        }
    })
    .await?;
    let mut gateway = Gateway::start(&server.url(), &["--imap-timeout", PATIENCE]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    window(&mut device)
        .await?
        .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    armed.store(true, Ordering::Relaxed);
    device
        .send(&ClientMessage::Watch {
            mailbox: "Trash".to_owned(),
        })
        .await?;
    device
        .wait(|message| matches!(message, ServerMessage::Change(Change::Stale { mailbox, .. }) if mailbox == "INBOX"))
        .await?;
    window(&mut device)
        .await?
        .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    is_well(&mut gateway).await
}

#[tokio::test]
async fn a_lost_mail_server_is_told_to_the_device() -> anyhow::Result<()> {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let server = Scripted::start(move |command| {
        if is_down.load(Ordering::Relaxed) || command == "IDLE" {
            Reaction::Cut
        } else {
            Reaction::Behave
        }
    })
    .await?;
    let gateway = Gateway::start(&server.url(), &[]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    down.store(true, Ordering::Relaxed);
    device
        .wait(|message| matches!(message, ServerMessage::MailServer(MailServer::Unreachable)))
        .await?;
    assert_eq!(
        window(&mut device).await?.map_err(|problem| problem.kind),
        Err(ProblemKind::Unreachable)
    );
    Ok(())
}
