//! `tracestate`, of W3C Trace Context: a list of vendors' members, the latest first.

/// The most members a list may have.
pub const MOST_MEMBERS: usize = 32;

/// Why a list is discarded, which it is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Irregular {
    /// A member that is not `key=value` in the characters and lengths of the specification.
    Member,
    /// A key that is there twice.
    Duplicate,
    /// More than [`MOST_MEMBERS`].
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
            let (member, others) = split(text, b',');
            rest = others;
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, Some(value)) = split(member, b'=') else {
                return Err(Irregular::Member);
            };
            if !is_key(key) || !is_value(value) {
                return Err(Irregular::Member);
            }
            if members.iter().any(|(other, _)| *other == key) {
                return Err(Irregular::Duplicate);
            }
            if members.len() == MOST_MEMBERS {
                return Err(Irregular::TooMany);
            }
            members.push((key, value));
        }
    }
    Ok(members)
}

/// What is before the first `separator`, which is ASCII, and what is after it. Headers are short:
/// looking at each byte takes less than setting up a search.
#[inline]
fn split(text: &str, separator: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == separator) {
        Some(place) => (text.get(..place).unwrap_or(text), text.get(place + 1..)),
        None => (text, None),
    }
}

fn is_key(key: &str) -> bool {
    match split(key, b'@') {
        (name, None) => is_name(name, 256, false),
        (tenant, Some(system)) => is_name(tenant, 241, true) && is_name(system, 14, false),
    }
}

fn is_name(name: &str, longest: usize, may_begin_with_digit: bool) -> bool {
    let bytes = name.as_bytes();
    let begins = bytes.first().is_some_and(|first| {
        first.is_ascii_lowercase() || (may_begin_with_digit && first.is_ascii_digit())
    });
    begins && bytes.len() <= longest && bytes.iter().all(|byte| may_be_in(*byte, KEY))
}

fn is_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    (1..=256).contains(&bytes.len())
        && bytes.last() != Some(&b' ')
        && bytes.iter().all(|byte| may_be_in(*byte, VALUE))
}

const KEY: u8 = 1;
const VALUE: u8 = 2;

#[inline]
fn may_be_in(byte: u8, part: u8) -> bool {
    PARTS
        .get(usize::from(byte))
        .is_some_and(|parts| parts & part != 0)
}

/// Which parts of a member each byte may be in.
static PARTS: [u8; 128] = {
    let mut parts = [0; 128];
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
