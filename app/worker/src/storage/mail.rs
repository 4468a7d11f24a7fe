//! What is known of an account: one record for it, one for each mailbox, one for each page of summaries.

use js_sys::{Array, Promise};
use roost_engine::{Event, KeptAccount, KeptMailbox, KeptPage, Record};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{IdbKeyRange, IdbObjectStore, IdbTransactionMode};

use super::{MAIL, bodies, decode, encode, get, keeps, settled, store};
use crate::handle;

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

/// Gives the engine the account that is kept.
pub fn recall() {
    spawn_local(async {
        let kept = match keeping_store(IdbTransactionMode::Readonly).await {
            Ok(store) => get::<KeptAccount>(&store, ACCOUNT).await,
            Err(_) => None,
        };
        handle(Event::Recalled(kept.map(Box::new)));
    });
}

/// Writes all records in one transaction. Where there is no room, bodies make some: the next batch is then written.
pub fn write(account: String, records: Vec<Record>) {
    spawn_local(async move {
        let Ok(store) = keeping_store(IdbTransactionMode::Readwrite).await else {
            return;
        };
        let transaction = store.transaction();
        let no_room = Closure::once_into_js(bodies::clear);
        transaction.set_onabort(Some(no_room.unchecked_ref()));
        for record in &records {
            if put(&store, &account, record).is_none() {
                let _ = transaction.abort();
                return;
            }
        }
    });
}

fn put(store: &IdbObjectStore, account: &str, record: &Record) -> Option<()> {
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
            let all = IdbKeyRange::bound(&first.into(), &last.into()).ok()?;
            store.delete(&all).ok()?;
            return Some(());
        }
    };
    store.put_with_key(&value, &key.into()).ok()?;
    Some(())
}

pub fn load_mailbox(account: String, mailbox: String) {
    spawn_local(async move {
        let kept = match keeping_store(IdbTransactionMode::Readonly).await {
            Ok(store) => get::<KeptMailbox>(&store, &prefix(&account, &mailbox)).await,
            Err(_) => None,
        };
        handle(Event::MailboxLoaded { account, kept });
    });
}

pub fn load_pages(account: String, mailbox: String, uidvalidity: u32, pages: Vec<u32>) {
    spawn_local(async move {
        let pages = get_all(&account, &mailbox, uidvalidity, &pages).await;
        handle(Event::PagesLoaded {
            account,
            mailbox,
            pages: pages.unwrap_or_default(),
        });
    });
}

pub fn read_pages(account: String, mailbox: String, uidvalidity: u32, pages: Vec<u32>) {
    spawn_local(async move {
        let pages = get_all(&account, &mailbox, uidvalidity, &pages).await;
        handle(Event::PagesRead {
            account,
            mailbox,
            pages: pages.unwrap_or_default(),
        });
    });
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
