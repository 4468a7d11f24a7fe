//! Menus: what else can be done with something, below its button.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{EventTarget, FocusEvent, HtmlElement, KeyboardEvent, MouseEvent, Node};

use crate::ui::icon::Icon;
use crate::ui::live::{When, heard, live};

/// How far a menu stays from the edge of the page, in pixels.
const MARGIN: f64 = 8.0;

/// What can be chosen in a menu.
const CHOICES: &str = ".menu :is(button, a, input)";

/// A button and its menu, which has the focus as long as it is open: the arrows go through it, and no letter is a command.
/// Escape and Tab close it, and so does what is pressed or gets the focus elsewhere; the focus is the button's again if it was
/// lost.
#[component]
pub fn Menu(
    /// What the button is called.
    #[prop(into)]
    label: String,
    icon: Icon,
    /// Of choices alone, any of which closes it; or of other things too, which say when it is done.
    #[prop(optional)]
    mixed: bool,
    open: RwSignal<bool>,
    children: ChildrenFn,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let called = label.clone();
    view! {
        <div class="menu-place" node_ref=place>
            <button
                node_ref=button
                class="plain more"
                aria-label=label.clone()
                title=label
                aria-haspopup=if mixed { "true" } else { "menu" }
                aria-expanded=live(move || open.get().to_string())
                on:click=heard(move |_| open.update(|open| *open = !*open))
            >{icon.draw()}</button>
            <When test=live(move || open.get())>
                {attend(place, button, open, mixed)}
                <div
                    class="menu"
                    class:mixed=mixed
                    role=if mixed { "group" } else { "menu" }
                    // Pressed beside its choices, it keeps the focus.
                    tabindex="-1"
                    aria-label=called.clone()
                    on:click=heard(move |event: MouseEvent| {
                        if !mixed && event.target() != event.current_target() {
                            open.set(false);
                        }
                    })
                    on:keydown=heard(move |event: KeyboardEvent| {
                        event.stop_propagation();
                        if event.key() == "Escape" || event.key() == "Tab" && !mixed {
                            open.set(false);
                        } else if walk(place, &event) {
                            event.prevent_default();
                        }
                    })
                    on:focusout=heard(move |event: FocusEvent| {
                        if event.related_target().is_some_and(|target| !holds(place, &target)) {
                            open.set(false);
                        }
                    })
                >{children()}</div>
            </When>
        </div>
    }
}

/// While a menu is open: it gets its place and the focus, closes when something else is pressed or turned, and gives the
/// focus back.
fn attend(
    place: NodeRef<html::Div>,
    button: NodeRef<html::Button>,
    open: RwSignal<bool>,
    mixed: bool,
) {
    let leave = move |target: Option<EventTarget>| {
        if target.is_none_or(|target| !holds(place, &target)) {
            open.set(false);
        }
    };
    let pressed =
        window_event_listener(leptos::ev::pointerdown, move |event| leave(event.target()));
    // A mixed one does not leave its button, and what is typed in it is not lost for that.
    let turned = window_event_listener(leptos::ev::wheel, move |event| {
        if !mixed {
            leave(event.target());
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| {
        if !mixed {
            stand(place, button);
        }
    });
    // The text of a message has a window of its own.
    let left = window_event_listener(leptos::ev::blur, move |_| {
        let focus = document().active_element();
        if focus.is_some_and(|element| element.tag_name() == "IFRAME") {
            open.set(false);
        }
    });
    request_animation_frame(move || {
        if !mixed {
            stand(place, button);
        }
        if let Some(first) = choices(place).into_iter().next() {
            let _ = first.focus();
        }
    });
    on_cleanup(move || {
        pressed.remove();
        turned.remove();
        resized.remove();
        left.remove();
        request_animation_frame(move || {
            let lost = document()
                .active_element()
                .is_none_or(|element| element.tag_name() == "BODY");
            if lost {
                focus(button);
            }
        });
    });
}

/// Gives the focus from a choice to the button of its menu. A dialog that the choice opens gives it back to what had it, and the
/// choice will be gone.
pub fn leave() {
    let choice = document().active_element();
    let place = choice.and_then(|choice| choice.closest(".menu-place").ok()?);
    let button = place.and_then(|place| place.query_selector("button").ok()?);
    if let Some(button) = button {
        let _ = button.unchecked_into::<HtmlElement>().focus();
    }
}

fn focus(button: NodeRef<html::Button>) {
    if let Some(button) = button.try_get_untracked().flatten() {
        let _ = button.focus();
    }
}

/// Puts a menu below its button, or above it where there is no room: on the page as a whole, since a list would cut it off.
fn stand(place: NodeRef<html::Div>, button: NodeRef<html::Button>) -> Option<()> {
    let place = place.try_get_untracked().flatten()?;
    let button = button
        .try_get_untracked()
        .flatten()?
        .get_bounding_client_rect();
    let menu = place.query_selector(".menu").ok().flatten()?;
    let menu = menu.unchecked_into::<HtmlElement>();
    let size = menu.get_bounding_client_rect();
    let room = |inner: Result<JsValue, JsValue>| inner.ok().and_then(|size| size.as_f64());
    let (width, height) = (
        room(window().inner_width())?,
        room(window().inner_height())?,
    );
    let top = if button.bottom() + size.height() + MARGIN <= height {
        button.bottom()
    } else {
        button.top() - size.height()
    };
    let rtl = document()
        .document_element()?
        .get_attribute("dir")
        .as_deref()
        == Some("rtl");
    let left = if rtl {
        button.left()
    } else {
        button.right() - size.width()
    };
    for (side, at, most) in [
        ("top", top, height - size.height()),
        ("left", left, width - size.width()),
    ] {
        let at = at.min(most - MARGIN).max(MARGIN);
        menu.style().set_property(side, &format!("{at}px")).ok()?;
    }
    Some(())
}

/// Whether something of the page is part of the button or its menu.
fn holds(place: NodeRef<html::Div>, target: &EventTarget) -> bool {
    place
        .get_untracked()
        .is_some_and(|place| place.contains(target.dyn_ref::<Node>()))
}

/// What can be chosen now, in order: what is not on screen cannot.
fn choices(place: NodeRef<html::Div>) -> Vec<HtmlElement> {
    let Some(all) = place
        .try_get_untracked()
        .flatten()
        .and_then(|place| place.query_selector_all(CHOICES).ok())
    else {
        return Vec::new();
    };
    (0..all.length())
        .filter_map(|index| all.item(index)?.dyn_into::<HtmlElement>().ok())
        .filter(|choice| choice.offset_parent().is_some())
        .collect()
}

/// Goes to where a key leads, if it leads anywhere. Arrows change a field's own value.
fn walk(place: NodeRef<html::Div>, event: &KeyboardEvent) -> bool {
    let choices = choices(place);
    let focus = document().active_element();
    let at = choices
        .iter()
        .position(|choice| focus.as_ref() == Some(choice.as_ref()));
    let is_field = focus.is_some_and(|focus| {
        focus.tag_name() == "INPUT" && focus.get_attribute("type").as_deref() != Some("checkbox")
    });
    let last = choices.len().saturating_sub(1);
    let to = match event.key().as_str() {
        _ if is_field => return false,
        "ArrowDown" => at.map_or(0, |at| if at == last { 0 } else { at + 1 }),
        "ArrowUp" => at.map_or(last, |at| at.checked_sub(1).unwrap_or(last)),
        "Home" => 0,
        "End" => last,
        _ => return false,
    };
    choices.get(to).is_some_and(|choice| choice.focus().is_ok())
}
