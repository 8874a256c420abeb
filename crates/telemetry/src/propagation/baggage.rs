//! `baggage`, of W3C Baggage, with the limits and the tolerance of the official propagator.

use std::borrow::Cow;

use crate::text::{self, Style};

/// The most bytes of a header.
pub const MAX_BYTES: usize = 8192;
/// The most bytes of one member.
pub const MAX_MEMBER_BYTES: usize = 4096;
/// The most members.
pub const MAX_MEMBERS: usize = 180;

/// What does not travel, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost<'a> {
    /// The whole header: longer than [`MAX_BYTES`].
    Header,
    /// A member with this key: not ASCII.
    NotAscii(&'a str),
    /// A member with this key: longer than [`MAX_MEMBER_BYTES`], by its length.
    TooLong(&'a str, usize),
    /// Everything from here on: more than [`MAX_MEMBERS`].
    TooMany,
    /// Everything from here on: beyond [`MAX_BYTES`].
    TooLarge,
    /// A member without `=`.
    NoPair(&'a str),
    /// A member with characters that the specification does not have there.
    Invalid(&'a str),
}

/// Counts members against the limits.
#[derive(Debug, Default)]
struct Count {
    members: usize,
    bytes: usize,
}

enum Verdict<'a> {
    Fits,
    Skip(Lost<'a>),
    Stop(Lost<'a>),
}

impl Count {
    fn judge<'a>(&mut self, member: &'a str) -> Verdict<'a> {
        let key = || member.split_once('=').map_or(member, |(key, _)| key);
        if !member.is_ascii() {
            return Verdict::Skip(Lost::NotAscii(key()));
        }
        if member.len() > MAX_MEMBER_BYTES {
            return Verdict::Skip(Lost::TooLong(key(), member.len()));
        }
        if self.members == MAX_MEMBERS {
            return Verdict::Stop(Lost::TooMany);
        }
        self.bytes += member.len() + usize::from(self.members > 0);
        self.members += 1;
        if self.bytes > MAX_BYTES {
            return Verdict::Stop(Lost::TooLarge);
        }
        Verdict::Fits
    }
}

/// Reads a header: each name and value in turn, decoded, goes to `keep`, and what is lost to
/// `lose`. A member's metadata stays a part of its value.
pub fn read<'a>(
    header: &'a str,
    mut keep: impl FnMut(Cow<'a, str>, Cow<'a, str>),
    mut lose: impl FnMut(Lost<'a>),
) {
    if header.len() > MAX_BYTES {
        return lose(Lost::Header);
    }
    let mut count = Count::default();
    let mut members = header.split(',').peekable();
    let mut is_first = true;
    while let Some(mut member) = members.next() {
        // White space around a comma belongs to it; that of the header's ends counts.
        if !is_first {
            member = member.trim_start_matches(BLANKS);
        }
        if members.peek().is_some() {
            member = member.trim_end_matches(BLANKS);
        }
        is_first = false;
        if member.is_empty() {
            continue;
        }
        match count.judge(member) {
            Verdict::Fits => {}
            Verdict::Skip(lost) => {
                lose(lost);
                continue;
            }
            Verdict::Stop(lost) => return lose(lost),
        }
        let Some((name, value)) = member.split_once('=') else {
            lose(Lost::NoPair(member));
            continue;
        };
        let (name, value) = (name.trim_matches(BLANKS), value.trim_matches(BLANKS));
        if !is_token(name) || !is_value_with_metadata(value) {
            lose(Lost::Invalid(member));
            continue;
        }
        let decoded = |text| text::strip(text::percent_decode(text, Style::Form));
        keep(decoded(name), decoded(value));
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

fn is_token(text: &str) -> bool {
    let known = |byte: u8| {
        matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9'
            | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~')
    };
    !text.is_empty() && text.bytes().all(known)
}

fn is_value(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

fn is_value_with_metadata(text: &str) -> bool {
    let (value, metadata) = match text.split_once(';') {
        Some((value, metadata)) => (value, Some(metadata)),
        None => (text, None),
    };
    is_value(value.trim_end_matches(BLANKS))
        && metadata.is_none_or(|metadata| metadata.split(';').all(is_property))
}

fn is_property(text: &str) -> bool {
    match text.split_once('=') {
        Some((key, value)) => {
            is_token(key.trim_matches(BLANKS)) && is_value(value.trim_matches(BLANKS))
        }
        None => is_token(text.trim_matches(BLANKS)),
    }
}

/// Writes a header, member by member.
#[derive(Debug, Default)]
pub struct Writer {
    header: String,
    member: String,
    count: Count,
    is_full: bool,
}

impl Writer {
    /// Appends a member unless a limit is reached, which goes to `lose`.
    pub fn push(&mut self, name: &str, value: &str, lose: impl FnOnce(Lost<'_>)) {
        self.member.clear();
        text::percent_encode(name, Style::Form, &mut self.member);
        self.member.push('=');
        text::percent_encode(value, Style::Form, &mut self.member);
        match self.count.judge(&self.member) {
            Verdict::Fits => {
                if !self.header.is_empty() {
                    self.header.push(',');
                }
                self.header.push_str(&self.member);
            }
            Verdict::Skip(lost) => lose(lost),
            Verdict::Stop(lost) => {
                self.is_full = true;
                lose(lost);
            }
        }
    }

    /// Whether nothing more will fit.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// The header, empty if there is none.
    #[must_use]
    pub fn finish(self) -> String {
        self.header
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Pairs = Vec<(String, String)>;

    fn read_all(header: &str) -> (Pairs, Vec<Lost<'_>>) {
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        let keep = |name: Cow<'_, str>, value: Cow<'_, str>| {
            kept.push((name.into_owned(), value.into_owned()));
        };
        read(header, keep, |one| lost.push(one));
        (kept, lost)
    }

    fn pairs(expected: &[(&str, &str)]) -> Pairs {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        expected.iter().map(own).collect()
    }

    #[test]
    fn members_are_decoded_and_keep_their_metadata() {
        let (kept, lost) = read_all("a=1 , b = x%20y+z;m=1; n ,,c=");
        assert_eq!(kept, pairs(&[("a", "1"), ("b", "x y z;m=1; n"), ("c", "")]));
        assert_eq!(lost, []);
    }

    #[test]
    fn a_wrong_member_leaves_the_others() {
        let (kept, lost) = read_all("a=1,b,=2,c=\u{e9},d=\\,e=1;,f=6");
        assert_eq!(kept, pairs(&[("a", "1"), ("f", "6")]));
        let expected = [
            Lost::NoPair("b"),
            Lost::Invalid("=2"),
            Lost::NotAscii("c"),
            Lost::Invalid("d=\\"),
            Lost::Invalid("e=1;"),
        ];
        assert_eq!(lost, expected);
    }

    #[test]
    fn limits_are_inclusive() {
        let numbered = |count: usize| {
            let members: Vec<_> = (0..count).map(|number| format!("k{number}=")).collect();
            members.join(",")
        };
        assert_eq!(read_all(&numbered(180)).1, []);
        let many = numbered(181);
        let (kept, lost) = read_all(&many);
        assert_eq!((kept.len(), lost), (180, vec![Lost::TooMany]));

        let long = format!("a={}", "v".repeat(4094));
        assert_eq!(read_all(&long).1, []);
        let longer = format!("{long}v,b=2");
        let (kept, lost) = read_all(&longer);
        assert_eq!(
            (kept, lost),
            (pairs(&[("b", "2")]), vec![Lost::TooLong("a", 4097)])
        );

        let largest = format!("{long},b={}", "v".repeat(8192 - 4096 - 3));
        assert_eq!((largest.len(), read_all(&largest).0.len()), (8192, 2));
        let larger = format!("{largest}v");
        assert_eq!(read_all(&larger), (vec![], vec![Lost::Header]));
    }

    #[test]
    fn a_header_is_written_up_to_its_limits() {
        let mut writer = Writer::default();
        let mut lost = 0;
        for number in 0..200 {
            writer.push(&format!("k{number}"), "v v", |_| lost += 1);
            if writer.is_full() {
                break;
            }
        }
        let header = writer.finish();
        assert!(header.starts_with("k0=v+v,k1=v+v,"));
        assert_eq!((header.split(',').count(), lost), (180, 1));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(names in prop::collection::vec("[a-zé ]{1,9}x", 0..9), value: String) {
            let mut writer = Writer::default();
            for name in &names {
                writer.push(name, &value, |lost| panic!("{lost:?}"));
            }
            let header = writer.finish();
            let (kept, lost) = read_all(&header);
            let value = text::stripped(&value).to_owned();
            let expected: Pairs = names
                .iter()
                .map(|name| (text::stripped(name).to_owned(), value.clone()))
                .collect();
            prop_assert_eq!((kept, lost), (expected, vec![]));
        }

        #[test]
        fn any_text_gets_an_answer(header: String, almost in "[a=;, \t%é\\\\]{0,40}") {
            read_all(&header);
            read_all(&almost);
        }
    }
}
