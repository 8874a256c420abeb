//! The checksum of a record. It has to tell damage from data and nobody from anybody, and costs the
//! program's own threads time: a multiplication for sixteen bytes, of which both halves are kept.

const STEP: usize = 32;
/// An odd number, so that a product with it loses nothing.
pub(crate) const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Digits of pi. What is zero in a record is none in a product then.
const SALTS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];

/// Nearly always differs where the bytes do.
pub(crate) fn sum(seed: u64, bytes: &[u8]) -> u64 {
    let mut chains = [seed, seed.wrapping_mul(ODD)];
    let (steps, rest) = bytes.as_chunks::<STEP>();
    for step in steps {
        add(&mut chains, step);
    }
    if !rest.is_empty() {
        // The last bytes, some of them once more: to copy the rest to where zeros follow it was a fifth of
        // all that a record took.
        match bytes.last_chunk::<STEP>() {
            Some(last) => add(&mut chains, last),
            None => add(&mut chains, &padded(rest)),
        }
    }
    let [one, other] = chains;
    let len = (bytes.len() as u64).wrapping_mul(ODD);
    folded(one ^ len, other.rotate_left(32) ^ ODD)
}

/// Two chains, since each product waits for the one before.
#[inline]
fn add(chains: &mut [u64; 2], step: &[u8; STEP]) {
    let (words, _) = step.as_chunks::<8>();
    let &[a, b, c, d] = words else {
        return;
    };
    let [one, other] = *chains;
    let [first, second] = SALTS;
    *chains = [
        folded(u64::from_le_bytes(a) ^ first, u64::from_le_bytes(b) ^ one),
        folded(
            u64::from_le_bytes(c) ^ second,
            u64::from_le_bytes(d) ^ other,
        ),
    ];
}

/// A product's halves in one: each bit of either number has a part in most of its bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "one half, and the other")]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[cold]
fn padded(rest: &[u8]) -> [u8; STEP] {
    let mut padded = [0; STEP];
    if let Some(part) = padded.get_mut(..rest.len()) {
        part.copy_from_slice(rest);
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn a_sum_is_that_of_the_first_release_for_bytes_of_any_length() {
        let bytes: Vec<u8> = (0..100).collect();
        let found = [0, 1, 31, 32, 33, 100].map(|len| sum(7, &bytes[..len]));
        let expected = [
            0x44b2_cc27_39a3_1837,
            0xaadd_5497_61af_b6fc,
            0xaaf1_1c8a_c5a8_3955,
            0xf812_df89_95f9_083d,
            0x74e4_f17c_2bf0_7a50,
            0xb370_d4c9_0263_2e34,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_sum_tells_each_bit_of_a_record_of_any_length() {
        let mut bytes: Vec<u8> = (0..200).map(|number: u8| number.wrapping_mul(7)).collect();
        for len in [1, 7, 31, 32, 33, 63, 64, 100, 200] {
            let whole = sum(7, &bytes[..len]);
            for bit in 0..len * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(sum(7, &bytes[..len]), whole, "bit {bit} of {len} bytes");
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    /// Two that are the same distance apart, in words of the same place, are what sums of sums lose.
    #[test]
    fn a_sum_tells_any_two_bits_of_a_record() {
        let mut bytes: Vec<u8> = (0..100).map(|number: u8| number.wrapping_mul(7)).collect();
        let whole = sum(7, &bytes);
        let flip = |bytes: &mut [u8], bit: usize| bytes[bit / 8] ^= 1 << (bit % 8);
        for one in 0..bytes.len() * 8 {
            flip(&mut bytes, one);
            for other in 0..one {
                flip(&mut bytes, other);
                assert_ne!(sum(7, &bytes), whole, "bits {one} and {other}");
                flip(&mut bytes, other);
            }
            flip(&mut bytes, one);
        }
    }
}
