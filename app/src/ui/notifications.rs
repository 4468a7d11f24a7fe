//! Desktop notifications, which not every browser has in every page.

use js_sys::Reflect;
use leptos::prelude::window;
use web_sys::{Notification, NotificationPermission};

fn are_there() -> bool {
    Reflect::has(&window(), &"Notification".into()).unwrap_or(false)
}

/// Whether one may be shown now.
pub fn allowed() -> bool {
    are_there() && Notification::permission() == NotificationPermission::Granted
}

/// Asks for leave; `false` where there is none to be had.
pub fn ask() -> bool {
    if !are_there() || Notification::permission() == NotificationPermission::Denied {
        return false;
    }
    let _ = Notification::request_permission();
    true
}
