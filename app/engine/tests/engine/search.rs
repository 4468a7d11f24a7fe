//! Searching: what this device has at once, then what the server says.

use roost_engine::{Action, Effect, Event, Filter, Intent, ListState, ListView, Reach, Wake};
use roost_wire::{Answer, Request, RequestId, ServerMessage, Summary};

use crate::device::{Device, TAB, state, summary};
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
    match store.pages("a".to_owned(), "INBOX".to_owned(), 1, pages) {
        Event::PagesLoaded { pages, .. } => pages.into_iter().flat_map(|p| p.summaries).collect(),
        other => panic!("{other:?}"),
    }
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
fn a_message_that_comes_while_the_server_is_asked_is_found() {
    let mut device = with_inbox(3);
    device.intent(Intent::Search("message".to_owned()));
    device.server(ServerMessage::Change(roost_wire::Change::Delta(
        roost_wire::Delta {
            mailbox: "INBOX".to_owned(),
            since: 1,
            state: state(4, 2),
            vanished: [].into_iter().collect(),
            flags: Vec::new(),
            arrived: vec![summary(4)],
        },
    )));
    assert_eq!(device.subjects().len(), 4);
}
