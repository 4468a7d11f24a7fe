//! Sets of UIDs as ranges, as IMAP writes them (RFC 9051, `sequence-set`).

use serde::{Deserialize, Serialize};

use crate::Uid;

/// A set of UIDs: ascending inclusive ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UidSet(Vec<(Uid, Uid)>);

impl UidSet {
    /// The set of all UIDs of one range; empty when `first > last` or `last` is 0.
    pub fn range(first: Uid, last: Uid) -> Self {
        let first = first.max(1);
        if first > last {
            Self::default()
        } else {
            Self(vec![(first, last)])
        }
    }

    /// From ranges in any order, overlapping or not, their ends in any order. 0 is not a UID and is left out.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (Uid, Uid)>) -> Self {
        let mut ranges: Vec<(Uid, Uid)> = ranges
            .into_iter()
            .map(|(a, b)| (a.min(b).max(1), a.max(b)))
            .filter(|&(_, last)| last > 0)
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(Uid, Uid)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => {
                    previous.1 = previous.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many UIDs the set has.
    pub fn len(&self) -> u64 {
        self.0
            .iter()
            .map(|&(first, last)| u64::from(last - first) + 1)
            .sum()
    }

    pub fn contains(&self, uid: Uid) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= uid);
        after > 0 && self.0[after - 1].1 >= uid
    }

    /// What both sets have.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        let mut both = Vec::new();
        while let (Some(&(a1, a2)), Some(&(b1, b2))) = (a.first(), b.first()) {
            if a1.max(b1) <= a2.min(b2) {
                both.push((a1.max(b1), a2.min(b2)));
            }
            if a2 < b2 {
                a = &a[1..];
            } else {
                b = &b[1..];
            }
        }
        Self(both)
    }

    pub fn ranges(&self) -> &[(Uid, Uid)] {
        &self.0
    }

    /// Every UID, ascending. Mind that a set may be written in ten bytes and hold four billion.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Whether it came over the wire as this type promises.
    pub fn is_valid(&self) -> bool {
        self.0
            .iter()
            .all(|&(first, last)| first > 0 && first <= last)
            && self.0.windows(2).all(|pair| pair[0].1 < pair[1].0 - 1)
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        Self::from_ranges(uids.into_iter().map(|uid| (uid, uid)))
    }
}

impl std::fmt::Display for UidSet {
    /// As IMAP writes it: `1:3,7`. An empty set writes nothing, which is not a valid IMAP argument.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, &(first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_what_touches() {
        let set: UidSet = [5, 1, 2, 3, 9, 5].into_iter().collect();
        assert_eq!(set.to_string(), "1:3,5,9");
        assert_eq!(set.len(), 5);
        assert!(set.contains(2) && set.contains(9) && !set.contains(4) && !set.contains(10));
        assert!(set.is_valid());
    }

    #[test]
    fn intersections() {
        let a = UidSet::from_ranges([(1, 5), (8, 9), (20, 30)]);
        let b = UidSet::from_ranges([(4, 8), (25, 25), (29, 99)]);
        assert_eq!(a.intersection(&b).to_string(), "4:5,8,25,29:30");
        assert!(a.intersection(&UidSet::default()).is_empty());
    }

    #[test]
    fn zero_is_not_a_uid() {
        assert_eq!(UidSet::from_ranges([(0, 0), (0, 2)]).to_string(), "1:2");
        assert!(UidSet::range(3, 2).is_empty());
    }

    #[test]
    fn the_largest_uid_does_not_overflow() {
        let set = UidSet::from_ranges([(u32::MAX - 1, u32::MAX), (u32::MAX, u32::MAX)]);
        assert_eq!(set.len(), 2);
    }
}
