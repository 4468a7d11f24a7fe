//! The changes that are not on the server yet: what each does, where it is, and a way to cancel it.

use leptos::prelude::*;
use roost_engine::Intent;

use crate::ui::date;
use crate::ui::live::{When, each, effect, heard, live};
use crate::ui::state::Ui;

#[component]
pub fn Queue() -> impl IntoView {
    let ui = expect_context::<Ui>();
    ui.device.send(Intent::Inspect(true));
    on_cleanup(move || ui.device.send(Intent::Inspect(false)));
    // A message that is not sent after all opens again, to be written on.
    let filled = move || {
        let forms = ui.device.forms;
        forms.with(|forms| forms.iter().map(|(number, _)| *number).max())
    };
    let before = untrack(filled);
    effect(move || {
        if filled() > before {
            ui.dialog.set(None);
        }
    });
    let none = move || ui.device.session.with(|session| session.waiting == 0);
    view! {
        <When test=live(none)>
            <p class="hint" role="status">"The server has everything that was done here."</p>
        </When>
        <ul class="queue" aria-label="Changes not on the server yet">
            {each(
                move || ui.device.session.with(|session| session.queue.clone()),
                |change| (change.id.clone(), change.state.clone(), change.can_be_cancelled),
                move |change| view! {
                    <li>
                        <div>
                            <b dir="auto">{change.what.clone()}</b>
                            <p class="hint">
                                {(change.at > 0).then(|| format!("{} · ", date::short_with_time(change.at)))}
                                {change.state}
                            </p>
                        </div>
                        {change.can_be_cancelled.then(|| view! {
                            <button
                                class="secondary"
                                aria-label=format!("Cancel: {}", change.what)
                                on:click=heard(move |_| {
                                    ui.device.send(Intent::Cancel(change.id.clone()));
                                })
                            >"Cancel"</button>
                        })}
                    </li>
                },
            )}
        </ul>
    }
}
