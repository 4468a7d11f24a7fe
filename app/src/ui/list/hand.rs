//! What a hand does in the list: clicks, drags and, on a phone, swipes; right archives, left deletes. Heard once for all
//! rows: listeners and signals for each would be most of what a row costs.

use leptos::prelude::*;
use roost_engine::{Action, ListView, Target};
use roost_wire::Uid;
use wasm_bindgen::JsCast as _;
use web_sys::{DragEvent, Element, Event, HtmlElement, MouseEvent, TouchEvent};

use crate::ui::icon::Icon;
use crate::ui::live::{memo, shown};
use crate::ui::state::Ui;

/// How far a finger must go for the action, in pixels.
const FAR_ENOUGH: i32 = 96;
/// How far before it counts as a swipe rather than a scroll.
const STARTS: i32 = 12;

/// The `id` of a row's element.
pub fn row_id(uid: Uid) -> String {
    format!("row-{uid}")
}

fn uid_of(row: &Element) -> Option<Uid> {
    row.id().strip_prefix("row-")?.parse().ok()
}

/// The element an event is about, and the row around it.
fn aimed_at(event: &Event) -> Option<(Element, Element)> {
    let target: Element = event.target()?.dyn_into().ok()?;
    let row = target.closest("[role=row]").ok()??;
    Some((target, row))
}

pub fn click(ui: Ui, event: &MouseEvent) {
    let Some((target, row)) = aimed_at(event) else {
        return;
    };
    let Some(uid) = uid_of(&row) else { return };
    let inside = |selector| target.closest(selector).ok().flatten();
    if let Some(star) = inside(".star") {
        // What is seen is what is meant.
        let starred = star.get_attribute("aria-pressed").as_deref() == Some("true");
        ui.act_on(Target::Uids(vec![uid]), Action::Starred(!starred));
    } else if event.shift_key() {
        ui.select_to(uid);
    } else if event.ctrl_key() || event.meta_key() || inside(".select input").is_some() {
        ui.toggle(uid);
    } else {
        ui.open(uid);
    }
}

/// What is dragged: the page, and the message's UID.
const DRAGGED: &str = "text/x-roost-uid";

/// A number of this page: a row of another window is of another mailbox, or account.
fn page() -> f64 {
    thread_local! { static PAGE: f64 = js_sys::Math::random(); }
    PAGE.with(|page| *page)
}

/// The message that was dragged here, from this page.
pub fn dropped(event: &DragEvent) -> Option<Uid> {
    let data = event.data_transfer()?.get_data(DRAGGED).ok()?;
    let (from, uid) = data.split_once(' ')?;
    (from == page().to_string()).then(|| uid.parse().ok())?
}

pub fn drag_start(event: &DragEvent) {
    let row = aimed_at(event).and_then(|(_, row)| uid_of(&row));
    if let (Some(uid), Some(data)) = (row, event.data_transfer()) {
        let _ = data.set_data(DRAGGED, &format!("{} {uid}", page()));
        data.set_effect_allowed("move");
    }
}

/// The row under a finger.
struct Swiped {
    uid: Uid,
    row: HtmlElement,
    from: (i32, i32),
    /// How far the row is moved aside, in pixels; `None` until it is a swipe.
    offset: Option<i32>,
}

/// What lies under a row that is moved aside.
#[derive(Clone, Copy, PartialEq)]
struct Uncovered {
    uid: Uid,
    /// Where the row begins, in pixels.
    top: i32,
    right: bool,
}

/// The list's swipe.
#[derive(Clone, Copy)]
pub struct Swiping {
    swiped: StoredValue<Option<Swiped>, LocalStorage>,
    uncovered: RwSignal<Option<Uncovered>>,
}

impl Swiping {
    pub fn new() -> Self {
        Self {
            swiped: StoredValue::new_local(None),
            uncovered: RwSignal::new(None),
        }
    }

    pub fn touch_start(self, event: &TouchEvent) {
        self.touch_end();
        let swiped = || {
            let (_, row) = aimed_at(event)?;
            Some(Swiped {
                uid: uid_of(&row)?,
                row: row.dyn_into().ok()?,
                from: place(event)?,
                offset: None,
            })
        };
        self.swiped.set_value(swiped());
    }

    pub fn touch_move(self, event: &TouchEvent) {
        let Some((x, y)) = place(event) else { return };
        self.swiped.update_value(|swiped| {
            let Some(under) = swiped else { return };
            let (dx, dy) = (x - under.from.0, y - under.from.1);
            if under.offset.is_some() || (dx.abs() > STARTS && dx.abs() > 2 * dy.abs()) {
                under.offset = Some(dx);
                move_aside(&under.row, dx);
                let uncovered = Uncovered {
                    uid: under.uid,
                    top: under.row.offset_top(),
                    right: dx > 0,
                };
                if self.uncovered.get_untracked() != Some(uncovered) {
                    self.uncovered.set(Some(uncovered));
                }
            } else if dy.abs() > STARTS {
                *swiped = None;
            }
        });
    }

    /// Ends the swipe; the row and what is to be done with it, if it went far enough.
    pub fn touch_end(self) -> Option<(Uid, Action)> {
        let Swiped {
            uid, row, offset, ..
        } = self.swiped.try_update_value(Option::take)??;
        let offset = offset?;
        move_aside(&row, 0);
        self.uncovered.set(None);
        if offset > FAR_ENOUGH {
            Some((uid, Action::Archive))
        } else if offset < -FAR_ENOUGH {
            Some((uid, Action::Delete))
        } else {
            None
        }
    }

    /// Says what the swipe leads to, under the row.
    pub fn hint(self, list: RwSignal<Option<ListView>>) -> impl IntoView {
        // Where another device takes a row away from under a finger, nobody hears of the finger's end.
        let uncovered = memo(move || {
            let uncovered = self.uncovered.get()?;
            let is_there = list.with(|list| {
                let mut rows = list.iter().flat_map(|list| &list.rows).flatten();
                rows.any(|row| row.uid == uncovered.uid)
            });
            is_there.then_some(uncovered)
        });
        shown(move || {
            uncovered.get().map(|Uncovered { top, right, .. }| {
                view! {
                    <span class="swipe-hint" class:right=right style:top=format!("{top}px") aria-hidden="true">
                        {Icon::Archive.draw()}{Icon::Trash.draw()}
                    </span>
                }
            })
        })
    }
}

fn place(event: &TouchEvent) -> Option<(i32, i32)> {
    let touch = event.touches().get(0)?;
    Some((touch.client_x(), touch.client_y()))
}

/// Moves what a row shows by so many pixels.
fn move_aside(row: &Element, offset: i32) {
    let content = row.query_selector(".content").ok().flatten();
    if let Some(content) = content.and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
        let style = content.style();
        let _ = match offset {
            0 => style.remove_property("transform").map(drop),
            _ => style.set_property("transform", &format!("translateX({offset}px)")),
        };
    }
}
