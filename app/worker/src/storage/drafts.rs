//! Messages being written, each under its id.

use js_sys::Array;
use roost_engine::{Event, KeptDraft};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::IdbTransactionMode;

use super::{DRAFTS, claims, decode, settled, store};
use crate::handle;

/// Gives the engine what is kept and belongs to no other worker.
pub fn recall() {
    spawn_local(async {
        let kept = all().await.unwrap_or_default();
        if kept.is_empty() {
            handle(Event::Restored(kept));
        } else {
            claims::take(kept);
        }
    });
}

pub async fn all() -> Result<Vec<KeptDraft>, JsValue> {
    let store = store(DRAFTS, IdbTransactionMode::Readonly).await?;
    let found: Array = JsFuture::from(settled(&store.get_all()?))
        .await?
        .unchecked_into();
    Ok(found.iter().filter_map(|value| decode(&value)).collect())
}
