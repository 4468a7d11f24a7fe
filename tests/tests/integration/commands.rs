//! Every command of the wire protocol against a real Dovecot, each checked with a plain IMAP client.

use roost_tests::client::Client;
use roost_tests::device::{Device, sign_in};
use roost_tests::dovecot::{Dovecot, Options, PASSWORD};
use roost_tests::gateway::Gateway;
use roost_tests::mail::{self, Seed};
use roost_wire::{
    Answer, Body, BodyKind, Change, Mailbox, Mutation, Outcome, ProblemKind, Request, Role,
    SearchQuery, ServerMessage, UidSet, WindowRows,
};

struct Stage {
    dovecot: Dovecot,
    gateway: Gateway,
}

async fn stage(options: &Options, seed: Seed) -> anyhow::Result<Stage> {
    let dovecot = Dovecot::start(options).await?;
    dovecot.add_user("alice").await?;
    mail::seed(&dovecot.maildir("alice"), seed)?;
    dovecot.own_mail(&dovecot.maildir("alice")).await?;
    let gateway = Gateway::start(&dovecot.url(), &[]).await?;
    Ok(Stage { dovecot, gateway })
}

async fn mailboxes(device: &mut Device) -> anyhow::Result<Vec<Mailbox>> {
    match device.ask(Request::Mailboxes).await? {
        Ok(Answer::Mailboxes(mailboxes)) => Ok(mailboxes),
        other => anyhow::bail!("{other:?}"),
    }
}

/// The mailboxes, once they are as they must be. Dovecot 2.3 may list names that changed just before as they were.
async fn mailboxes_once(
    device: &mut Device,
    fits: impl Fn(&[Mailbox]) -> bool,
) -> anyhow::Result<Vec<Mailbox>> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let listed = mailboxes(device).await?;
        if fits(&listed) || tokio::time::Instant::now() > deadline {
            return Ok(listed);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Whether it tells that a mailbox has so many messages, by itself or with the list.
fn tells_count(message: &ServerMessage, name: &str, messages: u32) -> bool {
    match message {
        ServerMessage::Change(Change::Counts { mailbox, counts }) => {
            mailbox == name && counts.messages == messages
        }
        ServerMessage::Change(Change::Mailboxes(all)) => all.iter().any(|known| {
            known.name == name
                && known
                    .counts
                    .is_some_and(|counts| counts.messages == messages)
        }),
        _ => false,
    }
}

async fn window(device: &mut Device, mailbox: &str) -> anyhow::Result<WindowRows> {
    let request = Request::Window {
        mailbox: mailbox.to_owned(),
        first: 0,
        count: 100,
    };
    match device.ask(request).await? {
        Ok(Answer::Window(window)) => Ok(window),
        other => anyhow::bail!("{other:?}"),
    }
}

fn done(outcome: Outcome) -> anyhow::Result<Option<roost_wire::Moved>> {
    match outcome {
        Outcome::Done { moved } => Ok(moved),
        other => anyhow::bail!("{other:?}"),
    }
}

fn one(uid: u32) -> UidSet {
    [uid].into_iter().collect()
}

/// Servers without the newer extensions are served by the older ways.
fn variants() -> [Options; 3] {
    [
        Options::default(),
        Options {
            without: vec![
                "NOTIFY",
                "MOVE",
                "ESEARCH",
                "LITERAL+",
                "LIST-STATUS",
                "LIST-EXTENDED",
            ],
            ..Options::default()
        },
        Options {
            without: vec![
                "NOTIFY",
                "QRESYNC",
                "CONDSTORE",
                "SPECIAL-USE",
                "PREVIEW",
                "SASL-IR",
            ],
            ..Options::default()
        },
    ]
}

#[tokio::test]
async fn flags_moves_copies_and_deletions_arrive_on_the_server() -> anyhow::Result<()> {
    for options in variants() {
        let stage = stage(&options, Seed::Many(30)).await?;
        let mut device = Device::connect(&stage.gateway.url, "alice").await?;
        let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
        let rows = window(&mut device, "INBOX").await?;
        assert_eq!(rows.rows.len(), 30);
        let uidvalidity = rows.state.uidvalidity;
        let flag = |uids: UidSet, add: &str| Mutation::Flag {
            mailbox: "INBOX".to_owned(),
            uidvalidity,
            uids,
            add: vec![add.to_owned()],
            remove: Vec::new(),
        };
        done(device.mutate(flag(one(5), "\\Flagged")).await?)?;
        done(device.mutate(flag(one(5), "$Work")).await?)?;
        assert_eq!(
            client
                .search("INBOX", "UID 5 FLAGGED KEYWORD $Work")
                .await?,
            [5],
            "{options:?}"
        );

        let moved = done(
            device
                .mutate(Mutation::Move {
                    mailbox: "INBOX".to_owned(),
                    uidvalidity,
                    uids: UidSet::range(7, 9),
                    to: "Archive".to_owned(),
                    add: Vec::new(),
                    remove: Vec::new(),
                })
                .await?,
        )?;
        let moved = moved.expect("Dovecot tells where they went");
        assert_eq!(moved.uids.len(), 3);
        assert_eq!(client.search("Archive", "ALL").await?.len(), 3);
        assert_eq!(client.search("INBOX", "UID 7:9").await?, [] as [u32; 0]);

        done(
            device
                .mutate(Mutation::Copy {
                    mailbox: "INBOX".to_owned(),
                    uidvalidity,
                    uids: one(1),
                    to: "Archive".to_owned(),
                })
                .await?,
        )?;
        assert_eq!(client.search("Archive", "ALL").await?.len(), 4);

        // Somebody else's \Deleted message must survive our deletion.
        client.run("SELECT INBOX").await?;
        client.run("UID STORE 2 +FLAGS (\\Deleted)").await?;
        done(
            device
                .mutate(Mutation::Expunge {
                    mailbox: "INBOX".to_owned(),
                    uidvalidity,
                    uids: one(3),
                })
                .await?,
        )?;
        assert_eq!(client.search("INBOX", "UID 2:3").await?, [2]);
    }
    Ok(())
}

#[tokio::test]
async fn mailboxes_are_listed_created_renamed_deleted_and_subscribed() -> anyhow::Result<()> {
    for options in variants() {
        let stage = stage(&options, Seed::Many(3)).await?;
        let mut device = Device::connect(&stage.gateway.url, "alice").await?;
        let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
        let listed = mailboxes(&mut device).await?;
        let roles: Vec<Role> = listed.iter().filter_map(|mailbox| mailbox.role).collect();
        for role in [
            Role::Inbox,
            Role::Drafts,
            Role::Sent,
            Role::Archive,
            Role::Junk,
            Role::Trash,
        ] {
            assert!(
                roles.contains(&role),
                "{role:?} is missing with {options:?}"
            );
        }
        let inbox = listed
            .iter()
            .find(|mailbox| mailbox.name == "INBOX")
            .expect("an inbox");
        assert_eq!(inbox.counts.map(|counts| counts.messages), Some(3));
        // Quotes, backslashes, blanks, ampersands and other scripts: right, in both directions.
        for name in [
            "Plain",
            "Entwürfe & \"Pläne\"",
            "back\\slash",
            "日本語",
            "Plain/Below",
            "a]b",
            "% and *",
        ] {
            done(
                device
                    .mutate(Mutation::CreateMailbox {
                        name: name.to_owned(),
                    })
                    .await?,
            )?;
            let subscribed = |all: &[Mailbox]| {
                all.iter()
                    .any(|known| known.name == name && known.subscribed)
            };
            let listed = mailboxes_once(&mut device, subscribed).await?;
            assert!(subscribed(&listed), "{name} with {options:?}: {listed:?}");
            assert_eq!(window(&mut device, name).await?.rows.len(), 0);
        }
        let rename = Mutation::RenameMailbox {
            from: "日本語".to_owned(),
            to: "中文".to_owned(),
        };
        done(device.mutate(rename).await?)?;
        let raw = client.run("LIST \"\" \"*\"").await?.join("\n");
        assert!(raw.contains("&Ti1lhw-"), "{raw}");
        done(
            device
                .mutate(Mutation::DeleteMailbox {
                    name: "中文".to_owned(),
                })
                .await?,
        )?;
        let gone = |all: &[Mailbox]| all.iter().all(|mailbox| mailbox.name != "中文");
        assert!(gone(&mailboxes_once(&mut device, gone).await?));
        // What IMAP cannot carry is refused, and nothing else happens.
        for name in ["a\r\nX DELETE Plain", "a\0b", "tab\there", ""] {
            match device
                .mutate(Mutation::CreateMailbox {
                    name: name.to_owned(),
                })
                .await?
            {
                Outcome::Rejected(problem) => {
                    assert_eq!(problem.kind, ProblemKind::BadRequest, "{name:?}")
                }
                other => anyhow::bail!("{name:?}: {other:?}"),
            }
        }
        assert!(
            mailboxes(&mut device)
                .await?
                .iter()
                .any(|mailbox| mailbox.name == "Plain")
        );
    }
    Ok(())
}

#[tokio::test]
async fn search_finds_what_the_server_finds() -> anyhow::Result<()> {
    for options in variants() {
        let stage = stage(&options, Seed::Demo).await?;
        let mut device = Device::connect(&stage.gateway.url, "alice").await?;
        let search = |query: SearchQuery| Request::Search {
            mailbox: "INBOX".to_owned(),
            query,
        };
        let text = |text: &str| SearchQuery {
            text: vec![text.to_owned()],
            ..SearchQuery::default()
        };
        for (query, expected) in [
            (text("tulips"), 7),
            (text("конференции"), 1),
            (text("来週"), 1),
            (text("\"quoted\\"), 0),
            (
                SearchQuery {
                    subject: Some("dinner".to_owned()),
                    ..SearchQuery::default()
                },
                1,
            ),
            (
                SearchQuery {
                    from: Some("maya".to_owned()),
                    ..SearchQuery::default()
                },
                3,
            ),
            (
                SearchQuery {
                    starred: Some(true),
                    ..SearchQuery::default()
                },
                1,
            ),
        ] {
            match device.ask(search(query.clone())).await? {
                Ok(Answer::Found { total, uids, .. }) => {
                    assert_eq!(total, expected, "{query:?} with {options:?}");
                    assert_eq!(uids.len(), u64::from(expected));
                }
                other => anyhow::bail!("{query:?}: {other:?}"),
            }
        }
        let hostile = device.ask(search(text("x\r\nA1 DELETE Archive"))).await?;
        assert_eq!(
            hostile.map_err(|problem| problem.kind),
            Err(ProblemKind::BadRequest)
        );
        assert!(
            mailboxes(&mut device)
                .await?
                .iter()
                .any(|mailbox| mailbox.name == "Archive")
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_repeated_mutation_is_answered_and_not_done_again() -> anyhow::Result<()> {
    let stage = stage(&Options::default(), Seed::Many(3)).await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let uidvalidity = window(&mut device, "INBOX").await?.state.uidvalidity;
    let copy = Mutation::Copy {
        mailbox: "INBOX".to_owned(),
        uidvalidity,
        uids: one(1),
        to: "Archive".to_owned(),
    };
    let id = device.new_mutation_id();
    let first = device.mutate_as(id, copy.clone()).await?;
    // Also from another device, as after a reconnection.
    let mut again = Device::attach(&device.base.clone(), &device.cookie.clone()).await?;
    assert_eq!(again.mutate_as(id, copy).await?, first);
    let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
    assert_eq!(client.search("Archive", "ALL").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn bodies_parts_and_sources_come_right() -> anyhow::Result<()> {
    let stage = stage(&Options::default(), Seed::Reading).await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let rows = window(&mut device, "INBOX").await?;
    let uidvalidity = rows.state.uidvalidity;
    let uid = |subject: &str| {
        rows.rows
            .iter()
            .find(|row| row.subject == subject)
            .map(|row| row.uid)
            .expect("a row")
    };
    for (subject, expected) in [
        ("plain", "https://example.org/page?a=1&amp;b=2"),
        ("html", "<h1 style=\"color:#336699;\">A heading</h1>"),
        ("alternative", "The <i>rich</i> version"),
        ("nested", "nested rich"),
        ("utf-8", "Grüße aus Łódź, 日本"),
        ("iso-2022-jp", "こんにちは"),
        ("windows-1251", "Привет"),
        ("gb18030", "你好"),
        ("koi8-r", "Привет"),
        ("mislabelled", "größer als gedacht"),
        ("", "This one has no subject."),
        ("no date", "This one has no date."),
        ("ten megabytes", "The very end"),
        ("two thousand recipients", "Everybody is invited."),
        ("flowed", "This line goes on here."),
        ("rtl", "שלום עולם"),
    ] {
        let reply = device
            .content("body", "INBOX", uidvalidity, uid(subject), "")
            .await?;
        assert_eq!(reply.status, 200, "{subject}: {}", reply.text());
        let body: Body = postcard::from_bytes(&reply.body)?;
        assert!(
            body.html.contains(expected),
            "{subject}: {}",
            &body.html[..body.html.len().min(2_000)]
        );
        match subject {
            "html" => assert_eq!(body.blocked, 1),
            "nested" => {
                let names: Vec<&str> = body
                    .attachments
                    .iter()
                    .map(|attachment| attachment.name.as_str())
                    .collect();
                assert_eq!(names, ["résumé.pdf", "invite.ics", "attachment.eml"]);
                assert!(
                    body.html
                        .contains(&format!("/api/a/{}/part?", device.account)),
                    "{}",
                    body.html
                );
            }
            "two thousand recipients" => assert_eq!(body.recipients.len(), 2_000),
            "plain" => assert_eq!(body.kind, BodyKind::Plain),
            _ => {}
        }
    }
    let nested = uid("nested");
    let pdf = device
        .content("part", "INBOX", uidvalidity, nested, "&part=2")
        .await?;
    assert!(pdf.body.starts_with(b"%PDF-1.4"));
    let headers = pdf.headers.to_ascii_lowercase();
    assert!(headers.contains("content-disposition: attachment; filename=\"r_sum_.pdf\"; filename*=utf-8''r%c3%a9sum%c3%a9.pdf"), "{headers}");
    for header in [
        "x-content-type-options: nosniff",
        "content-type: application/octet-stream",
        "sandbox",
    ] {
        assert!(headers.contains(header), "{header} in {headers}");
    }
    let raw = device
        .content("raw", "INBOX", uidvalidity, uid("koi8-r"), "")
        .await?;
    assert!(
        raw.body.ends_with(b"\xf0\xd2\xc9\xd7\xc5\xd4\r\n"),
        "the bytes are the server's"
    );
    // Nothing of one account under another's name, and nothing for nobody.
    device.account = "somebody-else".to_owned();
    assert_eq!(
        device
            .content("body", "INBOX", uidvalidity, nested, "")
            .await?
            .status,
        404
    );
    device.cookie = "roost=nothing".to_owned();
    assert_eq!(
        device
            .content("body", "INBOX", uidvalidity, nested, "")
            .await?
            .status,
        401
    );
    Ok(())
}

#[tokio::test]
async fn what_another_client_does_is_told() -> anyhow::Result<()> {
    for options in variants() {
        let stage = stage(&options, Seed::Many(5)).await?;
        let mut device = Device::connect(&stage.gateway.url, "alice").await?;
        let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
        mailboxes(&mut device).await?;
        let state = window(&mut device, "INBOX").await?.state;
        client
            .append(
                "INBOX",
                "",
                "From: x@example.org\nSubject: brand new\n\nHello\n",
            )
            .await?;
        let qresync = !options.without.contains(&"QRESYNC");
        let told = device
            .wait(|message| match message {
                ServerMessage::Change(Change::Delta(delta)) => {
                    delta
                        .arrived
                        .iter()
                        .any(|summary| summary.subject == "brand new")
                        && delta.since == state.modseq
                }
                ServerMessage::Change(Change::Stale { state, .. }) => state.exists == 6,
                _ => false,
            })
            .await?;
        assert_eq!(
            matches!(told, ServerMessage::Change(Change::Delta(_))),
            qresync,
            "{options:?}"
        );
        client.run("SELECT INBOX").await?;
        client.run("UID STORE 2 +FLAGS (\\Flagged)").await?;
        device
            .wait(|message| match message {
                ServerMessage::Change(Change::Delta(delta)) => delta
                    .flags
                    .iter()
                    .any(|(uid, flags)| *uid == 2 && flags.flagged),
                ServerMessage::Change(Change::Stale { .. }) => true,
                _ => false,
            })
            .await?;
        client.run("UID STORE 1 +FLAGS (\\Deleted)").await?;
        client.run("EXPUNGE").await?;
        device
            .wait(|message| match message {
                ServerMessage::Change(Change::Delta(delta)) => delta.vanished.contains(1),
                ServerMessage::Change(Change::Stale { state, .. }) => state.exists == 5,
                _ => false,
            })
            .await?;
        device
            .wait(|message| tells_count(message, "INBOX", 5))
            .await?;
        if !options.without.contains(&"NOTIFY") {
            for (command, name) in [
                ("CREATE Somewhere", "Somewhere"),
                ("RENAME Somewhere Elsewhere", "Elsewhere"),
                ("RENAME Elsewhere Third", "Third"),
            ] {
                client.run(command).await?;
                device
                    .wait(|message| matches!(message, ServerMessage::Change(Change::Mailboxes(all)) if all.iter().any(|m| m.name == name)))
                    .await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_mailbox_that_another_client_recreated_is_no_longer_the_same() -> anyhow::Result<()> {
    let stage = stage(&Options::default(), Seed::Many(1)).await?;
    let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
    client.run("CREATE Twice").await?;
    let mail = "From: x@example.org\nSubject: first\n\nHello\n";
    client.append("Twice", "", mail).await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    mailboxes(&mut device).await?;
    let before = window(&mut device, "Twice").await?.state;
    assert_eq!(before.exists, 1);
    // The gateway hears of changes from now on.
    client.append("INBOX", "", mail).await?;
    device
        .wait(|message| tells_count(message, "INBOX", 2))
        .await?;
    client.run("DELETE Twice").await?;
    client.run("CREATE Twice").await?;
    client.append("Twice", "", mail).await?;
    // Mostly nobody lists in between; who does has told that it is gone.
    device
        .wait(|message| match message {
            ServerMessage::Change(Change::Stale { mailbox, state }) => {
                mailbox == "Twice" && state.uidvalidity != before.uidvalidity
            }
            ServerMessage::Change(Change::Mailboxes(all)) => {
                all.iter().all(|mailbox| mailbox.name != "Twice")
            }
            _ => false,
        })
        .await?;
    // Dovecot throws out who has a mailbox open that is deleted: then it is asked for again, as every device does.
    let mut after = window(&mut device, "Twice").await;
    if after.is_err() {
        after = window(&mut device, "Twice").await;
    }
    let after = after?.state;
    assert_ne!(after.uidvalidity, before.uidvalidity);
    Ok(())
}

#[tokio::test]
async fn signing_in_tells_no_secrets_and_is_limited() -> anyhow::Result<()> {
    let dovecot = Dovecot::start(&Options::default()).await?;
    dovecot.add_user("alice").await?;
    let mut gateway = Gateway::start(&dovecot.url(), &["--sign-in-failures", "3"]).await?;
    let wrong = sign_in(&gateway.url, "alice", "wrong")
        .await?
        .expect_err("refused");
    let nobody = sign_in(&gateway.url, "nobody", "wrong")
        .await?
        .expect_err("refused");
    assert_eq!(
        (wrong.status, wrong.text()),
        (nobody.status, nobody.text()),
        "the two cannot be told apart"
    );
    sign_in(&gateway.url, "mallory\r\nA1 NOOP", PASSWORD)
        .await?
        .expect_err("refused");
    let limited = sign_in(&gateway.url, "alice", PASSWORD)
        .await?
        .expect_err("limited");
    assert_eq!(limited.status, 429);
    gateway.restart().await?;
    let other_origin = roost_tests::device::http(
        &gateway.url,
        "POST",
        "/api/session",
        &[
            ("Origin", "https://evil.example"),
            ("Content-Type", "application/json"),
        ],
        r#"{"username":"alice","password":"demo"}"#,
    )
    .await?;
    assert_eq!(other_origin.status, 403);
    let cookie = sign_in(&gateway.url, "alice", PASSWORD)
        .await?
        .expect("signed in");
    let mut device = Device::attach(&gateway.url, &cookie).await?;
    let mut arriving = Device::open(&gateway.url, &cookie).await?;
    let headers = [
        ("Origin", gateway.url.as_str()),
        ("Cookie", cookie.as_str()),
    ];
    let reply =
        roost_tests::device::http(&gateway.url, "DELETE", "/api/session", &headers, "").await?;
    assert_eq!(reply.status, 204);
    arriving.say_hello().await?;
    for device in [&mut device, &mut arriving] {
        device
            .wait(|message| matches!(message, ServerMessage::Bye(roost_wire::Bye::SignedOut)))
            .await?;
    }
    assert!(
        Device::attach(&gateway.url, &cookie).await.is_err(),
        "the cookie is worth nothing now"
    );
    // Who is signed out already still has the browser forget what it holds.
    let reply =
        roost_tests::device::http(&gateway.url, "DELETE", "/api/session", &headers, "").await?;
    assert_eq!(reply.status, 204);
    assert!(
        reply
            .headers
            .to_lowercase()
            .contains("clear-site-data: \"cache\"")
    );
    Ok(())
}

#[tokio::test]
async fn a_malformed_frame_ends_one_socket_only() -> anyhow::Result<()> {
    let stage = stage(&Options::default(), Seed::Many(3)).await?;
    let mut good = Device::connect(&stage.gateway.url, "alice").await?;
    for bytes in [vec![0xff; 40], vec![1, 0, 9], vec![], vec![0; 200_000]] {
        let mut bad = Device::attach(&good.base.clone(), &good.cookie.clone()).await?;
        bad.send_raw(bytes).await?;
        bad.wait(|message| matches!(message, ServerMessage::Bye(roost_wire::Bye::Protocol(_))))
            .await?;
    }
    assert_eq!(window(&mut good, "INBOX").await?.rows.len(), 3);
    Ok(())
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() -> anyhow::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let dovecot = Dovecot::start(&Options::default()).await?;
    let gateway = Gateway::start(&dovecot.url(), &[]).await?;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    // From the start, in the middle of a header, after an answer, and in the middle of a body.
    let said = [
        "",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ];
    let closed = said.map(|text| {
        let address = address.clone();
        async move {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.write_all(text.as_bytes()).await?;
            let mut answer = Vec::new();
            tokio::time::timeout(
                std::time::Duration::from_secs(40),
                stream.read_to_end(&mut answer),
            )
            .await??;
            anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
        }
    });
    let answers = futures_util::future::try_join_all(closed).await?;
    assert!(answers[2].starts_with("HTTP/1.1 200"), "{}", answers[2]);
    assert!(answers[3].starts_with("HTTP/1.1 408"), "{}", answers[3]);
    Ok(())
}

#[tokio::test]
async fn hundreds_of_messages_move_at_once_with_progress() -> anyhow::Result<()> {
    let stage = stage(&Options::default(), Seed::Many(1_300)).await?;
    let mut device = Device::connect(&stage.gateway.url, "alice").await?;
    let state = window(&mut device, "INBOX").await?.state;
    let everything = Mutation::Move {
        mailbox: "INBOX".to_owned(),
        uidvalidity: state.uidvalidity,
        uids: UidSet::range(1, state.uidnext - 1),
        to: "Trash".to_owned(),
        add: Vec::new(),
        remove: Vec::new(),
    };
    let moved = done(device.mutate(everything).await?)?.expect("COPYUID");
    assert_eq!(moved.uids.len(), 1_300);
    let steps = device
        .seen
        .iter()
        .filter(|message| matches!(message, ServerMessage::Progress { total: 1_300, .. }))
        .count();
    assert!(steps >= 3, "progress was told {steps} times");
    let mut client = Client::sign_in(stage.dovecot.port, "alice").await?;
    assert_eq!(client.search("Trash", "ALL").await?.len(), 1_300);
    Ok(())
}
