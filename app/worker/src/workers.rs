//! What the workers of one browser tell each other. Without shared workers, and while an old version ends, there are several.

use roost_engine::Event;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::handle;

const CHANNEL: &str = "roost-left";

thread_local! {
    static OTHERS: Option<BroadcastChannel> = BroadcastChannel::new(CHANNEL).ok();
}

/// Hears what others say from now on.
pub fn listen() {
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        let said = event.data().as_string().unwrap_or_default();
        if let Some((keep, account)) = said.split_once(' ') {
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

/// Says that a person signed out, and whether what is kept of them stays.
pub fn say_left(account: String, keep: bool) {
    let what = if keep { "keep" } else { "remove" };
    OTHERS.with(|others| {
        if let Some(others) = others {
            let _ = others.post_message(&format!("{what} {account}").into());
        }
    });
}
