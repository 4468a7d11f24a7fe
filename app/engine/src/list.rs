//! The rows of a tab: positions, filters, what pending mutations hide.

use roost_wire::{Problem, ProblemKind, Uid, UidSet};

use crate::cache::Cache;
use crate::state::Tab;
use crate::{State, TabId};

/// The rows of a list by position from the top.
pub enum Rows<'a> {
    /// The whole mailbox, newest first, without these sequence numbers (ascending).
    All { cache: &'a Cache, hidden: Vec<u32> },
    /// What was found, newest first.
    Found(Vec<Uid>),
}

impl Rows<'_> {
    pub fn len(&self) -> u32 {
        match self {
            Self::All { cache, hidden } => (cache.uids().len() - hidden.len()) as u32,
            Self::Found(uids) => uids.len() as u32,
        }
    }

    /// The UID at a position, if it is known.
    pub fn uid(&self, position: u32) -> Option<Uid> {
        match self {
            Self::All { cache, hidden } => {
                let exists = cache.uids().len() as u32;
                let mut skipped = 0;
                loop {
                    let seq = exists.checked_sub(position + skipped)?;
                    let above = (hidden.len() - hidden.partition_point(|&h| h < seq)) as u32;
                    if above == skipped {
                        return cache.uid_at(seq);
                    }
                    skipped = above;
                }
            }
            Self::Found(uids) => uids.get(position as usize).copied(),
        }
    }

    /// Where a message stands, if that is known and it is not hidden.
    pub fn position(&self, uid: Uid) -> Option<u32> {
        match self {
            Self::All { cache, hidden } => {
                let index = cache.uids().iter().rposition(|&known| known == uid)?;
                let seq = index as u32 + 1;
                let first_above = hidden.partition_point(|&h| h < seq);
                if hidden.get(first_above) == Some(&seq) {
                    return None;
                }
                let above = (hidden.len() - first_above) as u32;
                Some(cache.uids().len() as u32 - seq - above)
            }
            Self::Found(uids) => uids
                .iter()
                .position(|&known| known == uid)
                .map(|p| p as u32),
        }
    }
}

impl State {
    /// The rows of a tab; `None` while nothing is known.
    pub(crate) fn rows(&self, tab: &Tab) -> Option<Rows<'_>> {
        let cache = self.caches.get(&tab.mailbox)?;
        if cache.state.uidvalidity == 0 {
            return None;
        }
        let leaving = self.leaving(&tab.mailbox);
        if tab.source.is_all() {
            let hidden = hidden(cache, &leaving);
            return Some(Rows::All { cache, hidden });
        }
        let mut uids = match (&tab.found, &tab.here) {
            // The server has the last word, where it says everything.
            (Some(found), Some(here)) if !found.is_complete() => merged(&found.uids, &here.uids),
            (Some(found), _) => found.uids.clone(),
            (None, here) => here.as_ref()?.uids.clone(),
        };
        if !leaving.is_empty() {
            uids.retain(|uid| !leaving.iter().any(|set| set.contains(*uid)));
        }
        Some(Rows::Found(uids))
    }

    /// The UIDs that any tab shows of a mailbox.
    pub(crate) fn uids_on_screen(&self, mailbox: &str) -> std::collections::HashSet<Uid> {
        self.tabs
            .values()
            .filter(|tab| tab.mailbox == mailbox)
            .filter_map(|tab| Some((tab, self.rows(tab)?)))
            .flat_map(|(tab, rows)| {
                let first = tab.first.saturating_sub(500);
                (first..first + tab.count + 1_000)
                    .map_while(|position| (position < rows.len()).then(|| rows.uid(position)))
                    .flatten()
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// All messages of a tab's list, loaded or not.
    pub(crate) fn everything(&self, tab: TabId) -> UidSet {
        let Some(tab) = self.tabs.get(&tab) else {
            return UidSet::default();
        };
        match (self.rows(tab), self.caches.get(&tab.mailbox)) {
            (Some(Rows::Found(uids)), _) => uids.into_iter().collect(),
            (Some(Rows::All { .. }), Some(cache)) => {
                UidSet::range(1, cache.state.uidnext.saturating_sub(1))
            }
            _ => UidSet::default(),
        }
    }
}

/// Both, newest first, each once.
pub fn merged(a: &[Uid], b: &[Uid]) -> Vec<Uid> {
    let mut uids = [a, b].concat();
    uids.sort_unstable_by(|a, b| b.cmp(a));
    uids.dedup();
    uids
}

/// The sequence numbers that leaving messages have, ascending. An unknown place is hidden when its known neighbours
/// (or the ends) lie in one range of a set.
fn hidden(cache: &Cache, leaving: &[&UidSet]) -> Vec<u32> {
    if leaving.is_empty() {
        return Vec::new();
    }
    let uids = cache.uids();
    let mut hidden = Vec::new();
    let mut low = 1;
    let mut index = 0;
    while index < uids.len() {
        if uids[index] != 0 {
            low = uids[index];
            if leaving.iter().any(|set| set.contains(low)) {
                hidden.push(index as u32 + 1);
            }
            index += 1;
            continue;
        }
        let end = uids[index..]
            .iter()
            .position(|&uid| uid != 0)
            .map_or(uids.len(), |length| index + length);
        let high = uids
            .get(end)
            .copied()
            .unwrap_or(cache.state.uidnext.saturating_sub(1));
        let covered = leaving.iter().any(|set| {
            set.ranges()
                .iter()
                .any(|&(first, last)| first <= low && high <= last)
        });
        if covered {
            hidden.extend(index as u32 + 1..=end as u32);
        }
        index = end;
    }
    hidden
}

/// A problem as a sentence for people.
pub fn sentence(problem: &Problem) -> String {
    let plain = match problem.kind {
        ProblemKind::Unreachable => "The mail server cannot be reached. Roost keeps trying.",
        ProblemKind::Timeout => "The mail server took too long. Roost tries again.",
        ProblemKind::SignInExpired => {
            "The mail server no longer accepts your password. Sign in again."
        }
        ProblemKind::UidValidityChanged => {
            "The folder was recreated on the mail server and is loaded anew."
        }
        ProblemKind::NoSuchMailbox => "The folder no longer exists.",
        ProblemKind::NoSuchMessage => "The message no longer exists.",
        ProblemKind::OverQuota => {
            "Your mailbox is full. Delete something and empty the Trash, then try again."
        }
        ProblemKind::Refused => "The mail server refused.",
        ProblemKind::Unsupported => "The mail server cannot do this safely.",
        ProblemKind::Garbled => "The mail server's answer cannot be understood.",
        ProblemKind::BadRequest => "That is not possible.",
        ProblemKind::Busy => "The mail server has too much to do. Roost tries again.",
        ProblemKind::Conflict => "Another device changed it meanwhile.",
        ProblemKind::Cancelled => "It was taken back.",
        ProblemKind::TooLarge => "It is larger than the mail server takes.",
    };
    match problem.detail.trim() {
        "" => plain.to_owned(),
        detail => format!("{plain} It says: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tests::summary;
    use roost_wire::{MailboxState, WindowRows};

    fn cache() -> Cache {
        let mut cache = Cache::default();
        cache
            .apply_window(WindowRows {
                mailbox: "INBOX".to_owned(),
                state: MailboxState {
                    uidvalidity: 1,
                    uidnext: 100,
                    exists: 10,
                    modseq: 1,
                },
                first_seq: 6,
                rows: [60, 70, 80, 90, 95].map(summary).into(),
            })
            .expect("fits");
        cache
    }

    #[test]
    fn hidden_rows_close_up() {
        let cache = cache();
        let gone: UidSet = [95, 80].into_iter().collect();
        let rows = Rows::All {
            cache: &cache,
            hidden: hidden(&cache, &[&gone]),
        };
        assert_eq!(rows.len(), 8);
        assert_eq!(
            (0..3).map(|p| rows.uid(p)).collect::<Vec<_>>(),
            [Some(90), Some(70), Some(60)]
        );
        assert_eq!(rows.uid(3), None);
        assert_eq!(rows.position(60), Some(2));
    }

    #[test]
    fn everything_hides_everything() {
        let cache = cache();
        let all = UidSet::range(1, 99);
        let rows = Rows::All {
            cache: &cache,
            hidden: hidden(&cache, &[&all]),
        };
        assert_eq!(rows.len(), 0);
        assert_eq!(rows.uid(0), None);
    }
}
