//! What a device keeps: it starts from that without a line, and agrees with the server afterwards.

#[path = "../simulation/store.rs"]
pub mod store;
#[path = "../storage/suite.rs"]
mod suite;

use roost_engine::{
    Action, Effect, Event, Filling, Intent, KeptAccount, KeptMailbox, Line, Presence, Record,
    Stage, Wake, Who,
};
use roost_wire::{Change, Delta, Flags, MailboxState, ServerMessage};
use store::Store;

use crate::device::{Device, NOW, TAB, mailboxes, state};

fn who() -> Who {
    Who {
        account: "a".to_owned(),
        username: "alice".to_owned(),
    }
}

pub fn account() -> KeptAccount {
    KeptAccount {
        who: who(),
        address: "alice@roost.test".to_owned(),
        sends: true,
        mailboxes: mailboxes(),
        pending: Vec::new(),
        presence: Presence::Here,
    }
}

/// Lets the store do what the engine asks of it, until it asks for nothing more.
pub fn settle(device: &mut Device, store: &mut Store) {
    while !device.effects.is_empty() {
        for effect in std::mem::take(&mut device.effects) {
            if effect == Effect::Recall {
                device.event(Event::Restored(device.kept.clone()));
            } else if let Some(loaded) = store.perform(effect) {
                device.event(loaded);
            }
        }
    }
}

/// A device that keeps an inbox of `count` messages, and its store.
pub fn kept_inbox(count: u32) -> (Device, Store) {
    let mut store = Store::default();
    let mut device = Device::new();
    device.event(Event::Recalled(Some(Box::new(account()))));
    device.answer_all(state(count, 1));
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    (device, store)
}

/// The worker starts again with what was kept; there is no line.
pub fn restarted(store: &mut Store) -> Device {
    let mut device = Device {
        state: roost_engine::State::default(),
        ..Device::start(Vec::new())
    };
    device.effects.clear();
    device.list = None;
    device.event(Event::Started {
        device: 10,
        build: "1".to_owned(),
    });
    device.event(Event::Restored(Vec::new()));
    device.event(Event::TabOpened {
        tab: TAB,
        likely_signed_in: true,
    });
    device.event(store.recall());
    settle(&mut device, store);
    device
}

#[test]
fn the_store_in_memory_passes_the_suite() {
    let mut store = Store::default();
    for step in suite::steps() {
        match step {
            suite::Step::Starts(expected) => suite::is(&store.recall(), &expected),
            suite::Step::Does(effect) => assert!(store.perform(effect).is_none()),
            suite::Step::Gives(effect, expected) => {
                suite::is(&store.perform(effect).expect("an answer"), &expected);
            }
        }
    }
}

#[test]
fn the_list_is_there_before_any_line() {
    let (_, mut store) = kept_inbox(3);
    let device = restarted(&mut store);
    assert_eq!(device.subjects(), ["message 3", "message 2", "message 1"]);
    assert_ne!(device.line, Line::Live);
    assert!(matches!(device.stage, Stage::SignedIn { .. }));
}

#[test]
fn what_came_is_kept_when_the_last_tab_goes() {
    let mut store = Store::default();
    let mut device = Device::new();
    device.event(Event::Recalled(Some(Box::new(account()))));
    device.answer_all(state(3, 1));
    device.event(Event::TabClosed { tab: TAB });
    settle(&mut device, &mut store);
    let device = restarted(&mut store);
    assert_eq!(device.subjects(), ["message 3", "message 2", "message 1"]);
}

#[test]
fn a_tab_that_comes_after_what_was_kept_connects() {
    let (_, store) = kept_inbox(3);
    let mut state = roost_engine::State::default();
    let mut effects = Vec::new();
    for event in [
        Event::Started {
            device: 10,
            build: "1".to_owned(),
        },
        Event::Recalled(store.account.map(Box::new)),
        Event::TabOpened {
            tab: TAB,
            likely_signed_in: true,
        },
    ] {
        effects.extend(roost_engine::step(&mut state, event));
    }
    let connects = effects.iter().filter(|effect| **effect == Effect::Connect);
    assert_eq!(connects.count(), 1);
}

#[test]
fn a_change_outlives_the_worker_and_is_made_under_its_own_id() {
    let (mut device, mut store) = kept_inbox(3);
    device.mutations.clear();
    device.act(&[2], Action::Archive);
    let (id, mutation) = device.take();
    // In the same step: nothing has to be waited for.
    settle(&mut device, &mut store);
    let mut device = restarted(&mut store);
    assert_eq!(device.subjects(), ["message 3", "message 1"]);
    assert_eq!(device.waiting, 1);
    // The gateway may have it: that is known after the start too.
    device.intent(Intent::Inspect(true));
    assert!(!device.queue[0].can_be_cancelled);
    assert_eq!(device.queue[0].at, NOW);
    device.open_socket(1);
    assert_eq!(device.take(), (id, mutation));
    device.end(id, roost_wire::Outcome::Done { moved: None });
    settle(&mut device, &mut store);
    assert_eq!(store.account.expect("an account").pending, []);
}

#[test]
fn flags_that_changed_while_a_page_was_not_in_memory_are_asked_for() {
    let (_, mut store) = kept_inbox(3);
    let mut device = Device::start(Vec::new());
    device.event(Event::Recalled(store.account.clone().map(Box::new)));
    // The mailbox is read, its pages are still on their way, when a change overtakes them.
    let asked = device
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::LoadMailbox { .. }));
    assert!(asked);
    let load = Effect::LoadMailbox {
        account: "a".to_owned(),
        mailbox: "INBOX".to_owned(),
    };
    device.event(store.perform(load).expect("an answer"));
    device.open_socket(1);
    let starred = Flags {
        flagged: true,
        ..Flags::default()
    };
    device.server(ServerMessage::Change(Change::Delta(Delta {
        mailbox: "INBOX".to_owned(),
        since: 1,
        state: MailboxState {
            modseq: 2,
            ..state(3, 1)
        },
        vanished: [].into_iter().collect(),
        flags: vec![(2, starred)],
        arrived: Vec::new(),
    })));
    settle(&mut device, &mut store);
    let list = device.list.clone().expect("a list");
    let row = list.rows.iter().flatten().find(|row| row.uid == 2);
    assert!(row.is_none_or(|row| row.flags.flagged), "{row:?}");
    // Nor is what was kept believed after the next start.
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    let device = restarted(&mut store);
    let list = device.list.expect("a list");
    let row = list.rows.iter().flatten().find(|row| row.uid == 2);
    assert!(row.is_none_or(|row| row.flags.flagged), "{row:?}");
}

#[test]
fn nothing_stays_of_a_mailbox_that_is_gone_though_nobody_looked_at_it() {
    let (mut device, _) = kept_inbox(3);
    let mut left = mailboxes();
    left.retain(|mailbox| mailbox.name != "Archive");
    device.server(ServerMessage::Change(Change::Mailboxes(left)));
    device.event(Event::Woke(Wake::Keep));
    let forgets = |effect: &Effect| {
        let Effect::Store { records, .. } = effect else {
            return false;
        };
        records.contains(&Record::Forget("Archive".to_owned()))
    };
    assert!(device.effects.iter().any(forgets));
}

#[test]
fn nothing_is_kept_on_a_shared_computer() {
    let mut store = Store::default();
    let mut device = Device::start(Vec::new());
    for shared in [false, true] {
        device.intent(Intent::SignOut { keep: false });
        device.intent(Intent::SignIn {
            username: "alice".to_owned(),
            password: "secret".to_owned(),
            shared,
        });
        device.event(Event::SignedIn(Ok(who())));
        device.open_socket(1);
        device.answer_all(state(3, 1));
        device.event(Event::Woke(Wake::Keep));
        settle(&mut device, &mut store);
        assert_eq!(store.account.is_some(), !shared);
    }
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    assert!(store.account.is_none());
}

#[test]
fn what_was_read_for_one_account_is_not_shown_to_another() {
    let mut device = Device::start(Vec::new());
    device.event(Event::Recalled(Some(Box::new(account()))));
    let kept = KeptMailbox {
        name: "INBOX".to_owned(),
        state: state(1, 1),
        runs: vec![(1, 1)],
        pages: [0].into(),
    };
    let late = Event::MailboxLoaded {
        account: "somebody else".to_owned(),
        kept: Some(kept),
    };
    device.event(late);
    let total = device.list.as_ref().map_or(0, |list| list.total);
    assert_eq!(total, 0);
}

#[test]
fn a_record_that_does_not_add_up_is_not_believed() {
    let kept = |runs: &[(u32, u32)]| KeptMailbox {
        name: "INBOX".to_owned(),
        state: state(4, 1),
        runs: runs.to_vec(),
        pages: [].into(),
    };
    assert_eq!(kept(&[(0, 2), (7, 2)]).uids(), Some(vec![0, 0, 7, 8]));
    assert_eq!(kept(&[(7, 2)]).uids(), None, "too few");
    assert_eq!(kept(&[(7, 2), (8, 2)]).uids(), None, "not ascending");
    assert_eq!(kept(&[(1, u32::MAX)]).uids(), None, "too many");
}

#[test]
fn removing_what_is_kept_leaves_what_exists_only_here() {
    let (mut device, mut store) = kept_inbox(3);
    let form = device.typed("not sent yet");
    device.act(&[2], Action::Archive);
    let waits = device.mutations.last().expect("a change").clone();
    settle(&mut device, &mut store);
    device.intent(Intent::ForgetMail);
    settle(&mut device, &mut store);
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    assert!(store.pages("a", "INBOX", 1, vec![0]).is_empty());
    let pending = &store.account.as_ref().expect("an account").pending;
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].id, pending[0].mutation.clone()), waits);
    assert!(device.kept.iter().any(|kept| kept.message.id == form.id));
    // What is opened after that is kept again.
    device.intent(Intent::OpenMailbox("Archive".to_owned()));
    device
        .requests
        .retain(|(_, request)| !matches!(request, roost_wire::Request::Search { .. }));
    device.answer_all(state(3, 1));
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    assert!(!store.pages("a", "Archive", 1, vec![0]).is_empty());
}

#[test]
fn what_there_was_no_room_for_is_told_once_and_written_when_there_is_some() {
    let (mut device, mut store) = kept_inbox(3);
    let before = store.pages("a", "INBOX", 1, vec![0]);
    store.full = true;
    device.act(&[2], Action::Seen(true));
    let (id, _) = device.mutations.last().expect("a change").clone();
    for modseq in 2..5 {
        let seen = Flags {
            seen: true,
            ..Flags::default()
        };
        device.server(ServerMessage::Change(Change::Delta(Delta {
            mailbox: "INBOX".to_owned(),
            since: modseq - 1,
            state: MailboxState {
                modseq,
                ..state(3, 1)
            },
            vanished: [].into_iter().collect(),
            flags: vec![(modseq as u32 - 1, seen)],
            arrived: Vec::new(),
        })));
        device.event(Event::Woke(Wake::Keep));
        settle(&mut device, &mut store);
    }
    let told = device.notices.iter().filter(|notice| notice.failed);
    let told: Vec<_> = told.map(|notice| notice.text.as_str()).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("There is no room left on this device."));
    assert_eq!(device.filling, Filling::NoRoom);
    // What exists only here is kept all the same, and the rest is of one moment.
    assert_eq!(
        store.account.as_ref().expect("an account").pending[0].id,
        id
    );
    assert_eq!(store.pages("a", "INBOX", 1, vec![0]), before);
    let again = restarted(&mut store);
    assert_eq!(again.waiting, 1);
    // There is room again: what was left out is in the next batch, with all that belongs to it.
    store.full = false;
    device.wakes.clear();
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    let page = store.pages("a", "INBOX", 1, vec![0]).remove(0);
    assert!(page.summaries.iter().all(|summary| summary.flags.seen));
    assert_ne!(device.filling, Filling::NoRoom);
}

#[test]
fn a_message_that_could_not_be_kept_is_told_of_once() {
    let (mut device, _) = kept_inbox(3);
    for _ in 0..3 {
        device.event(Event::DraftNotKept);
    }
    let told = device.notices.iter().filter(|notice| notice.failed);
    let told: Vec<_> = told.map(|notice| notice.text.as_str()).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("is lost if the browser closes"));
}
