//! The mail frame: a document of its own, without scripts, with a policy that lets nothing in but styles and the
//! images the person agreed to. Hostile HTML never enters the app's own document.

use leptos::html;
use leptos::prelude::*;
use roost_wire::{Body, BodyKind};
use wasm_bindgen::prelude::*;
use web_sys::{Document, HtmlElement, HtmlIFrameElement, KeyboardEvent, KeyboardEventInit};

use crate::ui::live::{effect, heard, memo, shown};
use crate::ui::state::{Pane, Ui};

/// Never `allow-scripts`. `allow-same-origin` lets the app put the text in and measure it; popups are for links, which
/// leave the sandbox so that other sites work.
const SANDBOX: &str = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// Room for a horizontal scroll bar, in pixels.
const SCROLL_BAR: i32 = 16;

#[component]
pub fn Frame(original: RwSignal<bool>) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let frame = NodeRef::<html::Iframe>::new();
    let images = memo(move || {
        ui.device
            .message
            .with(|m| m.as_ref().is_some_and(|m| m.images))
    });
    // Counts the documents that the frame has loaded: each is empty until the text is put in.
    let loaded = RwSignal::new(0);
    let dark = memo(move || ui.prefs.with(crate::ui::prefs::Prefs::is_dark));
    effect(move || {
        let (count, dark, original) = (loaded.get(), dark.get(), original.get());
        let Some(element) = frame.get().filter(|_| count > 0) else {
            return;
        };
        ui.device
            .body
            .with(|body| match (body, element.content_document()) {
                (Some(body), Some(document)) => {
                    fill(&element, &document, body, dark, original);
                    fit(&element);
                }
                (None, Some(document)) => {
                    if let Some(body) = document.body() {
                        body.set_inner_html("");
                    }
                    fit(&element);
                }
                _ => {}
            });
    });
    let refit = move || {
        if let Some(element) = frame.get_untracked() {
            fit(&element);
        }
    };
    let resized = window_event_listener(leptos::ev::resize, move |_| refit());
    // The text is as tall as its width makes it, and hidden it has no height at all.
    effect(move || {
        ui.prefs.with(|prefs| prefs.list_width);
        if ui.pane.get() == Pane::Message {
            request_animation_frame(refit);
        }
    });
    on_cleanup(move || resized.remove());
    let hidden = move || {
        ui.device
            .body
            .with(|body| body.as_ref().is_none_or(|b| b.kind == BodyKind::Empty))
    };
    view! {
        <div class="frame-place" class:hidden=hidden>
            {shown(move || {
                // A frame that changed its address would put a step into the browser's history: it is made anew.
                let source = if images.get() { "/frame-images.html" } else { "/frame.html" };
                loaded.set(0);
                view! {
                    <iframe
                        node_ref=frame
                        title="Message body"
                        sandbox=SANDBOX
                        src=source
                        on:load=heard(move |_| {
                            loaded.update(|count| *count += 1);
                        })
                    ></iframe>
                }
            })}
        </div>
    }
}

/// Puts a sanitized body into the frame's document.
fn fill(element: &HtmlIFrameElement, document: &Document, body: &Body, dark: bool, original: bool) {
    let Some(place) = document.body() else {
        return;
    };
    let theme = match (dark, original, body.kind) {
        (false, _, _) | (true, true, _) => "light",
        (true, false, BodyKind::Html) => "inverted",
        (true, false, _) => "dark",
    };
    if let Some(root) = document.document_element() {
        // The first text of this document.
        if !root.has_attribute("data-theme") {
            follow_size(element, document);
            pass_on_keys(element, document);
        }
        let _ = root.set_attribute("data-theme", theme);
    }
    if let Some(style) = document.get_element_by_id("message-style") {
        style.set_text_content(Some(&body.css));
    }
    place.set_inner_html(&body.html);
    place.set_scroll_top(0);
}

/// Makes the frame as tall as its text.
fn fit(element: &HtmlIFrameElement) {
    let Some(document) = element.content_document() else {
        return;
    };
    if element.offset_width() == 0 {
        return;
    }
    let style = AsRef::<HtmlElement>::as_ref(element).style();
    // A frame never shrinks by itself: its document is at least as tall as it is.
    let _ = style.set_property("height", "0");
    let height = document.document_element().map_or(0, |root| {
        // A wide text has a scroll bar of its own below it.
        let bar = if root.scroll_width() > root.client_width() {
            SCROLL_BAR
        } else {
            0
        };
        root.scroll_height() + bar
    });
    let _ = style.set_property("height", &format!("{height}px"));
}

/// Follows what changes the height later: images that arrive, quotes that are unfolded.
fn follow_size(element: &HtmlIFrameElement, document: &Document) {
    let element = element.clone();
    let refit = Closure::<dyn FnMut()>::new(move || fit(&element));
    for event in ["load", "toggle"] {
        let _ = document.add_event_listener_with_callback_and_bool(
            event,
            refit.as_ref().unchecked_ref(),
            true,
        );
    }
    // It goes with the frame's document.
    refit.forget();
}

/// What is pressed in the text is pressed on its frame: the keys do the same wherever a person has clicked. What belongs to
/// a text stays there: moving and selecting in it, its links.
fn pass_on_keys(element: &HtmlIFrameElement, document: &Document) {
    let element = element.clone();
    let pressed = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| {
        let key = event.key();
        let is_command = key.len() == 1 && key != " " || key == "Escape" || key == "Delete";
        if !is_command || event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let init = KeyboardEventInit::new();
        init.set_key(&key);
        init.set_bubbles(true);
        init.set_cancelable(true);
        let unused = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init)
            .and_then(|copy| element.dispatch_event(&copy));
        if unused == Ok(false) {
            event.prevent_default();
        }
    });
    let _ = document.add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
    // It goes with the frame's document.
    pressed.forget();
}
