//! Writing where there may be no room: bodies make some, of the oldest the largest first, and it is written again. Nothing
//! else is ever removed for that: messages being written, changes and summaries exist only here, or are what is shown without
//! a line.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbObjectStore, IdbTransactionMode};

use super::{bodies, store};

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no store to write to.
    Closed,
    /// There is no room, and nothing is left that could make some.
    Full,
    /// The browser could not.
    Broken,
}

thread_local! {
    /// The end of the last write to each store.
    static LAST: RefCell<HashMap<&'static str, Promise>> = RefCell::default();
}

/// The right to write to a store: what is written again must not overwrite what was written after it.
pub struct Turn(Option<Function>);

impl Turn {
    /// Waits for those who asked before. They are known from the first poll on.
    pub async fn of(name: &'static str) -> Self {
        let mut end = None;
        let ended = Promise::new(&mut |resolve, _| end = Some(resolve));
        let before = LAST.with_borrow_mut(|last| last.insert(name, ended));
        let turn = Self(end);
        if let Some(before) = before {
            let _ = JsFuture::from(before).await;
        }
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            let _ = end.call0(&JsValue::NULL);
        }
    }
}

/// Writes in one transaction, and again as long as there is no room and bodies can make some.
pub async fn write(
    name: &'static str,
    put: impl Fn(&IdbObjectStore) -> Result<(), JsValue>,
) -> Result<(), Failure> {
    loop {
        match attempt(name, &put).await {
            Err(Failure::Full) if bodies::make_room().await => {}
            done => return done,
        }
    }
}

/// Writes in one transaction, whole or not at all.
pub async fn attempt(
    name: &'static str,
    put: impl Fn(&IdbObjectStore) -> Result<(), JsValue>,
) -> Result<(), Failure> {
    let store = store(name, IdbTransactionMode::Readwrite)
        .await
        .map_err(|_| Failure::Closed)?;
    let transaction = store.transaction();
    let ended = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    // Not left to the browser: a worker that ends before it commits would take all of it back.
    #[expect(
        deprecated,
        reason = "by web-sys alone: the Indexed Database API 3.0 has it, and all browsers"
    )]
    let _ = match put(&store) {
        Ok(()) => transaction.commit(),
        Err(_) => transaction.abort(),
    };
    if JsFuture::from(ended).await.is_ok() {
        return Ok(());
    }
    let why = transaction.error().map(|error| error.name());
    Err(match why.as_deref() {
        Some("QuotaExceededError") => Failure::Full,
        _ => Failure::Broken,
    })
}
