//! Where rows are on a page that cannot be as tall as they want it to be.
//!
//! A million rows of 76 pixels are 76 million pixels; browsers lay out 16 to 33 million at most. So beyond
//! [`MAX_HEIGHT`] the scroll bar stands for more than it measures: small movements (wheel, touch, keys) move by real
//! pixels, large ones (dragging the bar, Page Down held) go to the proportional place.

use std::ops::Range;

/// The tallest the scrolled area gets, in pixels.
pub const MAX_HEIGHT: f64 = 10_000_000.0;

/// How many rows below the screen are drawn more each time.
const STEP: u32 = 8;

/// The geometry of one list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    pub row_height: f64,
    pub viewport: f64,
    pub total: u32,
    /// How far the rows' real place is ahead of the scroll bar's.
    offset: f64,
    last_top: f64,
}

impl Geometry {
    /// Of a list at its top.
    pub fn new(row_height: f64, viewport: f64) -> Self {
        Self {
            row_height,
            viewport,
            total: 0,
            offset: 0.0,
            last_top: 0.0,
        }
    }

    /// How tall all rows would be.
    fn full(&self) -> f64 {
        f64::from(self.total) * self.row_height
    }

    /// How tall the scrolled area is.
    pub fn height(&self) -> f64 {
        self.full().min(MAX_HEIGHT)
    }

    /// Takes a new scroll position in.
    pub fn scrolled(&mut self, top: f64) {
        let (height, full) = (self.height(), self.full());
        if full <= height {
            self.offset = 0.0;
        } else {
            let range = (height - self.viewport).max(1.0);
            let proportional = top * (full - self.viewport) / range - top;
            if (top - self.last_top).abs() > 2.0 * self.viewport {
                self.offset = proportional;
            } else if top < self.viewport {
                // Near the ends the two must meet, or the first and last rows could not be reached.
                self.offset = self.offset.min(proportional);
            } else if range - top < self.viewport {
                self.offset = self.offset.max(proportional);
            }
        }
        self.last_top = top;
    }

    /// The first row on screen and how many there are, partly shown ones included.
    pub fn visible(&self) -> (u32, u32) {
        let top = (self.last_top + self.offset).max(0.0);
        let first = ((top / self.row_height) as u32).min(self.total);
        let count = (self.viewport / self.row_height).ceil() as u32 + 1;
        (first, count)
    }

    /// The rows to draw next of those that are `given`, where those of `before` are drawn: what is on screen at once, and
    /// what is around it some more each time. One more above, [`STEP`] below: Leptos moves all rows when two come before
    /// them, and a click that began on one that is moved is lost.
    pub fn draw(&self, before: Range<u32>, given: Range<u32>) -> Range<u32> {
        let (first, count) = self.visible();
        let (top, bottom) = (given.start.max(first), given.end.min(first + count));
        if before.end <= top || bottom <= before.start {
            return top..bottom;
        }
        let start = before.start.saturating_sub(1).min(top).max(given.start);
        start..bottom.max(before.end + STEP).min(given.end)
    }

    /// Where in the scrolled area a row begins.
    pub fn place(&self, position: u32) -> f64 {
        f64::from(position) * self.row_height - self.offset
    }

    /// The scroll position that shows a row, `None` if it is on screen already.
    pub fn reveal(&self, position: u32) -> Option<f64> {
        let (top, bottom) = (self.place(position), self.place(position) + self.row_height);
        if top < self.last_top {
            Some(top.max(0.0))
        } else if bottom > self.last_top + self.viewport {
            Some(bottom - self.viewport)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn geometry(total: u32) -> Geometry {
        Geometry {
            total,
            ..Geometry::new(76.0, 760.0)
        }
    }

    #[wasm_bindgen_test]
    fn small_lists_are_laid_out_as_they_are() {
        let mut list = geometry(20_000);
        assert_eq!(list.height(), 1_520_000.0);
        list.scrolled(7_600.0);
        assert_eq!(list.visible(), (100, 11));
        assert_eq!(list.place(100), 7_600.0);
    }

    #[wasm_bindgen_test]
    fn what_is_on_screen_is_drawn_first_and_what_is_around_it_after() {
        let mut list = geometry(20_000);
        list.scrolled(7_600.0);
        let given = 60..151;
        let mut drawn = list.draw(0..0, given.clone());
        assert_eq!(drawn, 100..111);
        drawn = list.draw(drawn, given.clone());
        assert_eq!(drawn, 99..119);
        for _ in 0..40 {
            drawn = list.draw(drawn, given.clone());
        }
        assert_eq!(drawn, given);
        // Some rows on, those above that are not given any more go.
        list.scrolled(7_600.0 + 3.0 * 76.0);
        drawn = list.draw(drawn, 63..154);
        assert_eq!(drawn, 63..154);
        // Back, one at a time comes above, but for what is on screen.
        list.scrolled(7_600.0);
        assert_eq!(list.draw(drawn, given.clone()), 62..151);
        assert_eq!(list.draw(105..151, given), 100..151);
        // Far away, nothing is drawn before its rows are given.
        list.scrolled(760_000.0);
        assert!(list.draw(60..151, 60..151).is_empty());
        assert_eq!(list.draw(60..151, 9_960..10_051), 10_000..10_011);
    }

    #[wasm_bindgen_test]
    fn every_row_of_a_million_can_be_reached() {
        let mut list = geometry(1_000_000);
        assert_eq!(list.height(), MAX_HEIGHT);
        list.scrolled(MAX_HEIGHT - 760.0);
        let (first, count) = list.visible();
        assert!(
            first + count >= 1_000_000,
            "the last row is on screen: {first} + {count}"
        );
        list.scrolled(0.0);
        assert_eq!(list.visible().0, 0);
        list.scrolled(MAX_HEIGHT / 2.0);
        let (middle, _) = list.visible();
        assert!((499_900..=500_100).contains(&middle), "{middle}");
    }

    #[wasm_bindgen_test]
    fn the_wheel_moves_by_real_pixels_at_the_top() {
        let mut list = geometry(1_000_000);
        list.scrolled(76.0);
        assert_eq!(list.visible().0, 1);
        list.scrolled(0.0);
        assert_eq!(list.visible().0, 0);
    }

    #[wasm_bindgen_test]
    fn the_wheel_moves_by_real_pixels() {
        let mut list = geometry(1_000_000);
        list.scrolled(5_000_000.0);
        let (before, _) = list.visible();
        list.scrolled(5_000_760.0);
        assert_eq!(list.visible().0, before + 10);
    }
}
