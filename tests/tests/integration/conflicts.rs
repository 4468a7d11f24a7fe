//! Changes that meet what others changed, on a real Dovecot: one rule each (ARCHITECTURE.md, "Conflicts"). What the device
//! shows of them is in `app/engine/tests/engine/conflicts.rs`.

use roost_tests::client::Client;
use roost_tests::device::Device;
use roost_tests::dovecot::{Dovecot, Options};
use roost_tests::gateway::Gateway;
use roost_tests::mail::{self, Seed};
use roost_wire::{Answer, Mutation, Outcome, ProblemKind, Request, UidSet};

struct Stage {
    device: Device,
    client: Client,
    uidvalidity: u32,
    _gateway: Gateway,
    _dovecot: Dovecot,
}

/// An inbox of so many messages with UIDs from 1, a device and another client.
async fn stage(options: &Options, count: u32) -> anyhow::Result<Stage> {
    let dovecot = Dovecot::start(options).await?;
    dovecot.add_user("alice").await?;
    mail::seed(&dovecot.maildir("alice"), Seed::Many(count))?;
    dovecot.own_mail(&dovecot.maildir("alice")).await?;
    let gateway = Gateway::start(&dovecot.url(), &[]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let request = Request::Window {
        mailbox: "INBOX".to_owned(),
        first: 0,
        count: 10,
    };
    let Ok(Answer::Window(window)) = device.ask(request).await? else {
        anyhow::bail!("no rows");
    };
    Ok(Stage {
        uidvalidity: window.state.uidvalidity,
        device,
        client: Client::sign_in(dovecot.port, "alice").await?,
        _gateway: gateway,
        _dovecot: dovecot,
    })
}

impl Stage {
    fn star(&self, mailbox: &str, uids: UidSet) -> Mutation {
        Mutation::Flag {
            mailbox: mailbox.to_owned(),
            uidvalidity: self.uidvalidity,
            uids,
            add: vec!["\\Flagged".to_owned()],
            remove: Vec::new(),
        }
    }

    fn move_to(&self, uids: UidSet, to: &str) -> Mutation {
        Mutation::Move {
            mailbox: "INBOX".to_owned(),
            uidvalidity: self.uidvalidity,
            uids,
            to: to.to_owned(),
            add: Vec::new(),
            remove: Vec::new(),
        }
    }

    async fn rejected(&mut self, mutation: Mutation) -> anyhow::Result<ProblemKind> {
        match self.device.mutate(mutation).await? {
            Outcome::Rejected(problem) => Ok(problem.kind),
            other => anyhow::bail!("{other:?}"),
        }
    }

    async fn done(&mut self, mutation: Mutation) -> anyhow::Result<()> {
        match self.device.mutate(mutation).await? {
            Outcome::Done { .. } => Ok(()),
            other => anyhow::bail!("{other:?}"),
        }
    }
}

fn one(uid: u32) -> UidSet {
    [uid].into_iter().collect()
}

/// Servers with MOVE, and those where moving is copying and deleting.
fn with_and_without_move() -> [Options; 2] {
    [
        Options::default(),
        Options {
            without: vec!["MOVE"],
            ..Options::default()
        },
    ]
}

#[tokio::test]
async fn a_change_of_messages_that_are_gone_changes_the_others_and_nothing_else()
-> anyhow::Result<()> {
    for options in with_and_without_move() {
        let mut stage = stage(&options, 6).await?;
        // One was moved elsewhere, one deleted for good.
        stage.client.run("SELECT INBOX").await?;
        stage.client.run("COPY 2 Archive").await?;
        stage.client.run("STORE 2:3 +FLAGS (\\Deleted)").await?;
        stage.client.run("EXPUNGE").await?;
        let star = stage.star("INBOX", UidSet::range(1, 3));
        stage.done(star).await?;
        let moved = stage.move_to(UidSet::range(2, 4), "Trash");
        stage.done(moved).await?;
        let nothing = stage.move_to(one(3), "Trash");
        stage.done(nothing).await?;
        assert_eq!(stage.client.search("INBOX", "ALL").await?, [1, 5, 6]);
        assert_eq!(stage.client.search("INBOX", "FLAGGED").await?, [1]);
        assert_eq!(stage.client.search("Trash", "ALL").await?.len(), 1);
        // Where it was moved to, it is not followed.
        assert_eq!(stage.client.search("Archive", "ALL").await?.len(), 1);
        assert_eq!(stage.client.search("Archive", "FLAGGED").await?, [0; 0]);
    }
    Ok(())
}

#[tokio::test]
async fn a_move_into_a_folder_that_was_renamed_or_deleted_is_refused_and_loses_nothing()
-> anyhow::Result<()> {
    for options in with_and_without_move() {
        let mut stage = stage(&options, 3).await?;
        stage.client.run("CREATE Plans").await?;
        stage.client.run("RENAME Plans Ideas").await?;
        let moved = stage.move_to(one(2), "Plans");
        assert_eq!(stage.rejected(moved).await?, ProblemKind::NoSuchMailbox);
        let marked = stage.star("Plans", one(1));
        // Dovecot has no code for a mailbox that cannot be selected, only words.
        assert_eq!(stage.rejected(marked).await?, ProblemKind::Refused);
        assert_eq!(stage.client.search("INBOX", "ALL").await?, [1, 2, 3]);
        assert_eq!(stage.client.search("Ideas", "ALL").await?, [0; 0]);
    }
    Ok(())
}

#[tokio::test]
async fn flags_of_two_devices_are_merged() -> anyhow::Result<()> {
    let mut stage = stage(&Options::default(), 3).await?;
    stage.client.run("SELECT INBOX").await?;
    stage.client.run("STORE 2 +FLAGS (\\Seen $Work)").await?;
    let star = stage.star("INBOX", one(2));
    stage.done(star).await?;
    let both = stage.client.search("INBOX", "SEEN FLAGGED KEYWORD $Work");
    assert_eq!(both.await?, [2]);
    Ok(())
}

#[tokio::test]
async fn a_full_mailbox_refuses_and_the_messages_stay_where_they_are() -> anyhow::Result<()> {
    let full = Options {
        most_messages: Some(5),
        ..Options::default()
    };
    // Without MOVE a move needs room for a moment.
    let copying = Options {
        without: vec!["MOVE"],
        ..full.clone()
    };
    let mut stage_with_move = stage(&full, 5).await?;
    let copy = Mutation::Copy {
        mailbox: "INBOX".to_owned(),
        uidvalidity: stage_with_move.uidvalidity,
        uids: one(2),
        to: "Archive".to_owned(),
    };
    assert_eq!(
        stage_with_move.rejected(copy).await?,
        ProblemKind::OverQuota
    );
    let mut stage = stage(&copying, 5).await?;
    let moved = stage.move_to(one(2), "Archive");
    assert_eq!(stage.rejected(moved).await?, ProblemKind::OverQuota);
    for stage in [&mut stage_with_move, &mut stage] {
        assert_eq!(stage.client.search("INBOX", "ALL").await?.len(), 5);
        assert_eq!(stage.client.search("Archive", "ALL").await?, [0; 0]);
    }
    Ok(())
}

#[tokio::test]
async fn a_change_for_a_folder_that_was_recreated_touches_nothing_in_the_new_one()
-> anyhow::Result<()> {
    let mut stage = stage(&Options::default(), 1).await?;
    stage.client.run("CREATE Plans").await?;
    stage
        .client
        .append("Plans", "", "Subject: old\r\n\r\nold")
        .await?;
    let request = Request::Window {
        mailbox: "Plans".to_owned(),
        first: 0,
        count: 10,
    };
    let Ok(Answer::Window(window)) = stage.device.ask(request).await? else {
        anyhow::bail!("no rows");
    };
    stage.uidvalidity = window.state.uidvalidity;
    let uid = window.rows[0].uid;
    stage.client.run("DELETE Plans").await?;
    // Dovecot names UIDVALIDITY by the second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    stage.client.run("CREATE Plans").await?;
    stage
        .client
        .append("Plans", "", "Subject: new\r\n\r\nnew")
        .await?;
    let changes = [
        stage.star("Plans", one(uid)),
        Mutation::Expunge {
            mailbox: "Plans".to_owned(),
            uidvalidity: stage.uidvalidity,
            uids: one(uid),
        },
    ];
    for change in changes {
        let kind = stage.rejected(change).await?;
        assert_eq!(kind, ProblemKind::UidValidityChanged);
    }
    assert_eq!(stage.client.search("Plans", "UNFLAGGED").await?, [uid]);
    Ok(())
}
