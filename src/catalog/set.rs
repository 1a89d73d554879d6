//! Small sets of the catalogue's enums, one bit a member.

use std::marker::PhantomData;

use entity::value::{Branch, OperatingSystem, PackageType, Region};

/// An enum whose members can be counted off.
pub trait Member: Copy + Eq + 'static {
    /// Every member, in the order of its declaration.
    const MEMBERS: &'static [Self];

    /// The member's place in [`Member::MEMBERS`].
    fn place(self) -> usize;
}

macro_rules! members {
    ($($type:ty),+) => {
        $(impl Member for $type {
            const MEMBERS: &'static [Self] = Self::ALL;

            fn place(self) -> usize {
                self as usize
            }
        })+
    };
}
members!(Branch, OperatingSystem, PackageType, Region);

/// A set of members of `T`.
#[derive(Debug)]
pub struct Set<T> {
    bits: u32,
    of: PhantomData<T>,
}

impl<T: Member> Set<T> {
    /// The set without members.
    pub const EMPTY: Self = Self {
        bits: 0,
        of: PhantomData,
    };

    /// Adds a member.
    pub fn insert(&mut self, member: T) {
        self.bits |= 1 << member.place();
    }

    /// Whether the member is in the set.
    #[must_use]
    pub fn contains(self, member: T) -> bool {
        self.bits & (1 << member.place()) != 0
    }

    /// Whether the two have a member in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.bits & other.bits != 0
    }

    /// The members of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            bits: self.bits | other.bits,
            of: PhantomData,
        }
    }

    /// The members, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::MEMBERS.iter().copied().filter(move |member| self.contains(*member))
    }
}

impl<T> Clone for Set<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Set<T> {}

impl<T> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<T> Eq for Set<T> {}

impl<T> PartialOrd for Set<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Set<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bits.cmp(&other.bits)
    }
}

impl<T: Member> Default for Set<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T: Member> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut set = Self::EMPTY;
        for member in members {
            set.insert(member);
        }
        set
    }
}
