//! The three panes: mailboxes, list, message. A phone shows one at a time.

use leptos::prelude::*;
use roost_wire::Composed;
use wasm_bindgen::JsCast as _;

use crate::ui::compose::Compose;
use crate::ui::dialog::Dialogs;
use crate::ui::icon::{Icon, logo};
use crate::ui::list::MessageList;
use crate::ui::live::{When, effect, heard, live, memo};
use crate::ui::mailboxes::Mailboxes;
use crate::ui::message::Message;
use crate::ui::state::{Pane, Ui};
use crate::ui::status::Status;
use crate::ui::toasts::Toasts;
use crate::ui::{keyboard, notifications, route};
use web_sys::{KeyboardEvent, PointerEvent};

#[component]
pub fn Shell(
    /// Whether somebody is signed in. Before, it is drawn and does nothing.
    inside: Memo<bool>,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    effect(move || {
        if inside.get() {
            keyboard::listen(ui);
            route::follow(ui);
            title_counts_unread(ui);
            notify_of_new_mail(ui);
        }
    });
    let pane = move || match ui.pane.get() {
        Pane::Mailboxes => "mailboxes",
        Pane::List => "list",
        Pane::Message => "message",
    };
    let open = memo(move || ui.device.message.with(Option::is_some));
    let width = move || format!("{}px", ui.prefs.with(|prefs| prefs.list_width));
    view! {
        <div class="shell" data-pane=pane class:reading=live(move || open.get()) style:--list-width=width>
            <a class="skip" href="#messages">"Skip to messages"</a>
            <Mailboxes />
            <MessageList />
            <Divider />
            <section class="message" aria-label="Message">
                <Show when=live(move || open.get()) fallback=Nothing>
                    <Message />
                </Show>
            </section>
            <button class="primary compose-here only-narrow" aria-label="Compose" on:click=heard(move |_| ui.compose(Composed::default()))>
                {Icon::Compose.draw()}
            </button>
            <Status />
        </div>
        // Each is there once it has something to show: its code comes after the inbox (ARCHITECTURE.md, "Two halves of
        // one module").
        <When test=live(move || ui.device.forms.with(|forms| !forms.is_empty()))><Compose /></When>
        <When test=live(move || ui.dialog.with(Option::is_some))><Dialogs /></When>
        <Toasts />
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <div class="nothing">
            {logo()}
            <p>"Choose a message to read it here."</p>
            <p class="hint"><kbd>"j"</kbd>" and "<kbd>"k"</kbd>" move, "<kbd>"?"</kbd>" shows all keys."</p>
        </div>
    }
}

/// What stands there until it is known who is signed in.
#[component]
pub fn Skeleton() -> impl IntoView {
    view! {
        <div class="shell starting" aria-busy="true">
            <div class="mailboxes"></div>
            <div class="list-pane">
                {(0..10).map(|_| view! { <div class="row skeleton"><span></span><span></span></div> }).collect_view()}
            </div>
        </div>
    }
}

/// The line between list and message, dragged or moved by the arrow keys.
#[component]
fn Divider() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let dragging = RwSignal::new(None::<(i32, u32)>);
    let set = move |width: i64| {
        ui.prefs
            .update(|prefs| prefs.list_width = width.clamp(280, 720) as u32);
    };
    let width = move || ui.prefs.with(|prefs| prefs.list_width);
    view! {
        <div
            class="divider"
            role="separator"
            tabindex="0"
            aria-orientation="vertical"
            aria-label="Width of the list"
            aria-valuemin="280"
            aria-valuemax="720"
            aria-valuenow=width
            on:pointerdown=heard(move |event: PointerEvent| {
                if let Some(target) = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) {
                    let _ = target.set_pointer_capture(event.pointer_id());
                }
                dragging.set(Some((event.client_x(), ui.prefs.with_untracked(|p| p.list_width))));
            })
            on:pointermove=heard(move |event: PointerEvent| {
                if let Some((from, width)) = dragging.get_untracked() {
                    set(i64::from(width) + i64::from(event.client_x() - from));
                }
            })
            on:pointerup=heard(move |_| dragging.set(None))
            on:pointercancel=heard(move |_| dragging.set(None))
            on:keydown=heard(move |event: KeyboardEvent| {
                let width = i64::from(ui.prefs.with_untracked(|p| p.list_width));
                match event.key().as_str() {
                    "ArrowLeft" => set(width - 20),
                    "ArrowRight" => set(width + 20),
                    _ => return,
                }
                event.prevent_default();
                event.stop_propagation();
            })
        ></div>
    }
}

fn title_counts_unread(ui: Ui) {
    let title = memo(move || {
        let unseen = ui.device.mailboxes.with(|mailboxes| {
            mailboxes
                .iter()
                .find(|m| m.name == "INBOX")
                .map_or(0, |inbox| inbox.unseen)
        });
        let place = ui.device.list.with(|list| {
            let name = list.as_ref().map_or("INBOX", |list| &list.mailbox);
            ui.device.mailboxes.with(|mailboxes| {
                mailboxes
                    .iter()
                    .find(|m| m.name == name)
                    .map_or_else(|| "Roost".to_owned(), |m| m.label.clone())
            })
        });
        if unseen > 0 {
            format!("({unseen}) {place} – Roost")
        } else {
            format!("{place} – Roost")
        }
    });
    effect(move || document().set_title(&title.get()));
}

/// A desktop notification, where the person has asked for them and is not looking.
fn notify_of_new_mail(ui: Ui) {
    effect(move || {
        let Some((from, subject, uid)) = ui.device.new_mail.get() else {
            return;
        };
        let allowed = ui.prefs.with_untracked(|prefs| prefs.notify) && notifications::allowed();
        if !allowed || document().has_focus().unwrap_or(false) {
            return;
        }
        let options = web_sys::NotificationOptions::new();
        options.set_body(&subject);
        options.set_tag(&format!("roost-{uid}"));
        options.set_icon("/icon.svg");
        let _ = web_sys::Notification::new_with_options(&from, &options);
    });
}
