//! What happens to the mail on this device when a person signs out.

use leptos::html::Input;
use leptos::prelude::*;
use roost_engine::{Intent, Stage};
use web_sys::SubmitEvent;

use crate::ui::live::{effect, heard, live, memo, shown};
use crate::ui::state::Ui;

#[component]
pub fn SignOut() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let session = ui.device.session;
    let keep = NodeRef::<Input>::new();
    let keeps = memo(move || session.with(|session| session.keeps));
    let only_here =
        memo(move || session.with(|session| only_here(session.waiting, session.unsaved)));
    // The session may end by itself meanwhile.
    effect(move || {
        if session.with(|session| !matches!(session.stage, Stage::SignedIn { .. })) {
            ui.dialog.set(None);
        }
    });
    view! {
        <form class="sign-out" on:submit=heard(move |event: SubmitEvent| {
            event.prevent_default();
            let keep = keep.get_untracked().is_some_and(|input| input.checked());
            ui.device.send(Intent::SignOut { keep });
            ui.dialog.set(None);
        })>
            {shown(move || only_here.get().map(|what| view! {
                <p class="warning">
                    {what}
                    {if keeps.get() { " Removing loses that." } else { " Signing out loses that." }}
                </p>
            }))}
            {shown(move || keeps.get().then(|| view! {
                <fieldset>
                    <legend>"Mail on this device"</legend>
                    <label class="check">
                        <input type="radio" name="kept" checked autofocus />
                        "Remove it"
                    </label>
                    <label class="check">
                        <input node_ref=keep type="radio" name="kept" aria-describedby="kept-hint" />
                        "Keep mail on this device"
                    </label>
                    <p class="hint" id="kept-hint">
                        "Nobody sees it here before you have signed in again. It is not encrypted: keep it on no computer that others use."
                    </p>
                </fieldset>
            }))}
            <footer>
                <button type="button" class="secondary" on:click=heard(move |_| ui.dialog.set(None))>"Cancel"</button>
                <button class=live(move || if only_here.with(Option::is_some) { "danger" } else { "primary" }) type="submit">"Sign out"</button>
            </footer>
        </form>
    }
}

/// What the server does not have, as a sentence; `None` where it has everything.
fn only_here(changes: u32, drafts: u32) -> Option<String> {
    let changes = match changes {
        0 => None,
        1 => Some("1 change".to_owned()),
        count => Some(format!("{count} changes")),
    };
    let drafts = match drafts {
        0 => None,
        1 => Some("1 message being written".to_owned()),
        count => Some(format!("{count} messages being written")),
    };
    let what = match (changes, drafts) {
        (Some(changes), Some(drafts)) => format!("{changes} and {drafts}"),
        (changes, drafts) => changes.or(drafts)?,
    };
    let verb = if what.starts_with("1 ") && !what.contains(" and ") {
        "exists"
    } else {
        "exist"
    };
    Some(format!("{what} {verb} only on this device."))
}
