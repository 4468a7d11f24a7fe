//! The line between a tab and the engine in the worker.

use js_sys::{Reflect, Uint8Array};
use leptos::prelude::*;
use roost_engine::{
    DraftView, Filling, Filter, Intent, Line, ListState, ListView, MailboxRow, MessageView, Notice,
    Reach, SessionView, Stage, TabMessage, View,
};
use roost_wire::{Address, Body, Composed, Flags, Role, Summary, Uid};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort};

use crate::ui::compose::{Offers, offer};

#[wasm_bindgen]
extern "C" {
    /// In `public/boot.js`, which registers what keeps the app.
    #[wasm_bindgen(js_name = roostReload)]
    fn load_newest();
}

/// Remembers in the browser whether somebody was signed in, so that the socket can open without asking first.
/// `public/boot.js` reads it for the first word to the worker.
const SIGNED_IN_KEY: &str = "roost.signed-in";
/// The event by which a part of the page hears that it goes: it may say its last words, before the goodbye.
pub const LEAVING: &str = "roost-leaving";
/// How many notices wait to be shown.
const MAX_NOTICES: usize = 4;

/// What the engine shows this tab, each a signal, and the way to tell it what the person wants.
#[derive(Clone, Copy)]
pub struct Device {
    pub session: RwSignal<SessionView>,
    pub mailboxes: RwSignal<Vec<MailboxRow>>,
    pub list: RwSignal<Option<ListView>>,
    pub message: RwSignal<Option<MessageView>>,
    pub body: RwSignal<Option<Body>>,
    /// The messages being written in this tab.
    pub drafts: RwSignal<Vec<DraftView>>,
    /// What their forms are filled with, each with a number that rises when it is to be filled anew.
    pub forms: RwSignal<Vec<(u32, Composed)>>,
    pub offers: RwSignal<Offers>,
    /// Notices with a number each, the newest last.
    pub notices: RwSignal<Vec<(u32, Notice)>>,
    pub new_mail: RwSignal<Option<(String, String, Uid)>>,
    /// Who was signed in last.
    account: StoredValue<Option<String>>,
    port: StoredValue<MessagePort, LocalStorage>,
}

impl Device {
    /// Connects to the worker that `public/boot.js` started.
    pub fn start() -> Self {
        let port = open_port();
        let device = Self {
            session: RwSignal::new(SessionView {
                stage: Stage::Starting,
                line: Line::Connecting,
                waiting: 0,
                queue: Vec::new(),
                progress: None,
                filling: Filling::Nothing,
                keeps: false,
                unsaved: 0,
            }),
            mailboxes: RwSignal::new(Vec::new()),
            list: RwSignal::new(None),
            message: RwSignal::new(None),
            body: RwSignal::new(None),
            drafts: RwSignal::new(Vec::new()),
            forms: RwSignal::new(Vec::new()),
            offers: RwSignal::new(Offers::default()),
            notices: RwSignal::new(Vec::new()),
            new_mail: RwSignal::new(None),
            account: StoredValue::new(None),
            port: StoredValue::new_local(port.clone()),
        };
        let onmessage = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let bytes = Uint8Array::new(&event.data()).to_vec();
            // A worker of another build cannot be understood: the service it gives is to be reloaded.
            match postcard::from_bytes::<Vec<View>>(&bytes) {
                Ok(views) => views.into_iter().for_each(|view| device.show(view)),
                Err(_) => device.session.update(|session| session.line = Line::Reload),
            }
        });
        port.set_onmessage(Some(onmessage.as_ref().unchecked_ref()));
        onmessage.forget();
        device.say_goodbye_when_leaving();
        device
    }

    /// Draws a row of each kind once while nobody sees it: code that never ran takes most of the time until the first
    /// rows. They go again in the next frame.
    pub fn rehearse(self) {
        // Somebody may be quicker.
        if self.list.with_untracked(Option::is_some)
            || self.mailboxes.with_untracked(|rows| !rows.is_empty())
        {
            return;
        }
        let message = Summary {
            uid: 0,
            flags: Flags::default(),
            received: 0,
            from: vec![Address::default()],
            to: Vec::new(),
            subject: String::new(),
            preview: String::new(),
            size: 0,
            attachment: false,
        };
        self.mailboxes.set(vec![MailboxRow {
            name: String::new(),
            label: String::new(),
            depth: 0,
            role: Some(Role::Inbox),
            selectable: true,
            subscribed: true,
            unseen: 1,
            messages: 1,
            delimiter: None,
        }]);
        self.list.set(Some(ListView {
            mailbox: String::new(),
            role: Some(Role::Inbox),
            filter: Filter::All,
            search: String::new(),
            total: 1,
            matches: 1,
            first: 0,
            rows: vec![Some(message)],
            state: ListState::Ready,
            reach: Reach::Server,
            remote: 0,
            remote_rows: Vec::new(),
        }));
        request_animation_frame(move || {
            let rehearsing =
                |list: &Option<ListView>| list.as_ref().is_some_and(|list| list.mailbox.is_empty());
            if self.list.with_untracked(rehearsing) {
                self.list.set(None);
            }
            if self
                .mailboxes
                .with_untracked(|rows| rows.iter().all(|row| row.name.is_empty()))
            {
                self.mailboxes.set(Vec::new());
            }
        });
    }

    /// Tells the engine what the person wants.
    pub fn send(self, intent: Intent) {
        self.tell(&TabMessage::Intent(intent));
    }

    fn tell(self, message: &TabMessage) {
        if let Ok(bytes) = postcard::to_stdvec(message) {
            self.port.with_value(|port| {
                let _ = port.post_message(&Uint8Array::from(bytes.as_slice()).buffer());
            });
        }
    }

    /// Loads the page anew, in the version that the gateway has.
    pub fn reload() {
        load_newest();
    }

    fn show(self, view: View) {
        match view {
            View::Session(session) => {
                if let Some(storage) = storage() {
                    match session.stage {
                        Stage::SignedIn { .. } => drop(storage.set_item(SIGNED_IN_KEY, "1")),
                        Stage::SignedOut { .. } => drop(storage.remove_item(SIGNED_IN_KEY)),
                        Stage::Starting | Stage::SigningIn => {}
                    }
                }
                let account = |stage: &Stage| match stage {
                    Stage::SignedIn { account, .. } => Some(account.clone()),
                    _ => None,
                };
                let (before, now) = (self.account.get_value(), account(&session.stage));
                let left = matches!(session.stage, Stage::SignedOut { expired: false, .. });
                if before.is_some() && (left || (now.is_some() && now != before)) {
                    // Another person: nothing of what was on screen, selected or in the address may be left.
                    let _ = window().location().replace("/");
                    return;
                }
                if now.is_some() {
                    self.account.set_value(now);
                }
                self.session.set(session);
            }
            View::Mailboxes(mailboxes) => self.mailboxes.set(mailboxes),
            View::List(list) => {
                if list.state == ListState::Ready {
                    roost_worker::rest::soon();
                }
                self.list.set(Some(list));
            }
            View::Message(message) => {
                let other = |a: &Option<MessageView>, b: &Option<MessageView>| {
                    let name = |m: &MessageView| (m.address.clone(), m.images);
                    a.as_ref().map(name) != b.as_ref().map(name)
                };
                if self
                    .message
                    .with_untracked(|before| other(before, &message))
                {
                    self.body.set(None);
                }
                self.message.set(message);
            }
            View::Body(body) => self.body.set(Some(*body)),
            View::Drafts(drafts) => {
                let known = |id: &str| drafts.iter().any(|draft| draft.id == id);
                if self
                    .forms
                    .with_untracked(|forms| forms.iter().any(|(_, form)| !known(&form.id)))
                {
                    self.forms
                        .update(|forms| forms.retain(|(_, form)| known(&form.id)));
                }
                self.drafts.set(drafts);
            }
            View::Draft(message) => self.forms.update(|forms| {
                let number = forms
                    .iter()
                    .map(|(number, _)| number + 1)
                    .max()
                    .unwrap_or(0);
                forms.retain(|(_, form)| form.id != message.id);
                forms.push((number, *message));
            }),
            View::People(_) | View::Templates(_) | View::Insert(_) => offer(self.offers, view),
            View::Notice(notice) => self.notices.update(|notices| {
                let number = notices.last().map_or(0, |(number, _)| number + 1);
                notices.push((number, notice));
                if notices.len() > MAX_NOTICES {
                    notices.remove(0);
                }
            }),
            View::NewMail { from, subject, uid } => self.new_mail.set(Some((from, subject, uid))),
        }
    }

    fn say_goodbye_when_leaving(self) {
        let goodbye = window_event_listener_untyped("pagehide", move |_| {
            if let Ok(leaving) = web_sys::Event::new(LEAVING) {
                let _ = window().dispatch_event(&leaving);
            }
            self.tell(&TabMessage::Bye);
        });
        // A page that comes back from the browser's cache has said goodbye: it starts anew.
        let back = window_event_listener_untyped("pageshow", |event| {
            if event
                .unchecked_into::<web_sys::PageTransitionEvent>()
                .persisted()
            {
                let _ = window().location().reload();
            }
        });
        // They live as long as the page.
        std::mem::forget((goodbye, back));
    }
}

/// The browser's storage for settings of this device; `None` where it is switched off.
pub fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// The port to the worker, which `public/boot.js` started before this module was there.
fn open_port() -> MessagePort {
    let port: MessagePort = Reflect::get(&window(), &"roostPort".into())
        .expect("boot.js ran")
        .unchecked_into();
    port.start();
    port
}
