//! What is known of an account: one record for it, one for each mailbox, one for each page of summaries.

use js_sys::{Array, Promise};
use roost_engine::{Effect, Event, KeptAccount, KeptPage, Presence, Record};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbKeyRange, IdbObjectStore, IdbTransactionMode};

use super::room::{self, Failure, Turn};
use super::{MAIL, bodies, decode, encode, get, keeps, settled, store};

const ACCOUNT: &str = "account";

/// What the keys of everything of a mailbox begin with.
fn prefix(account: &str, mailbox: &str) -> String {
    format!("{account}\0{mailbox}\0")
}

fn page_key(account: &str, mailbox: &str, uidvalidity: u32, page: u32) -> String {
    format!("{}{uidvalidity}\0{page}", prefix(account, mailbox))
}

/// The store of mail, for the one worker that keeps it.
async fn keeping_store(mode: IdbTransactionMode) -> Result<IdbObjectStore, JsValue> {
    if keeps().await {
        store(MAIL, mode).await
    } else {
        Err(JsValue::NULL)
    }
}

/// Does what the engine wants kept, or read; the event that answers it. The simulation's store does the same in memory, and
/// both pass one suite (`app/engine/tests/storage/suite.rs`).
pub async fn perform(effect: Effect) -> Option<Event> {
    match effect {
        Effect::Store { account, records } => {
            let written = write(&account, &records).await;
            // Without a store, nothing is kept and nothing fails.
            let failed = matches!(written, Err(Failure::Full | Failure::Broken));
            failed.then_some(Event::NotStored { account, records })
        }
        Effect::LoadMailbox { account, mailbox } => Some(load_mailbox(account, &mailbox).await),
        Effect::LoadPages {
            account,
            mailbox,
            uidvalidity,
            purpose,
            pages,
        } => {
            let pages = get_all(&account, &mailbox, uidvalidity, &pages).await;
            Some(Event::PagesLoaded {
                account,
                mailbox,
                purpose,
                pages: pages.unwrap_or_default(),
            })
        }
        Effect::ListBodies {
            account,
            mailbox,
            uidvalidity,
        } => {
            let uids = bodies::list(&account, &mailbox, uidvalidity).await;
            Some(Event::BodiesListed {
                account,
                mailbox,
                uidvalidity,
                uids: uids.unwrap_or_default(),
            })
        }
        Effect::ReadBodies {
            account,
            mailbox,
            uidvalidity,
            uids,
        } => {
            let bodies = bodies::read(&account, &mailbox, uidvalidity, &uids).await;
            Some(Event::BodiesRead {
                account,
                mailbox,
                uidvalidity,
                bodies: bodies.unwrap_or_default(),
            })
        }
        Effect::Wipe => {
            let _turn = Turn::of(MAIL).await;
            super::wipe().await;
            None
        }
        _ => None,
    }
}

/// The account that is kept.
pub async fn recall() -> Event {
    let keeps = keeps().await;
    let kept = match store(MAIL, IdbTransactionMode::Readonly).await {
        Ok(store) => get(&store, ACCOUNT).await,
        Err(_) => None,
    };
    let account = kept.and_then(|kept| decode_account(&kept));
    match account {
        Some(kept) if !keeps && kept.presence == Presence::Here => Event::KeptElsewhere,
        account => Event::Recalled(account.filter(|_| keeps).map(Box::new)),
    }
}

/// Reads an account also as it was kept before it said who is here: changes without an outcome are nowhere else. A new
/// version of the database would have to wait until the last worker of the old one has ended.
fn decode_account(bytes: &[u8]) -> Option<KeptAccount> {
    postcard::from_bytes(bytes).ok().or_else(|| {
        let here = [bytes, &[0]].concat();
        postcard::from_bytes(&here).ok()
    })
}

/// Writes all records in one transaction.
async fn write(account: &str, records: &[Record]) -> Result<(), Failure> {
    let _turn = Turn::of(MAIL).await;
    if !keeps().await {
        return Err(Failure::Closed);
    }
    room::write(MAIL, |store| {
        records
            .iter()
            .try_for_each(|record| put(store, account, record))
    })
    .await
}

fn put(store: &IdbObjectStore, account: &str, record: &Record) -> Result<(), JsValue> {
    let (key, value) = match record {
        Record::Account(kept) => (ACCOUNT.to_owned(), encode(kept)?),
        Record::Mailbox(kept) => (prefix(account, &kept.name), encode(kept)?),
        Record::Page(kept) => (
            page_key(account, &kept.mailbox, kept.uidvalidity, kept.page),
            encode(kept)?,
        ),
        Record::Forget(mailbox) => {
            let first = prefix(account, mailbox);
            let last = format!("{first}\u{ffff}");
            let all = IdbKeyRange::bound(&first.into(), &last.into())?;
            store.delete(&all)?;
            return Ok(());
        }
    };
    store.put_with_key(&value, &key.into())?;
    Ok(())
}

async fn load_mailbox(account: String, mailbox: &str) -> Event {
    let kept = match keeping_store(IdbTransactionMode::Readonly).await {
        Ok(store) => get(&store, &prefix(&account, mailbox)).await,
        Err(_) => None,
    };
    let kept = kept.and_then(|kept| postcard::from_bytes(&kept).ok());
    Event::MailboxLoaded { account, kept }
}

/// Those of these pages that there are.
async fn get_all(
    account: &str,
    mailbox: &str,
    uidvalidity: u32,
    pages: &[u32],
) -> Result<Vec<KeptPage>, JsValue> {
    let store = keeping_store(IdbTransactionMode::Readonly).await?;
    // All are asked for at once: a transaction ends as soon as nothing is asked of it.
    let asked = Array::new();
    for &page in pages {
        let key = page_key(account, mailbox, uidvalidity, page);
        asked.push(&settled(&store.get(&key.into())?));
    }
    let found: Array = JsFuture::from(Promise::all(&asked)).await?.unchecked_into();
    Ok(found.iter().filter_map(|value| decode(&value)).collect())
}

#[cfg(test)]
#[path = "../../../engine/tests/storage/suite.rs"]
mod suite;

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen_test]
    async fn indexeddb_passes_the_suite() {
        let keeps = Promise::resolve(&JsValue::TRUE);
        js_sys::Reflect::set(&js_sys::global(), &"roostKeeps".into(), &keeps).expect("a global");
        for step in suite::steps() {
            // As a worker that starts anew: nothing but the database is left.
            crate::storage::open_anew();
            match step {
                suite::Step::Starts(expected) => suite::is(&recall().await, &expected),
                suite::Step::Does(effect) => assert!(perform(effect).await.is_none()),
                suite::Step::Gives(effect, expected) => {
                    suite::is(&perform(effect).await.expect("an answer"), &expected);
                }
            }
        }
    }
}
