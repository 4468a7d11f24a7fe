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

    /// Notes how it ended.
    pub fn end(&mut self, id: MutationId, outcome: Outcome) {
        self.entries.insert(id, Entry::Ended(outcome));
        self.ended.push_back(id);
        if self.ended.len() > CAPACITY
            && let Some(oldest) = self.ended.pop_front()
        {
            self.entries.remove(&oldest);
        }
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
}
