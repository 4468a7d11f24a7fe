//! The engine as a tab and a gateway see it: events in, effects out.

use roost_engine::{
    Action, Effect, Event, Intent, Line, ListView, Notice, Stage, State, Target, View, Wake, Who,
    step,
};
use roost_wire::{
    Answer, Bye, Change, ClientMessage, Delta, Flags, Mailbox, MailboxState, Moved, Mutation,
    MutationId, Outcome, Problem, ProblemKind, Request, RequestId, Role, ServerMessage, Summary,
    UidSet, VERSION, WindowRows,
};

const TAB: u32 = 1;

/// One device with one tab and a gateway played by the test.
struct Device {
    state: State,
    list: Option<ListView>,
    line: Line,
    stage: Stage,
    waiting: u32,
    notices: Vec<Notice>,
    requests: Vec<(RequestId, Request)>,
    mutations: Vec<(MutationId, Mutation)>,
    effects: Vec<Effect>,
    /// Names the gateway's memory.
    ledger: u64,
}

impl Device {
    fn new() -> Self {
        let mut device = Self {
            state: State::default(),
            list: None,
            line: Line::Connecting,
            stage: Stage::Starting,
            waiting: 0,
            notices: Vec::new(),
            requests: Vec::new(),
            mutations: Vec::new(),
            effects: Vec::new(),
            ledger: 77,
        };
        device.event(Event::Started {
            device: 9,
            build: "1".to_owned(),
        });
        device.event(Event::TabOpened {
            tab: TAB,
            likely_signed_in: false,
        });
        device.event(Event::SessionChecked(Ok(Some(Who {
            account: "a".to_owned(),
            username: "alice".to_owned(),
        }))));
        device.open_socket();
        device
    }

    fn event(&mut self, event: Event) {
        for effect in step(&mut self.state, event) {
            match &effect {
                Effect::Send(ClientMessage::Request { id, request }) => {
                    self.requests.push((*id, request.clone()))
                }
                Effect::Send(ClientMessage::Mutate { id, mutation }) => {
                    self.mutations.push((*id, mutation.clone()))
                }
                Effect::Show {
                    view: View::List(list),
                    ..
                } => self.list = Some(list.clone()),
                Effect::Show {
                    view: View::Notice(notice),
                    ..
                } => self.notices.push(notice.clone()),
                Effect::Show {
                    view: View::Session(session),
                    ..
                } => {
                    self.line = session.line;
                    self.stage = session.stage.clone();
                    self.waiting = session.waiting;
                }
                _ => {}
            }
            self.effects.push(effect);
        }
    }

    fn open_socket(&mut self) {
        self.requests.clear();
        self.event(Event::SocketOpened);
        self.server(ServerMessage::Hello {
            version: VERSION,
            build: "1".to_owned(),
            account: "a".to_owned(),
            username: "alice".to_owned(),
            address: "alice@roost.test".to_owned(),
            ledger: self.ledger,
            sends: true,
        });
    }

    fn server(&mut self, message: ServerMessage) {
        self.event(Event::Server(message));
    }

    fn intent(&mut self, intent: Intent) {
        self.event(Event::Intent { tab: TAB, intent });
    }

    fn act(&mut self, uids: &[u32], action: Action) {
        self.intent(Intent::Act {
            mailbox: "INBOX".to_owned(),
            target: Target::Uids(uids.to_vec()),
            action,
        });
    }

    /// Answers everything that is asked for from a mailbox of `exists` messages with UIDs 1, 2, …
    fn answer_all(&mut self, state: MailboxState) {
        while let Some((id, request)) = self.requests.pop() {
            let answer = match request {
                Request::Mailboxes => Answer::Mailboxes(mailboxes()),
                Request::Window {
                    mailbox,
                    first,
                    count,
                } => {
                    let newest = state.exists.saturating_sub(first);
                    let oldest = newest.saturating_sub(count.saturating_sub(1)).max(1);
                    Answer::Window(WindowRows {
                        mailbox,
                        state,
                        first_seq: oldest,
                        rows: (oldest..=newest).map(summary).collect(),
                    })
                }
                Request::Delta { mailbox, since } => Answer::Delta(Change::Delta(Delta {
                    mailbox,
                    since: since.modseq,
                    state,
                    vanished: UidSet::default(),
                    flags: Vec::new(),
                    arrived: (since.uidnext..state.uidnext).map(summary).collect(),
                })),
                other => panic!("nobody asked for {other:?}"),
            };
            self.server(ServerMessage::Answer {
                id,
                result: Ok(answer),
            });
        }
    }

    fn subjects(&self) -> Vec<String> {
        let list = self.list.as_ref().expect("a list");
        list.rows
            .iter()
            .flatten()
            .map(|row| row.subject.clone())
            .collect()
    }
}

fn mailboxes() -> Vec<Mailbox> {
    [
        ("INBOX", Role::Inbox),
        ("Archive", Role::Archive),
        ("Trash", Role::Trash),
    ]
    .map(|(name, role)| Mailbox {
        name: name.to_owned(),
        delimiter: Some('/'),
        role: Some(role),
        selectable: true,
        subscribed: true,
        counts: None,
    })
    .into()
}

fn summary(uid: u32) -> Summary {
    Summary {
        uid,
        flags: Flags::default(),
        received: i64::from(uid),
        from: Vec::new(),
        to: Vec::new(),
        subject: format!("message {uid}"),
        preview: String::new(),
        size: 1_000_000,
        attachment: false,
    }
}

fn state(exists: u32, modseq: u64) -> MailboxState {
    MailboxState {
        uidvalidity: 1,
        uidnext: exists + 1,
        exists,
        modseq,
    }
}

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
    device.server(ServerMessage::Outcome {
        id,
        outcome: Outcome::Done { moved },
    });
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
    device.open_socket();
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
    device.open_socket();
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
