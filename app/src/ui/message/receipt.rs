//! The receipt that a message asks for: never sent unless the person says so.

use leptos::prelude::*;
use roost_engine::{Identity, Intent};
use roost_wire::{Address, Role};

use crate::ui::live::{When, heard, live, memo, shown};
use crate::ui::state::Ui;

#[component]
pub fn Receipt() -> impl IntoView {
    let ui = expect_context::<Ui>();
    // Who asks, where the person has not answered yet.
    let asks = memo(move || {
        let answered = ui.device.message.with(|message| {
            message.as_ref().is_none_or(|message| {
                message.junk || message.summary.is_none() || message.flags.has("$MDNSent")
            })
        });
        let written_here = ui.device.list.with(|list| {
            list.as_ref()
                .is_some_and(|list| matches!(list.role, Some(Role::Sent | Role::Drafts)))
        });
        if answered || written_here {
            return None;
        }
        let asks = ui.device.body.with(|body| {
            let fields = &body.as_ref()?.headers;
            let field = fields.iter().find(|field| {
                field
                    .name
                    .eq_ignore_ascii_case("Disposition-Notification-To")
            })?;
            Some(field.value.trim().to_owned())
        })?;
        let own = ui
            .identities()
            .iter()
            .any(|identity| asks.contains(&identity.email));
        (!own && asks.contains('@')).then_some(asks)
    });
    let answer = move |send: bool| {
        let open = ui.device.message.with_untracked(|message| {
            let address = &message.as_ref()?.address;
            Some((address.mailbox.clone(), address.uid))
        });
        if let Some((mailbox, uid)) = open {
            let from = send.then(|| reader(ui));
            ui.device.send(Intent::Receipt { mailbox, uid, from });
        }
    };
    view! {
        <When test=live(move || asks.get().is_some())>
            <div class="banner" role="note">
                <span>{shown(move || asks.get().map(|asks| format!("{asks} asks to be told that you have seen this message.")))}</span>
                <button class="link" on:click=heard(move |_| answer(true))>"Send receipt"</button>
                <button class="link" on:click=heard(move |_| answer(false))>"Ignore"</button>
            </div>
        </When>
    }
}

/// Whom the message was written to: one of the person's addresses.
fn reader(ui: Ui) -> Address {
    let identities = ui.identities();
    let written_to = ui.device.body.with_untracked(|body| {
        let recipients = &body.as_ref()?.recipients;
        let own = identities.iter().find(|identity| {
            recipients
                .iter()
                .any(|(_, address)| address.email.eq_ignore_ascii_case(&identity.email))
        });
        own.map(Identity::address)
    });
    written_to
        .or_else(|| identities.first().map(Identity::address))
        .unwrap_or_default()
}
