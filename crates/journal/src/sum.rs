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

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn a_sum_is_that_of_the_first_release_for_bytes_of_any_length() {
        let bytes: Vec<u8> = (0..100).collect();
        let found = [0, 1, 31, 32, 33, 100].map(|len| sum(7, &bytes[..len]));
        let expected = [
            0xfc9f_27b7_c62f_e9ee,
            0xe752_0e71_5fff_ffe3,
            0x6dce_7093_89e6_3dbe,
            0xf267_d551_ba63_54a6,
            0x3b94_a115_3be9_5d9c,
            0x0753_695f_c50b_f8f0,
        ];
        assert_eq!(found, expected);
    }
}
