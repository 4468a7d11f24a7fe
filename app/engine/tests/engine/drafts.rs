//! Messages being written: nothing typed is lost, nothing is sent twice.

use roost_engine::{ContentAddress, DraftPhase, Event, Intent, Opening, Style, Wake, Write};
use roost_wire::{
    Composed, Enclosure, Mutation, Outcome, Problem, ProblemKind, Request, Saved, Source,
};

use crate::device::{Device, TAB, state};

fn saved(uid: u32) -> Outcome {
    Outcome::Saved(Saved {
        mailbox: "Drafts".to_owned(),
        uidvalidity: 1,
        uid,
        parts: Vec::new(),
    })
}

fn rejected(kind: ProblemKind) -> Outcome {
    Outcome::Rejected(Problem::new(kind, ""))
}

#[test]
fn each_change_is_kept_here_at_once_and_saved_after_a_pause() {
    let mut device = Device::online(1);
    let mut form = device.typed("one");
    assert_eq!(device.kept[0].message.text, "one");
    assert!(device.mutations.is_empty());
    device.pause();
    let (id, mutation) = device.take();
    assert!(
        matches!(&mutation, Mutation::SaveDraft { draft, base: None, .. } if draft.text == "one")
    );
    // While it is being saved nothing else of it is.
    form.text = "two".to_owned();
    device.write(Write::Edit(Box::new(form.clone())));
    device.pause();
    assert!(device.mutations.is_empty());
    device.end(id, saved(5));
    // What was typed meanwhile is saved right after, in the place of that one.
    let (_, mutation) = device.take();
    assert!(
        matches!(&mutation, Mutation::SaveDraft { draft, base: Some(5), .. } if draft.text == "two")
    );
}

#[test]
fn rich_text_is_kept_with_its_text_and_pictures_go_with_the_formatting() {
    let mut device = Device::online(1);
    let mut form = device.typed("one");
    let picture = Enclosure {
        name: "a.png".to_owned(),
        media_type: "image/png".to_owned(),
        size: 3,
        source: Source::Upload("u".to_owned()),
        content_id: Some("u@x".to_owned()),
    };
    form.html = Some("<div>Hello <b>you</b></div>".to_owned());
    device.write(Write::Edit(Box::new(form.clone())));
    assert_eq!(device.kept[0].message.text, "Hello you\n");
    device.write(Write::Attach {
        id: form.id.clone(),
        enclosure: picture,
    });
    let (id, mutation) = device.take();
    assert!(
        matches!(&mutation, Mutation::SaveDraft { draft, .. } if draft.html == form.html && draft.enclosures.len() == 1)
    );
    device.end(id, saved(5));
    form.html = None;
    form.text = "Hello you".to_owned();
    device.write(Write::Edit(Box::new(form)));
    assert_eq!(device.kept[0].message.enclosures, []);
}

#[test]
fn a_draft_with_formatting_is_gone_on_with_as_such() {
    let mut device = Device::online(1);
    device.event(Event::DraftFetched {
        tab: TAB,
        address: ContentAddress {
            account: "a".to_owned(),
            mailbox: "Drafts".to_owned(),
            uidvalidity: 1,
            uid: 9,
        },
        opening: Opening::GoOn,
        result: Ok(Box::new(Composed {
            id: "x@roost.test".to_owned(),
            html: Some("<p>one</p><p><i>two</i></p>".to_owned()),
            ..Composed::default()
        })),
    });
    let form = device.forms.last().expect("a form");
    assert_eq!(form.html.as_deref(), Some("<p>one</p><p><i>two</i></p>"));
    assert_eq!(form.text, "one\n\ntwo\n");
    assert_eq!(device.drafts[0].problem, "");
}

fn complete(typed: &str, own: &[&str]) -> Intent {
    Intent::Complete {
        typed: typed.to_owned(),
        own: own.iter().map(|&own| own.to_owned()).collect(),
    }
}

#[test]
fn people_are_offered_once_somebody_writes_and_for_what_is_typed() {
    let mut device = Device::new();
    device.answer_all(state(40, 1));
    let asks_for_sent = |device: &Device| {
        device.requests.iter().any(
            |(_, request)| matches!(request, Request::Window { mailbox, .. } if mailbox == "Sent"),
        )
    };
    assert!(!asks_for_sent(&device), "nobody writes");
    device.typed("text");
    assert!(asks_for_sent(&device));
    // Each message of this gateway is to a person of its own.
    device.answer_all(state(40, 1));
    device.intent(complete("person 4", &[]));
    let names =
        |device: &Device| -> Vec<String> { device.people.iter().map(|p| p.name.clone()).collect() };
    assert_eq!(names(&device), ["Person 40", "Person 4"]);
    // Nobody writes to themselves, under whichever address.
    device.intent(complete("person 4", &["P40@example.org"]));
    assert_eq!(names(&device), ["Person 4"]);
    device.intent(complete("", &[]));
    assert!(device.people.is_empty());
}

#[test]
fn sending_waits_for_the_save_and_carries_the_ledger() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.pause();
    let (saving, _) = device.take();
    device.send(&form);
    assert!(device.mutations.is_empty(), "the save is under way");
    device.end(saving, saved(5));
    let (sending, mutation) = device.take();
    assert!(matches!(
        &mutation,
        Mutation::Send {
            ledger: Some(7),
            hold: 10,
            ..
        }
    ));
    assert_eq!(device.phase(), DraftPhase::Sending);
    device.end(sending, Outcome::Done { moved: None });
    assert!(device.kept.is_empty() && device.drafts.is_empty());
    assert_eq!(
        device.notices.last().map(|notice| notice.text.as_str()),
        Some("Sent")
    );
}

#[test]
fn a_message_handed_over_is_repeated_under_its_id_and_ledger_after_anything() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.send(&form);
    let (id, _) = device.take();
    // The line breaks; another gateway answers.
    device.event(Event::SocketClosed);
    device.open(8);
    let (repeated, mutation) = device.take();
    assert_eq!(repeated, id);
    assert!(matches!(
        &mutation,
        Mutation::Send {
            ledger: Some(7),
            ..
        }
    ));
    // The browser dies; the worker starts anew from what was kept.
    let mut device = Device::start(device.kept);
    device.open(9);
    let (repeated, mutation) = device.take();
    assert_eq!(repeated, id);
    assert!(matches!(
        &mutation,
        Mutation::Send {
            ledger: Some(7),
            ..
        }
    ));
    // Nobody knows: it is said, it stays, and it is not sent again by itself.
    device.end(id, Outcome::Unknown);
    assert_eq!(device.phase(), DraftPhase::Unknown);
    device.pause();
    assert!(
        !device
            .mutations
            .iter()
            .any(|(_, m)| matches!(m, Mutation::Send { .. }))
    );
    assert_eq!(
        device.forms.last().map(|form| form.text.as_str()),
        Some("text")
    );
}

#[test]
fn what_was_certainly_not_sent_goes_again_by_itself_as_something_new() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.send(&form);
    let (first, _) = device.take();
    device.end(first, rejected(ProblemKind::Unreachable));
    assert_eq!(device.phase(), DraftPhase::Sending);
    assert!(device.mutations.is_empty(), "not at once, and not for ever");
    device.pause();
    let (second, _) = device.take();
    assert_ne!(first, second);
}

#[test]
fn a_refused_message_comes_back_with_the_reason() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.send(&form);
    let (id, _) = device.take();
    let problem = Problem::new(ProblemKind::Refused, "bob@roost.test: no such user");
    device.end(id, Outcome::Rejected(problem));
    let told = |device: &Device| {
        device.drafts[0]
            .problem
            .contains("bob@roost.test: no such user")
    };
    assert!(told(&device));
    assert_eq!(
        device.forms.last().map(|form| form.text.as_str()),
        Some("text")
    );
    // Saving it says nothing about sending it.
    device.write(Write::Edit(Box::new(Composed {
        text: "text, longer".to_owned(),
        ..form.clone()
    })));
    device.pause();
    let (id, _) = device.take();
    device.end(id, saved(7));
    assert!(told(&device));
    device.send(&form);
    assert!(!told(&device));
}

#[test]
fn offline_a_message_waits_and_can_be_taken_back_here() {
    let mut device = Device::online(7);
    device.event(Event::SocketClosed);
    let form = device.typed("text");
    device.send(&form);
    assert!(device.mutations.is_empty());
    assert_eq!(
        device.kept[0]
            .sending
            .as_ref()
            .map(|(_, mutation)| match mutation {
                Mutation::Send { ledger, .. } => *ledger,
                other => panic!("{other:?}"),
            }),
        Some(None)
    );
    device.open(8);
    let (_, mutation) = device.take();
    assert!(matches!(
        mutation,
        Mutation::Send {
            ledger: Some(8),
            ..
        }
    ));
}

#[test]
fn a_conflict_asks_and_both_can_be_kept() {
    let mut device = Device::online(7);
    let form = device.typed("mine");
    device.pause();
    let (id, _) = device.take();
    device.end(id, rejected(ProblemKind::Conflict));
    assert_eq!(device.phase(), DraftPhase::Conflict);
    device.pause();
    assert!(
        device.mutations.is_empty(),
        "nothing is overwritten unasked"
    );
    device.write(Write::KeepBoth(form.id.clone()));
    let (_, mutation) = device.take();
    match mutation {
        Mutation::SaveDraft { draft, base, .. } => {
            assert_ne!(draft.id, form.id);
            assert_eq!((draft.text.as_str(), base), ("mine", None));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_loaded_anew_finds_its_message_and_one_that_is_gone_leaves_a_draft() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.event(Event::TabClosed { tab: TAB });
    let (id, _) = device.take();
    device.end(id, saved(5));
    device.event(Event::TabOpened {
        tab: TAB,
        likely_signed_in: true,
    });
    device.write(Write::Resume(form.id.clone()));
    assert_eq!(
        device.forms.last().map(|form| form.text.as_str()),
        Some("text")
    );
    device.event(Event::TabClosed { tab: TAB });
    device.pause();
    assert!(device.kept.is_empty(), "the server has it");
}

#[test]
fn what_was_written_after_another_device_sent_the_message_is_a_new_one() {
    let mut device = Device::online(7);
    let form = device.typed("text, and more");
    device.send(&form);
    let (id, _) = device.take();
    device.end(id, rejected(ProblemKind::Conflict));
    let again = device.forms.last().expect("a form").clone();
    assert_eq!(again.text, "text, and more");
    assert_ne!(again.id, form.id);
    assert_eq!(device.drafts.len(), 1);
    assert!(device.drafts[0].problem.contains("was not sent"));
    let (id, mutation) = device.take();
    assert!(matches!(mutation, Mutation::SaveDraft { draft, .. } if draft.id == again.id));
    device.end(id, saved(6));
    device.send(&again);
    let (_, mutation) = device.take();
    assert!(matches!(mutation, Mutation::Send { message, .. } if message.id == again.id));
}

#[test]
fn a_refusal_that_no_tab_was_there_for_is_told_by_the_next_one() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.send(&form);
    let (id, _) = device.take();
    device.event(Event::TabClosed { tab: TAB });
    let problem = Problem::new(ProblemKind::Refused, "bob@roost.test: no such user");
    device.end(id, Outcome::Rejected(problem));
    // It is saved, and not let go.
    let (id, _) = device.take();
    device.end(id, saved(5));
    device.pause();
    let forms = device.forms.len();
    device.event(Event::TabOpened {
        tab: 2,
        likely_signed_in: true,
    });
    assert_eq!(device.forms.len(), forms + 1);
    assert!(device.drafts[0].problem.contains("no such user"));
    // Closed by the person, it stays closed.
    device.write(Write::Close(form.id));
    assert!(device.drafts.is_empty());
}

#[test]
fn nothing_is_left_of_an_empty_message() {
    let mut device = Device::online(7);
    device.write(Write::New {
        style: Style::default(),
        message: Box::default(),
        identities: Vec::new(),
    });
    let id = device.forms.last().expect("a form").id.clone();
    device.write(Write::Close(id));
    device.pause();
    assert!(device.mutations.is_empty() && device.drafts.is_empty() && device.kept.is_empty());
}

#[test]
fn what_another_person_wrote_here_is_kept_and_neither_shown_saved_nor_sent() {
    let mut device = Device::online(7);
    let form = device.typed("secret of the first");
    device.send(&form);
    let mut kept = device.kept;
    kept[0].account = "somebody else".to_owned();
    let mut device = Device::start(kept);
    device.open(7);
    device.pause();
    device.write(Write::Close(form.id));
    assert!(device.mutations.is_empty() && device.drafts.is_empty() && device.forms.is_empty());
    assert_eq!(device.kept.len(), 1);
    assert!(device.kept[0].sending.is_some());
}

#[test]
fn discarding_can_be_taken_back_until_it_is_done() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.pause();
    let (id, _) = device.take();
    device.end(id, saved(5));
    device.write(Write::Discard(form.id.clone()));
    assert!(device.drafts.is_empty());
    assert!(device.mutations.is_empty(), "nothing is done yet");
    let undo = device
        .notices
        .last()
        .and_then(|notice| notice.undo)
        .expect("it can be taken back");
    device.intent(Intent::Undo(undo));
    assert_eq!(
        device.forms.last().map(|form| form.text.as_str()),
        Some("text")
    );
    device.write(Write::Discard(form.id.clone()));
    device.event(Event::Woke(Wake::Discard(form.id.clone())));
    let (_, mutation) = device.take();
    assert!(
        matches!(mutation, Mutation::DiscardDraft { id, to, .. } if id == form.id && to == "Trash")
    );
    assert!(device.kept.is_empty());
}

#[test]
fn a_text_too_long_for_the_line_is_kept_and_said() {
    let mut device = Device::online(7);
    let form = device.typed(&"x".repeat(roost_wire::MAX_TEXT + 1));
    device.pause();
    device.send(&form);
    assert!(device.mutations.is_empty());
    assert!(device.drafts[0].problem.contains("longer than"));
    assert_eq!(device.kept[0].message.text.len(), roost_wire::MAX_TEXT + 1);
}

#[test]
fn a_save_whose_answer_was_lost_with_the_worker_is_asked_for_again() {
    let mut device = Device::online(7);
    let mut form = device.typed("one");
    device.pause();
    let (id, _) = device.take();
    form.text = "two".to_owned();
    device.write(Write::Edit(Box::new(form)));
    let mut device = Device::start(device.kept);
    device.open(7);
    let (again, mutation) = device.take();
    assert_eq!(again, id, "the gateway's ledger knows it");
    assert!(matches!(&mutation, Mutation::SaveDraft { draft, .. } if draft.text == "one"));
    device.end(id, saved(5));
    let (_, mutation) = device.take();
    assert!(
        matches!(&mutation, Mutation::SaveDraft { draft, base: Some(5), .. } if draft.text == "two")
    );
}

#[test]
fn a_save_that_is_refused_does_not_hold_up_sending() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.pause();
    let (saving, _) = device.take();
    device.send(&form);
    device.end(saving, rejected(ProblemKind::Busy));
    let (_, mutation) = device.take();
    assert!(matches!(mutation, Mutation::Send { .. }));
}

#[test]
fn a_discarded_draft_that_is_opened_again_is_not_discarded() {
    let mut device = Device::online(7);
    let form = device.typed("text");
    device.pause();
    let (id, _) = device.take();
    device.end(id, saved(5));
    device.write(Write::Discard(form.id.clone()));
    device.write(Write::Open {
        mailbox: "Drafts".to_owned(),
        uid: 5,
        as_new: false,
        identities: Vec::new(),
    });
    device.event(Event::Woke(Wake::Discard(form.id)));
    assert_eq!(device.drafts.len(), 1, "it is being written");
    assert!(device.mutations.is_empty(), "and not moved away");
}

#[test]
fn a_page_that_is_loaded_anew_has_its_forms_again_and_no_others() {
    let mut device = Device::online(1);
    let first = device.typed("one").id;
    let second = device.typed("two").id;
    let closed = device.typed("three").id;
    device.write(Write::Close(closed.clone()));
    let open = |device: &mut Device, tab: u32, ids: &[&String]| {
        device.forms.clear();
        device.event(Event::TabOpened {
            tab,
            likely_signed_in: true,
        });
        device.event(Event::Intent {
            tab,
            at: 0,
            intent: Intent::Write(Write::Reopen(ids.iter().map(|&id| id.clone()).collect())),
        });
        let forms = device.forms.iter().map(|form| form.id.clone());
        forms.collect::<Vec<_>>()
    };
    // Another page with the same list, while this one is there.
    assert!(open(&mut device, 2, &[&first, &second]).is_empty());
    device.event(Event::TabClosed { tab: TAB });
    // Not even later: it is another tab.
    device.pause();
    assert!(device.forms.is_empty());
    assert_eq!(
        open(&mut device, 3, &[&second, &first]),
        [first.clone(), second.clone()]
    );
    // What was discarded does not come back by itself.
    device.event(Event::Intent {
        tab: 3,
        at: 0,
        intent: Intent::Write(Write::Discard(first.clone())),
    });
    device.event(Event::TabClosed { tab: 3 });
    assert_eq!(open(&mut device, 4, &[&first, &second]), [second]);
}

#[test]
fn forms_come_back_when_the_worker_they_belonged_to_has_ended() {
    let mut before = Device::online(1);
    let typed = before.typed("one").id;
    // Nothing was written into this one.
    before.write(Write::New {
        style: Style::default(),
        message: Box::new(Composed::default()),
        identities: Vec::new(),
    });
    let empty = before.forms.last().expect("a form").id.clone();
    let (late, early): (Vec<_>, Vec<_>) =
        (before.kept.into_iter()).partition(|kept| kept.message.id == typed);
    assert_eq!((late.len(), early.len()), (1, 1));
    let mut device = Device::start(early);
    device.write(Write::Reopen(vec![typed.clone(), empty.clone()]));
    // The one that the address names.
    device.write(Write::Resume(typed.clone()));
    assert_eq!(device.forms.len(), 1);
    assert_eq!(device.forms[0].id, empty);
    assert!(device.notices.is_empty());
    device.event(Event::Restored(late.clone()));
    assert_eq!(device.forms[1].id, typed);
    // What comes much later was another tab's.
    let mut device = Device::start(Vec::new());
    device.write(Write::Reopen(vec![typed]));
    device.event(Event::Woke(Wake::Reopened(TAB)));
    device.event(Event::Restored(late));
    assert!(device.forms.is_empty());
}
