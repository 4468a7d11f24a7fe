//! Notices: what was done, with a way to take it back, and what went wrong.

use std::time::Duration;

use leptos::prelude::*;
use roost_engine::{Intent, Notice};

use crate::device::Device;
use crate::ui::icon::Icon;
use crate::ui::live::{each, effect, heard};

/// How long a notice stays; while the pointer or the focus is on it, it stays longer.
const STAY: Duration = Duration::from_secs(8);
const STAY_FAILED: Duration = Duration::from_secs(15);

#[component]
pub fn Toasts() -> impl IntoView {
    let device = expect_context::<Device>();
    view! {
        <div class="toasts" role="region" aria-label="Notices" aria-live="polite">
            {each(move || device.notices.get(), |(number, _)| *number, |(number, notice)| view! { <Toast number notice /> })}
        </div>
    }
}

#[component]
fn Toast(number: u32, notice: Notice) -> impl IntoView {
    let device = expect_context::<Device>();
    let dismiss = move || {
        device
            .notices
            .update(|notices| notices.retain(|(known, _)| *known != number))
    };
    let held = RwSignal::new(false);
    let stay = if notice.failed { STAY_FAILED } else { STAY };
    effect(move || {
        if !held.get()
            && let Ok(timer) = set_timeout_with_handle(dismiss, stay)
        {
            on_cleanup(move || timer.clear());
        }
    });
    let undo = notice.undo;
    view! {
        <div
            class="toast"
            class:failed=notice.failed
            on:pointerenter=heard(move |_| held.set(true))
            on:pointerleave=heard(move |_| held.set(false))
            on:focusin=heard(move |_| held.set(true))
            on:focusout=heard(move |_| held.set(false))
        >
            <span>{notice.text}</span>
            {undo.map(|undo| view! {
                <button class="link" on:click=heard(move |_| {
                    device.send(Intent::Undo(undo));
                    dismiss();
                })>"Undo"</button>
            })}
            <button class="plain" aria-label="Dismiss" on:click=heard(move |_| dismiss())>{Icon::Close.draw()}</button>
        </div>
    }
}
