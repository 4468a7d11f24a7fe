//! What this device keeps across restarts of the worker, in IndexedDB: messages being written, each under its id.
//!
//! Where the browser refuses IndexedDB (a private window of some browsers), nothing is kept and nothing fails: the
//! draft on the server is there all the same.

use std::cell::RefCell;

use js_sys::{Array, Promise, Uint8Array};
use roost_engine::{Event, KeptDraft};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest, IdbTransactionMode};

use crate::handle;

const DATABASE: &str = "roost";
/// Raised when the stores change.
const VERSION: u32 = 1;
/// Drafts by account and id, each a postcard-encoded [`KeptDraft`].
const DRAFTS: &str = "drafts";

thread_local! {
    /// The database, as soon as it is open.
    static OPENED: RefCell<Option<Promise>> = const { RefCell::new(None) };
}

/// Opens the database and gives the engine what was kept.
pub fn start() {
    let opened = open();
    OPENED.set(opened.ok());
    recall();
}

/// Gives the engine all that is kept.
pub fn recall() {
    spawn_local(async {
        let kept = all().await.unwrap_or_default();
        handle(Event::Restored(kept));
    });
}

pub fn keep(draft: &KeptDraft) {
    let Ok(bytes) = postcard::to_stdvec(draft) else {
        return;
    };
    let id = draft.message.id.clone();
    spawn_local(async move {
        let store = store(IdbTransactionMode::Readwrite).await;
        if let Ok(store) = store {
            let _ = store.put_with_key(&Uint8Array::from(bytes.as_slice()), &id.into());
        }
    });
}

pub fn forget(id: String) {
    spawn_local(async move {
        if let Ok(store) = store(IdbTransactionMode::Readwrite).await {
            let _ = store.delete(&id.into());
        }
    });
}

async fn all() -> Result<Vec<KeptDraft>, JsValue> {
    let store = store(IdbTransactionMode::Readonly).await?;
    let found: Array = JsFuture::from(settled(&store.get_all()?))
        .await?
        .unchecked_into();
    Ok(found
        .iter()
        // What another version kept and this one cannot read stays where it is.
        .filter_map(|value| postcard::from_bytes(&Uint8Array::new(&value).to_vec()).ok())
        .collect())
}

async fn store(mode: IdbTransactionMode) -> Result<IdbObjectStore, JsValue> {
    let opened = OPENED.with_borrow(Clone::clone).ok_or(JsValue::NULL)?;
    let database: IdbDatabase = JsFuture::from(opened).await?.unchecked_into();
    database
        .transaction_with_str_and_mode(DRAFTS, mode)?
        .object_store(DRAFTS)
}

fn open() -> Result<Promise, JsValue> {
    let factory: IdbFactory =
        js_sys::Reflect::get(&js_sys::global(), &"indexedDB".into())?.dyn_into()?;
    let request = factory.open_with_u32(DATABASE, VERSION)?;
    let upgrading = request.clone();
    let upgrade = Closure::once_into_js(move || {
        if let Ok(database) = upgrading.result() {
            let database: IdbDatabase = database.unchecked_into();
            let _ = database.create_object_store(DRAFTS);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
    Ok(settled(&request))
}

/// The request's result as a promise.
fn settled(request: &IdbRequest) -> Promise {
    Promise::new(&mut |resolve, reject| {
        let done = request.clone();
        let success = Closure::once_into_js(move || {
            let result = done.result().unwrap_or(JsValue::NULL);
            let _ = resolve.call1(&JsValue::NULL, &result);
        });
        request.set_onsuccess(Some(success.unchecked_ref()));
        request.set_onerror(Some(&reject));
    })
}
