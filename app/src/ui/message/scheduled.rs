//! A message that waits for its time: when it is sent, and what can be done until then.

use leptos::prelude::*;
use roost_engine::{Intent, Write};

use crate::ui::date;
use crate::ui::live::{When, heard, live, memo, shown};
use crate::ui::state::{Ui, is_called};

/// The field that the gateway writes: seconds since 1970-01-01 UTC, and the date for people.
const SEND_AT: &str = "X-Roost-Send-At";

#[component]
pub fn Scheduled() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let at = memo(move || {
        let here = ui.device.message.with(|message| {
            message.as_ref().is_some_and(|message| {
                is_called(&message.address.mailbox, "Scheduled") && message.flags.has("$RoostLater")
            })
        });
        here.then(|| {
            ui.device.body.with(|body| {
                let fields = &body.as_ref()?.headers;
                let field = fields
                    .iter()
                    .find(|field| field.name.eq_ignore_ascii_case(SEND_AT))?;
                field.value.split_whitespace().next()?.parse::<i64>().ok()
            })
        })
        .flatten()
    });
    let marked = move |keyword: &'static str| {
        memo(move || {
            ui.device.message.with(|message| {
                message
                    .as_ref()
                    .is_some_and(|message| message.flags.has(keyword))
            })
        })
    };
    let (sending, refused) = (marked("$RoostSending"), marked("$RoostRefused"));
    let act = move |write: fn(String, u32, bool) -> Write| {
        let open = ui.device.message.with_untracked(|message| {
            let address = &message.as_ref()?.address;
            Some((address.mailbox.clone(), address.uid))
        });
        if let Some((mailbox, uid)) = open {
            let sure = sending.get_untracked();
            ui.device.send(Intent::Write(write(mailbox, uid, sure)));
            ui.close_message();
        }
    };
    view! {
        <When test=live(move || at.get().is_some())>
            <div class="banner" role="note">
                <span>{shown(move || {
                    let when = at.get().map(date::full).unwrap_or_default();
                    if sending.get() {
                        "It is being sent, or sending it was interrupted: then it is not known whether it was sent. Look into Sent, and ask the recipient before you send it again.".to_owned()
                    } else if refused.get() {
                        format!("It was to be sent on {when}. The mail server refused it. Send it now to see why.")
                    } else {
                        format!("It will be sent on {when}.")
                    }
                })}</span>
                <button class="link" on:click=heard(move |_| act(|mailbox, uid, sure| Write::Unschedule { mailbox, uid, sure }))>"Cancel and edit"</button>
                <button class="link" on:click=heard(move |_| act(|mailbox, uid, sure| Write::SendScheduled { mailbox, uid, sure }))>
                    {shown(move || if sending.get() { "Send again" } else { "Send now" })}
                </button>
            </div>
        </When>
    }
}
