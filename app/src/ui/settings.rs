//! Settings of this device.

use leptos::prelude::*;
use roost_engine::{Filling, Identity, Intent, alternative_of, html_of};

use crate::ui::compose::rich::{Editor, Rich};
use crate::ui::live::{When, each, heard, live, memo, shown};
use crate::ui::notifications;
use crate::ui::prefs::{Density, Prefs, Theme};
use crate::ui::room;
use crate::ui::state::{Dialog, Ui};
use web_sys::Event;

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
                    prop:checked=live(move || prefs.with(|p| p.theme == theme))
                    on:change=heard(move |_| prefs.update(|p| p.theme = theme))
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
                    prop:checked=live(move || prefs.with(|p| p.density == density))
                    on:change=heard(move |_| prefs.update(|p| p.density = density))
                />
                {label}
            </label>
        }
    };
    let check = move |label: &'static str, is: fn(&Prefs) -> bool, set: fn(&mut Prefs, bool)| {
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=live(move || prefs.with(is))
                    on:change=heard(move |event: Event| prefs.update(|p| set(p, event_target_checked(&event))))
                />
                {label}
            </label>
        }
    };
    let mailto = RwSignal::new(None::<&'static str>);
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
            {check("Always load images from other servers", |p| p.remote_images, |p, on| p.remote_images = on)}
            <p class="hint">
                "Loading an image tells its sender that, when and where you read the message."
            </p>
            <When test=live(move || prefs.with(|p| !p.trusted_senders.is_empty()))>
                <p class="hint">"Images are loaded for:"</p>
                <ul class="senders">
                    {each(move || prefs.with(|p| p.trusted_senders.clone()), Clone::clone, move |sender| view! {
                        <li>
                            <span>{sender.clone()}</span>
                            <button class="link" on:click={
                                let sender = sender.clone();
                                move |_| prefs.update(|p| p.trusted_senders.retain(|s| *s != sender))
                            }>"Remove"</button>
                        </li>
                    })}
                </ul>
            </When>
        </fieldset>
        <Keeping />
        <Identities />
        <fieldset>
            <legend>"Writing"</legend>
            {check("With formatting (rich text)", |p| p.style.rich, |p, on| p.style.rich = on)}
            {check("Signature below what is quoted", |p| p.style.signature_last, |p, on| p.style.signature_last = on)}
            <button class="link" on:click=heard(move |_| {
                let origin = window().location().origin().unwrap_or_default();
                let asked = window().navigator().register_protocol_handler("mailto", &format!("{origin}/compose?mailto=%s"), "Roost");
                mailto.set(Some(if asked.is_ok() {
                    "The browser asks whether Roost may open such links."
                } else {
                    "The browser does not allow this here: it takes a page over HTTPS."
                }));
            })>"Open mail links of other pages with Roost"</button>
            <When test=live(move || mailto.get().is_some())>
                <p class="hint" role="status">{shown(move || mailto.get())}</p>
            </When>
        </fieldset>
        <fieldset>
            <legend>"Sending"</legend>
            <label>
                "Time to take a message back"
                <select on:change=heard(move |event: Event| {
                    let seconds = event_target_value(&event).parse().unwrap_or(10);
                    prefs.update(|p| p.hold = seconds);
                })>
                    {[0, 5, 10, 30].map(|seconds| view! {
                        <option value=seconds.to_string() selected=live(move || prefs.with(|p| p.hold == seconds))>
                            {if seconds == 0 { "None".to_owned() } else { format!("{seconds} seconds") }}
                        </option>
                    }).collect_view()}
                </select>
            </label>
        </fieldset>
        <fieldset>
            <legend>"Changes not on the server yet"</legend>
            <p class="hint">
                {shown(move || match ui.device.session.with(|session| session.waiting) {
                    0 => "None: the server has everything that was done here.".to_owned(),
                    1 => "1 change waits.".to_owned(),
                    count => format!("{count} changes wait."),
                })}
            </p>
            <When test=live(move || ui.device.session.with(|session| session.waiting > 0))>
                <button class="link" on:click=heard(move |_| ui.dialog.set(Some(Dialog::Queue)))>"Show them"</button>
            </When>
        </fieldset>
        <fieldset>
            <legend>"New mail"</legend>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=live(move || prefs.with(|p| p.notify))
                    on:change=heard(move |event: Event| {
                        let on = event_target_checked(&event);
                        prefs.update(|p| p.notify = on);
                        denied.set(on && !notifications::ask());
                    })
                />
                "Notify me on this device"
            </label>
            <When test=live(move || denied.get())>
                <p class="hint">"The browser does not allow notifications from this page. Change it in the browser's site settings."</p>
            </When>
        </fieldset>
    }
}

/// How much is kept on this device before anybody asks for it, and how far that is.
#[component]
fn Keeping() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let prefs = ui.prefs;
    let depth = move |label: &'static str, is: fn(&Prefs) -> u32, set: fn(&mut Prefs, u32)| {
        view! {
            <label>
                {label}
                <select on:change=heard(move |event: Event| {
                    let depth = event_target_value(&event).parse().unwrap_or(500);
                    prefs.update(|p| set(p, depth));
                })>
                    {[0, 500, 1_000, 5_000, 20_000, 100_000].map(|depth| view! {
                        <option value=depth.to_string() selected=live(move || prefs.with(is) == depth)>
                            {if depth == 0 { "None".to_owned() } else { format!("The newest {depth}") }}
                        </option>
                    }).collect_view()}
                </select>
            </label>
        }
    };
    let removed = RwSignal::new(false);
    let bytes = RwSignal::new(None);
    room::measure(bytes);
    let far = memo(move || {
        ui.device.session.with(|session| match &session.filling {
            Filling::Nothing => None,
            Filling::Working { mailbox, have, wanted } => {
                let name = if mailbox == "INBOX" { "Inbox" } else { mailbox };
                Some(format!("{name}: {have} of {wanted} are here."))
            }
            Filling::Paused => Some("Waiting until there is a line that costs nothing, and power, and Roost is on screen.".to_owned()),
            Filling::NoRoom => Some("There is no room left on this device: what is new is not kept.".to_owned()),
            Filling::Done => Some("All of them are here.".to_owned()),
        })
    });
    view! {
        <fieldset>
            <legend>"Mail on this device"</legend>
            {depth("Messages of the inbox listed without a connection", |p| p.inbox_depth, |p, depth| p.inbox_depth = depth)}
            {depth("Of each other folder", |p| p.other_depth, |p, depth| p.other_depth = depth)}
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=live(move || prefs.with(|p| p.despite_metered))
                    on:change=heard(move |event: Event| prefs.update(|p| p.despite_metered = event_target_checked(&event)))
                />
                "Also on mobile networks and when saving data"
            </label>
            <When test=live(move || far.with(Option::is_some))>
                <p class="hint" role="status" aria-label="Mail on this device">{shown(move || far.get())}</p>
            </When>
            <When test=live(move || bytes.get().is_some())>
                <p class="hint">{shown(move || bytes.get().map(|bytes| format!("Roost takes {} on this device.", room::readable(bytes))))}</p>
            </When>
            <button class="link" on:click=heard(move |_| {
                // It would only come again.
                prefs.update(|p| {
                    p.inbox_depth = 0;
                    p.other_depth = 0;
                });
                ui.device.send(Intent::ForgetMail);
                removed.set(true);
            })>"Remove all mail kept on this device"</button>
            <When test=live(move || removed.get())>
                <p class="hint" role="status" aria-label="Removed">
                    "Removed. From now on, only what you open is kept. Messages you are writing, and changes that wait for a connection, are still here."
                </p>
            </When>
        </fieldset>
    }
}

/// Who the person writes as: names, addresses, signatures.
#[component]
fn Identities() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let prefs = ui.prefs;
    let count = memo(move || prefs.with(|p| p.identities.len().max(1)));
    let change = move |index: usize, change: &dyn Fn(&mut Identity)| {
        prefs.update(|p| {
            while p.identities.len() <= index {
                p.identities.push(Identity::default());
            }
            change(&mut p.identities[index]);
        });
    };
    let field = move |index: usize, of: fn(&Identity) -> String| {
        prefs.with_untracked(|p| p.identities.get(index).map(of).unwrap_or_default())
    };
    let own = ui
        .identities()
        .first()
        .map(|first| first.email.clone())
        .unwrap_or_default();
    view! {
        <fieldset>
            <legend>"Writing as"</legend>
            {shown(move || (0..count.get()).map(|index| {
                let own = own.clone();
                view! {
                    <div class="identity">
                        <label>
                            "Name"
                            <input type="text" autocomplete="name" prop:value=field(index, |i| i.name.clone())
                                on:change=heard(move |event: Event| change(index, &|i| i.name = event_target_value(&event))) />
                        </label>
                        <label>
                            "Address"
                            <input type="email" placeholder=own prop:value=field(index, |i| i.email.clone())
                                on:change=heard(move |event: Event| change(index, &|i| i.email = event_target_value(&event).trim().to_owned())) />
                        </label>
                        <label>
                            "Answers go to"
                            <input type="email" placeholder="The same address" prop:value=field(index, |i| i.reply_to.clone())
                                on:change=heard(move |event: Event| change(index, &|i| i.reply_to = event_target_value(&event).trim().to_owned())) />
                        </label>
                        <Signature
                            text=field(index, |i| i.signature.clone())
                            formatted=prefs.with_untracked(|p| p.identities.get(index)?.formatted.clone())
                            change=Box::new(move |text, formatted| change(index, &|i| {
                                i.signature.clone_from(&text);
                                i.formatted.clone_from(&formatted);
                            }))
                        />
                        {(index > 0).then(|| view! {
                            <button class="link" on:click=heard(move |_| prefs.update(|p| drop(p.identities.remove(index))))>"Remove"</button>
                        })}
                    </div>
                }
            }).collect_view())}
            <button class="link" on:click=heard(move |_| prefs.update(|p| {
                p.identities.resize(p.identities.len().max(1) + 1, Identity::default());
            }))>"Add another address"</button>
        </fieldset>
    }
}

/// A signature, as text or with formatting; `change` is given both.
#[component]
fn Signature(
    text: String,
    formatted: Option<String>,
    change: Box<dyn Fn(String, Option<String>)>,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let change = StoredValue::new_local(change);
    let text = RwSignal::new(text);
    let formatted = RwSignal::new(formatted);
    let rich = memo(move || formatted.with(Option::is_some));
    let editor = StoredValue::new_local(None::<Editor>);
    let written = move || {
        editor
            .try_get_value()
            .flatten()
            .and_then(|editor| editor.html())
    };
    let keep = move || {
        let _ =
            change.try_with_value(|change| change(text.get_untracked(), formatted.get_untracked()));
    };
    let typed = move || {
        if let Some(html) = written() {
            formatted.set(Some(html));
            keep();
        }
    };
    // It loses its formatting without a question: it is short, and what it was can be seen.
    let switch = move || {
        match formatted.get_untracked() {
            Some(html) => {
                text.set(alternative_of(&html).trim_end().to_owned());
                formatted.set(None);
            }
            None => formatted.set(Some(html_of(&text.get_untracked()))),
        }
        keep();
    };
    view! {
        <div class="signature">
            <div class="label">
                <span>"Signature"</span>
                <button
                    class="plain format"
                    aria-label="Signature with formatting"
                    aria-pressed=live(move || if rich.get() { "true" } else { "false" })
                    title="With formatting, or as plain text"
                    on:click=heard(move |_| switch())
                >"Aa"</button>
            </div>
            {shown(move || if rich.get() {
                view! {
                    <Rich
                        name="Signature"
                        html=formatted
                        images=Vec::new()
                        account=ui.account()
                        focus=false
                        editor
                        // There are no pictures in signatures.
                        files=RwSignal::new_local(Vec::new())
                        changed=Box::new(typed)
                        send=Box::new(|| {})
                        close=Box::new(move || ui.dialog.set(None))
                    />
                }.into_any()
            } else {
                view! {
                    <textarea rows="3" aria-label="Signature" prop:value=text.get_untracked()
                        on:change=heard(move |event: Event| {
                            text.set(event_target_value(&event));
                            keep();
                        })></textarea>
                }.into_any()
            })}
        </div>
    }
}
