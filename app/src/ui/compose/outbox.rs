//! Messages that could not be sent yet: why, and a way to stop it.

use leptos::prelude::*;
use roost_engine::{DraftPhase, Intent, Line, Write};

use crate::ui::live::{each, heard};
use crate::ui::state::Ui;

#[component]
pub fn Outbox() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let waiting = move || {
        let offline = ui.device.session.with(|session| session.line != Line::Live);
        ui.device.drafts.with(|drafts| {
            let waiting = drafts.iter().filter(|draft| {
                draft.phase == DraftPhase::Sending && (offline || !draft.problem.is_empty())
            });
            waiting.cloned().collect::<Vec<_>>()
        })
    };
    view! {
        <ul class="outbox" aria-label="Not sent yet">
            {each(waiting, |draft| (draft.id.clone(), draft.problem.clone()), move |draft| {
                let subject = match draft.subject.trim() {
                    "" => "A message without a subject".to_owned(),
                    subject => subject.to_owned(),
                };
                let why = if draft.problem.is_empty() {
                    "Waits for a connection.".to_owned()
                } else {
                    draft.problem.clone()
                };
                let id = draft.id.clone();
                view! {
                    <li class="banner" role="status">
                        <span><b dir="auto">{subject}</b>" "{why}</span>
                        <button class="link" on:click=heard(move |_| {
                            ui.device.send(Intent::Write(Write::Stop(id.clone())));
                        })>"Stop sending"</button>
                    </li>
                }
            })}
        </ul>
    }
}
