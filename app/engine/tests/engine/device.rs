//! One device with one tab, and a gateway played by the test.

use roost_engine::{
    Action, DraftPhase, DraftView, Effect, Event, Filling, Identity, Intent, KeptDraft, Line,
    ListView, Notice, QueuedChange, Stage, State, Style, Target, Template, View, Wake, Who, Write,
    step,
};
use roost_wire::{
    Address, Answer, Change, ClientMessage, Composed, Delta, Flags, Mailbox, MailboxState,
    Mutation, MutationId, Outcome, Request, RequestId, Role, ServerMessage, Summary, UidSet,
    VERSION, WindowRows,
};

pub const TAB: u32 = 1;
/// When everything is asked for.
pub const NOW: i64 = 1_700_000_000;

/// What the engine said and asked for so far.
pub struct Device {
    pub state: State,
    pub list: Option<ListView>,
    pub line: Line,
    pub stage: Stage,
    pub waiting: u32,
    /// The changes that wait, as their list has them.
    pub queue: Vec<QueuedChange>,
    pub filling: Filling,
    pub keeps: bool,
    /// How many messages being written exist only here.
    pub unsaved: u32,
    /// Bodies that are being fetched, and how many ever were.
    pub tickets: Vec<u32>,
    pub bodies_asked: u32,
    pub notices: Vec<Notice>,
    pub drafts: Vec<DraftView>,
    /// What forms were filled with.
    pub forms: Vec<Composed>,
    /// Whom it offers for what is typed.
    pub people: Vec<Address>,
    pub templates: Vec<Template>,
    /// What the device keeps across restarts of its worker.
    pub kept: Vec<KeptDraft>,
    pub requests: Vec<(RequestId, Request)>,
    pub mutations: Vec<(MutationId, Mutation)>,
    pub wakes: Vec<Wake>,
    pub effects: Vec<Effect>,
}

impl Device {
    /// A worker that starts with what was kept; somebody is signed in.
    pub fn start(kept: Vec<KeptDraft>) -> Self {
        let mut device = Self {
            state: State::default(),
            list: None,
            line: Line::Connecting,
            stage: Stage::Starting,
            waiting: 0,
            queue: Vec::new(),
            filling: Filling::Nothing,
            keeps: false,
            unsaved: 0,
            tickets: Vec::new(),
            bodies_asked: 0,
            notices: Vec::new(),
            drafts: Vec::new(),
            forms: Vec::new(),
            people: Vec::new(),
            templates: Vec::new(),
            kept: kept.clone(),
            requests: Vec::new(),
            mutations: Vec::new(),
            wakes: Vec::new(),
            effects: Vec::new(),
        };
        device.event(Event::Started {
            device: 9,
            build: "1".to_owned(),
        });
        device.event(Event::Restored(kept));
        device.event(Event::TabOpened {
            tab: TAB,
            likely_signed_in: false,
        });
        // A large screen.
        device.intent(Intent::Scroll {
            first: 0,
            count: 40,
        });
        device.event(Event::SessionChecked(Ok(Some(Who {
            account: "a".to_owned(),
            username: "alice".to_owned(),
        }))));
        device
    }

    /// One whose socket is open, nothing answered yet.
    pub fn new() -> Self {
        let mut device = Self::start(Vec::new());
        device.open_socket(1);
        device
    }

    /// One that knows its mailboxes.
    pub fn online(ledger: u64) -> Self {
        let mut device = Self::start(Vec::new());
        device.open(ledger);
        device
    }

    /// Opens the socket to a gateway whose memory of mutations has this name.
    pub fn open_socket(&mut self, ledger: u64) {
        self.requests.clear();
        self.event(Event::SocketOpened);
        self.server(ServerMessage::Hello {
            version: VERSION,
            build: "1".to_owned(),
            account: "a".to_owned(),
            username: "alice".to_owned(),
            address: "alice@roost.test".to_owned(),
            ledger,
            sends: true,
        });
    }

    /// [`Self::open_socket`], with the list of mailboxes answered and what was sent before forgotten.
    pub fn open(&mut self, ledger: u64) {
        self.mutations.clear();
        self.open_socket(ledger);
        let asked = |(_, request): &&(RequestId, Request)| *request == Request::Mailboxes;
        if let Some(&(id, _)) = self.requests.iter().find(asked) {
            let result = Ok(Answer::Mailboxes(mailboxes()));
            self.server(ServerMessage::Answer { id, result });
        }
    }

    pub fn event(&mut self, event: Event) {
        for effect in step(&mut self.state, event) {
            match effect.clone() {
                Effect::Send(ClientMessage::Request { id, request }) => {
                    self.requests.push((id, request));
                }
                Effect::Send(ClientMessage::Mutate { id, mutation }) => {
                    self.mutations.push((id, mutation));
                }
                Effect::Show { views, .. } => views.into_iter().for_each(|view| self.show(view)),
                Effect::Keep(kept) => {
                    self.kept
                        .retain(|other| other.message.id != kept.message.id);
                    self.kept.push(*kept);
                }
                Effect::FetchBody { ticket, .. } => {
                    self.tickets.push(ticket);
                    self.bodies_asked += 1;
                }
                Effect::Forget(id) => self.kept.retain(|other| other.message.id != id),
                Effect::Wake { wake, .. } => self.wakes.push(wake),
                _ => {}
            }
            self.effects.push(effect);
        }
    }

    fn show(&mut self, view: View) {
        match view {
            View::List(list) => self.list = Some(list),
            View::Notice(notice) => self.notices.push(notice),
            View::Drafts(drafts) => self.drafts = drafts,
            View::Draft(form) => self.forms.push(*form),
            View::People(people) => self.people = people,
            View::Templates(templates) => self.templates = templates,
            View::Session(session) => {
                self.line = session.line;
                self.stage = session.stage;
                self.waiting = session.waiting;
                self.queue = session.queue;
                self.filling = session.filling;
                self.keeps = session.keeps;
                self.unsaved = session.unsaved;
            }
            _ => {}
        }
    }

    pub fn server(&mut self, message: ServerMessage) {
        self.event(Event::Server(message));
    }

    pub fn intent(&mut self, intent: Intent) {
        self.event(Event::Intent {
            tab: TAB,
            at: NOW,
            intent,
        });
    }

    pub fn write(&mut self, write: Write) {
        self.intent(Intent::Write(write));
    }

    pub fn act(&mut self, uids: &[u32], action: Action) {
        self.intent(Intent::Act {
            mailbox: "INBOX".to_owned(),
            target: Target::Uids(uids.to_vec()),
            action,
        });
    }

    /// Begins a message, types into it, and returns it as the form has it.
    pub fn typed(&mut self, text: &str) -> Composed {
        self.write(Write::New {
            style: Style::default(),
            message: Box::new(Composed {
                to: vec![Address {
                    name: String::new(),
                    email: "bob@roost.test".to_owned(),
                }],
                subject: "Hello".to_owned(),
                ..Composed::default()
            }),
            identities: vec![Identity::default()],
        });
        let mut form = self.forms.last().expect("a form").clone();
        form.text = text.to_owned();
        self.write(Write::Edit(Box::new(form.clone())));
        form
    }

    /// Time passes: what waits for a pause goes on.
    pub fn pause(&mut self) {
        for wake in std::mem::take(&mut self.wakes) {
            if matches!(
                wake,
                Wake::SaveDraft { .. } | Wake::Release(_) | Wake::Resend(_)
            ) {
                self.event(Event::Woke(wake));
            }
        }
    }

    pub fn take(&mut self) -> (MutationId, Mutation) {
        assert_eq!(self.mutations.len(), 1, "{:?}", self.mutations);
        self.mutations.remove(0)
    }

    pub fn end(&mut self, id: MutationId, outcome: Outcome) {
        self.event(Event::Server(ServerMessage::Outcome { id, outcome }));
    }

    pub fn send(&mut self, form: &Composed) {
        self.write(Write::Send {
            id: form.id.clone(),
            hold: 10,
        });
    }

    pub fn phase(&self) -> DraftPhase {
        self.drafts.first().expect("a draft").phase
    }

    /// Answers everything that is asked for from a mailbox of `exists` messages with UIDs 1, 2, …
    pub fn answer_all(&mut self, state: MailboxState) {
        while let Some((id, request)) = self.requests.pop() {
            let answer = match request {
                Request::Mailboxes => Answer::Mailboxes(mailboxes()),
                Request::Window {
                    mailbox,
                    first,
                    count,
                }
                | Request::Ahead {
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
                Request::MessageLimit => Answer::MessageLimit(None),
                other => panic!("nobody asked for {other:?}"),
            };
            self.server(ServerMessage::Answer {
                id,
                result: Ok(answer),
            });
        }
    }

    pub fn subjects(&self) -> Vec<String> {
        let list = self.list.as_ref().expect("a list");
        list.rows
            .iter()
            .flatten()
            .map(|row| row.subject.clone())
            .collect()
    }
}

pub fn mailboxes() -> Vec<Mailbox> {
    [
        ("INBOX", Role::Inbox),
        ("Drafts", Role::Drafts),
        ("Sent", Role::Sent),
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

pub fn summary(uid: u32) -> Summary {
    Summary {
        uid,
        flags: Flags::default(),
        received: i64::from(uid),
        from: Vec::new(),
        to: vec![Address {
            name: format!("Person {uid}"),
            email: format!("p{uid}@example.org"),
        }],
        subject: format!("message {uid}"),
        preview: String::new(),
        size: 1_000_000,
        attachment: false,
    }
}

pub fn state(exists: u32, modseq: u64) -> MailboxState {
    MailboxState {
        uidvalidity: 1,
        uidnext: exists + 1,
        exists,
        modseq,
    }
}
