//! Who wrote to whom, when and about what; short or whole.

use leptos::prelude::*;
use roost_wire::{Address, Party};

use crate::ui::date;
use crate::ui::live::{When, effect, heard, live, memo, shown};
use crate::ui::state::Ui;

/// How many recipients are shown before "and N more".
const FEW: usize = 3;

#[component]
pub fn Headers() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let whole = RwSignal::new(false);
    let everyone = RwSignal::new(false);
    let uid = memo(move || {
        ui.device
            .message
            .with(|m| m.as_ref().map(|m| m.address.uid))
    });
    effect(move || {
        uid.get();
        whole.set(false);
        everyone.set(false);
    });
    // The row knows the essentials before the message is there.
    let subject = memo(move || {
        let from_body = ui
            .device
            .body
            .with(|body| body.as_ref().map(|body| body.subject.clone()));
        let subject = from_body.unwrap_or_else(|| {
            ui.device.message.with(|m| {
                m.as_ref()
                    .and_then(|m| m.summary.as_ref())
                    .map(|s| s.subject.clone())
                    .unwrap_or_default()
            })
        });
        if subject.is_empty() {
            "(no subject)".to_owned()
        } else {
            subject
        }
    });
    let from = memo(move || {
        let from_body = ui
            .device
            .body
            .with(|body| body.as_ref().map(|body| body.from.clone()));
        from_body.unwrap_or_else(|| {
            ui.device.message.with(|m| {
                m.as_ref()
                    .and_then(|m| m.summary.as_ref())
                    .map(|s| s.from.clone())
                    .unwrap_or_default()
            })
        })
    });
    let when = memo(move || {
        let sent = ui
            .device
            .body
            .with(|body| body.as_ref().and_then(|body| body.sent));
        let received = ui.device.message.with(|m| {
            m.as_ref()
                .and_then(|m| m.summary.as_ref())
                .map(|s| s.received)
        });
        sent.or(received).map(date::full).unwrap_or_default()
    });
    let recipients = memo(move || {
        ui.device.body.with(|body| {
            body.as_ref()
                .map(|body| body.recipients.clone())
                .unwrap_or_default()
        })
    });
    view! {
        <header class="headers">
            <h2 dir="auto">{shown(move || subject.get())}</h2>
            <div class="from">
                {shown(move || from.get().into_iter().map(|address| view! { <Person address /> }).collect_view())}
                <time>{shown(move || when.get())}</time>
            </div>
            <div class="recipients">
                {shown(move || {
                    let all = recipients.get();
                    let shown = if everyone.get() { all.len() } else { FEW.min(all.len()) };
                    let mut party = None;
                    let people = all[..shown].iter().map(|(of, address)| {
                        let label = (party.replace(*of) != Some(*of)).then_some(match of {
                            Party::To => "To ",
                            Party::Cc => "Cc ",
                            Party::Bcc => "Bcc ",
                        });
                        view! {
                            <span class="recipient">
                                {label.map(|label| view! { <span class="party">{label}</span> })}
                                <span title=address.email.clone() dir="auto">{address.label().to_owned()}</span>
                            </span>
                        }
                    }).collect_view();
                    let more = all.len() - shown;
                    view! {
                        {people}
                        {(more > 0).then(|| view! {
                            <button class="link" on:click=heard(move |_| everyone.set(true))>{format!("and {more} more")}</button>
                        })}
                    }
                })}
                <button class="link details" aria-expanded=live(move || whole.get().to_string()) on:click=heard(move |_| whole.update(|on| *on = !*on))>
                    {shown(move || if whole.get() { "Hide details" } else { "Details" })}
                </button>
            </div>
            <When test=live(move || whole.get())>
                <dl class="all-headers">
                    {shown(move || ui.device.body.with(|body| {
                        body.as_ref().map(|body| body.headers.iter().map(|header| view! {
                            <div><dt>{header.name.clone()}</dt><dd dir="auto">{header.value.clone()}</dd></div>
                        }).collect_view())
                    }))}
                </dl>
            </When>
        </header>
    }
}

/// A name with the real address beside it: a name alone can say anything.
#[component]
fn Person(address: Address) -> impl IntoView {
    let Address { name, email } = address;
    let named = !name.is_empty() && name != email;
    view! {
        <span class="person">
            {named.then(|| view! { <strong dir="auto">{name}</strong> })}
            <span class="address" class:alone=!named>{if named { format!("<{email}>") } else { email }}</span>
        </span>
    }
}
