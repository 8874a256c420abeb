//! Ids as hexadecimal text, read and written without a branch for each digit.

const WRONG: u8 = 0xF0;

const fn digits(takes_capitals: bool) -> [u8; 256] {
    let mut values = [WRONG; 256];
    let mut number = 0u8;
    while number < 16 {
        let small = if number < 10 { b'0' } else { b'a' - 10 } + number;
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            values[small as usize] = number;
            if takes_capitals {
                values[small.to_ascii_uppercase() as usize] = number;
            }
        }
        number += 1;
    }
    values
}

static SMALL: [u8; 256] = digits(false);
static ANY: [u8; 256] = digits(true);

fn read(text: &[u8], values: &[u8; 256]) -> Option<u64> {
    let (mut number, mut seen) = (0u64, 0u8);
    for digit in text {
        let value = values.get(usize::from(*digit)).copied().unwrap_or(WRONG);
        seen |= value;
        number = number << 4 | u64::from(value & 0x0F);
    }
    (seen & WRONG == 0).then_some(number)
}

fn read_long(text: &[u8], values: &[u8; 256]) -> Option<u128> {
    let (high, low) = text.split_at(text.len().saturating_sub(16));
    Some(u128::from(read(high, values)?) << 64 | u128::from(read(low, values)?))
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Eight digits in lower case at once, each in a byte of one number.
fn read_eight(text: [u8; 8]) -> Option<u32> {
    let digits = u64::from_be_bytes(text);
    let letters = digits >> 6 & ONES;
    let values = (digits & (0x0F * ONES)) + letters * 9;
    // What would be written for these values: other bytes have some of the same bits.
    let above_nine = (values + 6 * ONES) >> 4 & ONES;
    let written = values + 0x30 * ONES + above_nine * 0x27;
    if written != digits || values & (0xF0 * ONES) != 0 {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    u32::try_from((fours | fours >> 16) & 0xFFFF_FFFF).ok()
}

fn read_eights(text: &[u8]) -> Option<u128> {
    let mut number = 0;
    let (eights, rest) = text.as_chunks();
    for eight in eights {
        number = number << 32 | u128::from(read_eight(*eight)?);
    }
    Some(number << (4 * rest.len()) | u128::from(read(rest, &SMALL)?))
}

/// Up to 16 digits in lower case.
pub(super) fn read_small(text: &[u8]) -> Option<u64> {
    u64::try_from(read_eights(text)?).ok()
}

/// Up to 32 digits in lower case.
pub(super) fn read_long_small(text: &[u8]) -> Option<u128> {
    read_eights(text)
}

/// One to 16 digits in either case.
pub(super) fn read_any(text: &str) -> Option<u64> {
    if !(1..=16).contains(&text.len()) {
        return None;
    }
    read(text.as_bytes(), &ANY)
}

/// One to 32 digits in either case.
pub(super) fn read_long_any(text: &str) -> Option<u128> {
    if !(1..=32).contains(&text.len()) {
        return None;
    }
    read_long(text.as_bytes(), &ANY)
}

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// The two digits of each byte, in lower case.
static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0x0F]];
        }
        byte += 1;
    }
    pairs
};

/// Fills `text`, of an even length, with the lowest digits of `number`, in lower case.
pub fn write(number: u128, text: &mut [u8]) {
    let bytes = number.to_le_bytes();
    for (places, byte) in text.rchunks_exact_mut(2).zip(bytes) {
        if let ([high, low], Some(pair)) = (places, PAIRS.get(usize::from(byte))) {
            [*high, *low] = *pair;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u128) {
            let mut text = [0; 32];
            write(number, &mut text);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{number:032x}"));
            prop_assert_eq!(read_long_small(&text), Some(number));
        }

        #[test]
        fn only_digits_in_lower_case_are_small(number: u128, place in 0..32usize, byte: u8) {
            let mut text = [0; 32];
            write(number, &mut text);
            text[place] = byte;
            let is_small = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let expected = u128::from_str_radix(&String::from_utf8_lossy(&text), 16).ok();
            prop_assert_eq!(read_long_small(&text), expected.filter(|_| is_small));
            prop_assert_eq!(
                read_small(&text[16..]).map(u128::from),
                u128::from_str_radix(&String::from_utf8_lossy(&text[16..]), 16)
                    .ok()
                    .filter(|_| is_small || place < 16)
            );
        }

        #[test]
        fn texts_mean_what_the_standard_library_says(text in "[0-9a-gA-G_+ é]{0,34}") {
            let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let expected = u128::from_str_radix(&text, 16).ok().filter(|_| plain);
            prop_assert_eq!(read_long_any(&text), expected.filter(|_| text.len() <= 32));
            let short = expected.and_then(|number| u64::try_from(number).ok());
            prop_assert_eq!(read_any(&text), short.filter(|_| text.len() <= 16));
        }
    }
}
