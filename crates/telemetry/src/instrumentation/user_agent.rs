//! Requests that no user made: `user_agent.synthetic.type`.

/// `test`, `bot`, or `None` for all others; a test is one even if it is a bot too.
#[must_use]
pub fn synthetic_type(user_agent: &str) -> Option<&'static str> {
    let mut is_bot = false;
    let mut rest = user_agent.as_bytes();
    while let [first, after @ ..] = rest {
        // Hardly a letter is the first of one of the words.
        match first.to_ascii_lowercase() {
            b'a' if begins(after, b"lwayson") => return Some("test"),
            b'g' => is_bot |= begins(after, b"ooglebot"),
            b'b' => is_bot |= begins(after, b"ingbot"),
            _ => {}
        }
        rest = after;
    }
    is_bot.then_some("bot")
}

// `word` is in lower case.
fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_bots_are_told_by_their_names() {
        assert_eq!(
            synthetic_type("Mozilla/5.0 (compatible; Googlebot/2.1)"),
            Some("bot")
        );
        assert_eq!(synthetic_type("BINGBOT"), Some("bot"));
        assert_eq!(synthetic_type("AlwaysOn googlebot"), Some("test"));
        assert_eq!(synthetic_type("curl/8.5.0"), None);
        assert_eq!(synthetic_type("bot"), None);
        assert_eq!(synthetic_type("a googlebo"), None);
        assert_eq!(synthetic_type("bbingbot/alwayso"), Some("bot"));
        assert_eq!(synthetic_type("aalwayson"), Some("test"));
    }
}
