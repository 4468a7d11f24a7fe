//! Swiping a row on a phone: right archives, left deletes.

use leptos::prelude::*;
use web_sys::TouchEvent;

/// How far a finger must go for the action, in pixels.
const FAR_ENOUGH: i32 = 96;
/// How far before it counts as a swipe rather than a scroll.
const STARTS: i32 = 12;

/// Where a swipe would lead if the finger were lifted now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Swipe {
    Left,
    Right,
}

/// One row's swipe.
#[derive(Clone, Copy)]
pub struct Swiping {
    start: StoredValue<Option<(i32, i32)>>,
    /// How far the row is moved aside, in pixels.
    pub offset: RwSignal<i32>,
}

impl Swiping {
    pub fn new() -> Self {
        Self {
            start: StoredValue::new(None),
            offset: RwSignal::new(0),
        }
    }

    pub fn touch_start(self, event: &TouchEvent) {
        self.start.set_value(place(event));
    }

    pub fn touch_move(self, event: &TouchEvent) {
        let (Some((x0, y0)), Some((x, y))) = (self.start.get_value(), place(event)) else {
            return;
        };
        let (dx, dy) = (x - x0, y - y0);
        if self.offset.get_untracked() != 0 || (dx.abs() > STARTS && dx.abs() > 2 * dy.abs()) {
            self.offset.set(dx);
        } else if dy.abs() > STARTS {
            self.start.set_value(None);
        }
    }

    /// Ends the swipe and tells what it was, if it went far enough.
    pub fn touch_end(self) -> Option<Swipe> {
        let offset = self.offset.get_untracked();
        self.start.set_value(None);
        self.offset.set(0);
        if offset > FAR_ENOUGH {
            Some(Swipe::Right)
        } else if offset < -FAR_ENOUGH {
            Some(Swipe::Left)
        } else {
            None
        }
    }
}

fn place(event: &TouchEvent) -> Option<(i32, i32)> {
    let touch = event.touches().get(0)?;
    Some((touch.client_x(), touch.client_y()))
}
