//! The rest of the app's module, which the browser fetches once the inbox shows (ARCHITECTURE.md, "Two halves of one
//! module"). Nothing but these calls knows of it: `cargo xtask app` decides what goes there.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = roostRest, js_name = prepare)]
    fn prepare_with(exports: &JsValue);
    /// Fetches the rest in the background. Does nothing when it is there or on its way.
    #[wasm_bindgen(js_namespace = roostRest)]
    pub fn soon();
    /// Resolves when the rest is there. For what needs it at the start: a worker that is ended while it waits in [`now`]
    /// would keep its locks.
    #[wasm_bindgen(js_namespace = roostRest)]
    pub fn ready() -> js_sys::Promise;
    #[wasm_bindgen(js_namespace = roostRest)]
    fn now();
}

/// Before anything else: tells where the rest is to find the first half.
pub fn prepare() {
    prepare_with(&wasm_bindgen::exports());
}

/// Returns when the rest is there. Called where something of it is called before it came.
#[wasm_bindgen]
pub fn load_rest() {
    now();
}
