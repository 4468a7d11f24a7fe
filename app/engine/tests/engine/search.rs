//! Searching: what this device has at once, then what the server says.

use roost_engine::{Action, Effect, Event, Filter, Intent, ListState, ListView, Reach, Wake};
use roost_wire::{
    Answer, Body, BodyKind, Change, Mailbox, Request, RequestId, ServerMessage, Summary,
};

use crate::device::{Device, TAB, mailboxes, state, summary};
use crate::kept::store::Store;
use crate::kept::{kept_inbox, restarted, settle};

fn with_inbox(count: u32) -> Device {
    let mut device = Device::new();
    device.answer_all(state(count, 1));
    device
}

fn list(device: &Device) -> &ListView {
    device.list.as_ref().expect("a list")
}

/// The searches of the server that were asked for: which, and the words in each.
fn searches(device: &mut Device) -> Vec<(RequestId, Vec<String>)> {
    let mut searches = Vec::new();
    for (id, request) in std::mem::take(&mut device.requests) {
        if let Request::Search { query, .. } = request {
            searches.push((id, query.text));
        }
    }
    searches
}

/// Everything of the inbox that is kept.
fn summaries(store: &Store) -> Vec<Summary> {
    let pages: Vec<u32> = (0..20).collect();
    let pages = store.pages("a", "INBOX", 1, pages);
    pages.into_iter().flat_map(|page| page.summaries).collect()
}

fn paused(device: &mut Device, text: &str) {
    device.event(Event::Woke(Wake::Searched {
        tab: TAB,
        text: text.to_owned(),
    }));
}

fn found(device: &mut Device, id: RequestId, uids: &[u32]) {
    let result = Ok(Answer::Found {
        uidvalidity: 1,
        uids: uids.iter().copied().collect(),
        total: uids.len() as u32,
    });
    device.server(ServerMessage::Answer { id, result });
}

#[test]
fn what_is_typed_is_found_here_at_once_and_asked_of_the_server_after_a_pause() {
    let mut device = with_inbox(30);
    device.requests.clear();
    device.intent(Intent::TypeSearch("message 1".to_owned()));
    assert_eq!(device.subjects().len(), 12, "1, 10 to 19, 21");
    device.intent(Intent::TypeSearch("message 12".to_owned()));
    assert_eq!(device.subjects(), ["message 12"]);
    assert_eq!(list(&device).reach, Reach::Asking);
    assert_eq!(searches(&mut device), []);
    paused(&mut device, "message 1");
    assert_eq!(searches(&mut device), [], "more was typed since");
    paused(&mut device, "message 12");
    let asked = searches(&mut device);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1, ["message", "12"]);
}

#[test]
fn what_only_the_server_found_is_among_the_rest_and_marked() {
    let mut device = with_inbox(30);
    device.requests.clear();
    device.intent(Intent::Search("message 12".to_owned()));
    let asked = searches(&mut device);
    // It reads bodies too.
    found(&mut device, asked[0].0, &[3, 12, 20]);
    let shown = list(&device);
    assert_eq!(device.subjects(), ["message 20", "message 12", "message 3"]);
    assert_eq!(shown.reach, Reach::Server);
    assert_eq!(
        (shown.remote, shown.remote_rows.as_slice()),
        (2, &[20, 3][..])
    );
}

#[test]
fn nothing_found_here_is_no_answer_until_the_server_gave_one() {
    let mut device = with_inbox(3);
    device.requests.clear();
    device.intent(Intent::Search("zebra".to_owned()));
    assert_eq!(list(&device).state, ListState::Loading);
    let asked = searches(&mut device);
    found(&mut device, asked[0].0, &[]);
    assert_eq!(list(&device).state, ListState::Ready);
    assert_eq!(list(&device).total, 0);
}

#[test]
fn without_a_line_everything_that_is_kept_is_searched_and_that_is_told() {
    let (_, mut store) = kept_inbox(3_000);
    let mut device = restarted(&mut store);
    device.intent(Intent::TypeSearch("message 2".to_owned()));
    settle(&mut device, &mut store);
    let here = summaries(&store);
    assert!(here.len() > 40, "{} messages are kept", here.len());
    let matching = here.iter().filter(|s| s.subject.contains("message 2"));
    let shown = list(&device);
    assert_eq!(shown.state, ListState::Ready);
    assert_eq!(shown.total as usize, matching.count());
    assert_eq!(shown.reach, Reach::Device(here.len() as u32));
    device.intent(Intent::TypeSearch("zebra".to_owned()));
    assert_eq!(list(&device).state, ListState::Ready);
    assert_eq!(list(&device).total, 0);
}

#[test]
fn filters_work_without_a_line_and_count_what_was_just_done() {
    let (_, mut store) = kept_inbox(3);
    let mut device = restarted(&mut store);
    device.act(&[2], Action::Starred(true));
    device.intent(Intent::Filter(Filter::Starred));
    assert_eq!(device.subjects(), ["message 2"]);
}

#[test]
fn a_search_can_name_its_mailbox_and_comes_back_from_it() {
    let mut device = with_inbox(3);
    device.answer_all(state(3, 1));
    device.intent(Intent::TypeSearch("in:arch".to_owned()));
    assert_eq!(list(&device).mailbox, "INBOX");
    match &list(&device).state {
        ListState::Failed(why) => assert!(why.contains("arch"), "{why}"),
        other => panic!("{other:?}"),
    }
    device.intent(Intent::TypeSearch("in:Archive message".to_owned()));
    assert_eq!(list(&device).mailbox, "Archive");
    device.effects.clear();
    device
        .requests
        .retain(|(_, request)| !matches!(request, Request::Search { .. }));
    device.answer_all(state(2, 1));
    assert_eq!(device.subjects(), ["message 2", "message 1"]);
    paused(&mut device, "in:Archive message");
    let search = device.requests.iter().any(|(_, request)| {
        matches!(request, Request::Search { mailbox, query } if mailbox == "Archive" && query.text == ["message"])
    });
    assert!(search, "{:?}", device.requests);
    device.intent(Intent::Search(String::new()));
    assert_eq!(list(&device).mailbox, "INBOX");
    assert!(
        device
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Send(_)))
    );
}

#[test]
fn a_search_finds_its_mailbox_once_that_is_known() {
    let mut device = Device::new();
    device.intent(Intent::TypeSearch("in:archive message".to_owned()));
    assert_eq!(list(&device).state, ListState::Loading);
    device.server(ServerMessage::Change(Change::Mailboxes(mailboxes())));
    assert_eq!(list(&device).mailbox, "Archive");
    // One that is created while its name stands there, too.
    device.intent(Intent::TypeSearch("in:new".to_owned()));
    assert!(matches!(list(&device).state, ListState::Failed(_)));
    let mut more = mailboxes();
    more.push(Mailbox {
        name: "New".to_owned(),
        ..more[0].clone()
    });
    device.server(ServerMessage::Change(Change::Mailboxes(more)));
    assert_eq!(list(&device).mailbox, "New");
    device.intent(Intent::Search(String::new()));
    assert_eq!(list(&device).mailbox, "INBOX");
}

#[test]
fn a_message_that_comes_while_the_server_is_asked_is_found() {
    let mut device = with_inbox(3);
    device.intent(Intent::Search("message".to_owned()));
    device.server(ServerMessage::Change(Change::Delta(roost_wire::Delta {
        mailbox: "INBOX".to_owned(),
        since: 1,
        state: state(4, 2),
        vanished: [].into_iter().collect(),
        flags: Vec::new(),
        arrived: vec![summary(4)],
    })));
    assert_eq!(device.subjects().len(), 4);
}

fn body(html: &str) -> Body {
    Body {
        from: Vec::new(),
        reply_to: Vec::new(),
        recipients: Vec::new(),
        subject: String::new(),
        sent: None,
        headers: Vec::new(),
        html: html.to_owned(),
        css: String::new(),
        kind: BodyKind::Html,
        blocked: 0,
        attachments: Vec::new(),
        defects: Vec::new(),
        images: Vec::new(),
    }
}

#[test]
fn bodies_that_are_kept_are_searched_after_the_summaries_the_newest_first() {
    let (_, mut store) = kept_inbox(300);
    let at = |uid| (("a".to_owned(), "INBOX".to_owned(), 1), uid);
    for summary in summaries(&store) {
        let text = if summary.uid % 50 == 0 {
            "<p>a zebra</p>"
        } else {
            "<p>a horse</p>"
        };
        store.bodies.insert(at(summary.uid), body(text));
    }
    // Of a message that is gone.
    store.bodies.insert(at(9_000), body("a zebra"));
    let mut device = restarted(&mut store);
    // Flags and senders stand in no body.
    device.intent(Intent::TypeSearch("from:zebra is:unread".to_owned()));
    settle(&mut device, &mut store);
    device.intent(Intent::TypeSearch("zebra".to_owned()));
    let mut asked = Vec::new();
    loop {
        let effects = std::mem::take(&mut device.effects);
        let loads: Vec<_> = effects
            .into_iter()
            .filter_map(|effect| {
                if let Effect::ReadBodies { uids, .. } = &effect {
                    asked.push(uids.clone());
                }
                store.perform(effect)
            })
            .collect();
        if loads.is_empty() {
            break;
        }
        for loaded in loads {
            device.event(loaded);
        }
    }
    assert!(
        asked.len() > 1 && asked.iter().all(|uids| uids.len() <= 16),
        "{asked:?}"
    );
    assert!(asked.concat().is_sorted_by(|a, b| a > b), "{asked:?}");
    let here = summaries(&store);
    let expected: Vec<_> = here
        .iter()
        .rev()
        .filter(|s| s.uid % 50 == 0)
        .map(|s| s.subject.clone())
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(device.subjects(), expected);
    // They are read once.
    device.intent(Intent::TypeSearch("zebr".to_owned()));
    assert_eq!(device.subjects(), expected);
    let again = device
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::ReadBodies { .. }));
    assert!(!again);
}
