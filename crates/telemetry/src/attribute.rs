//! Attributes of a span, event or link while it is being built: bounded, in order of arrival,
//! the oldest leaving first (specification: common, "Attribute Limits").

use std::collections::HashSet;

/// A key-value collection that keeps at most `limit` entries.
///
/// It does not hash or compare keys itself: the caller brings the hash and the comparison, so that
/// keys can be anything (Rust strings in tests, references to Python strings in `crates/python`).
#[derive(Debug)]
pub struct Attributes<K, V> {
    entries: Vec<Entry<K, V>>,
    limit: Option<usize>,
    dropped: u32,
    /// The hashes of many entries, and of some that have left.
    #[expect(
        clippy::box_collection,
        reason = "hardly a span has them, and all would be larger"
    )]
    hashes: Option<Box<HashSet<u64>>>,
}

/// So many entries are looked through for a key that is set.
const FEW: usize = 128;

/// One attribute and the hash of its key.
#[derive(Debug)]
pub struct Entry<K, V> {
    hash: u64,
    /// Its key, as the caller has it.
    pub key: K,
    /// Its value.
    pub value: V,
}

/// What an insertion pushed out. It is handed back, so that the caller can release it where
/// releasing is safe (dropping a Python reference may run the user's code).
#[derive(Debug)]
pub enum Displaced<K, V> {
    /// Nothing left the collection.
    Nothing,
    /// The same key was there: it moved to the end with its new value.
    Replaced(Entry<K, V>),
    /// The collection was full: its oldest entry made room and was counted as dropped.
    Oldest(Entry<K, V>),
    /// The limit is zero: the new attribute itself was counted as dropped.
    Refused(K, V),
}

impl<K, V> Attributes<K, V> {
    /// An empty collection; `None` means no limit.
    #[must_use]
    pub const fn new(limit: Option<usize>) -> Self {
        Self {
            entries: Vec::new(),
            limit,
            dropped: 0,
            hashes: None,
        }
    }

    /// Makes room for so many that are about to be set.
    pub fn reserve(&mut self, count: usize) {
        let most = self.limit.unwrap_or(count);
        self.entries.reserve_exact(count.min(most));
    }

    /// Sets `key` to `value`; `is_same` compares the keys of entries with the same hash.
    pub fn insert(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        is_same: impl Fn(&K, &K) -> bool,
    ) -> Displaced<K, V> {
        if self.limit == Some(0) {
            self.count_dropped(1);
            return Displaced::Refused(key, value);
        }
        let position = if self.entries.len() >= FEW && self.is_new(hash) {
            None
        } else {
            let mut entries = self.entries.iter();
            entries.position(|entry| entry.hash == hash && is_same(&entry.key, &key))
        };
        let displaced = match position {
            Some(index) => Displaced::Replaced(self.entries.remove(index)),
            None if self.limit.is_some_and(|limit| self.entries.len() >= limit) => {
                self.count_dropped(1);
                Displaced::Oldest(self.entries.remove(0))
            }
            None => Displaced::Nothing,
        };
        if self.entries.capacity() == 0 {
            // Most spans carry a handful of attributes: one allocation serves them.
            self.entries.reserve_exact(8);
        }
        self.entries.push(Entry { hash, key, value });
        displaced
    }

    /// Sets a key that is known to be new, where there is room for it below the limit.
    pub fn push(&mut self, hash: u64, key: K, value: V) {
        self.entries.push(Entry { hash, key, value });
    }

    // Whether no entry has that hash, as far as is known without looking at all of them. It will have
    // it from now on.
    fn is_new(&mut self, hash: u64) -> bool {
        let most = 2 * self.entries.len();
        let known = self.hashes.take().filter(|known| known.len() < most);
        let mut known = known
            .unwrap_or_else(|| Box::new(self.entries.iter().map(|entry| entry.hash).collect()));
        let is_new = known.insert(hash);
        self.hashes = Some(known);
        is_new
    }

    /// Counts attributes that never got in (invalid keys).
    pub fn count_dropped(&mut self, count: u32) {
        self.dropped = self.dropped.saturating_add(count);
    }

    /// How many attributes were given and are not kept.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry<K, V>> {
        self.entries.iter()
    }

    /// The same collection, of what `copy` makes of each key and value.
    #[must_use]
    pub fn copy_with(&self, copy: impl Fn(&K, &V) -> (K, V)) -> Self {
        let entry = |entry: &Entry<K, V>| {
            let (key, value) = copy(&entry.key, &entry.value);
            Entry {
                hash: entry.hash,
                key,
                value,
            }
        };
        Self {
            entries: self.entries.iter().map(entry).collect(),
            limit: self.limit,
            dropped: self.dropped,
            hashes: None,
        }
    }
}

/// A list that keeps the newest `limit` items and counts the others (events, links).
#[derive(Debug)]
pub struct Newest<T> {
    items: Vec<T>,
    limit: Option<usize>,
    dropped: u32,
}

impl<T> Newest<T> {
    /// An empty list; `None` means no limit.
    #[must_use]
    pub const fn new(limit: Option<usize>) -> Self {
        Self {
            items: Vec::new(),
            limit,
            dropped: 0,
        }
    }

    /// Appends `item` and returns the one that had to leave: the oldest, or `item` itself if the
    /// limit is zero.
    pub fn push(&mut self, item: T) -> Option<T> {
        let leaving = match self.limit {
            Some(0) => {
                self.dropped = self.dropped.saturating_add(1);
                return Some(item);
            }
            Some(limit) if self.items.len() >= limit => {
                self.dropped = self.dropped.saturating_add(1);
                Some(self.items.remove(0))
            }
            _ => None,
        };
        self.items.push(item);
        leaving
    }

    /// How many were given and are not kept.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items, the oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// How many items were ever appended.
    #[must_use]
    pub fn appended(&self) -> usize {
        self.items.len() + self.dropped as usize
    }

    /// The same list, of what `copy` makes of each item.
    #[must_use]
    pub fn copy_with(&self, copy: impl Fn(&T) -> T) -> Self {
        Self {
            items: self.items.iter().map(copy).collect(),
            limit: self.limit,
            dropped: self.dropped,
        }
    }
}

impl<K, V> Default for Attributes<K, V> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self::new(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(attributes: &mut Attributes<&'static str, i64>, key: &'static str, value: i64) {
        // A poor hash on purpose: the comparison has to tell the keys apart.
        attributes.insert(key.len() as u64, key, value, |left, right| left == right);
    }

    fn content(attributes: &Attributes<&'static str, i64>) -> Vec<(&'static str, i64)> {
        attributes
            .iter()
            .map(|entry| (entry.key, entry.value))
            .collect()
    }

    #[test]
    fn a_key_set_again_moves_to_the_end() {
        let mut attributes = Attributes::new(None);
        insert(&mut attributes, "a", 1);
        insert(&mut attributes, "b", 2);
        insert(&mut attributes, "a", 3);
        assert_eq!(content(&attributes), [("b", 2), ("a", 3)]);
        assert_eq!(attributes.dropped(), 0);
    }

    #[test]
    fn a_full_collection_drops_its_oldest_and_counts_it() {
        let mut attributes = Attributes::new(Some(2));
        for (key, value) in [("a", 1), ("b", 2), ("c", 3), ("b", 4)] {
            insert(&mut attributes, key, value);
        }
        assert_eq!(content(&attributes), [("c", 3), ("b", 4)]);
        assert_eq!(attributes.dropped(), 1);
    }

    #[test]
    fn many_entries_are_kept_as_few_are() {
        for limit in [None, Some(200), Some(300)] {
            let mut attributes = Attributes::new(limit);
            let mut expected: Vec<(u64, u64)> = Vec::new();
            for value in 0..3000_u64 {
                let key = value.wrapping_mul(7919) % 500;
                // Two keys have the same hash.
                attributes.insert(key / 2, key, value, |left, right| left == right);
                expected.retain(|(other, _)| *other != key);
                expected.push((key, value));
                if limit.is_some_and(|limit| expected.len() > limit) {
                    expected.remove(0);
                }
            }
            let kept: Vec<_> = attributes
                .iter()
                .map(|entry| (entry.key, entry.value))
                .collect();
            assert_eq!(kept, expected);
        }
    }

    #[test]
    fn a_limit_of_zero_counts_every_attribute() {
        let mut attributes = Attributes::new(Some(0));
        insert(&mut attributes, "a", 1);
        insert(&mut attributes, "a", 1);
        assert!(attributes.is_empty());
        assert_eq!(attributes.dropped(), 2);
    }

    #[test]
    fn the_newest_items_stay() {
        let mut events = Newest::new(Some(2));
        assert_eq!(events.push(1), None);
        assert_eq!(events.push(2), None);
        assert_eq!(events.push(3), Some(1));
        assert_eq!(events.iter().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(events.dropped(), 1);
        assert_eq!(Newest::new(Some(0)).push('x'), Some('x'));
    }

    #[test]
    fn a_copy_has_the_items_the_limit_and_the_count() {
        let mut attributes = Attributes::new(Some(2));
        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            insert(&mut attributes, key, value);
        }
        let mut copied = attributes.copy_with(|key, value| (*key, *value));
        assert_eq!(content(&copied), [("b", 2), ("c", 3)]);
        insert(&mut copied, "d", 4);
        assert_eq!(content(&copied), [("c", 3), ("d", 4)]);
        assert_eq!((attributes.dropped(), copied.dropped()), (1, 2));

        let mut events = Newest::new(Some(2));
        for event in [1, 2, 3] {
            events.push(event);
        }
        let mut copied = events.copy_with(|event| *event);
        assert_eq!(copied.appended(), events.appended());
        assert_eq!(copied.push(4), Some(2));
        assert_eq!((events.appended(), copied.appended()), (3, 4));
    }
}
