//! What opens over the page: a native `dialog`, which keeps the focus inside and closes on Escape.

use leptos::html;
use leptos::prelude::*;
use roost_engine::{Action, Intent, Target};

use crate::ui::help::Help;
use crate::ui::icon::Icon;
use crate::ui::live::{each, effect, heard, live, memo};
use crate::ui::menu;
use crate::ui::queue::Queue;
use crate::ui::settings::Settings;
use crate::ui::sign_out::SignOut;
use crate::ui::state::{Dialog, Ui};
use web_sys::{Event, HtmlDialogElement, MouseEvent, SubmitEvent};

#[component]
pub fn Dialogs() -> impl IntoView {
    let ui = expect_context::<Ui>();
    move || {
        ui.dialog.get().map(|dialog| match dialog {
            Dialog::Settings => view! { <Frame title="Settings"><Settings /></Frame> }.into_any(),
            Dialog::Help => view! { <Frame title="Keyboard"><Help /></Frame> }.into_any(),
            Dialog::Queue => {
                view! { <Frame title="Changes not on the server yet"><Queue /></Frame> }.into_any()
            }
            Dialog::SignOut => view! { <Frame title="Sign out"><SignOut /></Frame> }.into_any(),
            Dialog::MoveTo { uids, copy } => {
                let title = if copy { "Copy to" } else { "Move to" };
                view! { <Frame title><Choose uids copy /></Frame> }.into_any()
            }
            Dialog::CreateMailbox { below } => {
                let title = match &below {
                    Some((name, _)) => format!("New folder in {name}"),
                    None => "New folder".to_owned(),
                };
                view! {
                    <Frame title>
                        <NameForm value=String::new() submit="Create" done=move |name: String| {
                            let full = match &below {
                                Some((parent, delimiter)) => format!("{parent}{delimiter}{name}"),
                                None => name,
                            };
                            ui.device.send(Intent::CreateMailbox(full));
                        } />
                    </Frame>
                }
                .into_any()
            }
            Dialog::RenameMailbox { name, label } => {
                let before = label.clone();
                view! {
                    <Frame title=format!("Rename {label}")>
                        <NameForm value=label submit="Rename" done=move |new: String| {
                            let parent = name.strip_suffix(&before).unwrap_or_default();
                            ui.device.send(Intent::RenameMailbox {
                                to: format!("{parent}{new}"),
                                from: name.clone(),
                            });
                        } />
                    </Frame>
                }
                .into_any()
            }
            Dialog::DeleteMailbox { name, messages } => {
                let warning = match messages {
                    0 => format!("The folder {name} is empty."),
                    1 => format!("The folder {name} and the message in it are deleted for good."),
                    count => {
                        format!("The folder {name} and its {count} messages are deleted for good.")
                    }
                };
                view! {
                    <Frame title="Delete folder">
                        <Confirm warning submit="Delete folder" done=live(move || {
                            ui.device.send(Intent::DeleteMailbox(name.clone()));
                        }) />
                    </Frame>
                }
                .into_any()
            }
            Dialog::DeleteForGood { uids, count } => {
                let warning = match count {
                    1 => "The message is deleted for good. This cannot be undone.".to_owned(),
                    count => {
                        format!("{count} messages are deleted for good. This cannot be undone.")
                    }
                };
                view! {
                    <Frame title="Delete for good">
                        <Confirm warning submit="Delete for good" done=live(move || {
                            let target = uids.clone().map_or(Target::All, Target::Uids);
                            ui.carry_out(target, Action::Delete);
                        }) />
                    </Frame>
                }
                .into_any()
            }
        })
    }
}

#[component]
fn Frame(#[prop(into)] title: String, children: Children) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let dialog = NodeRef::<html::Dialog>::new();
    effect(move || {
        if let Some(dialog) = dialog.get() {
            menu::leave();
            let _ = dialog.show_modal();
            // Closed before it goes, it gives the focus back.
            on_cleanup(move || dialog.close());
        }
    });
    view! {
        <dialog
            node_ref=dialog
            aria-labelledby="dialog-title"
            // At once: what is pressed next is a command again. A browser may close it without asking.
            on:cancel=heard(move |event: Event| {
                if event.target() == event.current_target() {
                    event.prevent_default();
                    ui.dialog.set(None);
                }
            })
            on:close=heard(move |event: Event| {
                // Another may be open in its place by now.
                let dialog = event_target::<HtmlDialogElement>(&event);
                if dialog.is_connected() && !dialog.open() {
                    ui.dialog.set(None);
                }
            })
            on:click=heard(move |event: MouseEvent| {
                // A click beside the dialog is one on its backdrop.
                if event.target() == event.current_target() {
                    ui.dialog.set(None);
                }
            })
        >
            <div class="dialog">
                <header>
                    <h2 id="dialog-title">{title}</h2>
                    <button class="plain" aria-label="Close" on:click=heard(move |_| ui.dialog.set(None))>
                        {Icon::Close.draw()}
                    </button>
                </header>
                {children()}
            </div>
        </dialog>
    }
}

#[component]
fn NameForm(
    value: String,
    submit: &'static str,
    done: impl Fn(String) + Clone + 'static,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let input = NodeRef::<html::Input>::new();
    view! {
        <form on:submit=heard(move |event: SubmitEvent| {
            event.prevent_default();
            let name = input.get_untracked().map(|i| i.value().trim().to_owned()).unwrap_or_default();
            if !name.is_empty() {
                done(name);
                ui.dialog.set(None);
            }
        })>
            <label>
                "Name"
                <input node_ref=input type="text" required maxlength="200" autofocus prop:value=value />
            </label>
            <footer><button class="primary" type="submit">{submit}</button></footer>
        </form>
    }
}

#[component]
fn Confirm(warning: String, submit: &'static str, done: impl Fn() + 'static) -> impl IntoView {
    let ui = expect_context::<Ui>();
    view! {
        <p>{warning}</p>
        <footer>
            <button class="secondary" autofocus on:click=heard(move |_| ui.dialog.set(None))>"Cancel"</button>
            <button class="danger" on:click=heard(move |_| {
                done();
                ui.dialog.set(None);
            })>{submit}</button>
        </footer>
    }
}

/// Chooses a mailbox by typing a part of its name.
#[component]
fn Choose(uids: Option<Vec<u32>>, copy: bool) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let text = RwSignal::new(String::new());
    let uids = StoredValue::new(uids);
    let matching = memo(move || {
        let needle = text.with(|text| text.to_lowercase());
        let here = ui
            .device
            .list
            .with(|list| list.as_ref().map(|list| list.mailbox.clone()));
        ui.device.mailboxes.with(|mailboxes| {
            mailboxes
                .iter()
                .filter(|m| m.selectable && Some(&m.name) != here.as_ref())
                .filter(|m| {
                    m.name.to_lowercase().contains(&needle)
                        || m.label.to_lowercase().contains(&needle)
                })
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    let choose = move |name: String| {
        let target = uids.get_value().map_or(Target::All, Target::Uids);
        let action = if copy {
            Action::Copy(name)
        } else {
            Action::Move(name)
        };
        ui.act_on(target, action);
        ui.dialog.set(None);
    };
    view! {
        <form on:submit=heard(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(first) = matching.get_untracked().first() {
                choose(first.name.clone());
            }
        })>
            <label>
                "Folder"
                <input type="text" autofocus on:input=heard(move |event: Event| text.set(event_target_value(&event))) />
            </label>
        </form>
        <ul class="choices">
            {each(move || matching.get(), |row| row.name.clone(), move |row| view! {
                <li>
                    <button class="mailbox" on:click={
                        let name = row.name.clone();
                        move |_| choose(name.clone())
                    }>
                        {Icon::of_role(row.role).draw()}
                        <span class="label" dir="auto">{row.name.clone()}</span>
                    </button>
                </li>
            })}
        </ul>
    }
}
