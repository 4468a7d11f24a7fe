//! What stands between the text and the buttons: why it was not saved or sent, and what is asked before it is.

use leptos::prelude::*;
use roost_engine::{DraftPhase, DraftView, Write};

use crate::ui::compose::checks::{FORGOTTEN, FORMATTED};
use crate::ui::live::{When, heard, live, memo, shown};

/// `send` sends it all the same, `switch` gives the formatting up.
#[component]
pub fn Banners(
    view: Memo<Option<DraftView>>,
    too_large: Memo<Option<String>>,
    question: RwSignal<Option<&'static str>>,
    write: Box<dyn Fn(Write)>,
    send: Box<dyn Fn()>,
    switch: Box<dyn Fn()>,
) -> impl IntoView {
    let calls = StoredValue::new_local((write, send, switch));
    let told = move |what: fn(String) -> Write| {
        let id = view.with_untracked(|view| view.as_ref().map(|view| view.id.clone()));
        if let Some(id) = id {
            calls.with_value(|(write, ..)| write(what(id)));
        }
    };
    let problem = memo(move || {
        view.with(|view| view.as_ref().map(|v| v.problem.clone()).unwrap_or_default())
    });
    let phase = memo(move || view.with(|view| view.as_ref().map(|v| v.phase)));
    view! {
        <When test=live(move || problem.with(|problem| !problem.is_empty()))>
            <div class="banner" role="alert">
                <span class="reasons">{shown(move || problem.get())}</span>
                <When test=live(move || phase.get() == Some(DraftPhase::Conflict))>
                    <button class="link" on:click=heard(move |_| told(Write::KeepBoth))>"Keep both"</button>
                    <button class="link" on:click=heard(move |_| told(Write::Overwrite))>"Keep only this one"</button>
                </When>
            </div>
        </When>
        <When test=live(move || too_large.with(Option::is_some))>
            <div class="banner" role="alert"><span>{shown(move || too_large.get())}</span></div>
        </When>
        <When test=live(move || question.get().is_some())>
            <div class="banner" role="alert">
                <span>{shown(move || question.get())}</span>
                <When test=live(move || question.get() == Some(FORGOTTEN))>
                    <button class="link" on:click=heard(move |_| calls.with_value(|(_, send, _)| send()))>"Send it anyway"</button>
                </When>
                <When test=live(move || question.get() == Some(FORMATTED))>
                    <button class="link" on:click=heard(move |_| calls.with_value(|(.., switch)| switch()))>"Remove it"</button>
                    <button class="link" on:click=heard(move |_| question.set(None))>"Keep it"</button>
                </When>
            </div>
        </When>
    }
}
