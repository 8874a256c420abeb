//! The checksum of a record. It has to tell damage from data and nobody from anybody, and costs the
//! program's own threads time, so it is made of sums that compilers write in vector instructions.

const LANES: usize = 4;
const STEP: usize = LANES * 8;
/// An odd number, so that a product with it loses nothing.
pub(crate) const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Differs for all bytes in which a single word is different, and nearly always where more are.
pub(crate) fn sum(seed: u64, bytes: &[u8]) -> u64 {
    let mut plain = [0_u64; LANES];
    let mut weighted = [0_u64; LANES];
    let (steps, rest) = bytes.as_chunks::<STEP>();
    for step in steps {
        add(&mut plain, &mut weighted, step);
    }
    if !rest.is_empty() {
        let mut last = [0; STEP];
        if let Some(part) = last.get_mut(..rest.len()) {
            part.copy_from_slice(rest);
        }
        add(&mut plain, &mut weighted, &last);
    }
    let mut all = seed ^ (bytes.len() as u64).wrapping_mul(ODD);
    for lane in plain.into_iter().chain(weighted) {
        all = (all.rotate_left(23) ^ lane).wrapping_mul(ODD);
    }
    all
}

#[inline]
fn add(plain: &mut [u64; LANES], weighted: &mut [u64; LANES], step: &[u8; STEP]) {
    let (words, _) = step.as_chunks::<8>();
    for ((plain, weighted), word) in plain.iter_mut().zip(weighted).zip(words) {
        *plain = plain.wrapping_add(u64::from_le_bytes(*word));
        *weighted = weighted.wrapping_add(*plain);
    }
}
