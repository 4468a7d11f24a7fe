//! The changes that wait: seen in words, and cancelled where that is still possible.

use roost_engine::{Action, Event, Intent, Wake};
use roost_wire::{
    MailServer, Moved, Mutation, Outcome, Problem, ProblemKind, ServerMessage, UidSet,
};

use crate::device::{Device, NOW, state};

/// A device without a line, with its list of changes open.
fn offline() -> Device {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.event(Event::SocketClosed);
    device.intent(Intent::Inspect(true));
    device
}

fn whats(device: &Device) -> Vec<&str> {
    device.queue.iter().map(|one| one.what.as_str()).collect()
}

fn cancel(device: &mut Device, what: &str) {
    let found = device.queue.iter().find(|one| one.what == what);
    let found = found.unwrap_or_else(|| panic!("no {what:?}")).clone();
    assert!(found.can_be_cancelled, "{found:?}");
    device.intent(Intent::Cancel(found.id));
}

#[test]
fn what_waits_is_named_in_words_with_its_time() {
    let mut device = offline();
    device.act(&[4], Action::Starred(true));
    device.act(&[1, 2, 3], Action::Archive);
    device.intent(Intent::CreateMailbox("Plans".to_owned()));
    let form = device.typed("text");
    device.send(&form);
    assert_eq!(
        whats(&device),
        [
            "Star “message 4”",
            "Move 3 messages to Archive",
            "Create the folder Plans",
            "Send “Hello”"
        ]
    );
    assert!(device.queue.iter().all(|one| one.at == NOW));
    assert!(device.queue.iter().all(|one| one.can_be_cancelled));
    assert_eq!(device.queue[0].state, "Waits for a connection.");
    assert_eq!(device.waiting, 4);
    // A tab that does not look is told nothing.
    device.intent(Intent::Inspect(false));
    assert!(device.queue.is_empty());
}

#[test]
fn what_is_cancelled_comes_back_and_is_never_sent() {
    let mut device = offline();
    device.mutations.clear();
    device.act(&[4], Action::Starred(true));
    device.act(&[3], Action::Archive);
    device.act(&[2], Action::Delete);
    assert_eq!(device.subjects(), ["message 4", "message 1"]);
    cancel(&mut device, "Move “message 3” to Archive");
    assert_eq!(device.subjects(), ["message 4", "message 3", "message 1"]);
    assert_eq!(whats(&device).len(), 2);
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(1);
    let sent: Vec<&Mutation> = device
        .mutations
        .iter()
        .map(|(_, mutation)| mutation)
        .collect();
    assert!(
        matches!(sent[..], [Mutation::Flag { .. }, Mutation::Move { to, .. }] if to == "Trash"),
        "{sent:?}"
    );
}

#[test]
fn a_message_whose_sending_is_cancelled_is_written_on_again() {
    let mut device = offline();
    let form = device.typed("text");
    device.send(&form);
    let forms = device.forms.len();
    cancel(&mut device, "Send “Hello”");
    assert_eq!(device.forms.len(), forms + 1);
    assert!(device.queue.is_empty());
}

#[test]
fn what_may_have_been_done_cannot_be_cancelled_and_says_why() {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.intent(Intent::Inspect(true));
    device.act(&[3], Action::Archive);
    assert_eq!(device.queue[0].state, "Being sent.");
    assert!(!device.queue[0].can_be_cancelled);
    device.event(Event::SocketClosed);
    assert!(device.queue[0].state.contains("may have been done"));
    assert!(!device.queue[0].can_be_cancelled);
    // Nor by a tab that had not heard of it yet.
    let (id, _) = device.mutations[0].clone();
    device.intent(Intent::Cancel(device.queue[0].id.clone()));
    assert_eq!(device.queue.len(), 1);
    assert!(device.notices.last().expect("told").failed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(1);
    device.end(id, Outcome::Done { moved: None });
    assert!(device.queue.is_empty());
}

fn unreachable() -> Outcome {
    Outcome::Rejected(Problem::new(ProblemKind::Unreachable, ""))
}

#[test]
fn what_the_mail_server_could_not_do_waits_in_its_place_and_is_done_later() {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.intent(Intent::Inspect(true));
    device.act(&[3], Action::Starred(true));
    let (starring, _) = device.take();
    device.server(ServerMessage::MailServer(MailServer::Unreachable));
    device.end(starring, unreachable());
    assert_eq!(whats(&device), ["Star “message 3”"]);
    assert_eq!(device.queue[0].state, "Waits for the mail server.");
    assert!(device.notices.iter().all(|notice| !notice.failed));
    // What comes after it in this mailbox must not overtake it: it would be looked for where it was.
    device.act(&[3], Action::Archive);
    assert!(device.mutations.is_empty());
    assert_eq!(device.subjects(), ["message 4", "message 2", "message 1"]);
    assert_eq!(device.waiting, 2);
    let again = |device: &mut Device| {
        let (id, mutation) = device.take();
        assert!(matches!(mutation, Mutation::Flag { .. }), "{mutation:?}");
        assert_ne!(id, starring, "the gateway remembers how that one ended");
        id
    };
    // Time alone, a server that is back, and another line each make it go on.
    device.event(Event::Woke(Wake::MutateAgain));
    let id = again(&mut device);
    device.end(id, unreachable());
    device.server(ServerMessage::MailServer(MailServer::Reachable));
    let id = again(&mut device);
    device.end(id, unreachable());
    device.event(Event::SocketClosed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open_socket(2);
    let id = again(&mut device);
    device.end(id, Outcome::Done { moved: None });
    let (id, mutation) = device.take();
    assert!(matches!(mutation, Mutation::Move { .. }), "{mutation:?}");
    device.end(id, Outcome::Done { moved: None });
    assert_eq!(device.waiting, 0);
    assert_eq!(device.subjects(), ["message 4", "message 2", "message 1"]);
}

#[test]
fn a_folder_is_not_deleted_before_what_waits_to_be_moved_out_of_it() {
    let mut device = Device::online(7);
    device.answer_all(state(4, 1));
    device.act(&[3], Action::Archive);
    let undo = device.notices.last().and_then(|notice| notice.undo);
    let (id, _) = device.take();
    device.end(id, unreachable());
    device.intent(Intent::DeleteMailbox("Archive".to_owned()));
    assert!(device.mutations.is_empty());
    // What held it up is taken back.
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    let (_, mutation) = device.take();
    assert!(matches!(mutation, Mutation::DeleteMailbox { .. }));
}

#[test]
fn what_loses_the_mail_server_each_time_is_told() {
    let mut device = Device::online(7);
    device.answer_all(state(4, 1));
    device.act(&[3], Action::Starred(true));
    for _ in 0..3 {
        let (id, _) = device.take();
        device.end(
            id,
            Outcome::Rejected(Problem::new(ProblemKind::Timeout, "")),
        );
        // A server that is away says nothing about it.
        device.event(Event::Woke(Wake::MutateAgain));
        let (id, _) = device.take();
        device.end(id, unreachable());
        device.event(Event::Woke(Wake::MutateAgain));
    }
    let (id, _) = device.take();
    device.end(
        id,
        Outcome::Rejected(Problem::new(ProblemKind::Timeout, "")),
    );
    assert_eq!(device.waiting, 0);
    let told = device.notices.last().expect("told");
    assert!(told.text.contains("may not have been done"), "{told:?}");
}

#[test]
fn what_waits_for_the_mail_server_can_be_undone() {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.act(&[3], Action::Archive);
    let undo = device.notices.last().and_then(|notice| notice.undo);
    let (id, _) = device.take();
    device.end(id, unreachable());
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    assert_eq!(device.subjects().len(), 4);
    device.event(Event::Woke(Wake::MutateAgain));
    assert!(device.mutations.is_empty());
}

#[test]
fn what_the_mail_server_was_lost_in_the_middle_of_is_undone_once_it_is_done() {
    let mut device = Device::new();
    device.answer_all(state(4, 1));
    device.intent(Intent::Inspect(true));
    device.act(&[3], Action::Archive);
    let undo = device.notices.last().and_then(|notice| notice.undo);
    let (id, _) = device.take();
    let lost = Problem::new(ProblemKind::Timeout, "");
    device.end(id, Outcome::Rejected(lost));
    device.event(Event::Woke(Wake::MutateAgain));
    let (id, _) = device.take();
    device.end(id, unreachable());
    assert!(!device.queue[0].can_be_cancelled);
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    device.event(Event::Woke(Wake::MutateAgain));
    let (id, _) = device.take();
    let uids: UidSet = [7].into_iter().collect();
    device.end(
        id,
        Outcome::Done {
            moved: Some(Moved {
                uidvalidity: 1,
                uids: uids.clone(),
            }),
        },
    );
    let (_, back) = device.take();
    assert!(
        matches!(&back, Mutation::Move { mailbox, uids: moved, .. } if mailbox == "Archive" && *moved == uids),
        "{back:?}"
    );
}

#[test]
fn a_message_whose_sending_is_cancelled_is_not_sent_by_the_next_worker_either() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.pause();
    device.event(Event::SocketClosed);
    // It waits for the save that is under way.
    device.send(&form);
    device.intent(Intent::Inspect(true));
    assert!(device.kept[0].wanted.is_some());
    cancel(&mut device, "Send “Hello”");
    let mut again = Device::start(device.kept.clone());
    again.open(7);
    let (saving, _) = again.take();
    again.end(saving, Outcome::Done { moved: None });
    again.pause();
    let sends = |(_, mutation): &(_, Mutation)| matches!(mutation, Mutation::Send { .. });
    assert!(!again.mutations.iter().any(sends), "it is not sent");
}

#[test]
fn taking_a_message_back_follows_the_message_to_the_gateway() {
    let mut device = Device::online(7);
    device.answer_all(state(4, 1));
    let form = device.typed("text");
    device.send(&form);
    let (sending, _) = device.take();
    // The line is dead, and nobody knows it yet.
    let undo = device.notices.last().and_then(|notice| notice.undo);
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    device.event(Event::SocketClosed);
    device.event(Event::Woke(Wake::Reconnect));
    device.open(7);
    let ids: Vec<_> = device.mutations.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids[0], sending);
    assert!(
        matches!(device.mutations[1].1, Mutation::Unsend { id } if id == sending),
        "{:?}",
        device.mutations
    );
}

#[test]
fn undo_of_what_waits_makes_nothing_wait() {
    let mut device = offline();
    device.act(&[3], Action::Archive);
    let undo = device.notices.last().and_then(|notice| notice.undo);
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    assert_eq!(device.subjects().len(), 4);
    assert_eq!(device.waiting, 0);
    // Cancelled in the list, it cannot be undone once more.
    device.act(&[2], Action::Archive);
    let undo = device.notices.last().and_then(|notice| notice.undo);
    cancel(&mut device, "Move “message 2” to Archive");
    device.intent(Intent::Undo(undo.expect("it can be undone")));
    assert_eq!(device.waiting, 0);
}
