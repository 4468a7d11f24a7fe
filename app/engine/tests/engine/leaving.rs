//! Signing out: what this device keeps stays, out of sight, or is removed; and the gateway hears of it in the end.

use roost_engine::{Action, Effect, Event, Intent, Presence, Stage, State, TabId, Wake, Who};
use roost_wire::{Mutation, MutationId};

use crate::device::{Device, TAB, state};
use crate::kept::{kept_inbox, settle, store::Store};

fn who(account: &str) -> Who {
    Who {
        account: account.to_owned(),
        username: account.to_owned(),
    }
}

/// The worker starts again. The tab opens before the store has answered, or after.
fn restarted(
    before: &Device,
    store: &mut Store,
    likely_signed_in: bool,
    tab_first: bool,
) -> Device {
    let mut device = Device {
        state: State::default(),
        ..Device::start(Vec::new())
    };
    device.effects.clear();
    device.list = None;
    device.stage = Stage::Starting;
    device.kept.clone_from(&before.kept);
    device.event(Event::Started {
        device: 10,
        build: "1".to_owned(),
    });
    let tab = Event::TabOpened {
        tab: TAB,
        likely_signed_in,
    };
    if tab_first {
        device.event(tab.clone());
    }
    device.event(Event::Restored(device.kept.clone()));
    device.event(store.recall());
    if !tab_first {
        device.event(tab);
    }
    settle(&mut device, store);
    device
}

fn sign_in(device: &mut Device, store: &mut Store, account: &str) {
    device.intent(Intent::SignIn {
        username: account.to_owned(),
        password: "secret".to_owned(),
        shared: false,
    });
    device.event(Event::SignedIn(Ok(who(account))));
    settle(device, store);
}

fn is_signed_out(device: &Device) -> bool {
    matches!(device.stage, Stage::SignedOut { expired: false, .. })
}

fn count(device: &Device, effect: &Effect) -> usize {
    device
        .effects
        .iter()
        .filter(|other| *other == effect)
        .count()
}

/// Signs out with a change and a message that exist only here: the device, its store, the change's id.
fn left_with_work(keep: bool) -> (Device, Store, MutationId) {
    let (mut device, mut store) = kept_inbox(3);
    device.event(Event::SocketClosed);
    device.mutations.clear();
    device.act(&[2], Action::Archive);
    device.typed("only here");
    settle(&mut device, &mut store);
    assert_eq!((device.waiting, device.unsaved), (1, 1));
    assert!(device.keeps);
    let id = store.account.as_ref().expect("an account").pending[0].id;
    device.intent(Intent::SignOut { keep });
    assert_eq!(count(&device, &Effect::SignOut), 1);
    settle(&mut device, &mut store);
    (device, store, id)
}

#[test]
fn what_is_kept_is_seen_by_nobody_before_the_same_person_is_back() {
    let (device, mut store, _) = left_with_work(true);
    assert!(is_signed_out(&device));
    for told in [false, true] {
        let before = if told {
            Presence::Left
        } else {
            Presence::Leaving
        };
        for (likely, tab_first) in [(false, false), (false, true), (true, false), (true, true)] {
            if told {
                store.account.as_mut().expect("it stays").presence = before;
            }
            assert_eq!(store.account.as_ref().expect("it stays").presence, before);
            let mut device = restarted(&device, &mut store, likely, tab_first);
            assert_eq!(device.list, None, "{told} {likely} {tab_first}");
            assert_eq!(device.drafts, []);
            assert!(!matches!(device.stage, Stage::SignedIn { .. }));
            // The tab that thinks somebody is here asks the gateway, if that knows of the end.
            if !(told && likely) {
                assert!(is_signed_out(&device), "{told} {likely} {tab_first}");
            }
            // A session that the gateway does not know to have ended lets nobody in.
            if !told {
                device.event(Event::SessionChecked(Ok(Some(who("a")))));
                assert!(is_signed_out(&device));
                assert_eq!(device.list, None);
            }
        }
    }
}

#[test]
fn who_is_back_finds_mail_at_once_and_what_waited_is_sent() {
    for restart in [false, true] {
        let (mut device, mut store, id) = left_with_work(true);
        if restart {
            device = restarted(&device, &mut store, false, true);
        }
        device.event(Event::SessionEnded { told: true });
        settle(&mut device, &mut store);
        assert_eq!(
            store.account.as_ref().expect("it stays").presence,
            Presence::Left
        );
        sign_in(&mut device, &mut store, "a");
        // No line yet.
        assert_eq!(device.subjects(), ["message 3", "message 1"]);
        assert_eq!(device.waiting, 1);
        // It is written in the same step that they are here.
        assert_eq!(
            store.account.as_ref().expect("it stays").presence,
            Presence::Here
        );
        device.mutations.clear();
        device.open(1);
        let sent = |(sent, mutation): &(MutationId, Mutation)| {
            *sent == id && matches!(mutation, Mutation::Move { .. })
        };
        assert!(device.mutations.iter().any(sent), "{:?}", device.mutations);
        let saved = |(_, mutation): &(MutationId, Mutation)| matches!(mutation, Mutation::SaveDraft { draft, .. } if draft.text == "only here");
        assert!(device.mutations.iter().any(saved), "{:?}", device.mutations);
    }
}

#[test]
fn what_is_removed_is_gone_with_what_existed_only_here() {
    let (mut device, mut store, _) = left_with_work(false);
    assert!(store.pages("a", "INBOX", 1, vec![0]).is_empty());
    assert_eq!(device.kept, []);
    // That somebody left is remembered until the gateway knows, but not who.
    let left = store.account.clone().expect("a note");
    assert_eq!(
        (left.who, left.presence),
        (Who::default(), Presence::Leaving)
    );
    assert_eq!((left.pending, left.mailboxes), (Vec::new(), Vec::new()));
    device.event(Event::SessionEnded { told: true });
    settle(&mut device, &mut store);
    assert_eq!(store.account, None);
    sign_in(&mut device, &mut store, "a");
    assert_eq!(device.waiting, 0);
    assert!(device.keeps);
}

#[test]
fn without_a_line_the_gateway_is_told_later() {
    for keep in [true, false] {
        let (mut device, mut store, _) = left_with_work(keep);
        device.event(Event::SessionEnded { told: false });
        assert!(device.wakes.contains(&Wake::SignOut));
        device.effects.clear();
        device.event(Event::Woke(Wake::SignOut));
        assert_eq!(count(&device, &Effect::SignOut), 1);
        // The browser tells that there is a line.
        device.intent(Intent::ConnectNow);
        assert_eq!(count(&device, &Effect::SignOut), 2);
        assert_eq!(count(&device, &Effect::Connect), 0);
        // Another worker goes on with it.
        let mut device = restarted(&device, &mut store, true, true);
        assert!(is_signed_out(&device));
        device.event(Event::SessionEnded { told: true });
        settle(&mut device, &mut store);
        assert_eq!(store.account.is_some(), keep);
        device.effects.clear();
        device.event(Event::Woke(Wake::SignOut));
        assert_eq!(count(&device, &Effect::SignOut), 0);
    }
}

#[test]
fn a_new_session_is_not_ended_in_the_place_of_the_one_before() {
    let (mut device, mut store, _) = left_with_work(true);
    device.event(Event::SessionEnded { told: false });
    device.intent(Intent::SignIn {
        username: "a".to_owned(),
        password: "secret".to_owned(),
        shared: false,
    });
    device.effects.clear();
    device.event(Event::Woke(Wake::SignOut));
    device.intent(Intent::ConnectNow);
    assert_eq!(count(&device, &Effect::SignOut), 0);
    device.event(Event::SignedIn(Ok(who("a"))));
    settle(&mut device, &mut store);
    device.event(Event::Woke(Wake::SignOut));
    device.event(Event::SessionEnded { told: true });
    settle(&mut device, &mut store);
    assert_eq!(count(&device, &Effect::SignOut), 0);
    assert_eq!(store.account.expect("it stays").presence, Presence::Here);
}

#[test]
fn another_person_removes_what_is_kept() {
    let (mut device, mut store) = kept_inbox(3);
    device.intent(Intent::SignOut { keep: true });
    settle(&mut device, &mut store);
    assert!(!store.pages("a", "INBOX", 1, vec![0]).is_empty());
    sign_in(&mut device, &mut store, "b");
    assert!(store.pages("a", "INBOX", 1, vec![0]).is_empty());
    assert!(device.keeps);
    assert_eq!(device.subjects(), Vec::<String>::new());
}

#[test]
fn changes_of_somebody_else_wait_unseen_and_unsent() {
    let (mut device, mut store, id) = left_with_work(true);
    device.event(Event::SessionEnded { told: true });
    settle(&mut device, &mut store);
    let kept = store.account.clone();
    let others = |device: &mut Device, store: &mut Store| {
        device.mutations.clear();
        device.event(Event::SocketOpened);
        device.event(Event::Server(hello("b")));
        device.answer_all(state(5, 1));
        device.event(Event::Woke(Wake::Keep));
        settle(device, store);
        assert_eq!(device.waiting, 0);
        assert_eq!(device.mutations, []);
        assert!(!device.keeps);
        assert_eq!(store.account, kept);
        assert!(store.pages("b", "INBOX", 1, vec![0]).is_empty());
        assert_eq!(device.subjects().len(), 5);
    };
    device.notices.clear();
    sign_in(&mut device, &mut store, "b");
    assert!(
        device.notices[0]
            .text
            .starts_with("Changes of somebody else wait")
    );
    others(&mut device, &mut store);
    let mut device = restarted(&device, &mut store, true, true);
    others(&mut device, &mut store);
    device.intent(Intent::SignOut { keep: false });
    settle(&mut device, &mut store);
    // The gateway has not heard of this sign-out: noted where nothing is lost by it.
    let mut device = restarted(&device, &mut store, true, true);
    assert!(is_signed_out(&device));
    device.event(Event::SessionEnded { told: true });
    settle(&mut device, &mut store);
    assert_eq!(store.account, kept);
    sign_in(&mut device, &mut store, "a");
    assert_eq!(device.subjects(), ["message 3", "message 1"]);
    device.mutations.clear();
    device.open(1);
    assert!(device.mutations.iter().any(|(sent, _)| *sent == id));
}

#[test]
fn the_next_person_is_not_signed_out_in_the_place_of_the_one_before() {
    let (mut device, mut store, _) = left_with_work(true);
    // The gateway was not told: there is no line.
    device.event(Event::SessionEnded { told: false });
    sign_in(&mut device, &mut store, "b");
    device.event(Event::Woke(Wake::Keep));
    settle(&mut device, &mut store);
    let mut next = restarted(&device, &mut store, true, false);
    next.event(Event::SessionChecked(Ok(Some(who("b")))));
    assert!(!is_signed_out(&next), "{:?}", next.stage);
}

#[test]
fn changes_of_a_person_whose_session_ended_are_not_lost_by_another() {
    let (mut device, mut store) = kept_inbox(3);
    device.event(Event::SocketClosed);
    device.act(&[2], Action::Archive);
    device.event(Event::SessionChecked(Ok(None)));
    settle(&mut device, &mut store);
    sign_in(&mut device, &mut store, "b");
    let kept = store.account.as_ref().expect("it stays");
    assert_eq!((kept.pending.len(), kept.presence), (1, Presence::Left));
    assert_eq!(device.waiting, 0);
}

#[test]
fn signing_out_in_another_worker_is_signing_out_here() {
    let (mut device, mut store) = kept_inbox(3);
    for (account, keep, out) in [("b", false, false), ("a", true, true)] {
        device.event(Event::LeftElsewhere {
            account: account.to_owned(),
            keep,
        });
        settle(&mut device, &mut store);
        assert_eq!(is_signed_out(&device), out);
        assert!(store.account.is_some());
    }
    // Nobody says it again.
    let said = |effect: &Effect| matches!(effect, Effect::SayLeft { .. });
    assert!(!device.effects.iter().any(said));
}

#[test]
fn what_stayed_goes_when_its_person_wants_that_in_another_worker() {
    for told in [true, false] {
        let (mut device, mut store) = kept_inbox(3);
        device.intent(Intent::SignOut { keep: true });
        if told {
            device.event(Event::SessionEnded { told });
        }
        settle(&mut device, &mut store);
        for (account, keep, stays) in [("b", false, true), ("a", true, true), ("a", false, false)] {
            device.event(Event::LeftElsewhere {
                account: account.to_owned(),
                keep,
            });
            settle(&mut device, &mut store);
            let kept = store.account.as_ref();
            assert_eq!(kept.is_some_and(|kept| kept.who.account == "a"), stays);
            // That the gateway does not know yet is still noted.
            let leaving = kept.is_some_and(|kept| kept.presence == Presence::Leaving);
            assert_eq!(leaving, !told);
        }
    }
}

#[test]
fn a_worker_beside_the_one_that_keeps_mail_asks_too_and_says_what_was_chosen() {
    for keep in [true, false] {
        let mut device = Device::new();
        device.typed("only here");
        device.event(Event::Recalled(None));
        assert!(!device.keeps);
        device.event(Event::KeptElsewhere);
        assert!(device.keeps);
        device.intent(Intent::SignOut { keep });
        let account = "a".to_owned();
        assert_eq!(count(&device, &Effect::SayLeft { account, keep }), 1);
        assert_eq!(device.kept.len(), usize::from(keep));
    }
}

#[test]
fn every_tab_is_signed_out() {
    const OTHER: TabId = TAB + 1;
    let (mut device, _) = kept_inbox(3);
    device.event(Event::TabOpened {
        tab: OTHER,
        likely_signed_in: true,
    });
    device.effects.clear();
    device.intent(Intent::SignOut { keep: true });
    for shown in [TAB, OTHER] {
        let told = device.effects.iter().any(|effect| {
            let out = |view: &_| matches!(view, roost_engine::View::Session(s) if matches!(s.stage, Stage::SignedOut { .. }));
            matches!(effect, Effect::Show { tab, views } if *tab == shown && views.iter().any(out))
        });
        assert!(told, "tab {shown}");
    }
}

fn hello(account: &str) -> roost_wire::ServerMessage {
    roost_wire::ServerMessage::Hello {
        version: roost_wire::VERSION,
        build: "1".to_owned(),
        account: account.to_owned(),
        username: account.to_owned(),
        address: format!("{account}@roost.test"),
        ledger: 1,
        sends: true,
    }
}

#[test]
fn who_could_not_be_noted_to_have_left_leaves_no_mail() {
    let (mut device, mut store) = kept_inbox(3);
    device.event(Event::SocketClosed);
    device.act(&[2], Action::Archive);
    settle(&mut device, &mut store);
    device.intent(Intent::SignOut { keep: true });
    // The store has no room for that, and still says that the person is here.
    let stored = device.effects.iter().rev().find_map(|effect| match effect {
        Effect::Store { account, records } => Some((account.clone(), records.clone())),
        _ => None,
    });
    let (account, records) = stored.expect("a record");
    device.effects.clear();
    device.event(Event::NotStored { account, records });
    settle(&mut device, &mut store);
    assert!(store.pages("a", "INBOX", 1, vec![0]).is_empty());
    let kept = store.account.as_ref().expect("what exists only here");
    assert_eq!((kept.presence, kept.pending.len()), (Presence::Leaving, 1));
}
