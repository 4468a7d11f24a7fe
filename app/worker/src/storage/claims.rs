//! Which worker of the browser a message being written belongs to. Without shared workers, and while an old version ends,
//! there are several: each leaves alone what another one has (`public/worker-loader.js`).

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Promise};
use roost_engine::{Event, KeptDraft};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::IdbObjectStore;

use super::drafts::all;
use super::room::{self, Failure, Turn};
use super::{DRAFTS, encode};
use crate::{after, handle};

/// How long a worker that is just ending is waited for.
const ENDING_MS: u32 = 1_000;

#[wasm_bindgen]
extern "C" {
    /// Whether the message belongs to this worker from now on.
    #[wasm_bindgen(js_namespace = roostDrafts, js_name = claim)]
    fn claim(id: &str, wait: bool) -> Promise;
    #[wasm_bindgen(js_namespace = roostDrafts, js_name = release)]
    fn release(id: &str);
}

/// Gives the engine those that belong to nobody else; and what belongs to others once they have ended.
pub fn take(kept: Vec<KeptDraft>) {
    let own = Rc::new(RefCell::new(Some(Vec::new())));
    let claims: Array = kept
        .into_iter()
        .map(|draft| claimed(draft.message.id, Rc::clone(&own)))
        .collect();
    let give = move || {
        if let Some(own) = own.take() {
            give(own);
        }
    };
    after(ENDING_MS, give.clone());
    spawn_local(async move {
        let _ = JsFuture::from(Promise::all(&claims)).await;
        give();
    });
}

/// Resolves once the draft is this worker's: it is given together with the others, or by itself if that was before.
fn claimed(id: String, together: Rc<RefCell<Option<Vec<String>>>>) -> Promise {
    let claim = claim(&id, true);
    future_to_promise(async move {
        JsFuture::from(claim).await?;
        match together.borrow_mut().as_mut() {
            Some(own) => own.push(id),
            None => give(vec![id]),
        }
        Ok(JsValue::UNDEFINED)
    })
}

/// Gives the engine these, as they are by now.
fn give(ids: Vec<String>) {
    spawn_local(async move {
        let mut kept = all().await.unwrap_or_default();
        kept.retain(|draft| ids.contains(&draft.message.id));
        for id in &ids {
            if !kept.iter().any(|draft| draft.message.id == *id) {
                release(id);
            }
        }
        handle(Event::Restored(kept));
    });
}

/// Whether it belongs to this worker.
async fn is_own(id: &str) -> bool {
    let claim = JsFuture::from(claim(id, false)).await;
    claim.is_ok_and(|own| own.is_truthy())
}

pub fn keep(draft: &KeptDraft) {
    let Ok(value) = encode(draft) else {
        return;
    };
    let id = draft.message.id.clone();
    spawn_local(async move {
        let _turn = Turn::of(DRAFTS).await;
        if !is_own(&id).await {
            return;
        }
        let key = JsValue::from(id);
        let put = |store: &IdbObjectStore| store.put_with_key(&value, &key).map(drop);
        let written = room::write(DRAFTS, put).await;
        if let Err(Failure::Full | Failure::Broken) = written {
            handle(Event::DraftNotKept);
        }
    });
}

pub fn forget(id: String) {
    spawn_local(async move {
        let _turn = Turn::of(DRAFTS).await;
        if is_own(&id).await {
            let key = JsValue::from(&id);
            let _ = room::attempt(DRAFTS, |store| store.delete(&key).map(drop)).await;
            release(&id);
        }
    });
}
