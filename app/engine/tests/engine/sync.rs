//! What the device holds stays what the server has, in whatever order it hears of it.

use roost_engine::{Action, Event, Filter, Intent, ListState, Wake};
use roost_wire::{
    Answer, Change, Delta, Flags, MailboxState, Mutation, Outcome, Problem, ProblemKind, Request,
    RequestId, ServerMessage, Summary, UidSet, WindowRows,
};

use crate::device::{Device, TAB, mailboxes, state, summary};

fn with_inbox(count: u32) -> Device {
    let mut device = Device::new();
    device.answer_all(state(count, 1));
    device
}

fn stale(device: &mut Device, state: MailboxState) {
    let mailbox = "INBOX".to_owned();
    device.server(ServerMessage::Change(Change::Stale { mailbox, state }));
}

fn delta(since: u64, state: MailboxState) -> Delta {
    Delta {
        mailbox: "INBOX".to_owned(),
        since,
        state,
        vanished: UidSet::default(),
        flags: Vec::new(),
        arrived: Vec::new(),
    }
}

fn rows(state: MailboxState, uids: impl IntoIterator<Item = u32>) -> Answer {
    Answer::Window(WindowRows {
        mailbox: "INBOX".to_owned(),
        state,
        first_seq: 1,
        rows: uids.into_iter().map(summary).collect(),
    })
}

fn seen(uid: u32) -> Flags {
    let mut flags = summary(uid).flags;
    flags.seen = true;
    flags
}

fn answer(device: &mut Device, id: RequestId, answer: Answer) {
    device.server(ServerMessage::Answer {
        id,
        result: Ok(answer),
    });
}

/// Takes the request that is of a kind.
fn asked(device: &mut Device, kind: impl Fn(&Request) -> bool) -> RequestId {
    let found = device
        .requests
        .iter()
        .rposition(|(_, request)| kind(request));
    let found = found.unwrap_or_else(|| panic!("not asked: {:?}", device.requests));
    device.requests.remove(found).0
}

fn is_window(request: &Request) -> bool {
    matches!(request, Request::Window { .. })
}

fn is_delta(request: &Request) -> bool {
    matches!(request, Request::Delta { .. })
}

fn is_search(request: &Request) -> bool {
    matches!(request, Request::Search { .. })
}

#[test]
fn what_needs_the_folders_is_done_once_they_are_known() {
    let mut device = Device::new();
    let window = asked(&mut device, is_window);
    answer(&mut device, window, rows(state(3, 1), 1..=3));
    // A star needs none.
    device.act(&[1], Action::Starred(true));
    // An impatient person asks twice.
    device.act(&[2], Action::Archive);
    device.act(&[2], Action::Archive);
    assert_eq!(
        device.subjects(),
        ["message 3", "message 2", "message 1"],
        "where to is not known"
    );
    device.server(ServerMessage::Change(Change::Mailboxes(mailboxes())));
    assert_eq!(device.subjects(), ["message 3", "message 1"]);
    let done: Vec<_> = device
        .mutations
        .iter()
        .map(|(_, mutation)| mutation)
        .collect();
    assert!(
        matches!(done[..], [Mutation::Flag { .. }, Mutation::Move { to, .. }] if to == "Archive"),
        "{done:?}"
    );
}

fn row(device: &Device, uid: u32) -> Option<Summary> {
    let list = device.list.as_ref().expect("a list");
    list.rows
        .iter()
        .flatten()
        .find(|row| row.uid == uid)
        .cloned()
}

#[test]
fn rows_from_before_a_mailbox_was_stale_are_not_believed() {
    let mut device = with_inbox(3);
    stale(&mut device, state(3, 2));
    let before = asked(&mut device, is_window);
    // It changes once more before the rows are there.
    stale(&mut device, state(3, 3));
    let after = asked(&mut device, is_window);
    let mut fresh = rows(state(3, 3), 1..=3);
    if let Answer::Window(window) = &mut fresh {
        window.rows[0].flags = seen(1);
    }
    answer(&mut device, after, fresh);
    answer(&mut device, before, rows(state(3, 3), 1..=3));
    assert!(row(&device, 1).expect("a row").flags.seen);
}

#[test]
fn rows_of_another_moment_are_not_placed_though_there_are_as_many() {
    let mut device = Device::new();
    let id = asked(&mut device, is_window);
    // Of 40 messages, the newest 32.
    let mut newest = rows(state(40, 1), 9..=40);
    if let Answer::Window(window) = &mut newest {
        window.first_seq = 9;
    }
    answer(&mut device, id, newest);
    let id = asked(&mut device, is_window);
    // Message 3 went and 41 came: what stands at places 1 to 8 is one further.
    let moment = MailboxState {
        uidnext: 42,
        ..state(40, 3)
    };
    answer(&mut device, id, rows(moment, [1, 2, 4, 5, 6, 7, 8]));
    assert!(row(&device, 4).is_none(), "it waits for the difference");
    let id = asked(&mut device, is_delta);
    let mut change = delta(1, moment);
    change.vanished = [3].into_iter().collect();
    change.arrived = vec![summary(41)];
    answer(&mut device, id, Answer::Delta(Change::Delta(change)));
    let list = device.list.as_ref().expect("a list");
    assert_eq!(list.rows[0].as_ref().map(|row| row.uid), Some(41));
}

#[test]
fn a_change_missed_while_the_difference_is_on_its_way_is_asked_for_again() {
    let mut device = with_inbox(3);
    device.event(Event::SocketClosed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(1);
    let id = asked(&mut device, is_delta);
    // The gateway tells the others, who stand elsewhere, what came after the answer that is on its way.
    let mut second = delta(2, state(3, 3));
    second.flags = vec![(1, seen(1))];
    device.server(ServerMessage::Change(Change::Delta(second)));
    let mut first = delta(1, state(3, 2));
    first.flags = vec![(2, seen(2))];
    answer(&mut device, id, Answer::Delta(Change::Delta(first)));
    let again = asked(&mut device, is_delta);
    let mut rest = delta(2, state(3, 3));
    rest.flags = vec![(1, seen(1))];
    answer(&mut device, again, Answer::Delta(Change::Delta(rest)));
    assert!(row(&device, 1).expect("a row").flags.seen);
    assert!(row(&device, 2).expect("a row").flags.seen);
}

#[test]
fn nobody_acts_on_rows_of_another_uidvalidity() {
    let mut device = with_inbox(3);
    device.intent(Intent::OpenMessage {
        mailbox: "INBOX".to_owned(),
        uid: 2,
        images: false,
    });
    stale(
        &mut device,
        MailboxState {
            uidvalidity: 2,
            ..state(3, 1)
        },
    );
    assert!(device.subjects().is_empty(), "the old rows are gone");
}

#[test]
fn found_messages_are_asked_for_again_when_the_mailbox_is_stale() {
    let mut device = with_inbox(3);
    device.intent(Intent::Filter(Filter::Unread));
    let id = asked(&mut device, is_search);
    let found = || Answer::Found {
        uidvalidity: 1,
        uids: [1, 2].into_iter().collect(),
        total: 2,
    };
    answer(&mut device, id, found());
    assert_eq!(device.subjects(), ["message 2", "message 1"]);
    stale(&mut device, state(3, 2));
    let is_summaries = |request: &Request| matches!(request, Request::Summaries { .. });
    let id = asked(&mut device, is_search);
    answer(&mut device, id, found());
    let id = asked(&mut device, is_summaries);
    let mut starred = summary(1);
    starred.flags.flagged = true;
    answer(
        &mut device,
        id,
        Answer::Summaries(vec![starred, summary(2)]),
    );
    assert!(row(&device, 1).expect("a row").flags.flagged);
}

#[test]
fn a_search_answered_from_before_does_not_bring_back_what_was_moved() {
    let mut device = with_inbox(3);
    device.intent(Intent::Filter(Filter::Unread));
    let before = asked(&mut device, is_search);
    device.requests.clear();
    device.act(&[2], Action::Archive);
    let (id, _) = device.take();
    device.end(id, Outcome::Done { moved: None });
    let found = |uids: &[u32]| Answer::Found {
        uidvalidity: 1,
        uids: uids.iter().copied().collect(),
        total: uids.len() as u32,
    };
    answer(&mut device, before, found(&[1, 2, 3]));
    let here = ["message 3", "message 1"];
    assert_eq!(device.subjects(), here, "the old answer is not shown");
    let after = asked(&mut device, is_search);
    answer(&mut device, after, found(&[1, 3]));
    assert_eq!(device.subjects(), here);
}

#[test]
fn an_action_shows_while_rows_are_asked_for_again() {
    let mut device = with_inbox(3);
    stale(&mut device, state(3, 2));
    assert_eq!(device.subjects().len(), 3, "the old rows stay");
    device.act(&[2], Action::Archive);
    assert_eq!(device.subjects(), ["message 3", "message 1"]);
    device.act(&[1], Action::Starred(true));
    assert!(row(&device, 1).expect("a row").flags.flagged);
}

#[test]
fn an_open_message_that_is_leaving_has_no_neighbours() {
    let mut device = with_inbox(1);
    device.intent(Intent::OpenMessage {
        mailbox: "INBOX".to_owned(),
        uid: 1,
        images: false,
    });
    device.event(Event::TabOpened {
        tab: TAB + 1,
        likely_signed_in: true,
    });
    let mailbox = "INBOX".to_owned();
    device.event(Event::Intent {
        tab: TAB + 1,
        at: 0,
        intent: Intent::Act {
            mailbox,
            target: roost_engine::Target::Uids(vec![1]),
            action: Action::Archive,
        },
    });
    assert_eq!(device.waiting, 1);
}

fn fail(device: &mut Device, kind: ProblemKind) {
    for (id, _) in std::mem::take(&mut device.requests) {
        let result = Err(Problem::new(kind, ""));
        device.server(ServerMessage::Answer { id, result });
    }
}

#[test]
fn a_tab_whose_mailbox_went_shows_the_inbox_without_its_failure() {
    let mut device = with_inbox(3);
    device.intent(Intent::OpenMailbox("Gone".to_owned()));
    fail(&mut device, ProblemKind::NoSuchMailbox);
    let list = device.list.as_ref().expect("a list");
    assert!(matches!(list.state, ListState::Failed(_)));
    device.server(ServerMessage::Change(Change::Mailboxes(mailboxes())));
    let list = device.list.as_ref().expect("a list");
    assert_eq!(
        (list.mailbox.as_str(), &list.state),
        ("INBOX", &ListState::Ready)
    );
}

#[test]
fn a_mailbox_that_was_missed_is_asked_for_once_it_is_listed() {
    let mut device = with_inbox(3);
    device.intent(Intent::OpenMailbox("New".to_owned()));
    fail(&mut device, ProblemKind::NoSuchMailbox);
    device.event(Event::Woke(Wake::Retry));
    device.requests.clear();
    let mut listed = mailboxes();
    listed[1].name = "New".to_owned();
    device.server(ServerMessage::Change(Change::Mailboxes(listed)));
    asked(
        &mut device,
        |request| matches!(request, Request::Window { mailbox, .. } if mailbox == "New"),
    );
}

#[test]
fn what_failed_and_is_not_missed_any_more_has_not_failed() {
    let mut device = Device::new();
    let id = asked(&mut device, is_window);
    let mut newest = rows(state(300, 1), 201..=300);
    if let Answer::Window(window) = &mut newest {
        window.first_seq = 201;
    }
    answer(&mut device, id, newest);
    device.requests.clear();
    device.intent(Intent::Scroll {
        first: 200,
        count: 10,
    });
    fail(&mut device, ProblemKind::Unreachable);
    let list = device.list.as_ref().expect("a list");
    assert!(matches!(list.state, ListState::Failed(_)));
    // The person scrolls back to what is there.
    device.intent(Intent::Scroll {
        first: 0,
        count: 10,
    });
    device.event(Event::Woke(Wake::Retry));
    let list = device.list.as_ref().expect("a list");
    assert_eq!(list.state, ListState::Ready);
}

#[test]
fn a_search_that_speaks_of_another_uidvalidity_is_not_repeated_for_ever() {
    let mut device = with_inbox(3);
    device.intent(Intent::Filter(Filter::Unread));
    let id = asked(&mut device, is_search);
    device.requests.clear();
    let uids = [1].into_iter().collect();
    let found = Answer::Found {
        uidvalidity: 2,
        uids,
        total: 1,
    };
    answer(&mut device, id, found);
    // What is known of the mailbox is forgotten and asked for.
    asked(&mut device, is_window);
}

fn copied(device: &Device) -> usize {
    let is_copy = |mutation: &Mutation| matches!(mutation, Mutation::Copy { .. });
    device.mutations.iter().filter(|(_, m)| is_copy(m)).count()
}

#[test]
fn a_copy_is_not_handed_to_a_gateway_that_does_not_know_whether_it_was_made() {
    let mut device = Device::online(1);
    device.answer_all(state(3, 1));
    device.act(&[2], Action::Copy("Archive".to_owned()));
    assert_eq!(copied(&device), 1);
    // The same gateway is asked again: its ledger knows.
    device.event(Event::SocketClosed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open(1);
    assert_eq!(copied(&device), 1);
    // Another does not.
    device.event(Event::SocketClosed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open(2);
    assert_eq!(copied(&device), 0);
    assert_eq!(device.waiting, 0);
    let notice = device.notices.last().expect("told");
    assert!(notice.failed && notice.text.contains("may not have been done"));
}

#[test]
fn what_waits_for_the_hello_holds_up_what_came_after_it() {
    let mut device = Device::online(1);
    device.answer_all(state(3, 1));
    device.event(Event::SocketClosed);
    device.intent(Intent::CreateMailbox("New".to_owned()));
    device.act(&[2], Action::Move("New".to_owned()));
    device.event(Event::Woke(Wake::Reconnect));
    device.mutations.clear();
    device.event(Event::SocketOpened);
    assert!(device.mutations.is_empty());
    device.open_socket(1);
    assert!(matches!(
        device.mutations.as_slice(),
        [
            (_, Mutation::CreateMailbox { .. }),
            (_, Mutation::Move { .. })
        ]
    ));
}
