//! Bodies that were read or fetched ahead, by their address and the build that made them. The oldest go first.

use std::cell::RefCell;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use roost_engine::ContentAddress;
use roost_wire::{Body, Uid};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    IdbCursor, IdbCursorWithValue, IdbDatabase, IdbIndexParameters, IdbKeyRange, IdbObjectStore,
    IdbObjectStoreParameters, IdbTransactionMode,
};

use super::room::{self, Failure};
use super::{BODIES, decode, settled, store};

/// How many bodies are kept.
const MAX_BODIES: f64 = 3_000.0;
/// Larger ones are fetched again each time.
const MAX_SIZE: usize = 1024 * 1024;
/// Among how many of the oldest those are chosen that make room.
const LOOKED_AT: usize = 256;
/// How the address of a body ends that is kept: without images of other hosts.
const WITHOUT_IMAGES: &str = "&images=0";
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

/// What the addresses of a mailbox's bodies begin with; their UID follows.
fn addresses(account: &str, mailbox: &str, uidvalidity: u32) -> String {
    let of = ContentAddress {
        account: account.to_owned(),
        mailbox: mailbox.to_owned(),
        uidvalidity,
        uid: 0,
    };
    let url = of.url("body");
    format!("{}{}", crate::BUILD, url.trim_end_matches('0'))
}

/// The UIDs of a mailbox's bodies that are kept.
pub async fn list(account: &str, mailbox: &str, uidvalidity: u32) -> Result<Vec<Uid>, JsValue> {
    let addresses = addresses(account, mailbox, uidvalidity);
    let all = IdbKeyRange::bound(
        &addresses.as_str().into(),
        &format!("{addresses}\u{ffff}").into(),
    )?;
    let store = store(BODIES, IdbTransactionMode::Readonly).await?;
    let request = store.index(BY_ADDRESS)?.open_key_cursor_with_range(&all)?;
    let mut uids = Vec::new();
    loop {
        let cursor = JsFuture::from(settled(&request)).await?;
        let Some(cursor) = cursor.dyn_ref::<IdbCursor>() else {
            return Ok(uids);
        };
        let key = cursor.key()?.as_string().unwrap_or_default();
        let uid = key
            .strip_prefix(&addresses)
            .and_then(|rest| rest.strip_suffix(WITHOUT_IMAGES));
        uids.extend(uid.and_then(|uid| uid.parse::<Uid>().ok()));
        cursor.continue_()?;
    }
}

/// Those of these bodies that there are.
pub async fn read(
    account: &str,
    mailbox: &str,
    uidvalidity: u32,
    uids: &[Uid],
) -> Result<Vec<(Uid, Body)>, JsValue> {
    let addresses = addresses(account, mailbox, uidvalidity);
    let store = store(BODIES, IdbTransactionMode::Readonly).await?;
    let index = store.index(BY_ADDRESS)?;
    // All are asked for at once: a transaction ends as soon as nothing is asked of it.
    let asked = Array::new();
    for uid in uids {
        let key = format!("{addresses}{uid}{WITHOUT_IMAGES}");
        asked.push(&settled(&index.get(&key.into())?));
    }
    let found: Array = JsFuture::from(Promise::all(&asked)).await?.unchecked_into();
    let bodies = uids.iter().zip(found.iter()).filter_map(|(uid, found)| {
        let bytes = Reflect::get(&found, &"bytes".into()).ok()?;
        Some((*uid, decode(&bytes)?))
    });
    Ok(bodies.collect())
}

pub fn keep(url: &str, bytes: &[u8]) {
    if bytes.len() > MAX_SIZE {
        return;
    }
    let value = Object::new();
    let _ = Reflect::set(&value, &BY_ADDRESS.into(), &address(url));
    let _ = Reflect::set(&value, &"bytes".into(), &Uint8Array::from(bytes));
    spawn_local(async move {
        let number = RefCell::new(None);
        let add = |store: &IdbObjectStore| {
            number.replace(Some(store.add(&value)?));
            Ok(())
        };
        // What was read last is worth more than the oldest, but not than all of them.
        if room::attempt(BODIES, add).await == Err(Failure::Full) && make_room().await {
            let _ = room::attempt(BODIES, add).await;
        }
        let number = number.take().and_then(|request| request.result().ok());
        let oldest = number
            .and_then(|number| number.as_f64())
            .unwrap_or_default()
            - MAX_BODIES;
        if oldest > 0.0
            && let Ok(range) = IdbKeyRange::upper_bound(&oldest.into())
        {
            let _ = room::attempt(BODIES, |store| store.delete(&range).map(drop)).await;
        }
    });
}

/// Removes some bodies: of the oldest, the largest. Whether there were any.
pub async fn make_room() -> bool {
    let Ok(mut sizes) = oldest().await else {
        return false;
    };
    let half = sizes.iter().map(|(_, size)| size).sum::<u32>() / 2;
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut freed = 0;
    let gone: Vec<JsValue> = sizes
        .into_iter()
        .take_while(|(_, size)| {
            let more = freed <= half;
            freed += size;
            more
        })
        .map(|(number, _)| number)
        .collect();
    let delete = |store: &IdbObjectStore| {
        gone.iter()
            .try_for_each(|number| store.delete(number).map(drop))
    };
    !gone.is_empty() && room::attempt(BODIES, delete).await.is_ok()
}

/// The numbers of the oldest bodies and how large they are. Read one after the other: together they may be larger than memory.
async fn oldest() -> Result<Vec<(JsValue, u32)>, JsValue> {
    let store = store(BODIES, IdbTransactionMode::Readonly).await?;
    let request = store.open_cursor()?;
    let mut found = Vec::new();
    loop {
        let cursor = JsFuture::from(settled(&request)).await?;
        let Some(cursor) = cursor.dyn_ref::<IdbCursorWithValue>() else {
            return Ok(found);
        };
        let bytes = Reflect::get(&cursor.value()?, &"bytes".into())?;
        let size = bytes.dyn_ref::<Uint8Array>().map_or(0, Uint8Array::length);
        found.push((cursor.primary_key()?, size));
        if found.len() >= LOOKED_AT {
            return Ok(found);
        }
        cursor.continue_()?;
    }
}
