//! A set of a block's rows, one bit each.

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    pub(crate) fn none(length: usize) -> Self {
        Self {
            words: vec![0; length.div_ceil(64)],
            length,
        }
    }

    pub(crate) fn all(length: usize) -> Self {
        let mut bits = Self::none(length);
        bits.invert();
        bits
    }

    pub(crate) fn from_iter(length: usize, rows: impl IntoIterator<Item = bool>) -> Self {
        let mut bits = Self::none(length);
        let mut rows = rows.into_iter();
        for word in &mut bits.words {
            for position in 0..64 {
                match rows.next() {
                    Some(true) => *word |= 1 << position,
                    Some(false) => {}
                    None => return bits,
                }
            }
        }
        bits
    }

    pub(crate) fn retain(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word &= more;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    pub(crate) fn remove(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word &= !more;
        }
    }

    pub(crate) fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        let rest = self.length % 64;
        if rest != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << rest) - 1;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The rows in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(number, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let position = rest.trailing_zeros() as usize;
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    number * 64 + position
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_rows_add_up_and_turn_around() {
        let mut bits = Bits::from_iter(130, (0..130).map(|row| row % 3 == 0));
        assert_eq!(bits.count(), 44);
        assert_eq!(bits.iter().take(3).collect::<Vec<_>>(), [0, 3, 6]);
        bits.invert();
        assert_eq!(bits.count(), 86);
        assert_eq!(bits.iter().last(), Some(128));
        let mut few = Bits::from_iter(130, (0..130).map(|row| row == 129));
        few.add(&bits);
        few.retain(&Bits::from_iter(130, (0..130).map(|row| row > 127)));
        assert_eq!(few.iter().collect::<Vec<_>>(), [128, 129]);
        few.remove(&bits);
        assert_eq!(few.iter().collect::<Vec<_>>(), [129]);
        assert!(!few.is_empty());
        assert_eq!(Bits::all(130).count(), 130);
        assert!(Bits::all(0).is_empty());
    }
}
