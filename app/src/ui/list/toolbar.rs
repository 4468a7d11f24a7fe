//! Above the list: search, quick filters, and what can be done with the selection.

use leptos::html;
use leptos::prelude::*;
use roost_engine::{Action, Filter, Intent, ListState, Target};
use roost_wire::Role;

use super::reached::Reached;
use crate::ui::icon::Icon;
use crate::ui::live::{When, effect, heard, live, memo, shown};
use crate::ui::state::{Dialog, Pane, Ui};
use web_sys::{Event, KeyboardEvent, SubmitEvent};

/// The search field, for the key that goes there.
pub const SEARCH_ID: &str = "search";

const FILTERS: &[(Filter, &str)] = &[
    (Filter::All, "All"),
    (Filter::Unread, "Unread"),
    (Filter::Starred, "Starred"),
    (Filter::Attachment, "Attachments"),
];

#[component]
pub fn Toolbar(label: Memo<String>) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let selecting = memo(move || ui.has_selection());
    view! {
        <header class="list-header">
            <div class="title">
                <button class="plain only-narrow" aria-label="Show mailboxes" on:click=heard(move |_| ui.pane.set(Pane::Mailboxes))>
                    {Icon::Menu.draw()}
                </button>
                <h1 dir="auto">{shown(move || label.get())}</h1>
                <Count />
            </div>
            <Search />
            <Reached />
            <Show when=live(move || selecting.get()) fallback=Filters>
                <Selection />
            </Show>
        </header>
    }
}

#[component]
fn Count() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let text = move || {
        ui.device.list.with(|list| {
            let Some(list) = list.as_ref().filter(|list| list.state == ListState::Ready) else {
                return String::new();
            };
            if list.matches > list.total && !list.search.is_empty() {
                format!("newest {} of {}", list.total, list.matches)
            } else {
                match list.total {
                    1 => "1 message".to_owned(),
                    total => format!("{total} messages"),
                }
            }
        })
    };
    view! { <span class="total">{text}</span> }
}

#[component]
fn Search() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let field = NodeRef::<html::Input>::new();
    let searching = memo(move || {
        ui.device
            .list
            .with(|list| list.as_ref().is_some_and(|list| !list.search.is_empty()))
    });
    // Another mailbox begins with an empty field.
    effect(move || {
        let text = ui.device.list.with(|list| {
            list.as_ref()
                .map(|list| list.search.clone())
                .unwrap_or_default()
        });
        if let Some(field) = field.get()
            && text.is_empty()
            && document().active_element().as_ref() != Some(field.as_ref())
        {
            field.set_value("");
        }
    });
    let clear = move || {
        if let Some(field) = field.get_untracked() {
            field.set_value("");
        }
        ui.device.send(Intent::Search(String::new()));
    };
    view! {
        <form
            class="search"
            role="search"
            on:submit=heard(move |event: SubmitEvent| {
                event.prevent_default();
                let text = field.get_untracked().map(|f| f.value()).unwrap_or_default();
                ui.device.send(Intent::Search(text));
            })
        >
            {Icon::Search.draw()}
            <input
                id=SEARCH_ID
                node_ref=field
                type="search"
                aria-label="Search this folder"
                placeholder="Search this folder"
                autocomplete="off"
                on:input=heard(move |event: Event| ui.device.send(Intent::TypeSearch(event_target_value(&event))))
                on:keydown=heard(move |event: KeyboardEvent| {
                    if event.key() == "Escape" {
                        event.prevent_default();
                        clear();
                        if let Some(field) = field.get_untracked() {
                            let _ = field.blur();
                        }
                    }
                })
            />
            <When test=live(move || searching.get())>
                <button type="button" class="plain" aria-label="Clear search" on:click=heard(move |_| clear())>
                    {Icon::Close.draw()}
                </button>
            </When>
        </form>
    }
}

#[component]
fn Filters() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let current = memo(move || {
        ui.device
            .list
            .with(|l| l.as_ref().map_or(Filter::All, |l| l.filter))
    });
    let emptiable = memo(move || {
        ui.device.list.with(|list| {
            list.as_ref().is_some_and(|list| {
                list.total > 0 && matches!(list.role, Some(Role::Trash | Role::Junk))
            })
        })
    });
    view! {
        <div class="filters" role="group" aria-label="Filter">
            {FILTERS.iter().map(|&(filter, label)| view! {
                <button
                    class="chip"
                    aria-pressed=live(move || (current.get() == filter).to_string())
                    on:click=heard(move |_| ui.device.send(Intent::Filter(filter)))
                >{label}</button>
            }).collect_view()}
            <When test=live(move || emptiable.get())>
                <button class="chip empty-it" on:click=heard(move |_| {
                    let count = ui.device.list.with_untracked(|l| l.as_ref().map_or(0, |l| l.total));
                    let trash = ui.device.list.with_untracked(|l| l.as_ref().is_some_and(|l| l.role == Some(Role::Trash)));
                    if trash {
                        ui.dialog.set(Some(Dialog::DeleteForGood { uids: None, count }));
                    } else {
                        ui.act_on(Target::All, Action::Delete);
                    }
                })>"Empty"</button>
            </When>
        </div>
    }
}

/// What can be done with what is selected.
#[component]
fn Selection() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let total = move || {
        ui.device
            .list
            .with(|list| list.as_ref().map_or(0, |list| list.total))
    };
    let count = move || {
        if ui.all.get() {
            total()
        } else {
            ui.selected.with(|s| s.len() as u32)
        }
    };
    let in_junk = memo(move || {
        ui.device.list.with(|list| {
            list.as_ref()
                .is_some_and(|list| list.role == Some(Role::Junk))
        })
    });
    let button = move |icon: Icon, label: &'static str, action: Action| {
        view! {
            <button class="plain" aria-label=label title=label on:click=heard(move |_| ui.act(action.clone()))>
                {icon.draw()}
            </button>
        }
    };
    view! {
        <div class="selection" role="toolbar" aria-label="Selected messages">
            <button class="plain" aria-label="Clear selection" on:click=heard(move |_| ui.clear_selection())>
                {Icon::Close.draw()}
            </button>
            <span class="count" aria-live="polite">{shown(move || format!("{} selected", count()))}</span>
            <When test=live(move || !ui.all.get() && count() < total())>
                <button class="link" on:click=heard(move |_| ui.all.set(true))>{shown(move || format!("Select all {}", total()))}</button>
            </When>
            <span class="space"></span>
            {button(Icon::Archive, "Archive", Action::Archive)}
            {button(Icon::Trash, "Delete", Action::Delete)}
            {shown(move || if in_junk.get() {
                button(Icon::Inbox, "Not junk", Action::NotJunk)
            } else {
                button(Icon::Junk, "Junk", Action::Junk)
            })}
            {button(Icon::Read, "Mark as read", Action::Seen(true))}
            {button(Icon::Unread, "Mark as unread", Action::Seen(false))}
            {button(Icon::Star, "Star", Action::Starred(true))}
            <button class="plain" aria-label="Move to folder" title="Move to folder" on:click=heard(move |_| {
                let uids = (!ui.all.get_untracked()).then(|| ui.selected.with_untracked(|s| s.iter().copied().collect()));
                ui.dialog.set(Some(Dialog::MoveTo { uids, copy: false }));
            })>{Icon::Move.draw()}</button>
        </div>
    }
}
