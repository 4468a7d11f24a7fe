//! What this device keeps across restarts of the worker, in IndexedDB: messages being written, mail, bodies.
//!
//! Where the browser refuses IndexedDB (a private window of some browsers), nothing is kept and nothing fails: the server
//! has it all.

pub mod bodies;
pub mod claims;
pub mod drafts;
pub mod mail;
mod room;

use std::cell::{Cell, RefCell};

use js_sys::{Promise, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest, IdbTransactionMode};

use crate::handle;

const DATABASE: &str = "roost";
/// Raised when the stores change. Mail is then fetched anew; drafts stay.
const VERSION: u32 = 2;
/// Drafts by account and id, each a postcard-encoded [`roost_engine::KeptDraft`].
const DRAFTS: &str = "drafts";
/// What is known of an account and its mailboxes (`mail`).
const MAIL: &str = "mail";
/// Bodies in the order in which they came (`bodies`).
const BODIES: &str = "bodies";

thread_local! {
    /// The database, as soon as it is open.
    static OPENED: RefCell<Option<Promise>> = const { RefCell::new(None) };
    /// How often everything was removed.
    static WIPED: Cell<u32> = const { Cell::new(0) };
}

/// How often everything was removed: what was under way before is not to be kept.
pub fn wiped() -> u32 {
    WIPED.get()
}

/// Opens the database and gives the engine what was kept.
pub fn start() {
    open_anew();
    spawn_local(async { handle(mail::recall().await) });
    drafts::recall();
}

fn open_anew() {
    OPENED.set(open().ok());
}

/// Whether this worker is the one that keeps mail (`public/worker-loader.js`).
async fn keeps() -> bool {
    let promise = js_sys::Reflect::get(&js_sys::global(), &"roostKeeps".into());
    match promise.and_then(JsCast::dyn_into::<Promise>) {
        Ok(promise) => JsFuture::from(promise)
            .await
            .is_ok_and(|keeps| keeps.is_truthy()),
        Err(_) => false,
    }
}

/// Waits until what was to be written is.
pub async fn written() {
    room::Turn::of(MAIL).await;
    room::Turn::of(DRAFTS).await;
}

/// Keeps no mail of anybody any more.
async fn wipe() {
    WIPED.set(WIPED.get() + 1);
    for name in [MAIL, BODIES] {
        if let Ok(store) = store(name, IdbTransactionMode::Readwrite).await {
            let _ = store.clear();
        }
    }
}

async fn database() -> Result<IdbDatabase, JsValue> {
    let opened = OPENED.with_borrow(Clone::clone).ok_or(JsValue::NULL)?;
    Ok(JsFuture::from(opened).await?.unchecked_into())
}

async fn store(name: &str, mode: IdbTransactionMode) -> Result<IdbObjectStore, JsValue> {
    database()
        .await?
        .transaction_with_str_and_mode(name, mode)?
        .object_store(name)
}

fn open() -> Result<Promise, JsValue> {
    let factory: IdbFactory =
        js_sys::Reflect::get(&js_sys::global(), &"indexedDB".into())?.dyn_into()?;
    let request = factory.open_with_u32(DATABASE, VERSION)?;
    let upgrading = request.clone();
    let upgrade = Closure::once_into_js(move || {
        if let Ok(database) = upgrading.result() {
            let database: IdbDatabase = database.unchecked_into();
            // Those that are there already refuse, and stay as they are.
            let _ = database.create_object_store(DRAFTS);
            let _ = database.create_object_store(MAIL);
            let _ = bodies::create(&database);
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

async fn get(store: &IdbObjectStore, key: &str) -> Option<Vec<u8>> {
    let found = JsFuture::from(settled(&store.get(&key.into()).ok()?))
        .await
        .ok()?;
    Some(found.dyn_ref::<Uint8Array>()?.to_vec())
}

/// What was kept; `None` for nothing, and for what another version kept and this one cannot read.
fn decode<T: DeserializeOwned>(value: &JsValue) -> Option<T> {
    let bytes = value.dyn_ref::<Uint8Array>()?.to_vec();
    postcard::from_bytes(&bytes).ok()
}

fn encode<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let bytes = postcard::to_stdvec(value).map_err(|_| JsValue::NULL)?;
    Ok(Uint8Array::from(bytes.as_slice()).into())
}
