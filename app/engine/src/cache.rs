//! What is known of one mailbox: a compact column of UIDs by sequence number, and summaries by UID.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use roost_wire::{Delta, Flags, MailboxState, Summary, Uid, UidSet, WindowRows};

use crate::haystack::Haystack;
use crate::kept::{Keeping, KeptPage, page_of};

/// How many summaries of one mailbox are held.
const MAX_SUMMARIES: usize = 12_000;
/// How many flags heard by delta are remembered.
const MAX_RECENT: usize = 4_000;
/// How often rows may not fit before the positions are dropped.
const MAX_MISFITS: u8 = 3;

/// The confirmed state of one mailbox.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    pub state: MailboxState,
    /// The UID of each message in ascending order; 0 where it is not known yet. As long as `state.exists`.
    uids: Vec<Uid>,
    summaries: HashMap<Uid, Summary>,
    /// Summaries from before the positions were dropped: shown until they are heard again, for their flags may differ.
    outdated: HashSet<Uid>,
    /// What the device keeps of summaries is from before that too.
    kept_outdated: bool,
    /// Flags heard by delta. Rows may have left the server before a delta that overtook them; a delta is never older
    /// than the rows it overtakes, and what is newer than it comes by delta too. So these flags win over those of rows.
    recent: HashMap<Uid, Flags>,
    misfits: u8,
    /// Messages that this device moved away or deleted, and that the server has not said to be gone yet.
    departed: UidSet,
    /// Whether it has been compared with the server since the socket opened.
    pub verified: bool,
    /// A change was missed while a difference was on its way, which may not hold it.
    pub missed: bool,
    /// Whether the positions were dropped and are being asked for again.
    pub resyncing: bool,
    /// How this differs from what the device keeps.
    pub kept: Keeping,
    /// What a search on this device reads, while a tab searches. In step with the summaries.
    pub haystack: Option<Box<Haystack>>,
}

/// A delta that could not be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// It starts from another state than the device holds: ask for the difference.
    Gap,
    /// It says nothing new.
    Old,
    /// The counts do not agree: what is known of positions cannot be trusted.
    Counts,
}

impl Cache {
    /// Forgets positions; keeps summaries if the UIDs still mean the same.
    pub fn reset(&mut self, state: MailboxState) {
        let same = state.uidvalidity == self.state.uidvalidity;
        if !same {
            self.summaries.clear();
            self.kept = Keeping {
                void: true,
                ..Keeping::default()
            };
        }
        self.haystack = None;
        self.kept.column = true;
        if state.modseq != 0 {
            // Their flags are those of before.
            self.kept.pages.clear();
        }
        self.outdated = self.summaries.keys().copied().collect();
        self.kept_outdated = same;
        self.state = state;
        self.uids = vec![0; state.exists as usize];
        self.recent.clear();
        self.departed = UidSet::default();
        self.misfits = 0;
        // The rows of another UIDVALIDITY must not stay on screen: who acts on them would reach other messages.
        self.resyncing = same && state.exists > 0;
    }

    /// The UID at a sequence number (1 is the oldest), if known.
    pub fn uid_at(&self, seq: u32) -> Option<Uid> {
        let uid = *self.uids.get((seq as usize).checked_sub(1)?)?;
        (uid != 0).then_some(uid)
    }

    pub fn summary(&self, uid: Uid) -> Option<&Summary> {
        self.summaries.get(&uid)
    }

    /// Every summary that is held, in no order.
    pub fn summaries(&self) -> impl Iterator<Item = &Summary> + Clone {
        self.summaries.values()
    }

    /// Whether a message's summary has to be asked for: it is older than the state, or neither in memory nor on its way
    /// from what is kept.
    pub fn lacks(&self, uid: Uid) -> bool {
        self.outdated.contains(&uid)
            || !self.summaries.contains_key(&uid) && !self.kept.loading.contains(&page_of(uid))
    }

    /// The UID column, 0 where unknown.
    pub fn uids(&self) -> &[Uid] {
        &self.uids
    }

    /// Takes rows in. Rows of another state than the one held only yield summaries; the caller asks for the difference.
    pub fn apply_window(&mut self, window: WindowRows) -> Result<(), Mismatch> {
        let first_time = self.state == MailboxState::default();
        if first_time || window.state.uidvalidity != self.state.uidvalidity {
            self.reset(window.state);
        }
        // Where there is no MODSEQ, the newest answer is the truth.
        if self.state.modseq == 0
            && (self.state.exists, self.state.uidnext)
                != (window.state.exists, window.state.uidnext)
        {
            self.reset(window.state);
        }
        // Rows of another moment may stand elsewhere, even if there are as many.
        let fits = window.state.modseq == self.state.modseq
            && window.state.exists == self.state.exists
            && self.agrees(window.first_seq, &window.rows);
        self.kept.column |= fits;
        for (index, row) in window.rows.into_iter().enumerate() {
            if fits {
                self.uids[(window.first_seq as usize - 1) + index] = row.uid;
            }
            self.add_summary(row);
        }
        if !fits {
            self.misfits += 1;
            if self.misfits >= MAX_MISFITS {
                self.reset(window.state);
            }
            return Err(Mismatch::Gap);
        }
        self.misfits = 0;
        self.resyncing = false;
        if self.state.modseq == 0 {
            self.state = window.state;
        }
        Ok(())
    }

    /// Whether rows fit between what is known: UIDs ascend strictly with sequence numbers.
    fn agrees(&self, first_seq: u32, rows: &[Summary]) -> bool {
        let start = first_seq as usize - 1;
        if start + rows.len() > self.uids.len() {
            return false;
        }
        let same = rows
            .iter()
            .zip(&self.uids[start..])
            .all(|(row, &known)| known == 0 || known == row.uid);
        let ascending = rows.windows(2).all(|pair| pair[0].uid < pair[1].uid);
        let before = self.uids[..start].iter().rev().find(|&&uid| uid != 0);
        let after = self.uids[start + rows.len()..]
            .iter()
            .find(|&&uid| uid != 0);
        let fits_before = match (before, rows.first()) {
            (Some(&before), Some(first)) => before < first.uid,
            _ => true,
        };
        let fits_after = match (after, rows.last()) {
            (Some(&after), Some(last)) => after > last.uid,
            _ => true,
        };
        same && ascending && fits_before && fits_after
    }

    /// Takes summaries in without knowing their positions.
    pub fn add_summaries(&mut self, summaries: Vec<Summary>) {
        for summary in summaries {
            self.add_summary(summary);
        }
    }

    fn add_summary(&mut self, mut summary: Summary) {
        if let Some(flags) = self.recent.get(&summary.uid) {
            summary.flags = flags.clone();
        }
        self.outdated.remove(&summary.uid);
        if self.summaries.get(&summary.uid) != Some(&summary) {
            self.kept.changed.insert(page_of(summary.uid));
            if let Some(haystack) = &mut self.haystack {
                haystack.add(&summary);
            }
            self.summaries.insert(summary.uid, summary);
        }
    }

    /// Makes what a search on this device reads, of the summaries in memory.
    pub fn start_searching(&mut self) -> &mut Haystack {
        self.haystack.get_or_insert_with(|| {
            let mut haystack = Box::new(Haystack::default());
            for summary in self.summaries.values() {
                haystack.add(summary);
            }
            haystack
        })
    }

    /// Takes in pages that are kept, to be searched. What is in memory is newer.
    pub fn search_pages(&mut self, pages: &[KeptPage]) {
        let Some(haystack) = &mut self.haystack else {
            return;
        };
        for page in pages {
            let trusted = self.kept.pages.contains(&page.page);
            if !trusted || page.uidvalidity != self.state.uidvalidity {
                continue;
            }
            for summary in &page.summaries {
                if haystack.has(summary.uid) {
                    continue;
                }
                haystack.add(summary);
                if let Some(flags) = self.recent.get(&summary.uid) {
                    haystack.set_flags(summary.uid, flags);
                }
            }
        }
    }

    /// Starts from what the device kept, unless the server said something already.
    pub fn restore(&mut self, state: MailboxState, uids: Vec<Uid>, pages: BTreeSet<u32>) {
        if self.state.uidvalidity == 0 {
            self.state = state;
            self.uids = uids;
            self.kept.pages = pages;
        }
    }

    /// Takes in summaries that the device kept. Those that are there already are newer.
    pub fn restore_summaries(&mut self, summaries: Vec<Summary>) {
        for mut summary in summaries {
            if let Some(flags) = self.recent.get(&summary.uid) {
                summary.flags = flags.clone();
            }
            let uid = summary.uid;
            if let Entry::Vacant(place) = self.summaries.entry(uid) {
                if let Some(haystack) = &mut self.haystack {
                    haystack.add(&summary);
                }
                place.insert(summary);
                if self.kept_outdated {
                    self.outdated.insert(uid);
                }
            }
        }
    }

    /// A page could not be written. What is in memory of it is tried again; what is not is not kept.
    pub fn not_kept(&mut self, page: &KeptPage) {
        let here = |summary: &Summary| self.summaries.contains_key(&summary.uid);
        if page.uidvalidity != self.state.uidvalidity {
            return;
        }
        if page.summaries.iter().all(here) {
            self.kept.changed.insert(page.page);
        } else {
            self.kept.pages.remove(&page.page);
            self.kept.column = true;
        }
    }

    /// Those of `pages` that have messages whose summary is not in memory.
    pub fn partial(&self, pages: &BTreeSet<u32>) -> BTreeSet<u32> {
        let known = self.uids.iter().filter(|&&uid| uid != 0);
        known
            .filter(|uid| pages.contains(&page_of(**uid)) && !self.summaries.contains_key(uid))
            .map(|uid| page_of(*uid))
            .collect()
    }

    /// The summaries of one page, by UID.
    pub fn summaries_of_page(&self, page: u32) -> Vec<Summary> {
        let first = page * crate::kept::PAGE_SPAN;
        (first..first.saturating_add(crate::kept::PAGE_SPAN))
            .filter_map(|uid| self.summaries.get(&uid).cloned())
            .collect()
    }

    /// What is kept of a message is outdated: its page is written anew, or not used any more if it is not in memory.
    fn outdate(&mut self, uid: Uid) {
        if self.summaries.contains_key(&uid) {
            self.kept.changed.insert(page_of(uid));
        } else {
            self.kept.pages.remove(&page_of(uid));
        }
    }

    /// Messages are gone because this device wanted it. Where the server's word of that is still on its way (the outcome
    /// of a change that was repeated may overtake it), they must not come back on screen until then.
    pub fn depart(&mut self, gone: &UidSet) {
        let known = self.uids.iter().copied();
        let here = known.filter(|&uid| uid != 0 && gone.contains(uid));
        let all: UidSet = here.chain(self.departed.iter()).collect();
        self.departed = all;
    }

    /// Messages that are gone, though they still have a place.
    pub fn departed(&self) -> &UidSet {
        &self.departed
    }

    /// Forgets messages that are known to be gone, though not where they stood.
    pub fn forget(&mut self, gone: impl IntoIterator<Item = Uid>) {
        for uid in gone {
            if self.summaries.remove(&uid).is_some() {
                self.kept.changed.insert(page_of(uid));
            }
            if let Some(haystack) = &mut self.haystack {
                haystack.remove(uid);
            }
            self.outdated.remove(&uid);
        }
    }

    /// Moves from the state the delta starts from to the one it leads to.
    pub fn apply_delta(&mut self, delta: &Delta) -> Result<(), Mismatch> {
        if delta.state.uidvalidity != self.state.uidvalidity {
            return Err(Mismatch::Counts);
        }
        if delta.state.modseq < self.state.modseq || delta.state == self.state {
            return Err(Mismatch::Old);
        }
        if delta.state.modseq == self.state.modseq {
            return Err(Mismatch::Counts);
        }
        if delta.since != self.state.modseq {
            return Err(Mismatch::Gap);
        }
        let vanished = self.positions_of(&delta.vanished);
        let arrived = delta
            .arrived
            .iter()
            .filter(|summary| summary.uid >= self.state.uidnext)
            .count();
        // Before anything is removed, the counts must agree with the server's (RFC 7162, section 3.2.5.1 tells
        // servers to; some have sent `VANISHED 1:*`).
        if self.uids.len() - vanished.len() + arrived != delta.state.exists as usize {
            return Err(Mismatch::Counts);
        }
        // Rows that were newer than their state may hold what arrives now.
        let newest = self.uids.iter().rev().find(|&&uid| uid != 0);
        if arrived > 0 && newest.is_some_and(|&uid| uid >= self.state.uidnext) {
            return Err(Mismatch::Counts);
        }
        let mut gone = vanished.into_iter().peekable();
        let mut index = 0;
        self.uids.retain(|_| {
            let keep = gone.next_if_eq(&index).is_none();
            index += 1;
            keep
        });
        self.outdated.retain(|uid| !delta.vanished.contains(*uid));
        if !self.departed.is_empty() {
            let left = self.departed.iter();
            self.departed = left.filter(|&uid| !delta.vanished.contains(uid)).collect();
        }
        self.kept.column = true;
        let pages = &mut self.kept.changed;
        self.summaries.retain(|uid, _| {
            let gone = delta.vanished.contains(*uid);
            if gone {
                pages.insert(page_of(*uid));
            }
            !gone
        });
        if let Some(haystack) = &mut self.haystack {
            haystack.change(delta);
        }
        if self.recent.len() + delta.flags.len() > MAX_RECENT {
            self.recent.clear();
        }
        for (uid, flags) in &delta.flags {
            self.recent.insert(*uid, flags.clone());
            self.outdate(*uid);
            if let Some(summary) = self.summaries.get_mut(uid) {
                summary.flags = flags.clone();
            }
        }
        for summary in &delta.arrived {
            if summary.uid >= self.state.uidnext {
                self.uids.push(summary.uid);
            }
            self.outdated.remove(&summary.uid);
            self.kept.changed.insert(page_of(summary.uid));
            self.summaries.insert(summary.uid, summary.clone());
        }
        self.state = delta.state;
        Ok(())
    }

    /// The indexes in the column that a set of vanished UIDs takes away, ascending. A UID that is not known stands for
    /// one of the unknown places between its neighbours.
    fn positions_of(&self, vanished: &UidSet) -> Vec<usize> {
        let mut positions = Vec::new();
        let mut index = 0;
        // The largest known UID before `index`.
        let mut low = 0;
        while index < self.uids.len() {
            let uid = self.uids[index];
            if uid != 0 {
                if vanished.contains(uid) {
                    positions.push(index);
                }
                low = uid;
                index += 1;
                continue;
            }
            let end = self.uids[index..]
                .iter()
                .position(|&uid| uid != 0)
                .map_or(self.uids.len(), |length| index + length);
            let high = self
                .uids
                .get(end)
                .copied()
                .unwrap_or(self.state.uidnext.max(low + 1));
            // Old servers repeat UIDs that went long ago (RFC 7162 lets them); at most the whole gap can go.
            let gone = count_between(vanished, low + 1, high.saturating_sub(1));
            let gone = usize::try_from(gone).unwrap_or(usize::MAX).min(end - index);
            positions.extend(index..index + gone);
            index = end;
        }
        positions
    }

    /// Drops summaries far from `keep` when there are too many; those that are not written yet stay.
    pub fn evict(&mut self, keep: &std::collections::HashSet<Uid>) {
        if self.summaries.len() > MAX_SUMMARIES {
            let changed = &self.kept.changed;
            self.summaries
                .retain(|uid, _| keep.contains(uid) || changed.contains(&page_of(*uid)));
            self.outdated.retain(|uid| self.summaries.contains_key(uid));
            self.kept.asked.clear();
        }
    }
}

fn count_between(set: &UidSet, first: Uid, last: Uid) -> u64 {
    set.ranges()
        .iter()
        .map(|&(a, b)| {
            let (a, b) = (a.max(first), b.min(last));
            if a <= b { u64::from(b - a) + 1 } else { 0 }
        })
        .sum()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn summary(uid: Uid) -> Summary {
        Summary {
            uid,
            flags: Flags::default(),
            received: i64::from(uid),
            from: Vec::new(),
            to: Vec::new(),
            subject: format!("message {uid}"),
            preview: String::new(),
            size: 1_000,
            attachment: false,
        }
    }

    fn state(exists: u32, uidnext: u32, modseq: u64) -> MailboxState {
        MailboxState {
            uidvalidity: 1,
            uidnext,
            exists,
            modseq,
        }
    }

    fn window(state: MailboxState, first_seq: u32, uids: &[Uid]) -> WindowRows {
        WindowRows {
            mailbox: "INBOX".to_owned(),
            state,
            first_seq,
            rows: uids.iter().map(|&uid| summary(uid)).collect(),
        }
    }

    fn delta(since: u64, state: MailboxState, vanished: &[Uid], arrived: &[Uid]) -> Delta {
        Delta {
            mailbox: "INBOX".to_owned(),
            since,
            state,
            vanished: vanished.iter().copied().collect(),
            flags: Vec::new(),
            arrived: arrived.iter().map(|&uid| summary(uid)).collect(),
        }
    }

    fn cache() -> Cache {
        let mut cache = Cache::default();
        // Ten messages with UIDs 10, 20 … 100; the newest four are known.
        cache
            .apply_window(window(state(10, 101, 5), 7, &[70, 80, 90, 100]))
            .expect("the first window fits");
        cache
    }

    #[test]
    fn a_vanished_message_in_an_unknown_gap_takes_one_place() {
        let mut cache = cache();
        cache
            .apply_delta(&delta(5, state(8, 101, 6), &[30, 80], &[]))
            .expect("applies");
        assert_eq!(cache.uids(), [0, 0, 0, 0, 0, 70, 90, 100]);
    }

    #[test]
    fn a_server_that_claims_everything_vanished_is_not_believed() {
        let mut cache = cache();
        let mut lie = delta(5, state(10, 101, 6), &[], &[]);
        lie.vanished = UidSet::range(1, 100);
        assert_eq!(cache.apply_delta(&lie), Err(Mismatch::Counts));
        assert_eq!(cache.uids().len(), 10);
        assert!(cache.summary(100).is_some());
    }

    #[test]
    fn deltas_apply_only_where_they_start() {
        let mut cache = cache();
        assert_eq!(
            cache.apply_delta(&delta(6, state(11, 111, 7), &[], &[110])),
            Err(Mismatch::Gap)
        );
        assert_eq!(
            cache.apply_delta(&delta(4, state(10, 101, 5), &[], &[])),
            Err(Mismatch::Old)
        );
        cache
            .apply_delta(&delta(5, state(11, 111, 7), &[], &[110]))
            .expect("applies");
        assert_eq!(cache.uid_at(11), Some(110));
    }

    #[test]
    fn rows_of_another_state_are_not_placed() {
        let mut cache = cache();
        let late = window(state(9, 101, 6), 1, &[10, 20]);
        assert_eq!(cache.apply_window(late), Err(Mismatch::Gap));
        assert_eq!(cache.uid_at(1), None);
        let wrong = window(state(10, 101, 5), 5, &[71, 72]);
        assert_eq!(cache.apply_window(wrong), Err(Mismatch::Gap));
    }

    #[test]
    fn another_uidvalidity_forgets_everything() {
        let mut cache = cache();
        let mut recreated = window(state(1, 2, 1), 1, &[1]);
        recreated.state.uidvalidity = 2;
        cache.apply_window(recreated).expect("applies");
        assert_eq!(cache.uids(), [1]);
        assert!(cache.summary(100).is_none());
    }
}
