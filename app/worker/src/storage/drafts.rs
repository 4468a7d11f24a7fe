//! Messages being written, each under its id.

use js_sys::Array;
use roost_engine::{Event, KeptDraft};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::IdbTransactionMode;

use super::{DRAFTS, decode, encode, settled, store};
use crate::handle;

/// Gives the engine all that is kept.
pub fn recall() {
    spawn_local(async {
        let kept = all().await.unwrap_or_default();
        handle(Event::Restored(kept));
    });
}

pub fn keep(draft: &KeptDraft) {
    let Some(value) = encode(draft) else {
        return;
    };
    let id = draft.message.id.clone();
    spawn_local(async move {
        if let Ok(store) = store(DRAFTS, IdbTransactionMode::Readwrite).await {
            let _ = store.put_with_key(&value, &id.into());
        }
    });
}

pub fn forget(id: String) {
    spawn_local(async move {
        if let Ok(store) = store(DRAFTS, IdbTransactionMode::Readwrite).await {
            let _ = store.delete(&id.into());
        }
    });
}

async fn all() -> Result<Vec<KeptDraft>, JsValue> {
    let store = store(DRAFTS, IdbTransactionMode::Readonly).await?;
    let found: Array = JsFuture::from(settled(&store.get_all()?))
        .await?
        .unchecked_into();
    Ok(found.iter().filter_map(|value| decode(&value)).collect())
}
