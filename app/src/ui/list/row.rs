//! One message of the list.

use leptos::prelude::*;
use roost_wire::{Address, Role, Summary};

use super::hand::row_id;
use crate::ui::date;
use crate::ui::icon::Icon;
use crate::ui::live::{live, memo};
use crate::ui::state::Ui;

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
    let (answered, forwarded) = (flags.answered, flags.has("$Forwarded"));
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
    let class = move || {
        let open = ui.device.message.with(|message| {
            message
                .as_ref()
                .is_some_and(|message| message.address.uid == uid)
        });
        let mut class = "row".to_owned();
        for (is, name) in [
            (unread, " unread"),
            (flags.deleted, " deleted"),
            (selected.get(), " selected"),
            (ui.cursor.get() == Some(uid), " cursor"),
            (open, " open"),
        ] {
            if is {
                class.push_str(name);
            }
        }
        class
    };
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
    // What hands do with it is heard by the list (`hand.rs`).
    view! {
        <div
            id=row_id(uid)
            class=live(class)
            role="row"
            draggable="true"
            aria-label=described
            aria-selected=live(move || selected.get().to_string())
            aria-rowindex=position
        >
            <div class="content" role="presentation">
                <span class="select" role="gridcell">
                    <span class="avatar" aria-hidden="true" style:--hue=hue(people).to_string()>{initial(&who)}</span>
                    <input
                        type="checkbox"
                        tabindex="-1"
                        aria-label=format!("Select {subject}")
                        prop:checked=live(move || selected.get())
                    />
                </span>
                <span class="text" role="gridcell">
                    <span class="line">
                        <span class="who" dir="auto">{who.clone()}</span>
                        {answered.then(|| Icon::Reply.draw())}
                        {forwarded.then(|| Icon::Forward.draw())}
                        {summary.attachment.then(|| view! {
                            <span class="has-attachment" title="Has an attachment">{Icon::Attachment.draw()}</span>
                        })}
                        {remote.then(|| view! {
                            <span class="remote" title="Found on the mail server: it was not on this device">"server"</span>
                        })}
                        <time>{when}</time>
                    </span>
                    <span class="subject" dir="auto">{subject}</span>
                    <span class="preview" dir="auto">{summary.preview}</span>
                </span>
                <span class="star-cell" role="gridcell">
                    <button
                        class="plain star"
                        tabindex="-1"
                        class:on=starred
                        aria-label=if starred { "Remove star" } else { "Star" }
                        aria-pressed=starred.to_string()
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
fn hue(people: &[Address]) -> u32 {
    people.first().map_or(0, |address| {
        address.email.bytes().fold(7, |hash: u32, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        }) % 360
    })
}
