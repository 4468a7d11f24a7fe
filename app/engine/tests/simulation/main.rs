//! The engine in thousands of random histories: two to four devices and others change one account on a simulated mail
//! server, through a simulated gateway, over lines that delay, cut and lose, and with workers that are killed and start
//! again from what they keep; in the end the line is good, everything becomes quiet, and every device must show what the
//! server has, with no action lost or done twice.
//!
//! One seed is one history. A seed that fails is printed; `ROOST_SIM_SEED=…` plays it alone and tells every step
//! (`--nocapture`). `ROOST_SIM_FIRST` and `ROOST_SIM_HISTORIES` choose other seeds and more of them. Seeds that leave
//! 0, 1 and 2 when divided by 3 have servers with QRESYNC, with CONDSTORE, and with neither. From seed 4,000 on, people sign
//! out, have what the device keeps kept, and come back; and devices have no room for summaries for a while.
//!
//! What is checked: `device.rs` (at every step), `history.rs` (whom actions reach, their order), `ending.rs` (the end).
//!
//! Rules that were broken on purpose, and the first seed that told (of 4,000, in the order they are played):
//!
//! | broken | seed | how it shows |
//! |---|---|---|
//! | the count check in `apply_delta` is left out | 0 | a mailbox that never was is shown empty |
//! | deltas are applied from whatever state | 294 | a row has the wrong flags at the end |
//! | what is pending is not sent again after a cut | 0 | a change still waits |
//! | it is sent again under a new id | 0 | mutations are done in another order |
//! | the gateway has no ledger (a test below) | < 2,000 | a mutation is done twice in one life of the gateway |
//! | what was moved away is not hidden until the server says so | 0 | a message comes back for a moment |
//! | a copy is handed to another gateway again | 410 | it is done twice |
//! | the ledger it was handed to is not kept for the next worker | 1159 | it is done twice |
//! | a flag overtakes what waits for the hello | 18 | mutations are done in another order |
//! | rows of another UIDVALIDITY stay on screen | 118 | an action reaches a message nobody meant |
//! | changes are not kept in the step in which they are made | 7 | a change is lost with the worker |
//! | what was handed over can be cancelled | 78 | an action reaches a message nobody meant, for one was lost |
//!
//! Not told within that: rows placed in another state than they were read in, UIDs that arrive below those that are
//! known, a gap that a difference on its way does not fill, what was asked for before a reset and is believed. The first
//! and the last two have tests of their own in `engine/sync.rs`. Not simulated: drafts and sending, a gateway that dies
//! between COPY and EXPUNGE on a server without MOVE, more mailboxes than the gateway follows.

mod device;
mod ending;
mod gateway;
mod history;
mod network;
mod random;
mod server;
mod store;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};

use gateway::Rules;
use history::History;

/// How many histories are played.
const HISTORIES: u64 = 10_200;
/// How many at the same time.
const THREADS: u64 = 2;

/// Plays one history; a panic is an error too.
fn play(seed: u64, rules: Rules, trace: bool) -> Result<(), String> {
    std::panic::catch_unwind(AssertUnwindSafe(|| History::play(seed, rules, trace))).unwrap_or_else(
        |panic| {
            let words = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("it panics: {}", words.unwrap_or_default()))
        },
    )
}

/// The smallest seed that fails, with why.
fn first_failure(seeds: std::ops::Range<u64>, rules: Rules) -> Option<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let found = std::sync::Mutex::new(None::<(u64, String)>);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let stop = found
                        .lock()
                        .expect("no panic")
                        .as_ref()
                        .is_some_and(|&(failed, _)| failed < seed);
                    if seed >= seeds.end || stop {
                        return;
                    }
                    if let Err(why) = play(seed, rules, false) {
                        let mut found = found.lock().expect("no panic");
                        if found.as_ref().is_none_or(|&(failed, _)| seed < failed) {
                            *found = Some((seed, why));
                        }
                    }
                }
            });
        }
    });
    found.into_inner().expect("no panic")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn at_the_end_every_device_equals_the_server() {
    if let Some(seed) = number("ROOST_SIM_SEED") {
        if let Err(why) = play(seed, Rules::ALL, true) {
            panic!("the history of seed {seed} fails: {why}");
        }
        return;
    }
    let first = number("ROOST_SIM_FIRST").unwrap_or(0);
    let count = number("ROOST_SIM_HISTORIES").unwrap_or(HISTORIES);
    if let Some((seed, why)) = first_failure(first..first + count, Rules::ALL) {
        panic!("the history of seed {seed} fails: {why}. Replay it with ROOST_SIM_SEED={seed}");
    }
}

/// The gateway's own rules are broken on purpose: the histories must tell.
fn is_noticed(rules: Rules, how: &str) {
    let (seed, why) = first_failure(0..2_000, rules).expect("a broken rule is noticed");
    assert!(why.contains(how), "seed {seed}: {why}");
}

#[test]
fn a_gateway_without_a_ledger_is_noticed() {
    is_noticed(Rules { ledger: false }, "was done in the lives");
}
