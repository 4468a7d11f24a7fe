//! Reading and acting: events in, effects out.

use roost_engine::{Action, Effect, Event, Intent, Line, Stage, Wake, Who};
use roost_wire::{
    Bye, Change, Delta, MailboxState, Moved, Mutation, MutationId, Outcome, Problem, ProblemKind,
    Request, ServerMessage,
};

use crate::device::{Device, state};

/// A device that shows an inbox of `count` messages.
fn with_inbox(count: u32) -> Device {
    let mut device = Device::new();
    device.answer_all(state(count, 1));
    device
}

#[test]
fn the_newest_messages_are_on_top() {
    let device = with_inbox(3);
    assert_eq!(device.subjects(), ["message 3", "message 2", "message 1"]);
    assert_eq!(device.line, Line::Live);
}

#[test]
fn an_action_shows_at_once_and_stays_until_the_server_agrees() {
    let mut device = with_inbox(3);
    device.act(&[2], Action::Archive);
    assert_eq!(device.subjects(), ["message 3", "message 1"]);
    assert_eq!(device.waiting, 1);
    let (id, _) = device.mutations[0].clone();
    // The delta comes before the outcome: nothing flickers.
    let vanished = Delta {
        mailbox: "INBOX".to_owned(),
        since: 1,
        state: MailboxState {
            uidvalidity: 1,
            uidnext: 4,
            exists: 2,
            modseq: 2,
        },
        vanished: [2].into_iter().collect(),
        flags: Vec::new(),
        arrived: Vec::new(),
    };
    device.server(ServerMessage::Change(Change::Delta(vanished)));
    assert_eq!(device.subjects(), ["message 3", "message 1"]);
    let moved = Some(Moved {
        uidvalidity: 5,
        uids: [77].into_iter().collect(),
    });
    device.end(id, Outcome::Done { moved });
    assert_eq!(device.waiting, 0);
    // Undo moves back what COPYUID named.
    let undo = device
        .notices
        .last()
        .and_then(|notice| notice.undo)
        .expect("it can be undone");
    device.intent(Intent::Undo(undo));
    match &device.mutations[1].1 {
        Mutation::Move {
            mailbox,
            uidvalidity: 5,
            uids,
            to,
            ..
        } => {
            assert_eq!(
                (mailbox.as_str(), to.as_str(), uids.to_string().as_str()),
                ("Archive", "INBOX", "77")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn undo_of_a_copy_waits_for_its_outcome_and_deletes_the_copies() {
    let mut device = with_inbox(3);
    device.act(&[2], Action::Copy("Archive".to_owned()));
    let (id, _) = device.mutations[0].clone();
    let undo = device.notices.last().and_then(|notice| notice.undo);
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    assert_eq!(device.mutations.len(), 1, "which are the copies?");
    let moved = Some(Moved {
        uidvalidity: 5,
        uids: [77].into_iter().collect(),
    });
    device.end(id, Outcome::Done { moved });
    match &device.mutations[1].1 {
        Mutation::Expunge {
            mailbox,
            uidvalidity: 5,
            uids,
        } => assert_eq!(
            (mailbox.as_str(), uids.to_string().as_str()),
            ("Archive", "77")
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rejected_action_comes_back_and_is_told() {
    let mut device = with_inbox(3);
    device.act(&[2], Action::Delete);
    assert_eq!(device.subjects().len(), 2);
    let (id, _) = device.mutations[0].clone();
    let problem = Problem::new(ProblemKind::OverQuota, "");
    device.server(ServerMessage::Outcome {
        id,
        outcome: Outcome::Rejected(problem),
    });
    assert_eq!(device.subjects().len(), 3);
    let notice = device.notices.last().expect("told");
    assert!(notice.failed && notice.text.contains("full"), "{notice:?}");
}

#[test]
fn what_was_under_way_is_sent_again_under_the_same_id_after_a_cut() {
    let mut device = with_inbox(3);
    device.act(&[3], Action::Starred(true));
    let first = device.mutations[0].clone();
    device.event(Event::SocketClosed);
    assert_eq!(device.line, Line::Connecting);
    device.act(&[2], Action::Archive);
    assert_eq!(device.mutations.len(), 1, "nothing is sent without a line");
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(1);
    let ids: Vec<MutationId> = device.mutations.iter().map(|(id, _)| *id).collect();
    assert_eq!(device.mutations[1], first);
    assert_eq!(ids.len(), 3);
    // What came meanwhile is asked for as a difference, and shown with the pending action over it.
    assert!(
        device
            .requests
            .iter()
            .any(|(_, request)| matches!(request, Request::Delta { .. }))
    );
    device.answer_all(state(4, 9));
    assert_eq!(device.subjects(), ["message 4", "message 3", "message 1"]);
}

#[test]
fn a_failed_answer_removes_nothing_and_is_asked_again() {
    let mut device = with_inbox(3);
    device.event(Event::SocketClosed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(1);
    let asked = std::mem::take(&mut device.requests);
    for (id, _) in asked {
        let result = Err(Problem::new(ProblemKind::Unreachable, ""));
        device.server(ServerMessage::Answer { id, result });
    }
    assert_eq!(device.subjects().len(), 3);
    assert!(device.requests.is_empty(), "it waits a while");
    device.event(Event::Woke(Wake::Retry));
    assert!(!device.requests.is_empty());
}

#[test]
fn a_request_that_is_never_answered_means_a_dead_line() {
    let mut device = Device::new();
    let (id, _) = device.requests[0].clone();
    device.event(Event::Woke(Wake::Overdue(id)));
    assert!(device.effects.contains(&Effect::Disconnect));
    assert_eq!(device.line, Line::Connecting);
}

#[test]
fn an_intent_for_a_mailbox_that_is_no_longer_shown_does_nothing() {
    let mut device = with_inbox(3);
    device.intent(Intent::OpenMailbox("Archive".to_owned()));
    device.act(&[2], Action::Delete);
    assert!(device.mutations.is_empty());
}

#[test]
fn another_build_asks_to_reload_and_sends_no_more() {
    let mut device = with_inbox(3);
    device.server(ServerMessage::Bye(Bye::Reload));
    assert_eq!(device.line, Line::Reload);
    device.act(&[2], Action::Archive);
    assert!(device.mutations.is_empty());
}

#[test]
fn signing_in_as_somebody_else_shows_and_sends_nothing_of_before() {
    let mut device = with_inbox(3);
    device.event(Event::SocketClosed);
    device.act(&[2], Action::Archive);
    device.server(ServerMessage::Bye(Bye::SignedOut));
    assert!(matches!(
        device.stage,
        Stage::SignedOut { expired: true, .. }
    ));
    let bob = Who {
        account: "b".to_owned(),
        username: "bob".to_owned(),
    };
    device.event(Event::SignedIn(Ok(bob)));
    device.event(Event::SocketOpened);
    assert!(device.mutations.is_empty());
    assert!(device.list.as_ref().is_none_or(|list| list.rows.is_empty()));
}
