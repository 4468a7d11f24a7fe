//! One message of the list.

use leptos::prelude::*;
use roost_engine::{Action, Target};
use roost_wire::{Address, Role, Summary, Uid};

use crate::ui::date;
use crate::ui::icon::Icon;
use crate::ui::live::{When, heard, live, memo};
use crate::ui::state::Ui;
use crate::ui::swipe::{Swipe, Swiping};
use web_sys::{DragEvent, MouseEvent, TouchEvent};

#[component]
pub fn Row(
    summary: Summary,
    /// Only the server found it, this device did not have it.
    remote: bool,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let uid = summary.uid;
    let flags = summary.flags.clone();
    let (unread, starred) = (!flags.seen, flags.flagged);
    let outgoing = ui.device.list.with_untracked(|list| {
        list.as_ref()
            .is_some_and(|list| matches!(list.role, Some(Role::Sent | Role::Drafts)))
    });
    let people = if outgoing { &summary.to } else { &summary.from };
    let who = names(people, outgoing);
    let subject = if summary.subject.is_empty() {
        "(no subject)".to_owned()
    } else {
        summary.subject.clone()
    };
    let when = date::short(summary.received);
    let mut described = describe(&who, &subject, &when, &summary);
    if remote {
        described.push_str(", found on the mail server");
    }
    let selected =
        memo(move || ui.all.get() || ui.selected.with(|selected| selected.contains(&uid)));
    let cursor = memo(move || ui.cursor.get() == Some(uid));
    let open = memo(move || {
        ui.device
            .message
            .with(|m| m.as_ref().is_some_and(|m| m.address.uid == uid))
    });
    let position = move || {
        ui.device.list.with(|list| {
            let list = list.as_ref()?;
            let index = list
                .rows
                .iter()
                .position(|row| row.as_ref().is_some_and(|row| row.uid == uid))?;
            Some(list.first + index as u32 + 1)
        })
    };
    let swiping = Swiping::new();
    let shift = move || match swiping.offset.get() {
        0 => String::new(),
        offset => format!("translateX({offset}px)"),
    };
    let act = move |action: Action| ui.act_on(Target::Uids(vec![uid]), action);
    view! {
        <div
            id=format!("row-{uid}")
            class="row"
            class:unread=unread
            class:selected=live(move || selected.get())
            class:cursor=live(move || cursor.get())
            class:open=live(move || open.get())
            class:deleted=flags.deleted
            class:swiped-right=live(move || { swiping.offset.get() > 0 })
            class:swiped-left=live(move || { swiping.offset.get() < 0 })
            role="row"
            draggable="true"
            aria-label=described
            aria-selected=live(move || selected.get().to_string())
            aria-rowindex=position
            on:click=heard(move |event: MouseEvent| {
                if event.shift_key() {
                    ui.select_to(uid);
                } else if event.ctrl_key() || event.meta_key() {
                    ui.toggle(uid);
                } else {
                    ui.open(uid);
                }
            })
            on:dragstart=heard(move |event: DragEvent| {
                if let Some(data) = event.data_transfer() {
                    let _ = data.set_data("text/x-roost-uid", &uid.to_string());
                    data.set_effect_allowed("move");
                }
            })
            on:touchstart=heard(move |event: TouchEvent| swiping.touch_start(&event))
            on:touchmove=heard(move |event: TouchEvent| swiping.touch_move(&event))
            on:touchcancel=heard(move |_| { let _ = swiping.touch_end(); })
            on:touchend=heard(move |_| match swiping.touch_end() {
                Some(Swipe::Right) => act(Action::Archive),
                Some(Swipe::Left) => act(Action::Delete),
                None => {}
            })
        >
            <When test=live(move || swiping.offset.get() != 0)>
                <span class="swipe-hint" aria-hidden="true">{Icon::Archive.draw()}{Icon::Trash.draw()}</span>
            </When>
            <div class="content" role="presentation" style:transform=shift>
                <span class="select" role="gridcell">
                    <span class="avatar" aria-hidden="true" style:--hue=hue(people).to_string()>{initial(&who)}</span>
                    <input
                        type="checkbox"
                        tabindex="-1"
                        aria-label=format!("Select {subject}")
                        prop:checked=live(move || selected.get())
                        on:click=heard(move |event: MouseEvent| {
                            event.stop_propagation();
                            if event.shift_key() { ui.select_to(uid) } else { ui.toggle(uid) }
                        })
                    />
                </span>
                <span class="text" role="gridcell">
                    <span class="line">
                        <span class="who" dir="auto">{who.clone()}</span>
                        {flags.answered.then(|| Icon::Reply.draw())}
                        {flags.has("$Forwarded").then(|| Icon::Forward.draw())}
                        {summary.attachment.then(|| view! {
                            <span class="has-attachment" title="Has an attachment">{Icon::Attachment.draw()}</span>
                        })}
                        {remote.then(|| view! {
                            <span class="remote" title="Found on the mail server: it was not on this device">"server"</span>
                        })}
                        <time>{when.clone()}</time>
                    </span>
                    <span class="subject" dir="auto">{subject.clone()}</span>
                    <span class="preview" dir="auto">{summary.preview.clone()}</span>
                </span>
                <span class="star-cell" role="gridcell">
                    <button
                        class="plain star"
                        tabindex="-1"
                        class:on=starred
                        aria-label=if starred { "Remove star" } else { "Star" }
                        aria-pressed=starred.to_string()
                        on:click=heard(move |event: MouseEvent| {
                            event.stop_propagation();
                            act(Action::Starred(!starred));
                        })
                    >{if starred { Icon::Starred } else { Icon::Star }.draw()}</button>
                </span>
            </div>
        </div>
    }
}

/// Who it is from, or to whom it went.
fn names(people: &[Address], outgoing: bool) -> String {
    match people {
        [] if outgoing => "(no recipient)".to_owned(),
        [] => "(no sender)".to_owned(),
        [one] => one.label().to_owned(),
        [first, rest @ ..] => format!("{} +{}", first.label(), rest.len()),
    }
}

/// The row in one sentence, for those who hear it.
fn describe(who: &str, subject: &str, when: &str, summary: &Summary) -> String {
    let flags = &summary.flags;
    let mut text = String::new();
    for (is, word) in [
        (!flags.seen, "Unread, "),
        (flags.flagged, "starred, "),
        (flags.answered, "answered, "),
        (summary.attachment, "with attachment, "),
    ] {
        if is {
            text.push_str(word);
        }
    }
    format!("{text}{who}, {subject}, {when}")
}

fn initial(who: &str) -> String {
    who.chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(|| "?".to_owned(), |c| c.to_uppercase().to_string())
}

/// A colour that stays with a sender.
fn hue(people: &[Address]) -> Uid {
    people.first().map_or(0, |address| {
        address.email.bytes().fold(7, |hash: u32, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        }) % 360
    })
}
