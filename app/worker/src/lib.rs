//! The worker: runs the engine for all tabs of one browser, and does what it asks for.
//!
//! It is part of the app's one WebAssembly module (ARCHITECTURE.md, "One module for page and worker").
//! `public/worker-loader.js` starts it, queues the tabs' ports until it is ready, and hands each to [`connect`].

mod http;
mod leaving;
pub mod rest;
mod socket;
mod storage;
mod workers;

use std::cell::RefCell;
use std::collections::HashMap;

use leaving::Leaving;
use roost_engine::{Effect, Event, Intent, State, TabId, TabMessage, View, step};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort, WorkerGlobalScope};

/// The version the gateway must agree with.
const BUILD: &str = env!("CARGO_PKG_VERSION");

thread_local! {
    static WORKER: RefCell<Worker> = RefCell::new(Worker::default());
}

#[derive(Default)]
struct Worker {
    state: State,
    ports: HashMap<TabId, Port>,
    next_tab: TabId,
    socket: Option<socket::Socket>,
    leaving: Leaving,
}

struct Port {
    port: MessagePort,
    /// Kept alive as long as the port.
    _onmessage: Closure<dyn FnMut(MessageEvent)>,
}

/// Whether this code runs in a worker rather than in a page.
pub fn is_worker() -> bool {
    js_sys::global().is_instance_of::<WorkerGlobalScope>()
}

/// Starts the engine. Once, before any [`connect`].
pub fn start() {
    let mut random = [0; 8];
    if let Ok(crypto) = scope().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut random);
    }
    handle(Event::Started {
        device: u64::from_le_bytes(random),
        build: BUILD.to_owned(),
    });
    storage::start();
    workers::listen();
    let online = Closure::<dyn FnMut()>::new(|| {
        let tab = WORKER.with_borrow(|worker| worker.ports.keys().next().copied());
        if let Some(tab) = tab {
            handle(Event::Intent {
                tab,
                at: now(),
                intent: Intent::ConnectNow,
            });
        }
    });
    scope().set_ononline(Some(online.as_ref().unchecked_ref()));
    online.forget();
}

/// What a port hears when the other end is gone.
const CLOSE: &str = "close";

/// Takes a tab's port.
#[wasm_bindgen]
pub fn connect(port: MessagePort) {
    let tab = WORKER.with_borrow_mut(|worker| {
        worker.next_tab += 1;
        worker.next_tab
    });
    let onmessage = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if event.type_() == CLOSE {
            // The page ended without a word, as far as the browser tells.
            return closed(tab);
        }
        if let Some(likely_signed_in) = event.data().as_bool() {
            return handle(Event::TabOpened {
                tab,
                likely_signed_in,
            });
        }
        let bytes = js_sys::Uint8Array::new(&event.data()).to_vec();
        match postcard::from_bytes(&bytes) {
            Ok(TabMessage::Intent(intent)) => handle(Event::Intent {
                tab,
                at: now(),
                intent,
            }),
            Ok(TabMessage::Bye) => closed(tab),
            // A tab of another build during an upgrade; it will be asked to reload.
            Err(_) => {}
        }
    });
    let heard = onmessage.as_ref().unchecked_ref();
    port.set_onmessage(Some(heard));
    let _ = port.add_event_listener_with_callback(CLOSE, heard);
    WORKER.with_borrow_mut(|worker| {
        worker.ports.insert(
            tab,
            Port {
                port,
                _onmessage: onmessage,
            },
        );
    });
}

fn closed(tab: TabId) {
    if WORKER
        .with_borrow_mut(|worker| worker.ports.remove(&tab))
        .is_some()
    {
        handle(Event::TabClosed { tab });
    }
}

/// Lets the engine take an event in, and does what it asks for.
fn handle(event: Event) {
    let effects = WORKER.with_borrow_mut(|worker| step(&mut worker.state, event));
    for effect in effects {
        perform(effect);
    }
}

fn perform(effect: Effect) {
    match effect {
        Effect::CheckSession => http::check_session(),
        Effect::SignIn {
            username,
            password,
            shared,
        } => http::sign_in(username, password, shared),
        Effect::SignOut => leaving::tell(),
        Effect::SayLeft { account, keep } => workers::say_left(account, keep),
        Effect::Connect => {
            let socket = socket::Socket::open();
            WORKER.with_borrow_mut(|worker| worker.socket = socket);
            if WORKER.with_borrow(|worker| worker.socket.is_none()) {
                after(0, || handle(Event::SocketClosed));
            }
        }
        Effect::Disconnect => WORKER.with_borrow_mut(|worker| worker.socket = None),
        Effect::Send(message) => {
            WORKER.with_borrow(|worker| {
                if let (Some(socket), Ok(frame)) = (&worker.socket, postcard::to_stdvec(&message)) {
                    socket.send(&frame);
                }
            });
        }
        Effect::FetchBody {
            ticket,
            address,
            images,
            kept,
        } => http::fetch_body(ticket, &address, images, kept),
        Effect::FetchDraft {
            tab,
            address,
            opening,
        } => http::fetch_draft(tab, address, opening),
        Effect::Keep(draft) => storage::claims::keep(&draft),
        Effect::Recall => storage::drafts::recall(),
        Effect::Forget(id) => storage::claims::forget(id),
        storing @ (Effect::Store { .. }
        | Effect::LoadMailbox { .. }
        | Effect::LoadPages { .. }
        | Effect::ListBodies { .. }
        | Effect::ReadBodies { .. }
        | Effect::Wipe) => wasm_bindgen_futures::spawn_local(async {
            if let Some(event) = storage::mail::perform(storing).await {
                handle(event);
            }
        }),
        Effect::Show { tab, views } => {
            if let Some(views) = leaving::passes(tab, views) {
                show(tab, &views);
            }
        }
        Effect::Wake { wake, after_ms } => after(after_ms, move || handle(Event::Woke(wake))),
    }
}

fn show(tab: TabId, views: &[View]) {
    let Ok(bytes) = postcard::to_stdvec(views) else {
        return;
    };
    let buffer = js_sys::Uint8Array::from(bytes.as_slice()).buffer();
    WORKER.with_borrow(|worker| {
        if let Some(port) = worker.ports.get(&tab) {
            if views.iter().any(|view| matches!(view, View::List(_))) {
                rest::soon();
            }
            // The buffer is handed over rather than copied.
            let _ = port
                .port
                .post_message_with_transferable(&buffer, &js_sys::Array::of1(&buffer));
        }
    });
}

fn after(milliseconds: u32, run: impl FnOnce() + 'static) {
    let callback = Closure::once_into_js(run);
    let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
    let _ = scope().set_timeout_with_callback_and_timeout_and_arguments_0(
        callback.unchecked_ref(),
        milliseconds,
    );
}

/// The time, in seconds since 1970-01-01 UTC.
fn now() -> i64 {
    (js_sys::Date::now() / 1000.0) as i64
}

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}
