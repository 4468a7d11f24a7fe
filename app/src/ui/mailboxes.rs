//! The navigation: mailboxes with icons, unread counts and hierarchy; a message can be dropped on one.

use leptos::prelude::*;
use roost_engine::{Action, Intent, MailboxRow, Target};
use roost_wire::{Composed, Role};

use crate::ui::icon::{Icon, logo};
use crate::ui::list::hand;
use crate::ui::live::{each, heard, live, memo, shown};
use crate::ui::menu::Menu;
use crate::ui::state::{Dialog, Pane, Ui};
use web_sys::DragEvent;

#[component]
pub fn Mailboxes() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let rows = ui.device.mailboxes;
    let username = memo(move || {
        ui.device.session.with(|session| match &session.stage {
            roost_engine::Stage::SignedIn { username, .. } => username.clone(),
            _ => String::new(),
        })
    });
    view! {
        <nav class="mailboxes" aria-label="Mailboxes">
            <header>
                {logo()}
                <strong>"Roost"</strong>
                <button
                    class="plain only-narrow"
                    aria-label="Back to messages"
                    on:click=heard(move |_| ui.pane.set(Pane::List))
                >{Icon::Close.draw()}</button>
            </header>
            <button class="primary compose" on:click=heard(move |_| ui.compose(Composed::default()))>{Icon::Compose.draw()}"Compose"</button>
            <ul>
                // A row stays, and keeps the focus and its menu, when only its counts or its subscription change.
                {each(
                    move || rows.get(),
                    |row| MailboxRow { unseen: 0, messages: 0, subscribed: false, ..row.clone() },
                    |row| view! { <Row row /> },
                )}
            </ul>
            <button class="quiet" on:click=heard(move |_| ui.dialog.set(Some(Dialog::CreateMailbox { below: None })))>
                {Icon::Plus.draw()} "New folder"
            </button>
            <footer>
                <span class="account" title=live(move || username.get())>{shown(move || username.get())}</span>
                <button class="plain" aria-label="Settings" on:click=heard(move |_| ui.dialog.set(Some(Dialog::Settings)))>
                    {Icon::Settings.draw()}
                </button>
                <button class="plain" aria-label="Keyboard help" on:click=heard(move |_| ui.dialog.set(Some(Dialog::Help)))>
                    {Icon::Help.draw()}
                </button>
                <button class="plain" aria-label="Sign out" on:click=heard(move |_| ui.sign_out())>
                    {Icon::SignOut.draw()}
                </button>
            </footer>
        </nav>
    }
}

#[component]
fn Row(row: MailboxRow) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let name = StoredValue::new(row.name.clone());
    let current = memo(move || {
        ui.device.list.with(|list| {
            list.as_ref()
                .is_some_and(|list| name.with_value(|name| *name == list.mailbox))
        })
    });
    let over = RwSignal::new(false);
    let menu = RwSignal::new(false);
    let selectable = row.selectable;
    let custom = row.role.is_none();
    let label = row.label.clone();
    let counts = memo(move || {
        ui.device.mailboxes.with(|rows| {
            let row = rows
                .iter()
                .find(|row| name.with_value(|name| *name == row.name));
            row.map_or((0, 0), |row| (row.unseen, row.messages))
        })
    });
    let described = {
        let label = label.clone();
        move || match counts.get().0 {
            0 => label.clone(),
            unseen => format!("{label}, {unseen} unread"),
        }
    };
    let subscribed = move || {
        ui.device.mailboxes.with(|rows| {
            rows.iter()
                .any(|row| row.subscribed && name.with_value(|name| *name == row.name))
        })
    };
    let delimiter = row.delimiter;
    let menu_label = format!("Actions for {label}");
    let rename_label = StoredValue::new(label.clone());
    // Drafts and Sent are read already; their unread counts would only distract.
    let counted = !matches!(row.role, Some(Role::Sent | Role::Trash));
    view! {
        <li style:--depth=row.depth.to_string() class:current=live(move || current.get()) class:over=live(move || over.get())>
            <button
                class="mailbox"
                class:has-unread=live(move || counts.get().0 > 0)
                disabled=!selectable
                aria-label=live(described)
                aria-current=live(move || current.get().then_some("page"))
                on:click=heard(move |_| ui.open_mailbox(name.get_value()))
                on:dragover=heard(move |event: DragEvent| {
                    if selectable && !current.get_untracked() {
                        event.prevent_default();
                        over.set(true);
                    }
                })
                on:dragleave=heard(move |_| over.set(false))
                on:drop=heard(move |event: DragEvent| {
                    event.prevent_default();
                    over.set(false);
                    drop_messages(ui, &event, name.get_value());
                })
            >
                {Icon::of_role(row.role).draw()}
                <span class="label" dir="auto">{label.clone()}</span>
                {shown(move || (counted && counts.get().0 > 0).then(|| view! { <span class="count">{counts.get().0}</span> }))}
            </button>
            {custom.then(|| view! {
                <Menu label=menu_label icon=Icon::More open=menu>
                    <button role="menuitem" on:click=heard(move |_| ui.dialog.set(Some(Dialog::RenameMailbox {
                        name: name.get_value(),
                        label: rename_label.get_value(),
                    })))>"Rename"</button>
                    {delimiter.map(|delimiter| view! {
                        <button role="menuitem" on:click=heard(move |_| ui.dialog.set(Some(Dialog::CreateMailbox {
                            below: Some((name.get_value(), delimiter)),
                        })))>"New folder inside"</button>
                    })}
                    <button role="menuitem" on:click=heard(move |_| ui.device.send(Intent::Subscribe {
                        name: name.get_value(),
                        subscribed: !untrack(subscribed),
                    }))>{shown(move || if subscribed() { "Unsubscribe" } else { "Subscribe" })}</button>
                    <button role="menuitem" on:click=heard(move |_| ui.dialog.set(Some(Dialog::DeleteMailbox {
                        name: name.get_value(),
                        messages: counts.get_untracked().1,
                    })))>"Delete"</button>
                </Menu>
            })}
        </li>
    }
}

/// Moves what was dragged: the row, or the whole selection if the row is part of it.
fn drop_messages(ui: Ui, event: &web_sys::DragEvent, to: String) {
    let Some(uid) = hand::dropped(event) else {
        return;
    };
    let selected = ui.all.get_untracked() || ui.selected.with_untracked(|s| s.contains(&uid));
    let target = if selected {
        ui.target()
    } else {
        Some(Target::Uids(vec![uid]))
    };
    if let Some(target) = target {
        ui.act_on(target, Action::Move(to));
    }
}
