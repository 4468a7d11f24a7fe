//! What becomes of a change when somebody else changed the same meanwhile: one rule each (ARCHITECTURE.md, "Conflicts").

use roost_engine::{Action, Event, Wake};
use roost_wire::{
    Answer, Change, Delta, Flags, MailboxState, Mutation, MutationId, Outcome, Problem,
    ProblemKind, Request, ServerMessage, Summary, UidSet, WindowRows,
};

use crate::device::{Device, mailboxes, state, summary};

/// A device that shows an inbox of four, and has lost its line.
fn offline() -> Device {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.event(Event::SocketClosed);
    device.mutations.clear();
    device.notices.clear();
    device
}

/// The line is back; nothing is answered yet.
fn back(device: &mut Device) {
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(1);
}

fn delta(modseq: u64, exists: u32) -> Delta {
    Delta {
        mailbox: "INBOX".to_owned(),
        since: 1,
        state: MailboxState {
            exists,
            ..state(4, modseq)
        },
        vanished: UidSet::default(),
        flags: Vec::new(),
        arrived: Vec::new(),
    }
}

/// Answers what was asked about the inbox since the line was back.
fn answer_difference(device: &mut Device, delta: Delta) {
    let asked = |(_, request): &(u32, Request)| matches!(request, Request::Delta { .. });
    let at = device.requests.iter().position(asked).expect("it is asked");
    let (id, _) = device.requests.remove(at);
    let result = Ok(Answer::Delta(Change::Delta(delta)));
    device.server(ServerMessage::Answer { id, result });
}

fn row(device: &Device, uid: u32) -> Option<Summary> {
    let list = device.list.as_ref().expect("a list");
    let mut rows = list.rows.iter().flatten();
    rows.find(|row| row.uid == uid).cloned()
}

fn done(device: &mut Device, id: MutationId) {
    device.end(id, Outcome::Done { moved: None });
}

#[test]
fn a_message_that_is_gone_or_was_moved_elsewhere_is_left_alone() {
    let mut device = offline();
    device.act(&[2], Action::Starred(true));
    device.act(&[3], Action::Archive);
    back(&mut device);
    let ids: Vec<MutationId> = device.mutations.iter().map(|(id, _)| *id).collect();
    // Another device moved or deleted both: here that is the same.
    let mut gone = delta(2, 2);
    gone.vanished = [2, 3].into_iter().collect();
    answer_difference(&mut device, gone);
    for id in ids {
        done(&mut device, id);
    }
    assert_eq!(device.subjects(), ["message 4", "message 1"]);
    assert_eq!(device.waiting, 0);
    assert!(device.notices.iter().all(|notice| !notice.failed));
}

#[test]
fn a_folder_that_was_renamed_or_deleted_is_told_and_the_messages_come_back() {
    let mut device = offline();
    device.act(&[3], Action::Move("Archive".to_owned()));
    back(&mut device);
    let (id, _) = device.take();
    let without: Vec<_> = mailboxes()
        .into_iter()
        .filter(|mailbox| mailbox.name != "Archive")
        .collect();
    device.server(ServerMessage::Change(Change::Mailboxes(without)));
    answer_difference(&mut device, delta(1, 4));
    let problem = Problem::new(ProblemKind::NoSuchMailbox, "");
    device.end(id, Outcome::Rejected(problem));
    assert_eq!(device.subjects().len(), 4);
    let notice = device.notices.last().expect("told");
    assert!(
        notice.failed && notice.text.contains("no longer exists"),
        "{notice:?}"
    );
}

#[test]
fn flags_changed_on_both_sides_are_merged_one_by_one() {
    let mut device = offline();
    device.act(&[2], Action::Starred(true));
    device.act(&[3], Action::Seen(true));
    back(&mut device);
    // Another device read message 2, and starred message 3.
    let mut theirs = delta(2, 4);
    let seen = Flags {
        seen: true,
        ..Flags::default()
    };
    let flagged = Flags {
        flagged: true,
        ..Flags::default()
    };
    theirs.flags = vec![(2, seen), (3, flagged)];
    answer_difference(&mut device, theirs);
    for uid in [2, 3] {
        let row = row(&device, uid).expect("a row");
        assert!(row.flags.seen && row.flags.flagged, "{row:?}");
    }
    // What is sent names only what the person changed.
    for (_, mutation) in &device.mutations {
        let Mutation::Flag { add, remove, .. } = mutation else {
            panic!("{mutation:?}");
        };
        assert!(add.len() == 1 && remove.is_empty(), "{mutation:?}");
    }
}

#[test]
fn the_same_flag_changed_on_both_sides_is_as_it_was_changed_here() {
    let mut device = offline();
    device.act(&[2], Action::Starred(true));
    device.act(&[2], Action::Starred(false));
    back(&mut device);
    let ids: Vec<MutationId> = device.mutations.iter().map(|(id, _)| *id).collect();
    let mut theirs = delta(2, 4);
    let flagged = Flags {
        flagged: true,
        ..Flags::default()
    };
    theirs.flags = vec![(2, flagged)];
    answer_difference(&mut device, theirs);
    assert!(!row(&device, 2).expect("a row").flags.flagged);
    // The changes arrive last, so they win on the server too.
    let mut ours = delta(3, 4);
    ours.since = 2;
    ours.flags = vec![(2, Flags::default())];
    device.server(ServerMessage::Change(Change::Delta(ours)));
    for id in ids {
        done(&mut device, id);
    }
    assert!(!row(&device, 2).expect("a row").flags.flagged);
}

#[test]
fn a_full_mailbox_is_told_clearly_and_the_message_comes_back() {
    let mut device = offline();
    device.act(&[3], Action::Archive);
    back(&mut device);
    let (id, _) = device.take();
    answer_difference(&mut device, delta(1, 4));
    assert_eq!(device.subjects().len(), 3);
    let problem = Problem::new(ProblemKind::OverQuota, "");
    device.end(id, Outcome::Rejected(problem));
    assert_eq!(device.subjects().len(), 4);
    let notice = device.notices.last().expect("told");
    assert_eq!(
        notice.text,
        "Moving to Archive was not done. Your mailbox is full. Delete something and empty the Trash, then try again."
    );
    assert!(notice.failed && notice.undo.is_none());
}

#[test]
fn what_waits_for_a_folder_that_was_recreated_touches_nothing_in_the_new_one() {
    let mut device = offline();
    device.act(&[2], Action::Starred(true));
    device.act(&[3], Action::Archive);
    back(&mut device);
    let ids: Vec<MutationId> = device.mutations.iter().map(|(id, _)| *id).collect();
    // They are sent with the UIDVALIDITY they were meant for, so that the gateway can tell.
    for (_, mutation) in &device.mutations {
        let (Mutation::Flag { uidvalidity, .. } | Mutation::Move { uidvalidity, .. }) = mutation
        else {
            panic!("{mutation:?}");
        };
        assert_eq!(*uidvalidity, 1);
    }
    let recreated = MailboxState {
        uidvalidity: 2,
        ..state(4, 1)
    };
    let mailbox = "INBOX".to_owned();
    device.server(ServerMessage::Change(Change::Stale {
        mailbox,
        state: recreated,
    }));
    device
        .requests
        .retain(|(_, request)| matches!(request, Request::Window { .. }));
    while let Some((id, _)) = device.requests.pop() {
        let window = WindowRows {
            mailbox: "INBOX".to_owned(),
            state: recreated,
            first_seq: 1,
            rows: (1..=4).map(summary).collect(),
        };
        let result = Ok(Answer::Window(window));
        device.server(ServerMessage::Answer { id, result });
    }
    // The same UIDs name other messages: all four are there, and none is starred.
    assert_eq!(device.subjects().len(), 4);
    assert!(!row(&device, 2).expect("a row").flags.flagged);
    for id in ids {
        let problem = Problem::new(ProblemKind::UidValidityChanged, "");
        device.end(id, Outcome::Rejected(problem));
    }
    assert_eq!(device.waiting, 0);
    let told = |what: &str| {
        let mut notices = device.notices.iter();
        notices.any(|notice| notice.failed && notice.text.starts_with(what))
    };
    assert!(told("Marking was not done. The folder was recreated"));
    assert!(told(
        "Moving to Archive was not done. The folder was recreated"
    ));
}

#[test]
fn what_was_moved_does_not_come_back_while_the_difference_is_on_its_way() {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.act(&[3], Action::Archive);
    let (id, _) = device.take();
    // The line breaks; it was done. The repeat is answered from the ledger before the difference.
    device.event(Event::SocketClosed);
    back(&mut device);
    done(&mut device, id);
    assert_eq!(device.subjects(), ["message 4", "message 2", "message 1"]);
    let mut gone = delta(2, 3);
    gone.vanished = [3].into_iter().collect();
    answer_difference(&mut device, gone);
    assert_eq!(device.subjects(), ["message 4", "message 2", "message 1"]);
    assert_eq!(device.list.as_ref().map(|list| list.total), Some(3));
}
