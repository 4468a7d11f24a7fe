//! Recipients as chips: typed, pasted or completed; wrong ones say why.

use leptos::html;
use leptos::prelude::*;
use roost_engine::{address_problem, addresses};
use roost_wire::Address;

use crate::ui::icon::Icon;
use crate::ui::live::{effect, heard, shown};
use crate::ui::state::Ui;
use web_sys::{ClipboardEvent, DragEvent, Event, FocusEvent, KeyboardEvent};

/// Whether what is typed is an address with its end: a separator outside of quotation marks, or the `>` that an entry
/// of the list of known people ends in.
fn is_complete(typed: &str) -> bool {
    let quoted = typed.matches('"').count() % 2 == 1;
    !quoted && (typed.ends_with([',', ';']) || (typed.ends_with('>') && typed.contains('<')))
}

#[component]
pub fn Recipients(
    label: &'static str,
    list: RwSignal<Vec<Address>>,
    autofocus: bool,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let input = NodeRef::<html::Input>::new();
    let known = format!("people-{label}");
    let take = move |text: &str| {
        let found = addresses(text);
        if !found.is_empty() {
            list.update(|list| {
                for address in found {
                    let same = |other: &Address| {
                        !address.email.is_empty()
                            && other.email.eq_ignore_ascii_case(&address.email)
                    };
                    if !list.iter().any(same) {
                        list.push(address);
                    }
                }
            });
        }
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
    };
    effect(move || {
        if autofocus && let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    view! {
        <div class="line recipients">
            <span>{label}</span>
            <ul aria-label=format!("{label} recipients")>
                {shown(move || list.get().into_iter().enumerate().map(|(index, address)| {
                    let problem = address_problem(&address);
                    let text = address.label().to_owned();
                    let title = problem.map_or_else(|| address.email.clone(), str::to_owned);
                    view! {
                        <li
                            class="chip"
                            class:wrong=problem.is_some()
                            title=title
                            draggable="true"
                            on:dragstart={
                                let address = address.clone();
                                move |event| {
                                    if let Some(data) = event.data_transfer() {
                                        let _ = data.set_data("text/plain", &address.to_string());
                                    }
                                    ui.dragged.set_value(Some((list, index)));
                                }
                            }
                        >
                            <span dir="auto">{text.clone()}</span>
                            {problem.map(|problem| view! { <span class="reason">{format!(" ({problem})")}</span> })}
                            <button class="plain" aria-label=format!("Remove {text}") on:click=heard(move |_| {
                                list.update(|list| drop(list.remove(index)));
                            })>{Icon::Close.draw()}</button>
                        </li>
                    }
                }).collect_view())}
            </ul>
            <input
                node_ref=input
                type="text"
                inputmode="email"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                list=known.clone()
                aria-label=label
                on:keydown=heard(move |event: KeyboardEvent| {
                    let value = event_target_value(&event);
                    match event.key().as_str() {
                        "Enter" if !event.is_composing() && !event.ctrl_key() && !event.meta_key() => {
                            event.prevent_default();
                            take(&value);
                        }
                        "Backspace" if value.is_empty() => list.update(|list| drop(list.pop())),
                        _ => {}
                    }
                })
                on:input=heard(move |event: Event| {
                    let value = event_target_value(&event);
                    if is_complete(&value) {
                        take(&value);
                    }
                })
                on:paste=heard(move |event: ClipboardEvent| {
                    let text = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok()).unwrap_or_default();
                    if text.contains('@') {
                        event.prevent_default();
                        take(&text);
                    }
                })
                on:blur=heard(move |event: FocusEvent| take(&event_target_value(&event)))
                on:dragover=heard(move |event: DragEvent| event.prevent_default())
                on:drop=heard(move |event: DragEvent| {
                    if let Some((from, index)) = ui.dragged.get_value() {
                        event.prevent_default();
                        event.stop_propagation();
                        ui.dragged.set_value(None);
                        let moved = from.try_update(|from| (index < from.len()).then(|| from.remove(index))).flatten();
                        if let Some(address) = moved {
                            list.update(|list| list.push(address));
                        }
                    }
                })
            />
            <datalist id=known>
                {shown(move || ui.people.with(|people| people.iter().map(|address| view! {
                    <option value=format!("{} <{}>", address.name, address.email)></option>
                }).collect_view()))}
            </datalist>
        </div>
    }
}
