//! Recipients as chips: typed, pasted or completed; wrong ones say why. The field is a combobox with a listbox of people
//! (WAI-ARIA Authoring Practices, "Combobox").

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::html;
use leptos::prelude::*;
use roost_engine::{Intent, address_problem, addresses, fits};
use roost_wire::Address;
use wasm_bindgen::JsCast;

use crate::ui::icon::Icon;
use crate::ui::live::{When, effect, heard, live, memo, shown};
use crate::ui::state::Ui;
use web_sys::{ClipboardEvent, DragEvent, Event, FocusEvent, KeyboardEvent, MouseEvent};

/// Names the fields of all forms that are open.
static FIELDS: AtomicU32 = AtomicU32::new(0);

/// Whether what is typed is an address with its end: a separator outside of quotation marks, or the `>` of one that was
/// put in from elsewhere.
fn is_complete(typed: &str) -> bool {
    let quoted = typed.matches('"').count() % 2 == 1;
    !quoted && (typed.ends_with([',', ';']) || (typed.ends_with('>') && typed.contains('<')))
}

/// Adds those that are not there yet.
pub fn add(list: RwSignal<Vec<Address>>, more: Vec<Address>) {
    if more.is_empty() {
        return;
    }
    list.update(|list| {
        for address in more {
            let same = |other: &Address| {
                !address.email.is_empty() && other.email.eq_ignore_ascii_case(&address.email)
            };
            if !list.iter().any(same) {
                list.push(address);
            }
        }
    });
}

#[component]
pub fn Recipients(
    label: &'static str,
    list: RwSignal<Vec<Address>>,
    autofocus: bool,
    /// Moves the recipient of that position to the field below, or above.
    shift: Box<dyn Fn(usize, bool)>,
    /// Where a recipient was moved to or removed from, by field and position: what stands there has the focus.
    moved: RwSignal<Option<(&'static str, usize)>>,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let input = NodeRef::<html::Input>::new();
    let number = FIELDS.fetch_add(1, Ordering::Relaxed);
    let box_id = StoredValue::new(format!("people-{number}"));
    // What is typed here; people are offered for it.
    let typed = RwSignal::new(String::new());
    // The address of the one that is pointed at, wherever it stands by now.
    let active = RwSignal::new(None::<String>);
    let ask = move |text: String| {
        active.set(None);
        if typed.with_untracked(|before| *before != text) {
            let own = ui.identities().into_iter().map(|identity| identity.email);
            ui.device.send(Intent::Complete {
                typed: text.trim().to_owned(),
                own: own.collect(),
            });
            typed.set(text);
        }
    };
    let offered = memo(move || {
        if typed.with(|typed| typed.trim().is_empty()) {
            return Vec::new();
        }
        let mut people = ui.device.offers.with(|offers| offers.people.clone());
        // What is offered may still be for what was typed before.
        typed.with(|typed| people.retain(|person| fits(person, typed)));
        list.with(|list| {
            people.retain(|person| {
                let same = |other: &Address| other.email.eq_ignore_ascii_case(&person.email);
                !list.iter().any(same)
            });
        });
        people
    });
    let place = move || {
        let email = active.get()?;
        offered.with(|people| people.iter().position(|person| person.email == email))
    };
    let point_at = move |index: usize| {
        active.set(offered.with_untracked(|people| Some(people.get(index)?.email.clone())));
    };
    let open = memo(move || offered.with(|people| !people.is_empty()));
    let clear = move || {
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
        ask(String::new());
    };
    let take = move |text: &str| {
        add(list, addresses(text));
        clear();
    };
    // Takes one of those that are offered.
    let choose = move |index: usize| {
        let chosen = offered.with_untracked(|people| people.get(index).cloned());
        add(list, chosen.into_iter().collect());
        clear();
    };
    effect(move || {
        if autofocus && let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let shift = StoredValue::new_local(shift);
    let chips = NodeRef::<html::Ul>::new();
    effect(move || {
        let Some((_, index)) = moved.get().filter(|(field, _)| *field == label) else {
            return;
        };
        moved.set(None);
        // Once it is drawn, and before the next key is pressed. Without one there, the field.
        queue_microtask(move || {
            let chip = chips
                .get_untracked()
                .and_then(|chips| chips.children().item(index as u32));
            let button = chip.and_then(|chip| chip.query_selector("button").ok().flatten());
            let place: Option<web_sys::HtmlElement> = match button {
                Some(button) => button.dyn_into().ok(),
                None => input.get_untracked().map(JsCast::unchecked_into),
            };
            if let Some(place) = place {
                let _ = place.focus();
            }
        });
    });
    let option_id = move |index: usize| format!("{}-{index}", box_id.get_value());
    view! {
        <div
            class="line recipients"
            on:dragover=heard(move |event: DragEvent| {
                if ui.dragged.with_value(Option::is_some) {
                    event.prevent_default();
                }
            })
            on:drop=heard(move |event: DragEvent| {
                if let Some((from, index)) = ui.dragged.try_update_value(Option::take).flatten() {
                    event.prevent_default();
                    event.stop_propagation();
                    let moved = from.try_update(|from| (index < from.len()).then(|| from.remove(index))).flatten();
                    add(list, moved.into_iter().collect());
                }
            })
        >
            <span>{label}</span>
            <ul node_ref=chips aria-label=format!("{label} recipients")>
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
                            on:dragstart=heard(move |event: DragEvent| {
                                if let Some(data) = event.data_transfer() {
                                    let _ = data.set_data("text/plain", &address.to_string());
                                }
                                ui.dragged.set_value(Some((list, index)));
                            })
                            on:dragend=heard(move |_| ui.dragged.set_value(None))
                        >
                            <span dir="auto">{text.clone()}</span>
                            {problem.map(|problem| view! { <span class="reason">{format!(" ({problem})")}</span> })}
                            <button
                                class="plain"
                                aria-label=format!("Remove {text}")
                                aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
                                on:keydown=heard(move |event: KeyboardEvent| {
                                    let key = event.key();
                                    if event.alt_key() && (key == "ArrowUp" || key == "ArrowDown") {
                                        event.prevent_default();
                                        shift.with_value(|shift| shift(index, key == "ArrowDown"));
                                    }
                                })
                                on:click=heard(move |event: MouseEvent| {
                                    list.update(|list| drop(list.remove(index)));
                                    // By keyboard (UI Events: no click was counted), which goes on from here.
                                    if event.detail() == 0 {
                                        moved.set(Some((label, index)));
                                    }
                                })
                            >{Icon::Close.draw()}</button>
                        </li>
                    }
                }).collect_view())}
            </ul>
            <input
                node_ref=input
                type="text"
                role="combobox"
                inputmode="email"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-label=label
                aria-autocomplete="list"
                aria-expanded=live(move || if open.get() { "true" } else { "false" })
                aria-controls=box_id.get_value()
                aria-activedescendant=live(move || place().map(option_id))
                on:keydown=heard(move |event: KeyboardEvent| {
                    let value = event_target_value(&event);
                    let count = offered.with_untracked(Vec::len);
                    let chosen = untrack(place);
                    match event.key().as_str() {
                        _ if event.is_composing() => {}
                        "ArrowDown" if count > 0 => {
                            event.prevent_default();
                            point_at(chosen.map_or(0, |at| (at + 1) % count));
                        }
                        "ArrowUp" if count > 0 => {
                            event.prevent_default();
                            point_at(chosen.map_or(count - 1, |at| (at + count - 1) % count));
                        }
                        "Escape" if count > 0 => {
                            event.stop_propagation();
                            ask(String::new());
                        }
                        "Enter" if !event.ctrl_key() && !event.meta_key() => {
                            event.prevent_default();
                            // What is no address yet means the likeliest person.
                            let first = (count > 0 && !value.contains('@')).then_some(0);
                            match chosen.or(first) {
                                Some(index) => choose(index),
                                None => take(&value),
                            }
                        }
                        "Tab" if chosen.is_some() => choose(chosen.unwrap_or_default()),
                        "Backspace" if value.is_empty() => list.update(|list| drop(list.pop())),
                        _ => {}
                    }
                })
                on:input=heard(move |event: Event| {
                    let value = event_target_value(&event);
                    if is_complete(&value) {
                        take(&value);
                    } else {
                        ask(value);
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
            />
            <When test=live(move || open.get())>
                <ul class="people" role="listbox" id=box_id.get_value() aria-label=format!("People for {label}")>
                    {shown(move || offered.get().into_iter().enumerate().map(|(index, person)| view! {
                        <li
                            role="option"
                            id=option_id(index)
                            aria-selected=live(move || if place() == Some(index) { "true" } else { "false" })
                            // The field keeps the focus.
                            on:mousedown=heard(move |event: MouseEvent| {
                                event.prevent_default();
                                choose(index);
                            })
                        >
                            <span dir="auto">{person.label().to_owned()}</span>
                            <span class="hint">{person.email.clone()}</span>
                        </li>
                    }).collect_view())}
                </ul>
            </When>
        </div>
    }
}
