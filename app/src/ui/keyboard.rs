//! Keys for everything, as people know them from elsewhere. `help.rs` lists them.

use leptos::prelude::*;
use roost_engine::{Action, Answer, Filter, Intent};
use roost_wire::{Composed, Role};
use wasm_bindgen::JsCast as _;
use web_sys::KeyboardEvent;

use crate::ui::list::SEARCH_ID;
use crate::ui::state::{Dialog, Pane, Ui};

/// Listens as long as the shell is there.
pub fn listen(ui: Ui) {
    let going = StoredValue::new(false);
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        if ui.dialog.with_untracked(Option::is_some) || event.alt_key() || event.meta_key() {
            return;
        }
        let signed_in = ui
            .device
            .session
            .with_untracked(|s| matches!(s.stage, roost_engine::Stage::SignedIn { .. }));
        if !signed_in || is_typing(&event) || is_half_a_key(&event.key()) {
            return;
        }
        if event.ctrl_key() {
            if event.key() == "a" {
                event.prevent_default();
                ui.all.set(true);
            }
            return;
        }
        let after_g = going.get_value();
        going.set_value(false);
        let handled = if after_g {
            go(ui, &event.key())
        } else if event.key() == "g" {
            going.set_value(true);
            true
        } else {
            press(ui, &event)
        };
        if handled {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());
}

/// What is held while another key is pressed: `#` is Shift, and then a digit.
fn is_half_a_key(key: &str) -> bool {
    matches!(
        key,
        "Shift" | "Control" | "Alt" | "AltGraph" | "Meta" | "CapsLock" | "Fn" | "Dead"
    )
}

fn is_typing(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| {
            let tag = element.tag_name();
            let checkbox = element
                .get_attribute("type")
                .is_some_and(|kind| kind == "checkbox" || kind == "radio");
            (tag == "INPUT" && !checkbox) || tag == "TEXTAREA" || tag == "SELECT"
        })
}

/// Whether Enter and the arrows belong to a button, link or divider that has the focus.
fn on_control(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| {
            matches!(
                element.tag_name().as_str(),
                "BUTTON" | "A" | "SUMMARY" | "INPUT"
            ) || element
                .get_attribute("role")
                .is_some_and(|role| role == "separator")
        })
}

#[inline(never)]
fn press(ui: Ui, event: &KeyboardEvent) -> bool {
    let control = on_control(event);
    let reading = ui.device.message.with_untracked(Option::is_some);
    match event.key().as_str() {
        "j" => step(ui, 1, reading),
        "k" => step(ui, -1, reading),
        "ArrowDown" if !control => step(ui, 1, false),
        "ArrowUp" if !control => step(ui, -1, false),
        "Enter" if control => return false,
        "o" | "Enter" => match ui.cursor.get_untracked() {
            Some(uid) => ui.open(uid),
            None => step(ui, 0, true),
        },
        "Escape" => escape(ui),
        "e" => ui.act(Action::Archive),
        "#" | "Delete" => ui.act(Action::Delete),
        "!" => {
            let junk = ui
                .device
                .list
                .with_untracked(|l| l.as_ref().is_some_and(|l| l.role == Some(Role::Junk)));
            ui.act(if junk { Action::NotJunk } else { Action::Junk });
        }
        "s" => ui.act(Action::Starred(!is(ui, |flags| flags.flagged))),
        "u" => ui.act(Action::Seen(!is(ui, |flags| flags.seen))),
        "v" => {
            if let Some(target) = ui.target() {
                let uids = match target {
                    roost_engine::Target::All => None,
                    roost_engine::Target::Uids(uids) => Some(uids),
                };
                ui.dialog.set(Some(Dialog::MoveTo { uids, copy: false }));
            }
        }
        "x" => {
            if let Some(uid) = ui.cursor.get_untracked() {
                ui.toggle(uid);
            }
        }
        "X" => {
            if let Some(uid) = ui.cursor.get_untracked() {
                ui.select_to(uid);
            }
        }
        "/" => {
            ui.pane.set(Pane::List);
            if let Some(field) = document().get_element_by_id(SEARCH_ID) {
                let _ = field.unchecked_into::<web_sys::HtmlElement>().focus();
            }
        }
        "c" => ui.compose(Composed::default()),
        "r" if reading => ui.answer(Answer::Reply),
        "a" if reading => ui.answer(Answer::ReplyAll),
        "f" if reading => ui.answer(Answer::Forward),
        "?" => ui.dialog.set(Some(Dialog::Help)),
        _ => return false,
    }
    true
}

/// Moves the cursor, and the open message with it while one is read.
fn step(ui: Ui, by: i32, open: bool) {
    if let Some(uid) = ui.move_cursor(by)
        && open
    {
        ui.open(uid);
    }
}

fn escape(ui: Ui) {
    let filtered = ui.device.list.with_untracked(|list| {
        list.as_ref()
            .is_some_and(|list| list.filter != Filter::All || !list.search.is_empty())
    });
    if ui.all.get_untracked() || ui.selected.with_untracked(|s| !s.is_empty()) {
        ui.clear_selection();
    } else if ui.device.message.with_untracked(Option::is_some) {
        ui.close_message();
    } else if filtered {
        ui.device.send(Intent::Search(String::new()));
        ui.device.send(Intent::Filter(Filter::All));
    }
}

/// Whether the first message an action is for has a flag.
fn is(ui: Ui, flag: impl Fn(&roost_wire::Flags) -> bool) -> bool {
    let uid = match ui.target() {
        Some(roost_engine::Target::Uids(uids)) => uids.first().copied(),
        _ => None,
    };
    ui.device.list.with_untracked(|list| {
        list.as_ref()
            .and_then(|list| list.rows.iter().flatten().find(|row| Some(row.uid) == uid))
            .is_some_and(|row| flag(&row.flags))
    })
}

#[inline(never)]
fn go(ui: Ui, key: &str) -> bool {
    let role = match key {
        "i" => Role::Inbox,
        "d" => Role::Drafts,
        "t" => Role::Sent,
        "a" => Role::Archive,
        "!" => Role::Junk,
        "#" => Role::Trash,
        _ => return false,
    };
    let name = ui.device.mailboxes.with_untracked(|mailboxes| {
        mailboxes
            .iter()
            .find(|m| m.role == Some(role))
            .map(|m| m.name.clone())
    });
    if let Some(name) = name {
        ui.open_mailbox(name);
    }
    true
}
