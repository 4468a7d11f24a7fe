//! The open message: what can be done with it, its headers, its text in a frame of its own, its attachments.

mod attachments;
mod frame;
mod headers;
mod receipt;
mod scheduled;

use attachments::Attachments;
pub use attachments::size;
use frame::Frame;
use headers::Headers;
use leptos::prelude::*;
use receipt::Receipt;
use roost_engine::{Action, Answer, MessageState};
use roost_wire::Uid;
use scheduled::Scheduled;

use crate::ui::icon::Icon;
use crate::ui::live::{When, effect, heard, live, memo, shown};
use crate::ui::menu::Menu;
use crate::ui::state::{Dialog, Ui};

/// The ways to answer, by how often they are used.
const ANSWERS: [(Answer, Icon, &str); 3] = [
    (Answer::Reply, Icon::Reply, "Reply"),
    (Answer::ReplyAll, Icon::ReplyAll, "Reply all"),
    (Answer::Forward, Icon::Forward, "Forward"),
];

/// What is in the pane of a message once one is open.
#[component]
pub fn Message() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let message = ui.device.message;
    let original = RwSignal::new(false);
    // Another message is shown as the theme has it again.
    let uid = memo(move || message.with(|m| m.as_ref().map(|m| m.address.uid)));
    effect(move || {
        uid.get();
        original.set(false);
    });
    view! {
        <Actions original />
        <article>
            <Headers />
            <Scheduled />
            <Receipt />
            <Images />
            <State />
            <Frame original />
            <Attachments />
        </article>
    }
}

#[component]
fn Actions(original: RwSignal<bool>) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let message = ui.device.message;
    let flag = move |which: fn(&roost_wire::Flags) -> bool| {
        memo(move || message.with(|m| m.as_ref().is_some_and(|m| which(&m.flags))))
    };
    let starred = flag(|flags| flags.flagged);
    let seen = flag(|flags| flags.seen);
    let junk = memo(move || message.with(|m| m.as_ref().is_some_and(|m| m.junk)));
    let newer = memo(move || message.with(|m| m.as_ref().and_then(|m| m.newer)));
    let older = memo(move || message.with(|m| m.as_ref().and_then(|m| m.older)));
    let raw =
        move || message.with(|m| m.as_ref().map(|m| m.address.url("raw")).unwrap_or_default());
    let act = move |action: Action| {
        if let Some(uid) = message.with_untracked(|m| m.as_ref().map(|m| m.address.uid)) {
            ui.act_on(roost_engine::Target::Uids(vec![uid]), action);
        }
    };
    let step = move |uid: Memo<Option<Uid>>, icon: Icon, label: &'static str| {
        view! {
            <button
                class="plain"
                aria-label=label
                title=label
                disabled=live(move || uid.get().is_none())
                on:click=heard(move |_| if let Some(uid) = uid.get_untracked() { ui.open(uid) })
            >{icon.draw()}</button>
        }
    };
    let menu = RwSignal::new(false);
    view! {
        <div class="actions" role="toolbar" aria-label="Message actions">
            <button class="plain back" aria-label="Back to the list" on:click=heard(move |_| ui.close_message())>
                {Icon::Back.draw()}
            </button>
            {ANSWERS.map(|(how, icon, label)| view! {
                <button
                    class="plain"
                    class:only-wide={how != Answer::Reply}
                    aria-label=label
                    title=label
                    on:click=heard(move |_| ui.answer(how))
                >{icon.draw()}</button>
            }).collect_view()}
            <span class="gap"></span>
            <button class="plain" aria-label="Archive" title="Archive" on:click=heard(move |_| act(Action::Archive))>
                {Icon::Archive.draw()}
            </button>
            <button class="plain" aria-label="Delete" title="Delete" on:click=heard(move |_| act(Action::Delete))>
                {Icon::Trash.draw()}
            </button>
            <button
                class="plain"
                aria-label=live(move || if junk.get() { "Not junk" } else { "Junk" })
                title=live(move || if junk.get() { "Not junk" } else { "Junk" })
                on:click=heard(move |_| act(if junk.get_untracked() { Action::NotJunk } else { Action::Junk }))
            >{shown(move || if junk.get() { Icon::Inbox } else { Icon::Junk }.draw())}</button>
            <button
                class="plain"
                aria-label=live(move || if seen.get() { "Mark as unread" } else { "Mark as read" })
                title=live(move || if seen.get() { "Mark as unread" } else { "Mark as read" })
                on:click=heard(move |_| act(Action::Seen(!seen.get_untracked())))
            >{shown(move || if seen.get() { Icon::Unread } else { Icon::Read }.draw())}</button>
            <button
                class="plain star"
                class:on=live(move || starred.get())
                aria-label=live(move || if starred.get() { "Remove star" } else { "Star" })
                aria-pressed=live(move || starred.get().to_string())
                on:click=heard(move |_| act(Action::Starred(!starred.get_untracked())))
            >{shown(move || if starred.get() { Icon::Starred } else { Icon::Star }.draw())}</button>
            <button class="plain" aria-label="Move to folder" title="Move to folder" on:click=heard(move |_| {
                if let Some(uid) = message.with_untracked(|m| m.as_ref().map(|m| m.address.uid)) {
                    ui.dialog.set(Some(Dialog::MoveTo { uids: Some(vec![uid]), copy: false }));
                }
            })>{Icon::Move.draw()}</button>
            <Menu label="More" icon=Icon::More open=menu>
                    {ANSWERS.into_iter().skip(1).map(|(how, icon, label)| view! {
                        <button class="only-narrow" role="menuitem" on:click=heard(move |_| ui.answer(how))>{icon.draw()}{label}</button>
                    }).collect_view()}
                    <button role="menuitem" on:click=heard(move |_| ui.answer(Answer::ForwardAttached))>{Icon::Forward.draw()}"Forward as attachment"</button>
                    <button role="menuitem" on:click=heard(move |_| ui.edit_as_new())>{Icon::Compose.draw()}"Edit as new"</button>
                    <button role="menuitem" on:click=heard(move |_| drop(window().print()))>{Icon::Print.draw()}"Print"</button>
                    <a role="menuitem" href=live(move || format!("{}&view=1", raw())) target="_blank" rel="noopener">{Icon::Code.draw()}"View source"</a>
                    <a role="menuitem" href=raw download="">{Icon::Download.draw()}"Download message"</a>
                    <button role="menuitem" on:click=heard(move |_| original.update(|on| *on = !*on))>
                        {Icon::Image.draw()}{shown(move || if original.get() { "Show in theme" } else { "Show original" })}
                    </button>
                    <button role="menuitem" on:click=heard(move |_| {
                        if let Some(uid) = message.with_untracked(|m| m.as_ref().map(|m| m.address.uid)) {
                            ui.dialog.set(Some(Dialog::MoveTo { uids: Some(vec![uid]), copy: true }));
                        }
                    })>{Icon::Folder.draw()}"Copy to folder"</button>
            </Menu>
            <span class="space"></span>
            {step(newer, Icon::Up, "Newer message")}
            {step(older, Icon::Down, "Older message")}
        </div>
    }
}

/// Remote images left out: how many, and how to see them.
#[component]
fn Images() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let blocked = memo(move || {
        let images = ui
            .device
            .message
            .with(|m| m.as_ref().is_some_and(|m| m.images));
        if images {
            0
        } else {
            ui.device
                .body
                .with(|body| body.as_ref().map_or(0, |body| body.blocked))
        }
    });
    let sender = memo(move || {
        ui.device.body.with(|body| {
            body.as_ref()?
                .from
                .first()
                .map(|from| from.email.to_lowercase())
        })
    });
    let load = move || {
        if let Some((mailbox, uid)) = ui.device.message.with_untracked(|m| {
            m.as_ref()
                .map(|m| (m.address.mailbox.clone(), m.address.uid))
        }) {
            let images = true;
            ui.device.send(roost_engine::Intent::OpenMessage {
                mailbox,
                uid,
                images,
            });
        }
    };
    view! {
        <When test=live(move || { blocked.get() > 0 })>
            <div class="banner" role="note">
                <span>{shown(move || match blocked.get() {
                    1 => "1 remote image is not loaded.".to_owned(),
                    count => format!("{count} remote images are not loaded."),
                })}</span>
                <button class="link" on:click=heard(move |_| load())>"Load images"</button>
                {shown(move || sender.get().map(|sender| view! {
                    <button class="link" on:click=heard(move |_| {
                        let sender = sender.clone();
                        ui.prefs.update(|prefs| {
                            if !prefs.trusted_senders.contains(&sender) {
                                prefs.trusted_senders.push(sender);
                            }
                        });
                        load();
                    })>"Always for this sender"</button>
                }))}
            </div>
        </When>
    }
}

/// Loading, or why there is nothing.
#[component]
fn State() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let state = memo(move || {
        ui.device
            .message
            .with(|m| m.as_ref().map(|m| m.state.clone()))
    });
    let defects = memo(move || {
        ui.device
            .body
            .with(|b| b.as_ref().map(|b| b.defects.clone()).unwrap_or_default())
    });
    move || {
        match state.get() {
        Some(MessageState::Failed(why)) => view! { <p class="problem" role="alert">{why}</p> }.into_any(),
        Some(MessageState::Loading) => view! {
            <div class="body-skeleton" role="status" aria-label="Loading"><span></span><span></span><span></span></div>
        }
        .into_any(),
        _ => defects
            .get()
            .into_iter()
            .map(|defect| view! { <p class="banner" role="note">{defect}</p> })
            .collect_view()
            .into_any(),
    }
    }
}
