//! The changes that wait: seen in words, and cancelled where that is still possible.

use roost_engine::{Action, Event, Intent, Wake};
use roost_wire::{Mutation, Outcome};

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
