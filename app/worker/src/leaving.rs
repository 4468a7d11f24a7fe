//! Signing out: a page that sees it loads itself anew, and ends this worker if it was the last. So it sees it once what must
//! outlive the worker does: that the person left is written, and the gateway has heard of it. Else the cookie, which no page
//! can read, would sign them in again.

use js_sys::{Array, Promise};
use roost_engine::{Stage, TabId, View};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

use crate::{WORKER, after, http, show, storage};

/// How long a page waits at most: for a gateway that hangs, or a disk.
const LIMIT_MS: u32 = 2_000;

#[derive(Default)]
pub struct Leaving {
    /// Ends when the gateway has been told, or could not be.
    told: Option<Promise>,
    /// What the tabs see next, in its order, from the moment in which one is to see that nobody is signed in.
    held: Option<Vec<(TabId, Vec<View>)>>,
}

/// Tells the gateway.
pub fn tell() {
    let told = http::sign_out();
    WORKER.with_borrow_mut(|worker| worker.leaving.told = Some(told));
}

/// The views, unless they have to wait.
pub fn passes(tab: TabId, views: Vec<View>) -> Option<Vec<View>> {
    let leaves = |view: &View| {
        let View::Session(session) = view else {
            return false;
        };
        matches!(session.stage, Stage::SignedOut { expired: false, .. })
    };
    WORKER.with_borrow_mut(|worker| {
        let Leaving { told, held } = &mut worker.leaving;
        if let Some(held) = held {
            held.push((tab, views));
            return None;
        }
        if !views.iter().any(leaves) {
            return Some(views);
        }
        let Some(told) = told.take() else {
            return Some(views);
        };
        *held = Some(vec![(tab, views)]);
        spawn_local(release(told));
        None
    })
}

async fn release(told: Promise) {
    let outlives = future_to_promise(async {
        storage::written().await;
        JsFuture::from(told).await
    });
    let limit = Promise::new(&mut |resolve, _| {
        after(LIMIT_MS, move || drop(resolve.call0(&JsValue::NULL)));
    });
    let _ = JsFuture::from(Promise::race(&Array::of2(&outlives, &limit))).await;
    let held = WORKER.with_borrow_mut(|worker| worker.leaving.held.take());
    for (tab, views) in held.into_iter().flatten() {
        show(tab, &views);
    }
}
