//! What the workers of one browser tell each other. Without shared workers, and while an old version ends, there are several.

use roost_engine::Event;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, MessageEvent, SharedWorkerGlobalScope};

use crate::{WORKER, handle, scope, storage};

const CHANNEL: &str = "roost-workers";
/// What `worker-loader.js` says when a worker starts.
const HERE: &str = "here";

thread_local! {
    static OTHERS: Option<BroadcastChannel> = BroadcastChannel::new(CHANNEL).ok();
}

/// Hears what others say from now on.
pub fn listen() {
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        let said = event.data().as_string().unwrap_or_default();
        if said == HERE {
            spawn_local(end_without_tabs());
        } else if let Some((keep, account)) = said.split_once(' ') {
            handle(Event::LeftElsewhere {
                account: account.to_owned(),
                keep: keep == "keep",
            });
        }
    });
    OTHERS.with(|others| {
        if let Some(others) = others {
            others.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        }
    });
    heard.forget();
}

/// A worker that the browser lets live on after its last page holds what another needs: the mail, messages being written. It
/// ends once everything is written.
async fn end_without_tabs() {
    let has_tabs = || WORKER.with_borrow(|worker| !worker.ports.is_empty());
    if has_tabs() {
        return;
    }
    storage::written().await;
    if let Ok(scope) = scope().dyn_into::<SharedWorkerGlobalScope>()
        && !has_tabs()
    {
        scope.close();
    }
}

/// Says that a person signed out, and whether what is kept of them stays.
pub fn say_left(account: String, keep: bool) {
    let what = if keep { "keep" } else { "remove" };
    OTHERS.with(|others| {
        if let Some(others) = others {
            let _ = others.post_message(&format!("{what} {account}").into());
        }
    });
}
