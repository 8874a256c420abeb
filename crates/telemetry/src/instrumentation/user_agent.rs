//! Requests that no user made: `user_agent.synthetic.type`.

/// `test`, `bot`, or `None` for all others; a test is one even if it is a bot too.
#[must_use]
pub fn synthetic_type(user_agent: &str) -> Option<&'static str> {
    if contains(user_agent, b"alwayson") {
        Some("test")
    } else if contains(user_agent, b"googlebot") || contains(user_agent, b"bingbot") {
        Some("bot")
    } else {
        None
    }
}

// `word` is in lower case.
fn contains(text: &str, word: &[u8]) -> bool {
    text.as_bytes()
        .windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
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
    }
}
