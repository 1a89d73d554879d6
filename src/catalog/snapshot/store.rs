//! How a snapshot lies in memory: text in one block, rows in flat tables, belonging as runs of places.

use std::{marker::PhantomData, num::NonZeroU32, ops::Index};

/// A place in one of a snapshot's tables.
pub trait Place: Copy + Ord {
    /// The place with this number.
    fn at(number: u32) -> Self;
    /// Its number.
    fn number(self) -> u32;
}

macro_rules! places {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        $($(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU32); // one more than the number, so that an optional place takes no more room

        impl Place for $name {
            fn at(number: u32) -> Self {
                Self(NonZeroU32::MIN.saturating_add(number))
            }

            fn number(self) -> u32 {
                self.0.get() - 1
            }
        })+
    };
}

places! {
    /// Which device of a snapshot. Devices lie in the order of their codenames.
    DeviceAt,
    /// Which variant of a snapshot. Variants lie device by device, in the order of regions.
    VariantAt,
    /// Which release of a snapshot. Releases lie newest first.
    ReleaseAt,
    /// Which package of a snapshot. Packages lie newest first.
    PackageAt,
    /// Which version of a snapshot. Versions lie lowest first, so comparing places compares versions.
    VersionAt,
}

/// The rows of one table. Places are made by the snapshot that owns the table, so they always lie inside it.
#[derive(Debug)]
pub(in crate::catalog) struct Table<P, R> {
    rows: Vec<R>,
    /// Where in `rows` each place's row lies; empty where rows lie in the order of their places.
    slots: Vec<u32>,
    place: PhantomData<P>,
}

impl<P: Place, R> Table<P, R> {
    /// Rows that lie in the order of their places.
    pub(in crate::catalog) const fn new(rows: Vec<R>) -> Self {
        Self {
            rows,
            slots: Vec::new(),
            place: PhantomData,
        }
    }

    /// Rows, given in the order of their places, that lie by their owners instead: those of one owner side by side, so that
    /// reading them waits for memory once and not for each.
    pub(in crate::catalog) fn gathered(mut rows: Vec<R>, owner: impl Fn(&R) -> u32) -> Self {
        let mut gathered: Vec<(u32, u32)> = rows.iter().map(owner).zip(0..).collect();
        gathered.sort_unstable();
        let mut slots = vec![0; rows.len()];
        for (slot, (_, place)) in gathered.iter().enumerate() {
            if let Some(of) = slots.get_mut(*place as usize) {
                *of = number(slot);
            }
        }
        // Every swap puts one row where it belongs.
        let mut left = slots.clone();
        for place in 0..rows.len() {
            while let Some(slot) = left.get(place).map(|slot| *slot as usize).filter(|slot| *slot != place) {
                rows.swap(place, slot);
                left.swap(place, slot);
            }
        }
        Self {
            rows,
            slots,
            place: PhantomData,
        }
    }

    /// Where a place's row lies.
    pub(in crate::catalog) fn slot(&self, place: P) -> u32 {
        let number = place.number();
        self.slots.get(number as usize).copied().unwrap_or(number)
    }

    pub(in crate::catalog) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::catalog) fn places(
        &self,
    ) -> impl DoubleEndedIterator<Item = P> + ExactSizeIterator + Clone + use<P, R> {
        (0..number(self.rows.len())).map(P::at)
    }

    /// How many rows come before the first that is not `before`, in a table whose places are so ordered.
    pub(in crate::catalog) fn partition_point(&self, before: impl Fn(&R) -> bool) -> u32 {
        let (mut low, mut high) = (0, number(self.rows.len()));
        while low < high {
            let middle = low.midpoint(high);
            if before(&self[P::at(middle)]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The rows in the order of their places.
    pub(in crate::catalog) fn iter(&self) -> impl ExactSizeIterator<Item = &R> {
        self.places().map(|place| &self[place])
    }
}

impl<P: Place, R> Index<P> for Table<P, R> {
    type Output = R;

    #[expect(
        clippy::indexing_slicing,
        reason = "only the owning snapshot makes places, and each lies inside its table"
    )]
    fn index(&self, place: P) -> &R {
        &self.rows[self.slot(place) as usize]
    }
}

/// Which rows of one table belong to each row of another: one run of places a row.
#[derive(Debug)]
pub(in crate::catalog) struct Groups<M> {
    ends: Vec<u32>,
    members: Vec<M>,
}

impl<M: Copy> Groups<M> {
    /// Groups the members by their owners' numbers, below `owners`. Within a group they keep their order. The pairs are read
    /// twice rather than kept.
    pub(in crate::catalog) fn collect(owners: usize, pairs: impl Iterator<Item = (u32, M)> + Clone) -> Self {
        let mut ends = vec![0_u32; owners];
        for (owner, _) in pairs.clone() {
            if let Some(count) = ends.get_mut(owner as usize) {
                *count += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            // first where the group starts; every member moves it on
            total += std::mem::replace(end, total);
        }
        let mut members = pairs
            .clone()
            .next()
            .map_or_else(Vec::new, |(_, any)| vec![any; total as usize]);
        for (owner, member) in pairs {
            if let Some(end) = ends.get_mut(owner as usize)
                && let Some(next) = members.get_mut(*end as usize)
            {
                *next = member;
                *end += 1;
            }
        }
        Self { ends, members }
    }

    /// The members of one owner.
    pub(in crate::catalog) fn of(&self, owner: u32) -> &[M] {
        let owner = owner as usize;
        let start = owner
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(owner).copied().unwrap_or(start);
        self.members.get(start as usize..end as usize).unwrap_or(&[])
    }
}

/// A text inside an [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    at: u32,
    length: u32,
}

/// Every text of a snapshot, one behind the other, in blocks: growing moves nothing.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Arena(Vec<String>);

/// Bytes of a block, as a power of two. A text that is longer has a block of its own.
const BLOCK_BITS: u32 = 20;

impl Arena {
    pub(in crate::catalog) fn add(&mut self, text: &str) -> Result<Span, TooLarge> {
        let block_bytes = 1 << BLOCK_BITS;
        let has_room = |block: &String| block.len() < block_bytes && block.capacity() - block.len() >= text.len();
        if !self.0.last().is_some_and(has_room) {
            self.0.push(String::with_capacity(text.len().max(block_bytes)));
        }
        let number = u32::try_from(self.0.len() - 1).map_err(|_| TooLarge)?;
        let block = self.0.last_mut().ok_or(TooLarge)?;
        let start = u32::try_from(block.len()).map_err(|_| TooLarge)?;
        if number >> (u32::BITS - BLOCK_BITS) != 0 {
            return Err(TooLarge);
        }
        block.push_str(text);
        Ok(Span {
            at: number << BLOCK_BITS | start,
            length: u32::try_from(text.len()).map_err(|_| TooLarge)?,
        })
    }

    pub(in crate::catalog) fn get(&self, span: Span) -> &str {
        let start = (span.at & ((1 << BLOCK_BITS) - 1)) as usize;
        self.0
            .get((span.at >> BLOCK_BITS) as usize)
            .and_then(|block| block.get(start..start + span.length as usize))
            .unwrap_or("")
    }
}

/// A catalogue of more rows or text than 32 bits can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue is larger than 4 GiB of text or 4 G rows")]
pub struct TooLarge;

/// A row's number. Tables stop growing at [`TooLarge`], long before a count could be cut off here.
pub(in crate::catalog) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_from_whatever_block() {
        let mut arena = Arena::default();
        let texts: Vec<String> = [0, 1, 700_000, 400_000, 1 << 20, 3 << 20, 5, 1 << 20, 7]
            .into_iter()
            .zip('a'..)
            .map(|(length, letter)| letter.to_string().repeat(length))
            .collect();
        let spans: Vec<Span> = texts.iter().map(|text| arena.add(text).unwrap()).collect();
        for (text, span) in texts.iter().zip(spans) {
            assert!(arena.get(span) == text, "{} bytes", text.len());
        }
    }

    #[test]
    fn gathered_rows_are_found_by_their_places() {
        let rows = vec!["c0", "a0", "b0", "c1", "a1", "a2", "b1"];
        let table: Table<PackageAt, _> =
            Table::gathered(rows.clone(), |row| u32::from(row.as_bytes().first().copied().unwrap()));
        assert_eq!(table.iter().copied().collect::<Vec<_>>(), rows);
        assert_eq!(table.rows, ["a0", "a1", "a2", "b0", "b1", "c0", "c1"]);
        assert_eq!(table.slot(PackageAt::at(3)), 6);
    }

    #[test]
    fn groups_keep_order_and_may_be_empty() {
        let pairs = [(2, 'a'), (0, 'b'), (2, 'c'), (4, 'd')];
        let groups = Groups::collect(4, pairs.into_iter());
        for (owner, members) in [(0, &['b'][..]), (1, &[]), (2, &['a', 'c']), (3, &[]), (9, &[])] {
            assert_eq!(groups.of(owner), members, "{owner}");
        }
    }
}
