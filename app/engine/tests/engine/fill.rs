//! Keeping ahead: what comes to this device before anybody asks for it, and when nothing does.

use roost_engine::{Circumstances, Event, Filling, Intent, Wake};
use roost_wire::{MailboxState, Problem, ProblemKind, Request, RequestId, ServerMessage};

use crate::device::{Device, state};
use crate::kept::store::Store;
use crate::kept::{account, restarted, settle};

fn ahead(request: &Request) -> Option<(&str, u32, u32)> {
    match request {
        Request::Ahead {
            mailbox,
            first,
            count,
        } => Some((mailbox, *first, *count)),
        _ => None,
    }
}

fn keeping() -> (Device, Store) {
    let mut device = Device::start(Vec::new());
    device.event(Event::Recalled(Some(Box::new(account()))));
    device.open_socket(1);
    (device, Store::default())
}

/// Lets everything happen that happens by itself, and tells what was fetched ahead, in order.
fn let_it_run(
    device: &mut Device,
    store: &mut Store,
    state: MailboxState,
) -> Vec<(String, u32, u32)> {
    let mut fetched = Vec::new();
    for _ in 0..200 {
        let under_way: Vec<_> = device
            .requests
            .iter()
            .filter_map(|(_, r)| ahead(r))
            .collect();
        assert!(under_way.len() <= 1, "one page at a time: {under_way:?}");
        fetched.extend(
            under_way
                .into_iter()
                .map(|(name, first, count)| (name.to_owned(), first, count)),
        );
        device.answer_all(state);
        settle(device, store);
        bodies_fail(device);
        for wake in std::mem::take(&mut device.wakes) {
            if matches!(wake, Wake::Ahead | Wake::Calm | Wake::Keep) {
                device.event(Event::Woke(wake));
            }
        }
        settle(device, store);
    }
    fetched
}

/// Bodies that are fetched ahead cannot be had in these tests.
fn bodies_fail(device: &mut Device) {
    let problem = || roost_engine::BodyProblem::Refused("no".to_owned());
    while let Some(ticket) = device.tickets.pop() {
        device.event(Event::BodyFetched {
            ticket,
            result: Err(problem()),
        });
    }
}

/// A tab on screen, on a line that costs nothing.
fn usual() -> Circumstances {
    Circumstances {
        visible: true,
        ..Circumstances::default()
    }
}

fn tell(device: &mut Device, circumstances: Circumstances) {
    device.intent(Intent::Circumstances(circumstances));
}

#[test]
fn what_arrives_in_a_mailbox_that_nobody_looks_at_does_not_take_the_place_of_what_is_kept() {
    let (mut device, mut store) = keeping();
    tell(&mut device, usual());
    let_it_run(&mut device, &mut store, state(60, 1));
    // The next worker has the column of Sent in memory, not its rows, when something arrives there.
    let mut device = restarted(&mut store);
    device.open_socket(2);
    tell(&mut device, usual());
    let_it_run(&mut device, &mut store, state(61, 2));
    let mut device = restarted(&mut store);
    device.intent(Intent::OpenMailbox("Sent".to_owned()));
    settle(&mut device, &mut store);
    let list = device.list.expect("a list");
    assert_eq!(list.total, 61);
    let here: Vec<u32> = list.rows.iter().flatten().map(|row| row.uid).collect();
    assert_eq!(here.len(), list.rows.len(), "{here:?}");
}

#[test]
fn the_inbox_comes_first_then_the_others_each_to_its_depth() {
    let (mut device, mut store) = keeping();
    let depths = Circumstances {
        inbox_depth: 400,
        other_depth: 50,
        ..usual()
    };
    tell(&mut device, depths);
    let fetched = let_it_run(&mut device, &mut store, state(1_000, 1));
    let others = fetched.iter().position(|(mailbox, ..)| mailbox != "INBOX");
    let others = others.expect("other mailboxes are kept too");
    assert!(
        fetched[others..]
            .iter()
            .all(|(mailbox, ..)| mailbox != "INBOX"),
        "{fetched:?}"
    );
    let names: std::collections::BTreeSet<_> = fetched.iter().map(|(m, ..)| m.as_str()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    for (mailbox, first, count) in &fetched {
        let depth = if mailbox == "INBOX" { 400 } else { 50 };
        assert!(first + count <= depth, "{mailbox} {first} {count}");
    }
    assert_eq!(device.filling, Filling::Done);
    // They are there without a line: in the middle of the list too.
    let mut device = restarted(&mut store);
    device.intent(Intent::Scroll {
        first: 350,
        count: 40,
    });
    settle(&mut device, &mut store);
    let list = device.list.as_ref().expect("a list");
    let shown = |position: u32| {
        list.rows[(position - list.first) as usize]
            .as_ref()
            .map(|r| r.uid)
    };
    assert_eq!(shown(360), Some(640));
    device.intent(Intent::OpenMailbox("Sent".to_owned()));
    settle(&mut device, &mut store);
    assert_eq!(
        device.subjects().first().map(String::as_str),
        Some("message 1000")
    );
}

#[test]
fn what_is_here_is_not_fetched_again_after_a_restart() {
    let (mut device, mut store) = keeping();
    let depths = Circumstances {
        inbox_depth: 300,
        other_depth: 0,
        ..usual()
    };
    tell(&mut device, depths);
    assert_ne!(let_it_run(&mut device, &mut store, state(1_000, 1)), []);
    let mut device = restarted(&mut store);
    tell(&mut device, depths);
    device.open_socket(1);
    assert_eq!(let_it_run(&mut device, &mut store, state(1_000, 1)), []);
    // Going deeper loses nothing of the page that was begun.
    tell(
        &mut device,
        Circumstances {
            inbox_depth: 600,
            ..depths
        },
    );
    assert_ne!(let_it_run(&mut device, &mut store, state(1_000, 1)), []);
    let pages = store.pages("a", "INBOX", 1, (0..5).collect());
    let mut uids: Vec<u32> = pages
        .iter()
        .flat_map(|p| &p.summaries)
        .map(|s| s.uid)
        .collect();
    uids.sort_unstable();
    assert!(
        (401..=1_000).all(|uid| uids.binary_search(&uid).is_ok()),
        "{uids:?}"
    );
}

#[test]
fn nothing_is_fetched_ahead_where_it_would_cost_the_person() {
    let usual = usual();
    let cases = [
        Circumstances {
            visible: false,
            ..usual
        },
        Circumstances {
            metered: true,
            ..usual
        },
        Circumstances {
            saving: true,
            ..usual
        },
    ];
    for circumstances in cases {
        let (mut device, mut store) = keeping();
        tell(&mut device, circumstances);
        assert_eq!(
            let_it_run(&mut device, &mut store, state(1_000, 1)),
            [],
            "{circumstances:?}"
        );
        assert_eq!(device.bodies_asked, 0, "{circumstances:?}");
        // It goes on when that is over.
        tell(&mut device, usual);
        assert_ne!(let_it_run(&mut device, &mut store, state(1_000, 1)), []);
    }
    let (mut device, mut store) = keeping();
    tell(
        &mut device,
        Circumstances {
            metered: true,
            despite_metered: true,
            ..usual
        },
    );
    assert_ne!(let_it_run(&mut device, &mut store, state(1_000, 1)), []);
}

#[test]
fn a_mailbox_that_cannot_be_had_holds_up_none_of_the_others() {
    let (mut device, mut store) = keeping();
    tell(
        &mut device,
        Circumstances {
            inbox_depth: 100,
            other_depth: 50,
            ..usual()
        },
    );
    let mut seen = Vec::new();
    for _ in 0..200 {
        let asked: Vec<(RequestId, Request)> = std::mem::take(&mut device.requests);
        for (id, request) in asked {
            if matches!(ahead(&request), Some(("Archive", ..))) {
                let result = Err(Problem::new(ProblemKind::Refused, ""));
                device.server(ServerMessage::Answer { id, result });
                seen.push("Archive".to_owned());
                continue;
            }
            seen.extend(ahead(&request).map(|(mailbox, ..)| mailbox.to_owned()));
            device.requests.push((id, request));
            device.answer_all(state(500, 1));
        }
        settle(&mut device, &mut store);
        bodies_fail(&mut device);
        for wake in std::mem::take(&mut device.wakes) {
            if matches!(wake, Wake::Ahead | Wake::Calm | Wake::Keep | Wake::Retry) {
                device.event(Event::Woke(wake));
            }
        }
    }
    assert_eq!(seen.iter().filter(|name| *name == "Archive").count(), 1);
    assert!(seen.iter().any(|name| name == "Trash"), "{seen:?}");
}
