//! Texts one behind the other in one allocation, told apart by number.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Strings {
    pub(super) bytes: Vec<u8>,
    /// Where each ends.
    pub(super) ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Nothing for a number that there is not.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(0) as usize,
        };
        let end = self.ends.get(number).copied().unwrap_or(0) as usize;
        self.bytes.get(start..end).unwrap_or_default()
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        std::str::from_utf8(self.get(number)).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len() as u32).map(|number| self.get(number))
    }

    pub(super) fn push(&mut self, text: &[u8]) -> u32 {
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
        number
    }

    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }
}

/// Numbers of things by what they are; the things themselves are kept elsewhere.
#[derive(Debug, Default)]
pub(super) struct Index {
    table: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
}

impl Index {
    /// The number of a thing that is known, else the one that `add` gives it.
    pub(super) fn number<K: Hash + ?Sized>(
        &mut self,
        key: &K,
        is_same: impl Fn(u32) -> bool,
        add: impl FnOnce() -> u32,
    ) -> u32 {
        let hash = self.hasher.hash_one(key);
        if let Some((_, number)) = self
            .table
            .find(hash, |(known, number)| *known == hash && is_same(*number))
        {
            return *number;
        }
        let number = add();
        self.table
            .insert_unique(hash, (hash, number), |(known, _)| *known);
        number
    }

    pub(super) fn cost(&self) -> usize {
        self.table.capacity() * 17
    }
}
