//! Settings of this device.

use leptos::prelude::*;

use crate::ui::notifications;
use crate::ui::prefs::{Density, Theme};
use crate::ui::state::Ui;

#[component]
pub fn Settings() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let prefs = ui.prefs;
    let theme = move |theme: Theme, label: &'static str| {
        view! {
            <label class="check">
                <input
                    type="radio"
                    name="theme"
                    prop:checked=move || prefs.with(|p| p.theme == theme)
                    on:change=move |_| prefs.update(|p| p.theme = theme)
                />
                {label}
            </label>
        }
    };
    let density = move |density: Density, label: &'static str| {
        view! {
            <label class="check">
                <input
                    type="radio"
                    name="density"
                    prop:checked=move || prefs.with(|p| p.density == density)
                    on:change=move |_| prefs.update(|p| p.density = density)
                />
                {label}
            </label>
        }
    };
    let denied = RwSignal::new(false);
    view! {
        <fieldset>
            <legend>"Theme"</legend>
            {theme(Theme::System, "As the system")}
            {theme(Theme::Light, "Light")}
            {theme(Theme::Dark, "Dark")}
        </fieldset>
        <fieldset>
            <legend>"List"</legend>
            {density(Density::Comfortable, "Comfortable")}
            {density(Density::Compact, "Compact")}
        </fieldset>
        <fieldset>
            <legend>"Remote images"</legend>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || prefs.with(|p| p.remote_images)
                    on:change=move |event| prefs.update(|p| p.remote_images = event_target_checked(&event))
                />
                "Always load images from other servers"
            </label>
            <p class="hint">
                "Loading an image tells its sender that, when and where you read the message."
            </p>
            <Show when=move || prefs.with(|p| !p.trusted_senders.is_empty())>
                <p class="hint">"Images are loaded for:"</p>
                <ul class="senders">
                    <For each=move || prefs.with(|p| p.trusted_senders.clone()) key=Clone::clone let(sender)>
                        <li>
                            <span>{sender.clone()}</span>
                            <button class="link" on:click={
                                let sender = sender.clone();
                                move |_| prefs.update(|p| p.trusted_senders.retain(|s| *s != sender))
                            }>"Remove"</button>
                        </li>
                    </For>
                </ul>
            </Show>
        </fieldset>
        <fieldset>
            <legend>"New mail"</legend>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || prefs.with(|p| p.notify)
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        prefs.update(|p| p.notify = on);
                        denied.set(on && !notifications::ask());
                    }
                />
                "Notify me on this device"
            </label>
            <Show when=move || denied.get()>
                <p class="hint">"The browser does not allow notifications from this page. Change it in the browser's site settings."</p>
            </Show>
        </fieldset>
    }
}
