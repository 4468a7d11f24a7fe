//! A search means the same on the device and on the server: both are asked over the same messages.

use std::collections::BTreeSet;

use roost_engine::{find_in, parse_query};
use roost_tests::device::Device;
use roost_tests::dovecot::{Dovecot, Options};
use roost_tests::gateway::Gateway;
use roost_tests::mail::{self, Seed};
use roost_wire::{Answer, Request, Summary};

async fn summaries(device: &mut Device) -> anyhow::Result<Vec<Summary>> {
    let request = Request::Window {
        mailbox: "INBOX".to_owned(),
        first: 0,
        count: 200,
    };
    match device.ask(request).await? {
        Ok(Answer::Window(window)) => Ok(window.rows),
        other => anyhow::bail!("{other:?}"),
    }
}

async fn on_the_server(device: &mut Device, text: &str) -> anyhow::Result<BTreeSet<u32>> {
    let request = Request::Search {
        mailbox: "INBOX".to_owned(),
        query: parse_query(text).search,
    };
    match device.ask(request).await? {
        Ok(Answer::Found { uids, .. }) => Ok(uids.iter().collect()),
        other => anyhow::bail!("{text}: {other:?}"),
    }
}

/// Every operator with values that split the seeded mail.
const OPERATORS: &[&str] = &[
    "from:maya",
    "from:MAYA subject:dinner",
    "from:\"martin\"",
    "to:alice",
    "to:alice@roost.test is:unread",
    "to:nobody",
    "subject:dinner",
    "subject:конференции",
    "subject:КОНФЕРЕНЦИИ",
    "has:attachment",
    "has:attachment is:read",
    "is:unread",
    "is:read",
    "is:starred",
    "is:starred is:unread",
    "before:2026-11-22",
    "after:2026-11-22",
    "after:2026-11-20 before:2026-11-22",
    "after:2023-11-14 before:2023-11-15",
    "after:2030-01-01",
    "larger:1k",
    "larger:5k",
    "larger:100k has:attachment",
    "larger:0",
    "from:",
];

/// Words: the server reads whole messages, the device what it has of them.
const WORDS: &[&str] = &[
    "tulips",
    "dinner",
    "maya",
    "конференции",
    "来週",
    "zebra",
    "is:unread the",
];

#[tokio::test]
async fn a_search_means_the_same_here_and_there() -> anyhow::Result<()> {
    for seed in [Seed::Demo, Seed::Reading] {
        let dovecot = Dovecot::start(&Options::default()).await?;
        dovecot.add_user("alice").await?;
        mail::seed(&dovecot.maildir("alice"), seed)?;
        dovecot.own_mail(&dovecot.maildir("alice")).await?;
        let gateway = Gateway::start(&dovecot.url(), &[]).await?;
        let mut device = Device::connect(&gateway.url, "alice").await?;
        let summaries = summaries(&mut device).await?;
        let mut told_apart = 0;
        for text in OPERATORS {
            let here: BTreeSet<u32> = find_in(&summaries, text).into_iter().collect();
            let there = on_the_server(&mut device, text).await?;
            let subjects = |uids: BTreeSet<u32>| -> Vec<String> {
                let of = summaries.iter().filter(|s| uids.contains(&s.uid));
                of.map(|s| s.subject.clone()).collect()
            };
            assert_eq!(
                here,
                there,
                "{text} ({seed:?}): only here {:?}, only there {:?}",
                subjects(&here - &there),
                subjects(&there - &here)
            );
            told_apart += usize::from(!here.is_empty() && here.len() < summaries.len());
        }
        assert!(
            told_apart >= 5,
            "{seed:?} tells few of them apart: {told_apart}"
        );
        for text in WORDS {
            let here: BTreeSet<u32> = find_in(&summaries, text).into_iter().collect();
            let there = on_the_server(&mut device, text).await?;
            assert!(
                here.is_subset(&there),
                "{text} ({seed:?}): {here:?}, {there:?}"
            );
        }
    }
    Ok(())
}
