//! Orders kept ready, and walks along them: a page is read off an order, never sorted together.
//!
//! Knows numbers alone: rows are numbers, and an order gives each a rank.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::snapshot::store::{Groups, number};

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest, oldest or alphabetically first at the top.
    Ascending,
    /// Largest or newest at the top.
    Descending,
}

/// All rows of a table in one total order. Rows without a value come last, in either direction.
#[derive(Debug)]
pub(super) struct Order {
    /// The direction in which ranks count.
    kept: Direction,
    count: u32,
    /// Rank to row; empty, like `ranks`, where rank and row are the same number.
    rows: Vec<u32>,
    /// Row to rank.
    ranks: Vec<u32>,
    /// How many rows have a value; their ranks come before the others'.
    known: u32,
    /// For each kind of row the ranks of its rows, ascending.
    by_kind: Groups<u32>,
}

impl Order {
    /// Sorts the rows below `count`. `compare` is total and puts rows without a value, as `has_value` tells them, last.
    pub(super) fn new(
        kept: Direction,
        count: usize,
        kinds: Option<(&[u16], usize)>,
        has_value: impl Fn(u32) -> bool,
        compare: impl Fn(u32, u32) -> Ordering,
    ) -> Self {
        let mut rows: Vec<u32> = (0..number(count)).collect();
        rows.sort_unstable_by(|a, b| has_value(*b).cmp(&has_value(*a)).then_with(|| compare(*a, *b)));
        let known = number(rows.partition_point(|row| has_value(*row)));
        let (kind_of, kinds) = kinds.unwrap_or_default();
        let kind = |row: u32| kind_of.get(row as usize).copied().map(u32::from);
        let by_kind = Groups::collect(
            kinds,
            rows.iter().zip(0..).filter_map(|(row, rank)| Some((kind(*row)?, rank))),
        );
        let mut ranks = Vec::new();
        if rows.iter().zip(0..).all(|(row, rank)| *row == rank) {
            rows = Vec::new();
        } else {
            ranks = vec![0; count];
            for (row, rank) in rows.iter().zip(0..) {
                if let Some(of) = ranks.get_mut(*row as usize) {
                    *of = rank;
                }
            }
        }
        Self {
            kept,
            count: number(count),
            rows,
            ranks,
            known,
            by_kind,
        }
    }

    pub(super) fn row(&self, rank: u32) -> Option<u32> {
        let row = || self.rows.get(rank as usize).copied().unwrap_or(rank);
        (rank < self.count).then(row)
    }

    pub(super) fn rank(&self, row: u32) -> u32 {
        self.ranks.get(row as usize).copied().unwrap_or(row)
    }

    /// Where a value belongs, `compare` telling how a row lies to it; `known` whether it is a value at all.
    pub(super) fn locate(&self, known: Known, compare: impl Fn(u32) -> Ordering) -> Boundary {
        let (mut low, mut high) = match known {
            Known::Yes => (0, self.known),
            Known::No => (self.known, self.count),
        };
        while low < high {
            let middle = low.midpoint(high);
            match self.row(middle).map_or(Ordering::Greater, &compare) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => {
                    return Boundary {
                        low: middle,
                        high: middle + 1,
                        known,
                    };
                }
            }
        }
        Boundary { low, high: low, known }
    }

    /// The ranks between the boundaries in the given direction, as pieces to walk one after another.
    fn pieces(&self, direction: Direction, after: Option<Boundary>, before: Option<Boundary>) -> Vec<Piece> {
        let count = self.count;
        if direction == self.kept {
            let from = after.map_or(0, |after| after.high);
            let to = before.map_or(count, |before| before.low);
            return vec![Piece { from, to, way: Way::Up }];
        }
        // Against the grain: first those with a value from the far end, then those without.
        [(Known::Yes, 0, self.known), (Known::No, self.known, count)]
            .into_iter()
            .filter_map(|(part, from, to)| {
                let mut piece = Piece {
                    from,
                    to,
                    way: Way::Down,
                };
                if let Some(after) = after {
                    match (part, after.known) {
                        (Known::Yes, Known::No) => return None,
                        (Known::No, Known::Yes) => {}
                        _ => piece.to = after.low,
                    }
                }
                if let Some(before) = before {
                    match (part, before.known) {
                        (Known::No, Known::Yes) => return None,
                        (Known::Yes, Known::No) => {}
                        _ => piece.from = before.high,
                    }
                }
                Some(piece)
            })
            .collect()
    }
}

/// Whether a row or a cursor has a value in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has one.
    Yes,
    /// It has none and comes last.
    No,
}

impl From<bool> for Known {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

/// Where a cursor lies among the ranks: on the rank `low`, or, when its row is gone, just before it (then `high` is `low`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boundary {
    low: u32,
    high: u32,
    known: Known,
}

impl Boundary {
    /// The same place as a boundary that takes its own row in rather than leaving it out.
    const fn including(self) -> Self {
        Self {
            low: self.high,
            high: self.low,
            known: self.known,
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// A run of ranks and the way to walk it.
#[derive(Clone, Copy)]
struct Piece {
    from: u32,
    to: u32,
    way: Way,
}

/// How many rows a page takes, and from which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The first so many behind `after`.
    First(usize),
    /// The last so many before `before`.
    Last(usize),
}

impl Take {
    /// How many.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::First(count) | Self::Last(count) => count,
        }
    }
}

/// The rows of a page, and whether there are more on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in the asked order.
    pub rows: Vec<T>,
    /// Whether rows follow the page.
    pub has_next: bool,
    /// Whether rows precede the page.
    pub has_previous: bool,
}

/// The ranks that a page is chosen from.
pub(super) enum Ranks<'a> {
    /// Every rank.
    All,
    /// These, ascending.
    Listed(&'a [u32]),
    /// The ranks of these kinds; the bits of `wanted` say which, `kind_of` gives each row's.
    Kinds {
        /// The kinds, by number.
        wanted: &'a KindSet,
        /// Each row's kind.
        kind_of: &'a [u16],
        /// How many rows have a wanted kind.
        count: usize,
    },
}

/// A set of kinds, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KindSet(Vec<u64>);

impl KindSet {
    pub(super) fn choose(kinds: usize, wanted: impl Fn(usize) -> bool) -> Self {
        let mut words = vec![0_u64; kinds.div_ceil(64)];
        for kind in (0..kinds).filter(|kind| wanted(*kind)) {
            if let Some(word) = words.get_mut(kind / 64) {
                *word |= 1 << (kind % 64);
            }
        }
        Self(words)
    }

    pub(super) fn contains(&self, kind: u16) -> bool {
        self.0
            .get(usize::from(kind) / 64)
            .is_some_and(|word| word & (1 << (kind % 64)) != 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| number(place * 64) + bit)
        })
    }
}

impl Ranks<'_> {
    /// Adds up to `most` of the chosen ranks in `[from, to)` to `found`, in the piece's way.
    fn walk(&self, order: &Order, piece: Piece, most: usize, found: &mut Vec<u32>) {
        let Piece { from, to, way } = piece;
        if from >= to || most == 0 {
            return;
        }
        match self {
            Self::All => match way {
                Way::Up => found.extend((from..to).take(most)),
                Way::Down => found.extend((from..to).rev().take(most)),
            },
            Self::Listed(ranks) => take_run(ranks, from, to, way, most, found),
            Self::Kinds { wanted, kind_of, count } => {
                // Where every eighth row or more is wanted, looking at each is quicker than merging.
                if *count >= order.count as usize / 8 {
                    let chosen = |rank: &u32| {
                        order
                            .row(*rank)
                            .and_then(|row| kind_of.get(row as usize))
                            .is_some_and(|kind| wanted.contains(*kind))
                    };
                    match way {
                        Way::Up => found.extend((from..to).filter(chosen).take(most)),
                        Way::Down => found.extend((from..to).rev().filter(chosen).take(most)),
                    }
                } else {
                    merge(
                        wanted.iter().map(|kind| order.by_kind.of(kind)),
                        from,
                        to,
                        way,
                        most,
                        found,
                    );
                }
            }
        }
    }
}

/// The part of an ascending list that lies in `[from, to)`.
fn part(ranks: &[u32], from: u32, to: u32) -> &[u32] {
    let start = ranks.partition_point(|rank| *rank < from);
    let end = ranks.partition_point(|rank| *rank < to);
    ranks.get(start..end).unwrap_or(&[])
}

fn take_run(ranks: &[u32], from: u32, to: u32, way: Way, most: usize, found: &mut Vec<u32>) {
    let run = part(ranks, from, to).iter().copied();
    match way {
        Way::Up => found.extend(run.take(most)),
        Way::Down => found.extend(run.rev().take(most)),
    }
}

/// Merges ascending lists, from their low ends or from their high ones.
fn merge<'a>(lists: impl Iterator<Item = &'a [u32]>, from: u32, to: u32, way: Way, most: usize, found: &mut Vec<u32>) {
    // The heap gives its greatest first: upwards, ranks are turned round.
    let turn = |rank: u32| match way {
        Way::Up => u32::MAX - rank,
        Way::Down => rank,
    };
    let split = |list: &'a [u32]| match way {
        Way::Up => list.split_first(),
        Way::Down => list.split_last(),
    };
    let mut heads: BinaryHeap<(u32, &'a [u32])> = lists
        .filter_map(|list| split(part(list, from, to)))
        .map(|(rank, rest)| (turn(*rank), rest))
        .collect();
    for _ in 0..most {
        let Some(mut head) = heads.peek_mut() else { return };
        found.push(turn(head.0));
        match split(head.1) {
            Some((rank, rest)) => *head = (turn(*rank), rest),
            None => drop(std::collections::binary_heap::PeekMut::pop(head)),
        }
    }
}

/// Reads a page of the chosen ranks off an order; its rows are row numbers.
pub(super) fn page(
    order: &Order,
    ranks: &Ranks<'_>,
    direction: Direction,
    after: Option<Boundary>,
    before: Option<Boundary>,
    take: Take,
) -> Page<u32> {
    let walk = |pieces: &[Piece], most: usize| {
        let mut found = Vec::with_capacity(most.min(128));
        for piece in pieces {
            let left = most - found.len();
            ranks.walk(order, *piece, left, &mut found);
        }
        found
    };
    let turned = |mut pieces: Vec<Piece>| {
        pieces.reverse();
        for piece in &mut pieces {
            piece.way = match piece.way {
                Way::Up => Way::Down,
                Way::Down => Way::Up,
            };
        }
        pieces
    };
    let inside = order.pieces(direction, after, before);
    let (mut found, most) = match take {
        Take::First(most) => (walk(&inside, most + 1), most),
        Take::Last(most) => (walk(&turned(inside), most + 1), most),
    };
    let more = found.len() > most;
    found.truncate(most);
    let precede =
        || after.is_some_and(|after| !walk(&order.pieces(direction, None, Some(after.including())), 1).is_empty());
    let follow =
        || before.is_some_and(|before| !walk(&order.pieces(direction, Some(before.including()), None), 1).is_empty());
    let (has_next, has_previous) = match take {
        Take::First(_) => (more || follow(), precede()),
        Take::Last(_) => {
            found.reverse();
            (follow(), more || precede())
        }
    };
    Page {
        rows: found.into_iter().filter_map(|rank| order.row(rank)).collect(),
        has_next,
        has_previous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten rows with the values 0 to 6 and three without; kinds alternate.
    fn order(kinds: &[u16]) -> Order {
        let value = |row: u32| (row < 7).then_some(row);
        Order::new(
            Direction::Descending,
            10,
            Some((kinds, 2)),
            |row| value(row).is_some(),
            |a, b| b.cmp(&a),
        )
    }

    fn at(order: &Order, row: u32) -> Boundary {
        order.locate(Known::from(row < 7), |other| row.cmp(&other))
    }

    #[test]
    fn pages_run_both_ways_and_rows_without_a_value_come_last() {
        let kinds: Vec<u16> = (0..10).map(|row| row % 2).collect();
        let order = order(&kinds);
        let odd = KindSet::choose(2, |kind| kind == 1);
        let listed: Vec<u32> = order.by_kind.of(1).to_vec();
        let all_down: Vec<u32> = vec![6, 5, 4, 3, 2, 1, 0, 9, 8, 7];
        let all_up: Vec<u32> = vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        for (direction, sequence) in [(Direction::Descending, all_down), (Direction::Ascending, all_up)] {
            for only_odd in [false, true] {
                let sequence: Vec<u32> = sequence
                    .iter()
                    .copied()
                    .filter(|row| !only_odd || row % 2 == 1)
                    .collect();
                let choices: &[Ranks<'_>] = if only_odd {
                    &[
                        Ranks::Listed(&listed),
                        Ranks::Kinds {
                            wanted: &odd,
                            kind_of: &kinds,
                            count: 5,
                        },
                        Ranks::Kinds {
                            wanted: &odd,
                            kind_of: &kinds,
                            count: 0,
                        },
                    ]
                } else {
                    &[Ranks::All]
                };
                for ranks in choices {
                    for (from, start) in
                        (0..=sequence.len()).zip(std::iter::once(None).chain(sequence.iter().map(Some)))
                    {
                        for most in 1..4 {
                            let cursor = start.map(|row| at(&order, *row));
                            let forwards = page(&order, ranks, direction, cursor, None, Take::First(most));
                            let expected = &sequence[from..(from + most).min(sequence.len())];
                            assert_eq!(forwards.rows, expected, "{direction:?} after {start:?}");
                            assert_eq!(forwards.has_next, from + most < sequence.len());
                            assert_eq!(forwards.has_previous, from > 0);
                            let Some(cursor) = cursor else { continue };
                            let backwards = page(&order, ranks, direction, None, Some(cursor), Take::Last(most));
                            let end = from - 1;
                            assert_eq!(
                                backwards.rows,
                                &sequence[end.saturating_sub(most)..end],
                                "{direction:?} before {start:?}"
                            );
                            assert!(backwards.has_next);
                            assert_eq!(backwards.has_previous, end > most);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_cursor_whose_row_is_gone_keeps_its_place() {
        let kinds = vec![0; 10];
        let order = order(&kinds);
        // Between 3 and 4: as if a row with the value three and a half had been there.
        let gone = order.locate(
            Known::Yes,
            |other| if other >= 4 { Ordering::Less } else { Ordering::Greater },
        );
        assert_eq!(
            page(
                &order,
                &Ranks::All,
                Direction::Descending,
                Some(gone),
                None,
                Take::First(2)
            )
            .rows,
            [3, 2]
        );
        assert_eq!(
            page(
                &order,
                &Ranks::All,
                Direction::Ascending,
                Some(gone),
                None,
                Take::First(2)
            )
            .rows,
            [4, 5]
        );
        assert_eq!(
            page(
                &order,
                &Ranks::All,
                Direction::Descending,
                None,
                Some(gone),
                Take::Last(2)
            )
            .rows,
            [5, 4]
        );
    }
}
