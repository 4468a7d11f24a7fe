//! Messages that are sent later, templates, receipts, and messages that wait to be tried again.

use roost_engine::{
    ContentAddress, DraftPhase, Effect, Event, Intent, Opening, Template, View, Write,
};
use roost_wire::{
    Address, Answer, Change, Composed, Enclosure, Mailbox, Mutation, Outcome, Problem, ProblemKind,
    Request, Saved, ServerMessage, Source,
};

use crate::device::{Device, state};

const DONE: Outcome = Outcome::Done { moved: None };

fn device() -> Device {
    let mut device = Device::online(7);
    device.answer_all(state(3, 10));
    device
}

#[test]
fn a_message_is_scheduled_once_its_save_is_over_and_survives_the_worker() {
    let mut device = device();
    let form = device.typed("later");
    device.pause();
    let (saving, _) = device.take();
    let at = 1_800_000_000;
    device.write(Write::Schedule {
        id: form.id.clone(),
        at,
    });
    assert!(device.mutations.is_empty(), "the save is under way");
    assert_eq!(device.kept[0].later, Some(at));
    let mut again = Device::start(device.kept.clone());
    again.open(7);
    let (saving_again, _) = again.take();
    assert_eq!(saving_again, saving);
    again.end(saving, DONE);
    let (id, mutation) = again.take();
    match &mutation {
        Mutation::Schedule {
            message,
            at: when,
            mailbox,
            ..
        } => {
            assert_eq!((*when, mailbox.as_str()), (at, "Scheduled"));
            assert_eq!(message.text, "later");
        }
        other => panic!("{other:?}"),
    }
    again.end(id, DONE);
    assert_eq!(again.notices.last().expect("told").text, "Scheduled");
    assert!(again.kept.is_empty() && again.drafts.is_empty());
}

#[test]
fn a_message_that_waits_is_taken_back_into_its_form() {
    let mut device = device();
    device.write(Write::Unschedule {
        mailbox: "INBOX".to_owned(),
        uid: 2,
        sure: false,
    });
    let (id, mutation) = device.take();
    assert!(matches!(mutation, Mutation::Unschedule { uid: 2, drafts, .. } if drafts == "Drafts"));
    device.effects.clear();
    device.end(
        id,
        Outcome::Saved(Saved {
            mailbox: "Drafts".to_owned(),
            uidvalidity: 5,
            uid: 9,
            parts: Vec::new(),
        }),
    );
    let fetched = device.effects.iter().any(|effect| {
        matches!(effect, Effect::FetchDraft { address, opening: Opening::GoOn, .. }
            if address.mailbox == "Drafts" && address.uidvalidity == 5 && address.uid == 9)
    });
    assert!(fetched, "its form opens");
    // It was sent meanwhile: that is said.
    device.write(Write::Unschedule {
        mailbox: "INBOX".to_owned(),
        uid: 2,
        sure: false,
    });
    let (id, _) = device.take();
    let why = "The message is being sent at this moment.";
    device.end(
        id,
        Outcome::Rejected(Problem::new(ProblemKind::Conflict, why)),
    );
    assert!(device.notices.last().expect("told").text.contains(why));
}

#[test]
fn what_a_person_was_sure_of_holds_once() {
    let mut device = device();
    device.write(Write::SendScheduled {
        mailbox: "INBOX".to_owned(),
        uid: 2,
        sure: true,
    });
    let (id, mutation) = device.take();
    assert!(matches!(
        mutation,
        Mutation::SendScheduled { sure: true, .. }
    ));
    // The gateway restarted before it answered: it may have sent the message.
    device.event(roost_engine::Event::SocketClosed);
    device.open(8);
    let (again, mutation) = device.take();
    assert_eq!(again, id);
    assert!(matches!(
        mutation,
        Mutation::SendScheduled { sure: false, .. }
    ));
}

#[test]
fn what_waits_to_be_tried_again_is_shown_and_can_be_stopped() {
    let mut device = device();
    let form = device.typed("text");
    device.write(Write::Send {
        id: form.id.clone(),
        hold: 0,
    });
    let (id, _) = device.take();
    device.end(
        id,
        Outcome::Rejected(Problem::new(ProblemKind::Unreachable, "")),
    );
    assert_eq!(device.phase(), DraftPhase::Sending);
    assert!(device.drafts[0].problem.starts_with("Not sent yet"));
    assert_eq!(device.drafts[0].subject, form.subject);
    device.intent(Intent::Inspect(true));
    assert!(device.queue[0].state.starts_with("Not sent yet"));
    assert_eq!(device.waiting, 1);
    assert!(device.queue[0].can_be_cancelled);
    device.intent(Intent::Cancel(device.queue[0].id.clone()));
    assert_ne!(device.phase(), DraftPhase::Sending);
    device.pause();
    let sends = |(_, mutation): &(_, Mutation)| matches!(mutation, Mutation::Send { .. });
    assert!(!device.mutations.iter().any(sends), "it is not sent");
    assert_eq!(
        device.forms.last().expect("a form").text,
        "text",
        "it is back where it was written"
    );
}

#[test]
fn a_template_is_a_copy_under_its_own_id() {
    let mut device = device();
    let mut below = crate::device::mailboxes();
    below.push(Mailbox {
        name: "INBOX/Templates".to_owned(),
        role: None,
        ..below[0].clone()
    });
    device.server(ServerMessage::Change(roost_wire::Change::Mailboxes(below)));
    let form = device.typed("Dear …");
    device.write(Write::SaveTemplate(form.id.clone()));
    let (id, mutation) = device.take();
    match mutation {
        Mutation::SaveDraft {
            draft,
            mailbox,
            base: None,
        } => {
            assert_eq!(mailbox, "INBOX/Templates");
            assert_ne!(draft.id, form.id);
            assert_eq!(draft.text, "Dear …");
        }
        other => panic!("{other:?}"),
    }
    device.end(
        id,
        Outcome::Saved(Saved {
            mailbox: "INBOX/Templates".to_owned(),
            uidvalidity: 1,
            uid: 1,
            parts: Vec::new(),
        }),
    );
    assert_eq!(
        device.notices.last().expect("told").text,
        "Saved as a template"
    );
    assert_eq!(device.drafts[0].id, form.id, "it is still being written");
}

#[test]
fn a_receipt_is_sent_or_declined_once() {
    let mut device = device();
    let answer = |from| Intent::Receipt {
        mailbox: "INBOX".to_owned(),
        uid: 2,
        from,
    };
    let me = Address {
        name: "Alice".to_owned(),
        email: "alice@roost.test".to_owned(),
    };
    device.intent(answer(Some(me.clone())));
    let (id, mutation) = device.take();
    assert!(matches!(mutation, Mutation::Receipt { uid: 2, from, .. } if from == me));
    let asked = |device: &Device| {
        let rows = &device.list.as_ref().expect("a list").rows;
        let row = rows.iter().flatten().find(|row| row.uid == 2);
        !row.expect("the row").flags.has("$MDNSent")
    };
    assert!(!asked(&device), "not asked twice while it is under way");
    device.end(id, DONE);
    device.intent(answer(None));
    let (_, mutation) = device.take();
    assert!(matches!(mutation, Mutation::Flag { add, .. } if add == ["$MDNSent"]));
    assert!(!asked(&device));
}

#[test]
fn a_template_goes_into_the_message_that_is_written_and_its_attachments_with_it() {
    let mut device = device();
    let mut more = crate::device::mailboxes();
    more.push(Mailbox {
        name: "Templates".to_owned(),
        role: None,
        ..more[0].clone()
    });
    device.server(ServerMessage::Change(Change::Mailboxes(more)));
    device.answer_all(state(3, 10));
    assert!(device.templates.is_empty(), "nobody writes");
    let form = device.typed("Hello");
    device.answer_all(state(2, 10));
    let second = Template {
        uid: 2,
        subject: "message 2".to_owned(),
    };
    assert_eq!(device.templates.first(), Some(&second));
    device.effects.clear();
    device.write(Write::Insert {
        id: form.id.clone(),
        uid: 2,
    });
    let place = device.effects.iter().find_map(|effect| match effect {
        Effect::FetchDraft {
            address, opening, ..
        } if *opening == Opening::Into(form.id.clone()) => Some(address.clone()),
        _ => None,
    });
    let address = place.expect("it is fetched");
    assert_eq!((address.mailbox.as_str(), address.uid), ("Templates", 2));
    let enclosure = |name: &str, content_id: Option<&str>| Enclosure {
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        size: 9,
        source: Source::Part {
            mailbox: "Templates".to_owned(),
            uidvalidity: 1,
            uid: 2,
            part: "2".to_owned(),
        },
        content_id: content_id.map(str::to_owned),
    };
    let template = Composed {
        id: "template@roost.test".to_owned(),
        html: Some("<div>Dear all<img src=\"cid:logo@x\"></div>".to_owned()),
        enclosures: vec![enclosure("terms", None), enclosure("logo", Some("logo@x"))],
        ..Composed::default()
    };
    let fetched = |address: ContentAddress| Event::DraftFetched {
        tab: crate::device::TAB,
        address,
        opening: Opening::Into(form.id.clone()),
        result: Ok(Box::new(template.clone())),
    };
    device.event(fetched(address.clone()));
    let inserted = device.effects.iter().find_map(|effect| match effect {
        Effect::Show { views, .. } => match views.as_slice() {
            [View::Insert(message)] => Some(message.clone()),
            _ => None,
        },
        _ => None,
    });
    let inserted = inserted.expect("it is shown");
    assert_eq!(
        (inserted.id.as_str(), inserted.text.as_str()),
        (form.id.as_str(), "Dear all\n")
    );
    assert_eq!(inserted.html, template.html);
    // Text has no pictures in it; what is attached is kept with what was written.
    let names = |device: &crate::device::Device| -> Vec<String> {
        let enclosures = &device.kept[0].message.enclosures;
        enclosures.iter().map(|one| one.name.clone()).collect()
    };
    assert_eq!(names(&device), ["terms"]);
    assert_eq!(device.kept[0].message.text, "Hello");
    // With formatting the picture comes too, and once.
    let mut rich = form.clone();
    rich.html = Some("<div>Hello</div>".to_owned());
    device.write(Write::Edit(Box::new(rich)));
    device.event(fetched(address.clone()));
    device.event(fetched(address));
    assert_eq!(names(&device), ["terms", "terms", "logo", "terms"]);
}

#[test]
fn the_limit_is_asked_for_once_somebody_writes() {
    let mut device = device();
    let asked = |device: &crate::device::Device| {
        let limits = device
            .requests
            .iter()
            .filter(|(_, request)| *request == Request::MessageLimit);
        limits.map(|(id, _)| *id).collect::<Vec<_>>()
    };
    assert!(asked(&device).is_empty());
    let mut form = device.typed("12345");
    let ids = asked(&device);
    assert_eq!(ids.len(), 1);
    assert_eq!((device.drafts[0].size, device.drafts[0].limit), (5, None));
    device.server(ServerMessage::Answer {
        id: ids[0],
        result: Ok(Answer::MessageLimit(Some(1000))),
    });
    assert_eq!(device.drafts[0].limit, Some(1000));
    form.text = "1234567".to_owned();
    device.write(Write::Edit(Box::new(form)));
    assert_eq!(device.drafts[0].size, 7);
    assert_eq!(asked(&device).len(), 1, "it is known");
}
