//! Bodies that were read or fetched ahead, by their address and the build that made them. The oldest go first.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    IdbDatabase, IdbIndexParameters, IdbKeyRange, IdbObjectStoreParameters, IdbTransactionMode,
};

use super::{BODIES, settled, store};

/// How many bodies are kept.
const MAX_BODIES: f64 = 3_000.0;
/// Larger ones are fetched again each time.
const MAX_SIZE: usize = 1024 * 1024;
const BY_ADDRESS: &str = "address";

/// Makes the store: numbered in the order in which bodies come, found by address.
pub fn create(database: &IdbDatabase) -> Result<(), JsValue> {
    let numbered = IdbObjectStoreParameters::new();
    numbered.set_auto_increment(true);
    let store = database.create_object_store_with_optional_parameters(BODIES, &numbered)?;
    let once = IdbIndexParameters::new();
    once.set_unique(true);
    store.create_index_with_str_and_optional_parameters(BY_ADDRESS, BY_ADDRESS, &once)?;
    Ok(())
}

/// A body is what one build of the gateway made of a message: another may make it safer.
fn address(url: &str) -> JsValue {
    format!("{}{url}", crate::BUILD).into()
}

pub async fn find(url: &str) -> Option<Vec<u8>> {
    let store = store(BODIES, IdbTransactionMode::Readonly).await.ok()?;
    let request = store.index(BY_ADDRESS).ok()?.get(&address(url)).ok()?;
    let found = JsFuture::from(settled(&request)).await.ok()?;
    let bytes = Reflect::get(&found, &"bytes".into()).ok()?;
    Some(bytes.dyn_ref::<Uint8Array>()?.to_vec())
}

pub fn keep(url: &str, bytes: &[u8]) {
    if bytes.len() > MAX_SIZE {
        return;
    }
    let value = Object::new();
    let _ = Reflect::set(&value, &BY_ADDRESS.into(), &address(url));
    let _ = Reflect::set(&value, &"bytes".into(), &Uint8Array::from(bytes));
    spawn_local(async move {
        let Ok(store) = store(BODIES, IdbTransactionMode::Readwrite).await else {
            return;
        };
        let Ok(request) = store.add(&value) else {
            return;
        };
        let Ok(number) = JsFuture::from(settled(&request)).await else {
            return;
        };
        let oldest = number.as_f64().unwrap_or_default() - MAX_BODIES;
        if oldest > 0.0
            && let Ok(range) = IdbKeyRange::upper_bound(&oldest.into())
        {
            let _ = store.delete(&range);
        }
    });
}

/// Makes room.
pub fn clear() {
    spawn_local(async {
        if let Ok(store) = store(BODIES, IdbTransactionMode::Readwrite).await {
            let _ = store.clear();
        }
    });
}
