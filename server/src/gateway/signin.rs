//! How often signing in may fail.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time over which failures are counted.
const WINDOW: Duration = Duration::from_secs(600);
/// How many addresses and user names are remembered.
const MAX_ENTRIES: usize = 50_000;

/// Counts failed sign-ins by address and by user name.
#[derive(Debug)]
pub struct SignInLimits {
    allowed: u32,
    by_address: Failures<IpAddr>,
    by_username: Failures<String>,
}

#[derive(Debug)]
struct Failures<K>(Mutex<HashMap<K, (u32, Instant)>>);

impl<K: Hash + Eq + Clone> Failures<K> {
    /// Counts an attempt, unless the limit is reached.
    fn begin(&self, key: &K, allowed: u32, now: Instant) -> bool {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, (_, since)| now.duration_since(*since) < WINDOW);
        }
        if entries.len() >= MAX_ENTRIES {
            // Under attack from everywhere: forgetting helps the attacker less than memory without bound.
            entries.clear();
        }
        let entry = entries.entry(key.clone()).or_insert((0, now));
        if now.duration_since(entry.1) >= WINDOW {
            *entry = (0, now);
        }
        if entry.0 >= allowed {
            return false;
        }
        entry.0 += 1;
        true
    }

    /// Takes an attempt back that was no failure.
    fn forgive(&self, key: &K) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(key) {
            entry.0 = entry.0.saturating_sub(1);
        }
    }
}

impl SignInLimits {
    pub fn new(allowed: u32) -> Self {
        Self {
            allowed,
            by_address: Failures(Mutex::default()),
            by_username: Failures(Mutex::default()),
        }
    }

    /// Counts an attempt as a failure from the start, so that attempts side by side count too; false when there were
    /// too many. One that succeeds, or that was never checked, is taken back by [`Self::forgive`].
    pub fn begin(&self, address: IpAddr, username: &str, now: Instant) -> bool {
        let (address, username) = (network(address), username.to_lowercase());
        if !self.by_address.begin(&address, self.allowed, now) {
            return false;
        }
        let allowed = self.by_username.begin(&username, self.allowed, now);
        if !allowed {
            self.by_address.forgive(&address);
        }
        allowed
    }

    /// Takes back an attempt that was no failure.
    pub fn forgive(&self, address: IpAddr, username: &str) {
        self.by_address.forgive(&network(address));
        self.by_username.forgive(&username.to_lowercase());
    }
}

/// An IPv6 customer has at least a /64: all its addresses count as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_by_address_and_by_name_and_are_forgotten() {
        let limits = SignInLimits::new(2);
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let now = Instant::now();
        assert!(limits.begin(a, "Alice", now) && limits.begin(a, "alice", now));
        assert!(!limits.begin(a, "bob", now), "the address is exhausted");
        assert!(!limits.begin(b, "ALICE", now), "the name is exhausted");
        assert!(limits.begin(b, "bob", now));
        limits.forgive(a, "alice");
        assert!(limits.begin(a, "alice", now));
        assert!(limits.begin(a, "alice", now + WINDOW));
    }

    #[test]
    fn ipv4_on_a_dual_stack_listener_counts_by_address() {
        let limits = SignInLimits::new(1);
        let mapped =
            |last: u8| IpAddr::from(std::net::Ipv4Addr::new(192, 0, 2, last).to_ipv6_mapped());
        let now = Instant::now();
        assert!(limits.begin(mapped(1), "a", now) && limits.begin(mapped(2), "b", now));
    }
}
