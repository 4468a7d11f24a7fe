//! What the engine is told of the browser it runs in: whether anybody looks, what the line costs, how the battery is. It
//! then decides what may be fetched before anybody asks for it.

use std::time::Duration;

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::*;
use roost_engine::{Circumstances, Intent};
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use crate::ui::live::{effect, memo};
use crate::ui::state::Ui;

/// Not charging and below this, a battery runs low.
const LOW_BATTERY: f64 = 0.2;
/// When the battery is asked for: not before the inbox shows.
const LATER: Duration = Duration::from_secs(3);

/// Tells now, and whenever something of it changes.
pub fn tell(ui: Ui) {
    let visible = RwSignal::new(!document().hidden());
    let metered = RwSignal::new(is_metered());
    let saving = RwSignal::new(false);
    let listener = window_event_listener_untyped("visibilitychange", move |_| {
        visible.set(!document().hidden());
    });
    on_cleanup(move || listener.remove());
    if let Some(connection) = property(&window().navigator(), "connection") {
        hear(&connection, "change", move || metered.set(is_metered()));
    }
    set_timeout(move || watch_battery(saving), LATER);
    let now = memo(move || {
        ui.prefs.with(|prefs| Circumstances {
            visible: visible.get(),
            metered: metered.get(),
            saving: saving.get(),
            despite_metered: prefs.despite_metered,
            inbox_depth: prefs.inbox_depth,
            other_depth: prefs.other_depth,
        })
    });
    effect(move || ui.device.send(Intent::Circumstances(now.get())));
}

/// Whether the person asked the browser to save data, or the line is that of a mobile network. Not every browser tells.
fn is_metered() -> bool {
    let Some(connection) = property(&window().navigator(), "connection") else {
        return false;
    };
    property(&connection, "saveData").is_some_and(|saves| saves.is_truthy())
        || property(&connection, "type").is_some_and(|kind| kind == "cellular")
}

/// Where the browser tells of its battery.
fn watch_battery(saving: RwSignal<bool>) {
    let navigator = window().navigator();
    let ask = property(&navigator, "getBattery").and_then(|ask| ask.dyn_into::<Function>().ok());
    let Some(promise) = ask
        .and_then(|ask| ask.call0(&navigator).ok())
        .and_then(|promise| promise.dyn_into::<Promise>().ok())
    else {
        return;
    };
    let told = Closure::once(move |battery: JsValue| {
        let look = {
            let battery = battery.clone();
            move || {
                let charging = property(&battery, "charging").is_none_or(|is| is.is_truthy());
                let level = property(&battery, "level").and_then(|level| level.as_f64());
                saving.set(!charging && level.is_some_and(|level| level < LOW_BATTERY));
            }
        };
        look();
        hear(&battery, "chargingchange", look.clone());
        hear(&battery, "levelchange", look);
    });
    let _ = promise.then(&told);
    told.forget();
}

fn property(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into())
        .ok()
        .filter(|value| !value.is_undefined())
}

/// Listens for as long as the page lives.
fn hear(target: &JsValue, event: &str, then: impl Fn() + 'static) {
    let then = Closure::<dyn Fn()>::new(then);
    if let Some(target) = target.dyn_ref::<EventTarget>() {
        let _ = target.add_event_listener_with_callback(event, then.as_ref().unchecked_ref());
    }
    then.forget();
}
