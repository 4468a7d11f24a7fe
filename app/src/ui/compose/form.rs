//! The form of a message that is being written.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use roost_engine::{
    DraftPhase, Identity, Intent, Write, address_problem, alternative_of, html_of, is_formatted,
};
use roost_wire::{Composed, Uid};
use wasm_bindgen::JsCast;

use crate::device::LEAVING;
use crate::ui::compose::banners::Banners;
use crate::ui::compose::checks::{
    FORGOTTEN, FORMATTED, UPLOADING, has_none, speaks_of_attachment, too_large,
};
use crate::ui::compose::enclosures::{self, Enclosures, Picked};
use crate::ui::compose::fields::Fields;
use crate::ui::compose::forms::Forms;
use crate::ui::compose::from::From;
use crate::ui::compose::later::Later;
use crate::ui::compose::recipients::Recipients;
use crate::ui::compose::rich::Rich;
use crate::ui::icon::Icon;
use crate::ui::live::{When, effect, heard, live, memo, shown};
use crate::ui::state::Ui;
use web_sys::{ClipboardEvent, DragEvent, Event, KeyboardEvent};

/// How long after a key what was typed is kept.
const KEEP: Duration = Duration::from_millis(100);

#[component]
pub fn Form(form: Composed) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let forms = expect_context::<Forms>();
    let id = StoredValue::new(form.id.clone());
    let fields = Fields::of(&form);
    let write = move |write: Write| ui.device.send(Intent::Write(write));
    let view = memo(move || {
        ui.device.drafts.with(|drafts| {
            let own = drafts
                .iter()
                .find(|draft| id.with_value(|id| *id == draft.id));
            own.cloned()
        })
    });

    let too_large = memo(move || view.with(|view| too_large(view.as_ref()?)));

    // What is typed is kept a moment later, and at once when the form or the page goes.
    let dirty = StoredValue::new(false);
    let keep = move || {
        if dirty.try_get_value() == Some(true) {
            dirty.set_value(false);
            write(Write::Edit(Box::new(fields.composed(&id.get_value()))));
        }
    };
    let touch = move || {
        if dirty.try_get_value() == Some(false) {
            dirty.set_value(true);
            set_timeout(keep, KEEP);
        }
    };
    Effect::new(move |before: Option<()>| {
        fields.track();
        if before.is_some() {
            touch();
        }
    });
    let leaving = window_event_listener_untyped(LEAVING, move |_| keep());
    on_cleanup(move || leaving.remove());

    forms.drawn(&form.id);
    let minimized = memo(move || id.with_value(|id| forms.is_minimized(id)));
    // Who writes in a form has it in front.
    let front = move || {
        if !minimized.get_untracked() {
            forms.raise(&id.get_value());
        }
    };
    // What comes back behind another form takes nothing from it.
    let begin = forms.is_front(&form.id);
    let more = RwSignal::new(!form.cc.is_empty() || !form.bcc.is_empty());
    // A recipient goes from one field to the next.
    let moved = RwSignal::new(None::<(&'static str, usize)>);
    let shift = move |field: usize| -> Box<dyn Fn(usize, bool)> {
        Box::new(move |index, down| {
            if let Some(place) = fields.shift(field, index, down) {
                more.set(true);
                moved.set(Some(place));
            }
        })
    };
    let question = RwSignal::new(None::<&'static str>);
    // What stands in a field of recipients is taken when the field is left; the form as it is then goes first.
    let settle = move || {
        let field = document().active_element();
        let field = field.map(JsCast::unchecked_into::<web_sys::HtmlElement>);
        if let Some(field) = &field {
            let _ = field.blur();
        }
        dirty.set_value(true);
        keep();
        field
    };
    let uploading = RwSignal::new(0_usize);
    let close = move || {
        if uploading.get_untracked() > 0 {
            question.set(Some(UPLOADING));
            return;
        }
        let _ = settle();
        forms.close(ui, id.get_value());
    };
    // Asked for elsewhere: the person went back.
    effect(move || {
        if id.with_value(|id| forms.take_close(id)) {
            close();
        }
    });
    // When it is to be sent, if not now.
    let later = RwSignal::new(None::<i64>);
    let send = move |sure: bool| {
        let field = settle();
        let recipients = fields.recipients();
        let problem = if uploading.get_untracked() > 0 {
            Some(UPLOADING)
        } else if recipients.is_empty() {
            Some("Say who it is for, then send it.")
        } else if recipients
            .iter()
            .any(|address| address_problem(address).is_some())
        {
            Some("One of the addresses cannot be written to. It is marked.")
        } else if !sure && speaks_of_attachment(&fields.plain()) && view.with_untracked(has_none) {
            Some(FORGOTTEN)
        } else {
            None
        };
        // What is too large is said already.
        if problem.is_some() || too_large.with_untracked(Option::is_some) {
            if problem.is_some() {
                question.set(problem);
            }
            // Who types on types where they did: elsewhere, letters are commands.
            if let Some(field) = field {
                let _ = field.focus();
            }
        } else if let Some(at) = later.get_untracked() {
            write(Write::Schedule {
                id: id.get_value(),
                at,
            });
        } else {
            let hold = ui.prefs.with_untracked(|prefs| prefs.hold);
            write(Write::Send {
                id: id.get_value(),
                hold,
            });
        }
    };
    let send_at = move |at: Option<i64>| {
        question.set(None);
        later.set(at);
        send(false);
    };
    let template = move || {
        settle();
        write(Write::SaveTemplate(id.get_value()));
    };
    let subject = NodeRef::<html::Input>::new();
    let text = NodeRef::<html::Textarea>::new();
    let insert = move |uid: Uid| {
        settle();
        write(Write::Insert {
            id: id.get_value(),
            uid,
        });
    };
    // A template that was fetched: its text where the cursor is, the rest where nothing is yet.
    effect(move || {
        let own = |message: &Composed| id.with_value(|id| *id == message.id);
        let offers = ui.device.offers;
        if !offers.with(|offers| offers.chosen.as_ref().is_some_and(own)) {
            return;
        }
        let Some(message) = offers.try_update(|offers| offers.chosen.take()).flatten() else {
            return;
        };
        more.update(|more| *more |= !message.cc.is_empty() || !message.bcc.is_empty());
        fields.put_in(
            message,
            subject.get_untracked(),
            text.get_untracked(),
            &ui.account(),
        );
        touch();
    });
    // The signature follows who it is from.
    let write_as = move |old: Option<&Identity>, new: &Identity| {
        fields.write_as(old, new, ui.style(), text.get_untracked());
    };
    // Between formatting and none.
    let switch = move |sure: bool| match fields.html() {
        None => fields
            .html
            .set(Some(fields.text.with_untracked(|text| html_of(text)))),
        Some(html) if !sure && is_formatted(&html) => question.set(Some(FORMATTED)),
        Some(html) => {
            question.set(None);
            fields.text.set(alternative_of(&html));
            fields.html.set(None);
        }
    };
    let title = memo(move || {
        let subject = fields.subject.get();
        if subject.trim().is_empty() {
            "New message".to_owned()
        } else {
            subject
        }
    });
    let state = move || {
        view.with(|view| match view.as_ref().map(|view| view.phase) {
            Some(DraftPhase::Saving) => "Saving …",
            Some(DraftPhase::Saved) => "Saved in Drafts",
            Some(DraftPhase::Changed | DraftPhase::Conflict) => "Kept on this device",
            _ => "",
        })
    };
    let phase = memo(move || view.with(|view| view.as_ref().map(|v| v.phase)));
    let reply = !form.to.is_empty();
    effect(move || {
        if reply
            && begin
            && let Some(text) = text.get()
        {
            // Filled first: a text that is put in takes the cursor to its end.
            text.set_value(&fields.text.get_untracked());
            let _ = text.focus();
            let _ = text.set_selection_range(0, 0);
        }
    });
    let files = RwSignal::new_local(Vec::<Picked>::new());
    let rich = memo(move || fields.html.with(Option::is_some));
    let over = RwSignal::new(false);
    let identities = ui.identities();
    let several = identities.len() > 1;

    view! {
        <section
            class="composer"
            role="dialog"
            aria-label=live(move || title.get())
            class:minimized=live(move || minimized.get())
            class:over=live(move || over.get())
            on:focusin=heard(move |_| front())
            on:keydown=heard(move |event: KeyboardEvent| {
                event.stop_propagation();
                if event.is_composing() {
                    return;
                }
                if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                    event.prevent_default();
                    send_at(None);
                } else if event.key() == "Escape" {
                    close();
                }
            })
            on:dragover=heard(move |event: DragEvent| {
                if event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0)) {
                    event.prevent_default();
                    over.set(true);
                }
            })
            on:dragleave=heard(move |_| over.set(false))
            on:drop=heard(move |event: DragEvent| {
                over.set(false);
                let dropped = event.data_transfer().map(|data| enclosures::files_of(&data)).unwrap_or_default();
                if !dropped.is_empty() {
                    event.prevent_default();
                    files.set(dropped.into_iter().map(Picked::attached).collect());
                }
            })
            on:paste=heard(move |event: ClipboardEvent| {
                let pasted = event.clipboard_data().map(|data| enclosures::files_of(&data)).unwrap_or_default();
                // Cells of a table are text and a picture of it.
                let text = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok()).unwrap_or_default();
                if !pasted.is_empty() && text.is_empty() {
                    event.prevent_default();
                    files.set(pasted.into_iter().map(Picked::attached).collect());
                }
            })
        >
            <header>
                <h2 dir="auto">{shown(move || title.get())}</h2>
                <span class="hint" role="status" aria-label="Draft">{state}</span>
                <button
                    class="plain minimize"
                    aria-label=live(move || if minimized.get() { "Restore" } else { "Minimize" })
                    on:click=heard(move |_| id.with_value(|id| {
                        if minimized.get_untracked() {
                            forms.raise(id);
                        } else {
                            forms.minimize(id);
                        }
                    }))
                >{shown(move || if minimized.get() { Icon::Up } else { Icon::Down }.draw())}</button>
                <button class="plain" aria-label="Save and close" on:click=heard(move |_| close())>{Icon::Close.draw()}</button>
            </header>
            <div class="fields">
                <When test=live(move || several)>
                    <From from=fields.from identities=identities.clone() write_as=Box::new(write_as) />
                </When>
                <Recipients label="To" list=fields.to autofocus=!reply && begin shift=shift(0) moved />
                <Show when=live(move || more.get()) fallback=live(move || view! {
                    <button class="link" on:click=heard(move |_| {
                        more.set(true);
                        moved.set(Some(("Cc", 0)));
                    })>"Cc and Bcc"</button>
                })>
                    <Recipients label="Cc" list=fields.cc autofocus=false shift=shift(1) moved />
                    <Recipients label="Bcc" list=fields.bcc autofocus=false shift=shift(2) moved />
                </Show>
                <label class="line">
                    <span>"Subject"</span>
                    <input
                        node_ref=subject
                        type="text"
                        dir="auto"
                        maxlength="2000"
                        prop:value=form.subject.clone()
                        on:input=heard(move |event: Event| fields.subject.set(event_target_value(&event)))
                    />
                </label>
            </div>
            {shown(move || if rich.get() {
                let images = view.with_untracked(|view| view.as_ref().map(|view| view.enclosures.clone()));
                view! {
                    <Rich
                        name="Message"
                        html=fields.html
                        images=images.unwrap_or_default()
                        account=ui.account()
                        focus=reply && begin
                        editor=fields.editor
                        files
                        changed=Box::new(move || {
                            front();
                            touch();
                        })
                        send=Box::new(move || send_at(None))
                        close=Box::new(close)
                    />
                }.into_any()
            } else {
                view! {
                    <textarea
                        node_ref=text
                        aria-label="Message text"
                        dir="auto"
                        spellcheck="true"
                        prop:value=fields.text.get_untracked()
                        on:input=heard(move |event: Event| fields.text.set(event_target_value(&event)))
                    ></textarea>
                }.into_any()
            })}
            <Enclosures id=form.id.clone() view files editor=fields.editor uploading />
            <Banners
                view
                too_large
                question
                write=Box::new(write)
                send=Box::new(move || send(true))
                switch=Box::new(move || switch(true))
            />
            <footer>
                <button class="primary" on:click=heard(move |_| send_at(None))>
                    {shown(move || if phase.get() == Some(DraftPhase::Unknown) { "Send again" } else { "Send" })}
                </button>
                <Later schedule=Box::new(move |at| send_at(Some(at))) template=Box::new(template) insert=Box::new(insert) wanted=[
                    ("Ask for a receipt", fields.receipt),
                    ("Tell me when it is delivered", fields.delivery),
                ] />
                <enclosures::Attach files />
                <button
                    class="plain format"
                    aria-label="Formatting"
                    aria-pressed=live(move || if rich.get() { "true" } else { "false" })
                    title="Write with formatting, or as plain text"
                    on:click=heard(move |_| switch(false))
                >"Aa"</button>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=fields.important.get_untracked()
                        on:change=heard(move |event: Event| fields.important.set(event_target_checked(&event)))
                    />
                    "Important"
                </label>
                <span class="space"></span>
                <button class="plain" aria-label="Discard draft" title="Discard draft" on:click=heard(move |_| {
                    settle();
                    write(Write::Discard(id.get_value()));
                })>{Icon::Trash.draw()}</button>
            </footer>
        </section>
    }
}
