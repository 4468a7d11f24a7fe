//! Messages being written: a form each, beside one another on a wide screen, over everything on a phone.

mod enclosures;
mod later;
mod offers;
mod outbox;
mod recipients;
pub mod rich;

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use roost_engine::{
    DraftPhase, DraftView, Identity, Intent, Write, address_problem, alternative_of, html_of,
    is_formatted,
};
use roost_wire::{Address, Composed, Uid};
use wasm_bindgen::JsCast as _;

use crate::ui::compose::enclosures::{Enclosures, Picked};
use crate::ui::compose::later::Later;
pub use crate::ui::compose::offers::{Offers, offer};
use crate::ui::compose::outbox::Outbox;
use crate::ui::compose::recipients::{Recipients, add};
use crate::ui::compose::rich::{Editor, Rich};
use crate::ui::icon::Icon;
use crate::ui::live::{When, each, effect, heard, live, memo, shown};
use crate::ui::message::size;
use crate::ui::state::Ui;
use web_sys::{ClipboardEvent, DragEvent, Event, KeyboardEvent};

/// How long after a key what was typed is kept.
const KEEP: Duration = Duration::from_millis(100);

/// All forms of this tab.
#[component]
pub fn Compose() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let open = move || {
        let sending = ui.device.drafts.with(|drafts| {
            let sending = drafts
                .iter()
                .filter(|draft| draft.phase == DraftPhase::Sending);
            sending.map(|draft| draft.id.clone()).collect::<Vec<_>>()
        });
        ui.device.forms.with(|forms| {
            let shown = forms.iter().filter(|(_, form)| !sending.contains(&form.id));
            shown.cloned().collect::<Vec<_>>()
        })
    };
    view! {
        <div class="composers">
            {each(open, |(number, form)| (*number, form.id.clone()), |(_, form)| view! { <Form form /> })}
        </div>
        <Outbox />
    }
}

/// The fields of a form.
#[derive(Clone, Copy)]
struct Fields {
    from: RwSignal<Address>,
    to: RwSignal<Vec<Address>>,
    cc: RwSignal<Vec<Address>>,
    bcc: RwSignal<Vec<Address>>,
    subject: RwSignal<String>,
    text: RwSignal<String>,
    /// With formatting: what the editor was last filled with; what is written is asked of it.
    html: RwSignal<Option<String>>,
    editor: StoredValue<Option<Editor>, LocalStorage>,
    important: RwSignal<bool>,
    receipt: RwSignal<bool>,
    delivery: RwSignal<bool>,
}

impl Fields {
    fn of(form: &Composed) -> Self {
        Self {
            from: RwSignal::new(form.from.clone()),
            to: RwSignal::new(form.to.clone()),
            cc: RwSignal::new(form.cc.clone()),
            bcc: RwSignal::new(form.bcc.clone()),
            subject: RwSignal::new(form.subject.clone()),
            text: RwSignal::new(form.text.clone()),
            html: RwSignal::new(form.html.clone()),
            editor: StoredValue::new_local(None),
            important: RwSignal::new(form.important),
            receipt: RwSignal::new(form.receipt),
            delivery: RwSignal::new(form.delivery),
        }
    }

    fn composed(self, id: &str) -> Composed {
        Composed {
            id: id.to_owned(),
            from: self.from.get_untracked(),
            to: self.to.get_untracked(),
            cc: self.cc.get_untracked(),
            bcc: self.bcc.get_untracked(),
            subject: self.subject.get_untracked(),
            text: self.text.get_untracked(),
            html: self.html(),
            important: self.important.get_untracked(),
            receipt: self.receipt.get_untracked(),
            delivery: self.delivery.get_untracked(),
            ..Composed::default()
        }
    }

    /// The rich text as it is now.
    fn html(self) -> Option<String> {
        let before = self.html.get_untracked()?;
        let editor = self.editor.try_get_value().flatten();
        Some(editor.and_then(|editor| editor.html()).unwrap_or(before))
    }

    /// The text as it is now, without formatting.
    fn plain(self) -> String {
        match self.html() {
            Some(html) => alternative_of(&html),
            None => self.text.get_untracked(),
        }
    }

    /// Notes a dependency on every field.
    fn track(self) {
        self.from.track();
        self.to.track();
        self.cc.track();
        self.bcc.track();
        self.subject.track();
        self.text.track();
        self.html.track();
        self.important.track();
        self.receipt.track();
        self.delivery.track();
    }

    fn recipients(self) -> Vec<Address> {
        let mut all = self.to.get_untracked();
        all.extend(self.cc.get_untracked());
        all.extend(self.bcc.get_untracked());
        all
    }
}

#[component]
fn Form(form: Composed) -> impl IntoView {
    let ui = expect_context::<Ui>();
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
    let leaving = window_event_listener_untyped("pagehide", move |_| keep());
    on_cleanup(move || leaving.remove());

    let minimized = RwSignal::new(false);
    let more = RwSignal::new(!form.cc.is_empty() || !form.bcc.is_empty());
    // A recipient goes from one field to the next.
    let moved = RwSignal::new(None::<(&'static str, usize)>);
    let shift = move |field: usize| -> Box<dyn Fn(usize, bool)> {
        Box::new(move |index, down| {
            let places = [("To", fields.to), ("Cc", fields.cc), ("Bcc", fields.bcc)];
            let other = field.checked_add_signed(if down { 1 } else { -1 });
            let Some(&(label, to)) = other.and_then(|other| places.get(other)) else {
                return;
            };
            more.set(true);
            let from = places[field].1;
            let address = from.with_untracked(|from| from.get(index).cloned());
            if let Some(address) = address {
                from.update(|from| drop(from.remove(index)));
                let email = address.email.clone();
                add(to, vec![address]);
                let at = to.with_untracked(|to| {
                    to.iter()
                        .position(|other| other.email.eq_ignore_ascii_case(&email))
                });
                moved.set(at.map(|at| (label, at)));
            }
        })
    };
    let question = RwSignal::new(None::<&'static str>);
    // What stands in a field of recipients is taken when the field is left; the form as it is then goes first.
    let settle = move || {
        if let Some(field) = document().active_element() {
            let _ = field.unchecked_into::<web_sys::HtmlElement>().blur();
        }
        dirty.set_value(true);
        keep();
    };
    let uploading = RwSignal::new(0_usize);
    let close = move || {
        if uploading.get_untracked() > 0 {
            question.set(Some(UPLOADING));
            return;
        }
        settle();
        write(Write::Close(id.get_value()));
    };
    // When it is to be sent, if not now.
    let later = RwSignal::new(None::<i64>);
    let send = move |sure: bool| {
        settle();
        let recipients = fields.recipients();
        if uploading.get_untracked() > 0 {
            question.set(Some(UPLOADING));
        } else if recipients.is_empty() {
            question.set(Some("Say who it is for, then send it."));
        } else if recipients
            .iter()
            .any(|address| address_problem(address).is_some())
        {
            question.set(Some(
                "One of the addresses cannot be written to. It is marked.",
            ));
        } else if too_large.with_untracked(Option::is_some) {
            // It stands there already.
        } else if !sure && speaks_of_attachment(&fields.plain()) && view.with_untracked(has_none) {
            question.set(Some(FORGOTTEN));
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
        if fields.recipients().is_empty() {
            more.update(|more| *more |= !message.cc.is_empty() || !message.bcc.is_empty());
            fields.to.set(message.to);
            fields.cc.set(message.cc);
            fields.bcc.set(message.bcc);
        }
        if let Some(input) = subject.get_untracked()
            && input.value().trim().is_empty()
        {
            input.set_value(&message.subject);
            fields.subject.set(message.subject);
        }
        let html = message.html.unwrap_or_default();
        match (fields.editor.get_value(), text.get_untracked()) {
            (Some(editor), _) => editor.insert(&html, &message.enclosures, &ui.account()),
            (None, Some(text)) => {
                let _ = text.set_range_text(message.text.trim_end());
                fields.text.set(text.value());
            }
            // The editor is not there yet, and begins with what is kept here.
            (None, None) => fields
                .html
                .update(|before| before.get_or_insert_default().push_str(&html)),
        }
        touch();
    });
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
    let problem = memo(move || {
        view.with(|view| view.as_ref().map(|v| v.problem.clone()).unwrap_or_default())
    });
    let phase = memo(move || view.with(|view| view.as_ref().map(|v| v.phase)));
    let reply = !form.to.is_empty();
    effect(move || {
        if reply && let Some(text) = text.get() {
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
                if !pasted.is_empty() {
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
                    on:click=heard(move |_| minimized.update(|on| *on = !*on))
                >{shown(move || if minimized.get() { Icon::Up } else { Icon::Down }.draw())}</button>
                <button class="plain" aria-label="Save and close" on:click=heard(move |_| close())>{Icon::Close.draw()}</button>
            </header>
            <div class="fields">
                <When test=live(move || several)>
                    <From from=fields.from identities=identities.clone() />
                </When>
                <Recipients label="To" list=fields.to autofocus=!reply shift=shift(0) moved />
                <Show when=live(move || more.get()) fallback=live(move || view! {
                    <button class="link" on:click=heard(move |_| more.set(true))>"Cc and Bcc"</button>
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
                        html=fields.html.get_untracked().unwrap_or_default()
                        images=images.unwrap_or_default()
                        account=ui.account()
                        focus=reply
                        editor=fields.editor
                        files
                        changed=Box::new(touch)
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
            <When test=live(move || problem.with(|problem| !problem.is_empty()))>
                <div class="banner" role="alert">
                    <span class="reasons">{shown(move || problem.get())}</span>
                    <When test=live(move || phase.get() == Some(DraftPhase::Conflict))>
                        <button class="link" on:click=heard(move |_| write(Write::KeepBoth(id.get_value())))>"Keep both"</button>
                        <button class="link" on:click=heard(move |_| write(Write::Overwrite(id.get_value())))>"Keep only this one"</button>
                    </When>
                </div>
            </When>
            <When test=live(move || too_large.with(Option::is_some))>
                <div class="banner" role="alert"><span>{shown(move || too_large.get())}</span></div>
            </When>
            <When test=live(move || question.get().is_some())>
                <div class="banner" role="alert">
                    <span>{shown(move || question.get())}</span>
                    <When test=live(move || question.get() == Some(FORGOTTEN))>
                        <button class="link" on:click=heard(move |_| send(true))>"Send it anyway"</button>
                    </When>
                    <When test=live(move || question.get() == Some(FORMATTED))>
                        <button class="link" on:click=heard(move |_| switch(true))>"Remove it"</button>
                        <button class="link" on:click=heard(move |_| question.set(None))>"Keep it"</button>
                    </When>
                </div>
            </When>
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

const UPLOADING: &str = "An attachment is still being uploaded. Wait for it, or remove it.";
const FORMATTED: &str =
    "As plain text the message loses its formatting and the pictures in its text.";
const FORGOTTEN: &str = "You write of an attachment, but there is none.";

/// What is to be said where the mail server will not take it.
fn too_large(view: &DraftView) -> Option<String> {
    let limit = view.limit.filter(|&limit| view.size > limit)?;
    Some(format!(
        "The message is too large to be sent: it has {} on its way, where attachments grow by a third, and the mail server takes {}. Remove an attachment.",
        size(view.size),
        size(limit)
    ))
}

fn has_none(view: &Option<DraftView>) -> bool {
    view.as_ref()
        .is_none_or(|view| !view.enclosures.iter().any(enclosures::is_attached))
}

/// Whether what the person wrote (not what is quoted) names an attachment.
fn speaks_of_attachment(text: &str) -> bool {
    text.lines()
        .take_while(|line| *line != "-- " && !line.starts_with("----------"))
        .filter(|line| !line.starts_with('>'))
        .any(|line| {
            let line = line.to_lowercase();
            [
                "attached",
                "attachment",
                "enclosed",
                "anhang",
                "angehängt",
                "ci-joint",
                "adjunt",
                "allegat",
            ]
            .iter()
            .any(|word| line.contains(word))
        })
}

/// Chooses who it is from.
#[component]
fn From(from: RwSignal<Address>, identities: Vec<Identity>) -> impl IntoView {
    let chosen = identities.clone();
    view! {
        <label class="line">
            <span>"From"</span>
            <select on:change=heard(move |event: Event| {
                if let Some(identity) = event_target_value(&event).parse::<usize>().ok().and_then(|i| chosen.get(i)) {
                    from.set(identity.address());
                }
            })>
                {identities.into_iter().enumerate().map(|(index, identity)| {
                    let current = from.with_untracked(|from| from.email == identity.email);
                    view! { <option value=index.to_string() selected=current>{identity.address().to_string()}</option> }
                }).collect_view()}
            </select>
        </label>
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn only_what_the_person_wrote_speaks_of_attachments() {
        assert!(super::speaks_of_attachment("See the attached file"));
        assert!(!super::speaks_of_attachment(
            "Thanks\n> see the attached file"
        ));
        assert!(!super::speaks_of_attachment(
            "Hello\n-- \nattached to my work"
        ));
    }
}
