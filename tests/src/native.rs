//! A whole device without a browser: the app's engine over a real WebSocket. What its effects ask for is done here, as the
//! worker does it in a browser; what it keeps is given back by whoever plays.

use std::collections::VecDeque;
use std::time::Duration;

use roost_engine::{
    BodyProblem, Effect, Event, Intent, Line, ListView, MailboxRow, SessionView, State, TabId,
    View, Wake, Who, step,
};
use tokio::time::Instant;

use crate::device::{Device, sign_in};

/// The one tab.
const TAB: TabId = 1;

/// What its person sees.
#[derive(Debug, Default)]
pub struct Screen {
    pub session: Option<SessionView>,
    pub mailboxes: Vec<MailboxRow>,
    pub list: Option<ListView>,
    /// What went wrong, as it was told.
    pub failures: Vec<String>,
}

/// A device.
pub struct Native {
    base: String,
    cookie: String,
    who: Who,
    state: State,
    socket: Option<Device>,
    timers: Vec<(Instant, Wake)>,
    waiting: VecDeque<Event>,
    pub screen: Screen,
    /// Does what concerns the store.
    store: Box<dyn FnMut(Effect) -> Option<Event>>,
}

impl Native {
    /// Signs in. `store` does what the engine wants kept or read, and answers with the event that follows.
    pub async fn sign_in(
        base: &str,
        user: &str,
        store: impl FnMut(Effect) -> Option<Event> + 'static,
    ) -> anyhow::Result<Self> {
        let cookie = sign_in(base, user, crate::dovecot::PASSWORD)
            .await?
            .map_err(|reply| anyhow::anyhow!("sign-in was refused: {}", reply.text()))?;
        let account = Device::attach(base, &cookie).await?.account;
        Ok(Self {
            base: base.to_owned(),
            cookie,
            who: Who {
                account,
                username: user.to_owned(),
            },
            state: State::default(),
            socket: None,
            timers: Vec::new(),
            waiting: VecDeque::new(),
            screen: Screen::default(),
            store: Box::new(store),
        })
    }

    pub fn who(&self) -> Who {
        self.who.clone()
    }

    /// The worker starts, or starts anew with nothing but what it kept: `recalled`.
    pub async fn start(&mut self, number: u64, recalled: Event) {
        self.state = State::default();
        self.socket = None;
        self.timers.clear();
        self.waiting.clear();
        self.screen = Screen::default();
        self.event(Event::Started {
            device: number,
            build: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .await;
        self.event(recalled).await;
        self.event(Event::Restored(Vec::new())).await;
        self.event(Event::TabOpened {
            tab: TAB,
            likely_signed_in: true,
        })
        .await;
    }

    pub async fn intent(&mut self, intent: Intent) {
        self.event(Event::Intent {
            tab: TAB,
            at: 0,
            intent,
        })
        .await;
    }

    /// How many changes are not on the server yet.
    pub fn changes(&self) -> u32 {
        let session = self.screen.session.as_ref();
        session.map_or(0, |session| session.waiting)
    }

    pub fn is_live(&self) -> bool {
        let session = self.screen.session.as_ref();
        session.is_some_and(|session| session.line == Line::Live)
    }

    /// Lets time pass for it.
    pub async fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let next = self.timers.iter().map(|(at, _)| *at).min();
            let until = next.map_or(end, |next| next.min(end));
            let heard = async {
                match &mut self.socket {
                    Some(socket) => socket.next().await,
                    None => std::future::pending().await,
                }
            };
            match tokio::time::timeout_at(until, heard).await {
                Ok(Ok(message)) => self.event(Event::Server(message)).await,
                Ok(Err(_)) => {
                    self.socket = None;
                    self.event(Event::SocketClosed).await;
                }
                Err(_) => {
                    let now = Instant::now();
                    if let Some(due) = self.timers.iter().position(|(at, _)| *at <= now) {
                        let (_, wake) = self.timers.swap_remove(due);
                        self.event(Event::Woke(wake)).await;
                    } else if now >= end {
                        return;
                    }
                }
            }
        }
    }

    async fn event(&mut self, event: Event) {
        self.waiting.push_back(event);
        while let Some(event) = self.waiting.pop_front() {
            for effect in step(&mut self.state, event) {
                self.perform(effect).await;
            }
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Connect => match Device::open(&self.base, &self.cookie).await {
                Ok(socket) => {
                    self.socket = Some(socket);
                    self.waiting.push_back(Event::SocketOpened);
                }
                Err(_) => self.waiting.push_back(Event::SocketClosed),
            },
            Effect::Disconnect => self.socket = None,
            Effect::Send(message) => {
                // A line that broke is told by reading from it.
                if let Some(socket) = &mut self.socket {
                    let _ = socket.send(&message).await;
                }
            }
            Effect::CheckSession => {
                let who = Ok(Some(self.who.clone()));
                self.waiting.push_back(Event::SessionChecked(who));
            }
            Effect::FetchBody { ticket, .. } => {
                let result = Err(BodyProblem::Refused("Nobody reads here.".to_owned()));
                self.waiting
                    .push_back(Event::BodyFetched { ticket, result });
            }
            Effect::Wake { wake, after_ms } => {
                let at = Instant::now() + Duration::from_millis(u64::from(after_ms));
                self.timers.push((at, wake));
            }
            Effect::Show { views, .. } => views.into_iter().for_each(|view| self.show(view)),
            storing @ (Effect::Store { .. }
            | Effect::LoadMailbox { .. }
            | Effect::LoadPages { .. }
            | Effect::ListBodies { .. }
            | Effect::ReadBodies { .. }
            | Effect::Wipe) => self.waiting.extend((self.store)(storing)),
            _ => {}
        }
    }

    fn show(&mut self, view: View) {
        match view {
            View::Session(session) => self.screen.session = Some(session),
            View::Mailboxes(mailboxes) => self.screen.mailboxes = mailboxes,
            View::List(list) => self.screen.list = Some(list),
            View::Notice(notice) if notice.failed => self.screen.failures.push(notice.text),
            _ => {}
        }
    }
}
