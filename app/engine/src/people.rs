//! Whom a person writes to and hears from, for completing recipients: from the summaries that the device has of Sent and
//! the inbox. Nothing of it is kept anywhere else.

use std::collections::HashMap;

use roost_wire::{Address, Role, Summary};

use crate::State;
use crate::cache::Cache;

/// How many of the newest messages of each mailbox are fetched for it.
pub const RECENT: u32 = 192;
/// How many people are told apart.
const MAX_PEOPLE: usize = 4_000;
/// How many are offered.
const MAX_OFFERED: usize = 8;
/// Having written to somebody says more than having heard from them.
const WRITTEN: f64 = 4.0;
const HEARD: f64 = 1.0;
/// After so many seconds a message counts half.
const HALF: f64 = 30.0 * 86_400.0;

/// Somebody, and how likely they are meant.
#[derive(Debug)]
struct Person {
    address: Address,
    score: f64,
    /// When the name was heard.
    named: i64,
}

/// People by what was written and heard: often and lately counts.
#[derive(Debug, Default)]
pub struct People {
    /// By address in lower case.
    known: HashMap<String, Person>,
    /// The newest message there is: the engine has no clock.
    now: i64,
}

impl People {
    /// Takes in messages that the person sent and got. `own` says which addresses are theirs.
    #[inline(never)]
    pub fn of<'s>(
        sent: impl Iterator<Item = &'s Summary> + Clone,
        heard: impl Iterator<Item = &'s Summary> + Clone,
        own: impl Fn(&str) -> bool,
    ) -> Self {
        let dates = sent
            .clone()
            .chain(heard.clone())
            .map(|summary| summary.received);
        let mut people = Self {
            known: HashMap::new(),
            now: dates.max().unwrap_or_default(),
        };
        for summary in sent {
            people.add(&summary.to, summary.received, WRITTEN, &own);
        }
        for summary in heard {
            people.add(&summary.from, summary.received, HEARD, &own);
        }
        people
    }

    fn add(&mut self, addresses: &[Address], when: i64, weight: f64, own: &impl Fn(&str) -> bool) {
        let age = (self.now - when).max(0) as f64;
        let score = weight * HALF / (HALF + age);
        for address in addresses {
            let key = address.email.to_lowercase();
            if !key.contains('@') || own(&key) {
                continue;
            }
            if self.known.len() >= MAX_PEOPLE && !self.known.contains_key(&key) {
                return;
            }
            let person = self.known.entry(key).or_insert_with(|| Person {
                address: address.clone(),
                score: 0.0,
                named: i64::MIN,
            });
            person.score += score;
            // The latest name they had.
            if !address.name.trim().is_empty() && when > person.named {
                person.address.name.clone_from(&address.name);
                person.named = when;
            }
        }
    }

    /// Those whom the words typed fit: each word begins a word of the name or of the address. The likeliest first.
    #[inline(never)]
    pub fn complete(&self, typed: &str) -> Vec<Address> {
        if typed.trim().is_empty() {
            return Vec::new();
        }
        let mut fitting: Vec<&Person> = self
            .known
            .values()
            .filter(|person| fits(&person.address, typed))
            .collect();
        fitting.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| a.address.email.cmp(&b.address.email))
        });
        fitting
            .into_iter()
            .take(MAX_OFFERED)
            .map(|person| person.address.clone())
            .collect()
    }
}

/// Whether somebody may be meant by what is typed: each word begins a word of the name or of the address.
pub fn fits(address: &Address, typed: &str) -> bool {
    let begins = |text: &str, word: &str| {
        text.starts_with(word)
            || text
                .split(|c: char| !c.is_alphanumeric())
                .any(|part| part.starts_with(word))
    };
    let (email, name) = (address.email.to_lowercase(), address.name.to_lowercase());
    typed
        .to_lowercase()
        .split_whitespace()
        .all(|word| begins(&email, word) || begins(&name, word))
}

impl State {
    /// Whom to offer for what is typed.
    pub(crate) fn people_for(&self, typed: &str, own: &[String]) -> Vec<Address> {
        if typed.trim().is_empty() {
            return Vec::new();
        }
        let of = |name: &str| self.caches.get(name).into_iter().flat_map(Cache::summaries);
        let sent = self.sent_mailbox().unwrap_or_default();
        let own = |email: &str| {
            let same = |own: &String| email.eq_ignore_ascii_case(own);
            same(&self.address) || own.iter().any(same)
        };
        People::of(of(sent), of("INBOX"), own).complete(typed)
    }

    /// Where what the person sent is, if there is such a mailbox.
    pub(crate) fn sent_mailbox(&self) -> Option<&str> {
        let sent = self
            .mailboxes
            .iter()
            .find(|mailbox| mailbox.role == Some(Role::Sent));
        sent.map(|mailbox| mailbox.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tests::summary;

    const DAY: i64 = 86_400;

    fn message(with: &[(&str, &str)], sent: bool, days_ago: i64) -> Summary {
        let mut message = summary(1);
        message.received = 1_000 * DAY - days_ago * DAY;
        let addresses = with
            .iter()
            .map(|(name, email)| Address {
                name: (*name).to_owned(),
                email: (*email).to_owned(),
            })
            .collect();
        if sent {
            message.to = addresses;
        } else {
            message.from = addresses;
        }
        message
    }

    fn emails(people: &People, typed: &str) -> Vec<String> {
        let found = people.complete(typed);
        found.into_iter().map(|address| address.email).collect()
    }

    #[test]
    fn often_and_lately_come_first_and_oneself_never() {
        let sent = [
            message(&[("Anna Old", "anna.old@example.org")], true, 900),
            message(&[("Anna Old", "anna.old@example.org")], true, 901),
            message(
                &[("", "anna.new@example.org"), ("Me", "me@roost.test")],
                true,
                2,
            ),
        ];
        let heard = [
            message(&[("Annabel News", "news@annals.example")], false, 0),
            message(&[("Anna Frequent", "ANNA.NEW@example.org")], false, 1),
        ];
        let people = People::of(sent.iter(), heard.iter(), |email| email == "me@roost.test");
        assert_eq!(
            emails(&people, "ann"),
            [
                "anna.new@example.org",
                "news@annals.example",
                "anna.old@example.org"
            ]
        );
        // The latest name that is known; a word of the name and one of the address.
        assert_eq!(people.complete("new frequ")[0].name, "Anna Frequent");
        assert_eq!(emails(&people, "annals"), ["news@annals.example"]);
        assert!(emails(&people, "nna").is_empty() && emails(&people, "me").is_empty());
        assert!(emails(&people, " ").is_empty());
    }

    #[test]
    fn what_is_offered_and_kept_is_bounded() {
        let many: Vec<Summary> = (0..MAX_PEOPLE + 50)
            .map(|n| message(&[("", &format!("a{n}@example.org"))], false, 1))
            .collect();
        let people = People::of([].iter(), many.iter(), |_| false);
        assert_eq!(people.known.len(), MAX_PEOPLE);
        assert_eq!(people.complete("a").len(), MAX_OFFERED);
    }
}
