//! Roost's interface. `device` is the line to the worker; `ui` renders its views and emits intents, and knows neither
//! the socket nor the store.
//!
//! Page and worker are one WebAssembly module: what they share crosses the line once, and one cannot be of another
//! version than the other (ARCHITECTURE.md, "One module for page and worker").

mod device;
mod ui;
mod upload;

use std::time::Duration;

use leptos::prelude::set_timeout;

fn main() {
    // A release build has no room for words.
    #[cfg(debug_assertions)]
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into())
    }));
    roost_worker::rest::prepare();
    if roost_worker::is_worker() {
        roost_worker::start();
    } else {
        let device = device::Device::start();
        // A worker that was there already has answered: that is taken in first, and all is drawn at once.
        set_timeout(
            move || leptos::mount::mount_to_body(move || ui::app(device)),
            Duration::ZERO,
        );
    }
}
