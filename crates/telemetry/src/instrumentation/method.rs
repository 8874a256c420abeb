//! Methods of HTTP: those that are known (RFC 9110, RFC 5789, RFC 10008), and `_OTHER` for the rest, of
//! which anybody can send as many as they like.

/// What stands for a method that nobody knows.
pub const OTHER: &str = "_OTHER";

const KNOWN: [&str; 10] = [
    "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY",
];

/// The known method that `method` is, in any case.
#[must_use]
pub fn known(method: &str) -> Option<&'static str> {
    KNOWN
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_known_in_any_case() {
        assert_eq!(known("GET"), Some("GET"));
        assert_eq!(known("patch"), Some("PATCH"));
    }

    #[test]
    fn what_is_no_method_is_not_known() {
        assert_eq!(known("GETTING"), None);
        assert_eq!(known(""), None);
        assert_eq!(known("NONSTANDARD"), None);
    }
}
