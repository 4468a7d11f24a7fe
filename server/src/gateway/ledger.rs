//! What became of the latest mutations, so that a repeat is answered as the first was.

use std::collections::{HashMap, VecDeque};

use roost_wire::{MutationId, Outcome};

/// How many mutations are remembered for one account.
const CAPACITY: usize = 4_096;

/// What is known of a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It waits or runs; its outcome will be told to every device.
    Running,
    Ended(Outcome),
}

/// A bounded memory of outcomes. The oldest ended ones are forgotten first; running ones never are.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: HashMap<MutationId, Entry>,
    ended: VecDeque<MutationId>,
    /// The mutations that send a message, by its Message-ID, with what it says: two devices may send the same draft.
    messages: HashMap<String, (MutationId, u64)>,
    senders: HashMap<MutationId, String>,
    /// Mutations that wait for another's outcome, by that other.
    following: HashMap<MutationId, Vec<MutationId>>,
}

/// What is known of a message that is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it may be sent.
    No,
    /// It is being sent for another mutation, whose outcome will be that of both.
    Running,
    /// It is being sent for another mutation, and says something else there.
    Otherwise,
    /// It was sent.
    Sent,
    /// It may have been sent, by another device: only the person there knows whether they want it sent again.
    Unknown,
}

impl Ledger {
    /// What is known of a mutation; `None` the first time, after which it counts as running.
    pub fn begin(&mut self, id: MutationId) -> Option<Entry> {
        match self.entries.get(&id) {
            Some(entry) => Some(entry.clone()),
            None => {
                self.entries.insert(id, Entry::Running);
                None
            }
        }
    }

    /// Says that this mutation is to send a message that says this, and tells what is known of the message.
    pub fn begin_sending(&mut self, id: MutationId, message: &str, says: u64) -> Known {
        let (earlier, said) = self.messages.get(message).copied().unzip();
        let known = match earlier.and_then(|earlier| Some((earlier, self.entries.get(&earlier)?))) {
            None => Known::No,
            Some((_, Entry::Running)) if said != Some(says) => return Known::Otherwise,
            Some((earlier, Entry::Running)) => {
                self.following.entry(earlier).or_default().push(id);
                return Known::Running;
            }
            // It stays so, however this one ends.
            Some((_, Entry::Ended(Outcome::Done { .. } | Outcome::Saved(_)))) => {
                return Known::Sent;
            }
            // Refused or taken back: it was not sent.
            Some((_, Entry::Ended(Outcome::Rejected(_)))) => Known::No,
            // A person who was told so and sends it again wants that.
            Some((earlier, Entry::Ended(Outcome::Unknown))) if earlier.device == id.device => {
                Known::No
            }
            Some((_, Entry::Ended(Outcome::Unknown))) => return Known::Unknown,
        };
        if let Some(earlier) = earlier {
            self.senders.remove(&earlier);
        }
        self.messages.insert(message.to_owned(), (id, says));
        self.senders.insert(id, message.to_owned());
        known
    }

    /// Notes how it ended, and tells the mutations that end with it.
    pub fn end(&mut self, id: MutationId, outcome: Outcome) -> Vec<MutationId> {
        self.entries.insert(id, Entry::Ended(outcome));
        self.ended.push_back(id);
        if self.ended.len() > CAPACITY
            && let Some(oldest) = self.ended.pop_front()
        {
            self.entries.remove(&oldest);
            if let Some(message) = self.senders.remove(&oldest) {
                self.messages.remove(&message);
            }
        }
        self.following.remove(&id).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_answered_as_the_first_was() {
        let mut ledger = Ledger::default();
        let id = |count| MutationId { device: 1, count };
        assert_eq!(ledger.begin(id(1)), None);
        assert_eq!(ledger.begin(id(1)), Some(Entry::Running));
        ledger.end(id(1), Outcome::Unknown);
        assert_eq!(ledger.begin(id(1)), Some(Entry::Ended(Outcome::Unknown)));
        for count in 2..=CAPACITY as u64 + 1 {
            ledger.begin(id(count));
            ledger.end(id(count), Outcome::Unknown);
        }
        assert_eq!(ledger.begin(id(1)), None, "the oldest is forgotten");
    }

    #[test]
    fn a_message_is_one_whichever_device_sends_it() {
        let mut ledger = Ledger::default();
        let id = |device| MutationId { device, count: 1 };
        for device in 1..=4 {
            ledger.begin(id(device));
        }
        assert_eq!(ledger.begin_sending(id(1), "m", 0), Known::No);
        assert_eq!(ledger.begin_sending(id(2), "m", 0), Known::Running);
        assert_eq!(ledger.begin_sending(id(3), "other", 0), Known::No);
        assert_eq!(ledger.end(id(1), Outcome::Unknown), [id(2)]);
        assert!(ledger.end(id(2), Outcome::Unknown).is_empty());
        assert_eq!(ledger.begin_sending(id(4), "m", 0), Known::Unknown);
        let again = MutationId {
            device: 1,
            count: 2,
        };
        ledger.begin(again);
        assert_eq!(ledger.begin_sending(again, "m", 0), Known::No);
        ledger.end(again, Outcome::Done { moved: None });
        assert_eq!(ledger.begin_sending(id(4), "m", 0), Known::Sent);
    }
}
