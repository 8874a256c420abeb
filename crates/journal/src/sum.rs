//! The checksum of a record. It has to tell damage from data and nobody from anybody, and costs the
//! program's own threads time, so it is made of sums that compilers write in vector instructions.

const LANES: usize = 4;
const STEP: usize = LANES * 8;
/// An odd number, so that a product with it loses nothing.
pub(crate) const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Nearly always differs where the bytes do.
pub(crate) fn sum(seed: u64, bytes: &[u8]) -> u64 {
    let mut plain = [0_u64; LANES];
    let mut weighted = [0_u64; LANES];
    let (steps, rest) = bytes.as_chunks::<STEP>();
    for step in steps {
        add(&mut plain, &mut weighted, step);
    }
    if !rest.is_empty() {
        // The last bytes, some of them once more: to copy the rest to where zeros follow it was a fifth of
        // all that a record took.
        match bytes.last_chunk::<STEP>() {
            Some(last) => add(&mut plain, &mut weighted, last),
            None => add(&mut plain, &mut weighted, &padded(rest)),
        }
    }
    // Two chains, since each step waits for the one before.
    let len = (bytes.len() as u64).wrapping_mul(ODD);
    mixed(seed, plain) ^ mixed(len, weighted).rotate_left(32)
}

/// Written out lane by lane: iterators over four numbers were three times as many instructions.
#[inline]
fn add(plain: &mut [u64; LANES], weighted: &mut [u64; LANES], step: &[u8; STEP]) {
    let (words, _) = step.as_chunks::<8>();
    let &[a, b, c, d] = words else {
        return;
    };
    let [pa, pb, pc, pd] = *plain;
    let [wa, wb, wc, wd] = *weighted;
    let pa = pa.wrapping_add(u64::from_le_bytes(a));
    let pb = pb.wrapping_add(u64::from_le_bytes(b));
    let pc = pc.wrapping_add(u64::from_le_bytes(c));
    let pd = pd.wrapping_add(u64::from_le_bytes(d));
    *plain = [pa, pb, pc, pd];
    *weighted = [
        wa.wrapping_add(pa),
        wb.wrapping_add(pb),
        wc.wrapping_add(pc),
        wd.wrapping_add(pd),
    ];
}

#[inline]
fn mixed(seed: u64, lanes: [u64; LANES]) -> u64 {
    let mix = |all: u64, lane: u64| (all.rotate_left(23) ^ lane).wrapping_mul(ODD);
    let [a, b, c, d] = lanes;
    mix(mix(mix(mix(seed, a), b), c), d)
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
            0x938a_54f4_3a6c_cf07,
            0xb9bc_969f_c417_eb75,
            0x67ca_f74f_03cb_45d4,
            0xfac2_8858_7064_a39b,
            0x63e7_794f_f409_699e,
            0xdd29_513e_02cf_7075,
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
}
