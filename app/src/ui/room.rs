//! The room that Roost takes in the browser's storage: how much, and whether the browser may take it back.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::*;
use roost_engine::{DraftPhase, Filling};
use wasm_bindgen::prelude::*;

use crate::ui::live::effect;
use crate::ui::state::Ui;

/// Asks the browser not to throw away what is kept: once there is something that exists only here, and not on a
/// computer that keeps nothing.
pub fn ask_to_persist(ui: Ui) {
    let asked = StoredValue::new(false);
    effect(move || {
        let keeps = ui
            .device
            .session
            .with(|session| session.filling != Filling::Nothing);
        let writes = ui.device.drafts.with(|drafts| {
            drafts
                .iter()
                .any(|draft| draft.phase != DraftPhase::Untouched)
        });
        if keeps && writes && !asked.get_value() {
            asked.set_value(true);
            let _ = storage_call("persist", |_| {});
        }
    });
}

/// How many bytes are in use, as far as the browser tells.
pub fn measure(bytes: RwSignal<Option<f64>>) {
    let _ = storage_call("estimate", move |estimate| {
        let usage = Reflect::get(&estimate, &"usage".into()).ok();
        bytes.set(usage.and_then(|usage| usage.as_f64()));
    });
}

/// Calls a method of the browser's `StorageManager`, which only pages over HTTPS or of this machine have.
fn storage_call(method: &str, then: impl FnOnce(JsValue) + 'static) -> Result<(), JsValue> {
    let manager = Reflect::get(&window().navigator(), &"storage".into())?;
    let promise: Promise = Reflect::get(&manager, &method.into())?
        .dyn_into::<Function>()?
        .call0(&manager)?
        .dyn_into()?;
    let then = Closure::once(then);
    let _ = promise.then(&then);
    then.forget();
    Ok(())
}

/// `1.2 GB`, `34 MB`.
pub fn readable(bytes: f64) -> String {
    let megabytes = bytes / 1_000_000.0;
    if megabytes >= 1_000.0 {
        format!("{:.1} GB", megabytes / 1_000.0)
    } else if megabytes >= 1.0 {
        format!("{megabytes:.0} MB")
    } else {
        "less than 1 MB".to_owned()
    }
}
