//! What every store must do: the one in memory, which the simulation uses, and IndexedDB. The same sequence of effects, with
//! what each must answer.

use roost_engine::{
    Effect, Event, KeptAccount, KeptChange, KeptMailbox, KeptPage, Presence, Purpose, Record, Who,
};
use roost_wire::{Flags, MailboxState, Mutation, MutationId, Summary, Uid};

/// One step of the suite.
pub enum Step {
    /// A worker starts: the account it is given.
    Starts(Event),
    Does(Effect),
    Gives(Effect, Event),
}

/// Whether an answer is the one expected.
pub fn is(answer: &Event, expected: &Event) {
    assert_eq!(format!("{answer:?}"), format!("{expected:?}"));
}

/// One whose person signed out.
fn left(kept: KeptAccount) -> KeptAccount {
    KeptAccount {
        presence: Presence::Leaving,
        ..kept
    }
}

fn account(name: &str, waiting: u64) -> KeptAccount {
    KeptAccount {
        who: Who {
            account: name.to_owned(),
            username: "alice".to_owned(),
        },
        address: "alice@roost.test".to_owned(),
        sends: true,
        mailboxes: Vec::new(),
        pending: (1..=waiting)
            .map(|count| KeptChange {
                id: MutationId { device: 7, count },
                mutation: Mutation::CreateMailbox {
                    name: format!("Plans {count}"),
                },
                at: 1_700_000_000,
                handed_over: count == 1,
                ledger: Some(u64::MAX),
            })
            .collect(),
        presence: Presence::Here,
    }
}

fn mailbox(name: &str, exists: u32) -> KeptMailbox {
    KeptMailbox {
        name: name.to_owned(),
        state: MailboxState {
            uidvalidity: 5,
            uidnext: exists + 1,
            exists,
            modseq: u64::MAX >> 1,
        },
        runs: vec![(0, 1), (2, exists - 1)],
        pages: [0, 1].into(),
    }
}

fn page(mailbox: &str, uidvalidity: u32, page: u32, subject: &str) -> KeptPage {
    let summary = |uid: Uid| Summary {
        uid,
        flags: Flags {
            seen: true,
            keywords: vec!["$Work".to_owned()],
            ..Flags::default()
        },
        received: -1,
        from: Vec::new(),
        to: Vec::new(),
        subject: format!("{subject} – Grüße {uid}"),
        preview: String::new(),
        size: u32::MAX,
        attachment: true,
    };
    KeptPage {
        mailbox: mailbox.to_owned(),
        uidvalidity,
        page,
        summaries: [page * 256 + 1, page * 256 + 2].map(summary).into(),
    }
}

fn store(account: &str, records: Vec<Record>) -> Step {
    Step::Does(Effect::Store {
        account: account.to_owned(),
        records,
    })
}

fn starts(kept: Option<KeptAccount>) -> Step {
    Step::Starts(Event::Recalled(kept.map(Box::new)))
}

fn gives_mailbox(account: &str, mailbox: &str, kept: Option<KeptMailbox>) -> Step {
    Step::Gives(
        Effect::LoadMailbox {
            account: account.to_owned(),
            mailbox: mailbox.to_owned(),
        },
        Event::MailboxLoaded {
            account: account.to_owned(),
            kept,
        },
    )
}

/// Which pages are wanted of a mailbox, and which of them are given.
fn gives_pages(
    account: &str,
    mailbox: &str,
    uidvalidity: u32,
    wanted: &[u32],
    pages: Vec<KeptPage>,
) -> Step {
    Step::Gives(
        Effect::LoadPages {
            account: account.to_owned(),
            mailbox: mailbox.to_owned(),
            uidvalidity,
            purpose: Purpose::Search,
            pages: wanted.to_vec(),
        },
        Event::PagesLoaded {
            account: account.to_owned(),
            mailbox: mailbox.to_owned(),
            purpose: Purpose::Search,
            pages,
        },
    )
}

/// The suite. Between any two steps the worker may start anew.
pub fn steps() -> Vec<Step> {
    let odd = "Work\u{1}/Plans";
    vec![
        // From another run.
        Step::Does(Effect::Wipe),
        starts(None),
        gives_mailbox("a", "INBOX", None),
        gives_pages("a", "INBOX", 5, &[0, 1], Vec::new()),
        // A batch; later records of the same thing replace earlier ones, within it too.
        store(
            "a",
            vec![
                Record::Account(Box::new(account("a", 3))),
                Record::Account(Box::new(account("a", 2))),
                Record::Mailbox(mailbox("INBOX", 9)),
                Record::Page(page("INBOX", 5, 0, "first")),
                Record::Page(page("INBOX", 5, 1, "second")),
            ],
        ),
        starts(Some(account("a", 2))),
        gives_mailbox("a", "INBOX", Some(mailbox("INBOX", 9))),
        // In the order asked for, without those that are not there.
        gives_pages(
            "a",
            "INBOX",
            5,
            &[1, 7, 0],
            vec![page("INBOX", 5, 1, "second"), page("INBOX", 5, 0, "first")],
        ),
        // Of another UIDVALIDITY or account, nothing.
        gives_pages("a", "INBOX", 6, &[0, 1], Vec::new()),
        gives_mailbox("b", "INBOX", None),
        gives_pages("b", "INBOX", 5, &[0], Vec::new()),
        store("a", vec![Record::Page(page("INBOX", 5, 0, "anew"))]),
        gives_pages("a", "INBOX", 5, &[0], vec![page("INBOX", 5, 0, "anew")]),
        // Forgetting one mailbox leaves those whose names begin alike, and what follows in the same batch.
        store(
            "a",
            vec![
                Record::Mailbox(mailbox("INBOX/Plans", 3)),
                Record::Mailbox(mailbox("INBOX2", 4)),
                Record::Page(page("INBOX2", 5, 0, "other")),
                Record::Mailbox(mailbox(odd, 2)),
            ],
        ),
        store(
            "a",
            vec![
                Record::Forget("INBOX".to_owned()),
                Record::Page(page("INBOX", 6, 1, "recreated")),
            ],
        ),
        gives_mailbox("a", "INBOX", None),
        gives_pages("a", "INBOX", 5, &[0, 1], Vec::new()),
        gives_pages(
            "a",
            "INBOX",
            6,
            &[1],
            vec![page("INBOX", 6, 1, "recreated")],
        ),
        gives_mailbox("a", "INBOX/Plans", Some(mailbox("INBOX/Plans", 3))),
        gives_mailbox("a", "INBOX2", Some(mailbox("INBOX2", 4))),
        gives_pages("a", "INBOX2", 5, &[0], vec![page("INBOX2", 5, 0, "other")]),
        gives_mailbox("a", odd, Some(mailbox(odd, 2))),
        starts(Some(account("a", 2))),
        // Somebody signs out, and what is kept stays.
        store("a", vec![Record::Account(Box::new(left(account("a", 2))))]),
        starts(Some(left(account("a", 2)))),
        gives_mailbox("a", "INBOX2", Some(mailbox("INBOX2", 4))),
        // Or nothing stays.
        Step::Does(Effect::Wipe),
        starts(None),
        gives_mailbox("a", "INBOX2", None),
        gives_pages("a", "INBOX2", 5, &[0], Vec::new()),
    ]
}
