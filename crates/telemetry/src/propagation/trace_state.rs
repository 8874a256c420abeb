//! `tracestate`, of W3C Trace Context: a list of vendors' members, the latest first.

/// The most members a list may have.
pub const MAX_MEMBERS: usize = 32;

/// Why a list is discarded, which it is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Irregular {
    /// A member that is not `key=value` in the characters and lengths of the specification.
    Member,
    /// A key that is there twice.
    Duplicate,
    /// More than [`MAX_MEMBERS`].
    TooMany,
}

/// Reads the members of one or more `tracestate` headers; empty ones do not count.
///
/// # Errors
///
/// Where anything is irregular, the first reason in the order of the text.
pub fn read<'a>(
    headers: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(&'a str, &'a str)>, Irregular> {
    let mut members: Vec<(&str, &str)> = Vec::with_capacity(4);
    for header in headers {
        let mut rest = Some(header);
        while let Some(text) = rest {
            let text = text.trim_start_matches(BLANKS);
            rest = after_comma(text);
            if text.is_empty() || rest.is_some() {
                continue;
            }
            let (key, value, others) = member(text).ok_or(Irregular::Member)?;
            rest = others;
            if members.iter().any(|(other, _)| *other == key) {
                return Err(Irregular::Duplicate);
            }
            if members.len() == MAX_MEMBERS {
                return Err(Irregular::TooMany);
            }
            members.push((key, value));
        }
    }
    Ok(members)
}

const BLANKS: [char; 2] = [' ', '\t'];

/// The key and the value that `text` begins with, and what there is after the comma behind them.
/// Looks at each byte once.
#[inline]
fn member(text: &str) -> Option<(&str, &str, Option<&str>)> {
    let (name, mut rest) = split_where_other(text, KEY);
    let is_regular = match rest.strip_prefix('@') {
        None => name.len() <= 256 && name.starts_with(is_small),
        Some(behind) => {
            let (system, behind) = split_where_other(behind, KEY);
            rest = behind;
            name.len() <= 241
                && name.starts_with(|first: char| is_small(first) || first.is_ascii_digit())
                && system.len() <= 14
                && system.starts_with(is_small)
        }
    };
    let key = text.get(..text.len() - rest.len())?;
    let (value, rest) = split_where_other(rest.strip_prefix('=')?, VALUE);
    let value = value.trim_end_matches(' ');
    let rest = rest.trim_start_matches(BLANKS);
    let others = after_comma(rest);
    let is_whole = rest.is_empty() || others.is_some();
    (is_regular && is_whole && (1..=256).contains(&value.len())).then_some((key, value, others))
}

fn is_small(first: char) -> bool {
    first.is_ascii_lowercase()
}

fn after_comma(text: &str) -> Option<&str> {
    text.strip_prefix(',')
}

/// Splits `text` in front of the first byte that may not be in `part`.
#[inline]
fn split_where_other(text: &str, part: u8) -> (&str, &str) {
    let other = |byte: u8| {
        PARTS
            .get(usize::from(byte))
            .is_none_or(|parts| parts & part == 0)
    };
    let place = text.bytes().position(other).unwrap_or(text.len());
    // What may be in a part is ASCII, so this is between characters.
    text.split_at_checked(place).unwrap_or((text, ""))
}

const KEY: u8 = 1;
const VALUE: u8 = 2;

/// Which parts of a member each byte may be in.
static PARTS: [u8; 256] = {
    let mut parts = [0; 256];
    let mut byte = 0;
    while byte < 128u8 {
        let key = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
        let value = matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            parts[byte as usize] = (key as u8) * KEY + (value as u8) * VALUE;
        }
        byte += 1;
    }
    parts
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_keep_their_order_over_headers() {
        let expected = vec![("foo", "1"), ("bar", "2"), ("baz", "3 4")];
        assert_eq!(read(["foo=1 \t,\tbar=2", " ,baz=3 4 "]), Ok(expected));
        assert_eq!(read([""]), Ok(vec![]));
        assert_eq!(read(["", " ,,\t"]), Ok(vec![]));
    }

    #[test]
    fn one_irregular_member_is_the_end_of_all() {
        for header in [
            "foo =1",
            "FOO=1",
            "foo.bar=1",
            "foo",
            "foo=",
            "=1",
            "foo=bar=baz",
            "foo@=1",
            "@foo=1",
            "foo@@bar=1",
            "foo@1bar=1",
            "1foo=1",
            "foo=\u{e9}",
            "f\u{e9}=1",
            "foo=\n",
            "foo=\x7f",
        ] {
            assert_eq!(read(["a=1", header]), Err(Irregular::Member), "{header}");
        }
        assert_eq!(read(["a=1,b=2", "a=1"]), Err(Irregular::Duplicate));
    }

    #[test]
    fn limits_are_inclusive() {
        let accepts = |key: &str, value: &str| read([format!("{key}={value}").as_str()]).is_ok();
        assert!(accepts(&"z".repeat(256), "1") && !accepts(&"z".repeat(257), "1"));
        let tenant = |tenant, system| format!("{}@{}", "1".repeat(tenant), "v".repeat(system));
        assert!(accepts(&tenant(241, 14), "1"));
        assert!(!accepts(&tenant(242, 1), "1") && !accepts(&tenant(1, 15), "1"));
        assert!(accepts("a", &"v".repeat(256)) && !accepts("a", &"v".repeat(257)));
        let list = |count: usize| {
            let members: Vec<_> = (0..count).map(|number| format!("k{number}=1")).collect();
            members.join(",")
        };
        assert_eq!(read([list(32).as_str()]).unwrap().len(), 32);
        assert_eq!(read([list(33).as_str()]), Err(Irregular::TooMany));
    }

    proptest! {
        #[test]
        fn what_was_read_can_be_written_and_read(header in "[a-c@=, \t*é]{0,40}") {
            if let Ok(members) = read([header.as_str()]) {
                let written: Vec<_> =
                    members.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let written = written.join(",");
                prop_assert_eq!(read([written.as_str()]), Ok(members));
            }
        }

        #[test]
        fn any_text_gets_an_answer(headers: Vec<String>) {
            let _ = read(headers.iter().map(String::as_str));
        }
    }
}
