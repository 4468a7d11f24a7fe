//! The state of the connection, always visible, always honest.

use leptos::prelude::*;
use roost_engine::{Intent, Line};

use crate::device::Device;
use crate::ui::live::{When, heard, live, memo};
use crate::ui::state::{Dialog, Ui};

#[component]
pub fn Status() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let device = ui.device;
    let line = memo(move || device.session.with(|session| session.line));
    let waiting = memo(move || device.session.with(|session| session.waiting));
    let progress = memo(move || device.session.with(|session| session.progress));
    let text = move || match line.get() {
        Line::Live => "Live",
        Line::Connecting => "Connecting…",
        Line::Offline => "Offline – trying again",
        Line::MailServerDown => "Mail server unreachable – trying again",
        Line::Reload => "A new version is ready",
    };
    let changes = move || match (progress.get(), waiting.get()) {
        (Some((done, total)), _) => format!("{done} of {total} done"),
        (None, 1) => "1 change waiting".to_owned(),
        (None, count) => format!("{count} changes waiting"),
    };
    let class = move || match line.get() {
        Line::Live => "status live",
        Line::Connecting => "status connecting",
        Line::Offline | Line::MailServerDown => "status down",
        Line::Reload => "status reload",
    };
    view! {
        <div class=class>
            <span role="status" aria-label="Connection">
                <span class="dot" aria-hidden="true"></span>
                {text}
                <When test=live(move || waiting.get() > 0)>
                    " · "
                    <button class="link" on:click=heard(move |_| ui.dialog.set(Some(Dialog::Queue)))>{changes}</button>
                </When>
            </span>
            <When test=live(move || matches!(line.get(), Line::Offline | Line::Connecting))>
                <button class="link" on:click=heard(move |_| device.send(Intent::ConnectNow))>"Try now"</button>
            </When>
            <When test=live(move || line.get() == Line::Reload)>
                <button class="link" on:click=heard(move |_| Device::reload())>"Reload"</button>
            </When>
            <When test=live(move || progress.get().is_some())>
                <progress
                    aria-label="Progress"
                    max=live(move || progress.get().map_or(1, |(_, total)| total.max(1)))
                    value=live(move || progress.get().map_or(0, |(done, _)| done))
                ></progress>
            </When>
        </div>
    }
}
