//! The interface. The folder is the tree of what is on screen; one component a file.

mod circumstances;
pub mod compose;
mod date;
mod dialog;
mod help;
mod icon;
mod keyboard;
mod list;
mod live;
mod mailboxes;
mod menu;
mod message;
mod notifications;
mod prefs;
mod queue;
mod room;
mod route;
mod settings;
mod shell;
mod sign_in;
mod sign_out;
mod state;
mod status;
mod toasts;

use std::time::Duration;

use leptos::prelude::*;
use roost_engine::Stage;

use crate::device::Device;
use crate::ui::live::{When, after_paint, effect, live, memo};
use state::Ui;

/// What begins once the rest of the module is there (`public/boot.js` tells).
fn afterwards(ui: Ui) {
    circumstances::tell(ui);
    room::ask_to_persist(ui);
}

/// The whole app.
pub fn app(device: Device) -> impl IntoView {
    provide_context(device);
    let ui = Ui::new(device);
    provide_context(ui);
    provide_context(crate::ui::compose::Forms::recall());
    prefs::apply(ui.prefs);
    let owner = Owner::current();
    let listener = window_event_listener_untyped("roost-rest", move |_| {
        if let Some(owner) = &owner {
            owner.with(|| afterwards(ui));
        }
    });
    on_cleanup(move || listener.remove());
    let stage = memo(move || device.session.with(|session| session.stage.clone()));
    // Once somebody is signed in the shell stays, also behind the form of an expired session.
    let inside = Memo::new(move |before: Option<&bool>| match stage.get() {
        Stage::SignedIn { .. } => true,
        Stage::SignedOut { expired, .. } => expired,
        Stage::SigningIn => before.copied().unwrap_or(false),
        Stage::Starting => false,
    });
    let form = memo(move || matches!(stage.get(), Stage::SignedOut { .. } | Stage::SigningIn));
    let starting = memo(move || stage.get() == Stage::Starting);
    effect(move || {
        if form.get() {
            ui.dialog.set(None);
        }
    });
    // While somebody signs in the shell is drawn behind the form: afterwards only mail is to come.
    let ahead = RwSignal::new(false);
    effect(move || {
        if form.get() && !inside.get_untracked() {
            after_paint(move || {
                ahead.set(true);
                set_timeout(move || device.rehearse(), Duration::ZERO);
            });
        }
    });
    if let Some(splash) = document().get_element_by_id("splash") {
        splash.remove();
    }
    view! {
        <When test=live(move || starting.get())>
            <shell::Skeleton />
        </When>
        <When test=live(move || inside.get() || ahead.get())>
            // What lies behind the form of an expired session is kept, and cannot be reached.
            <div class:ahead=live(move || !inside.get()) inert=live(move || form.get())><shell::Shell inside /></div>
        </When>
        <When test=live(move || form.get())>
            <sign_in::SignIn overlay=inside.get_untracked() />
        </When>
    }
}
