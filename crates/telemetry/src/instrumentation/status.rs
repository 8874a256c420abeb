//! Which status codes of HTTP make a span an error (semantic conventions, "HTTP spans", "Status").

/// The code at the start of a WSGI status line (`200 OK`); `None` if it does not begin with a number.
#[must_use]
pub fn code_of_line(line: &str) -> Option<u16> {
    first_word(line).parse().ok()
}

/// The part of a status line before its reason.
#[must_use]
pub fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// Whether an answer with this code is an error of the server that gives it.
#[must_use]
pub const fn is_server_error(code: u16) -> bool {
    code < 100 || code >= 500
}

/// Whether an answer with this code is an error to the client that gets it.
#[must_use]
pub const fn is_client_error(code: u16) -> bool {
    code < 100 || code >= 400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_not_needed() {
        assert_eq!(code_of_line("200 OK"), Some(200));
        assert_eq!(code_of_line("204"), Some(204));
        assert_eq!(code_of_line("200 "), Some(200));
        assert_eq!(code_of_line("OK"), None);
        assert_eq!(code_of_line(""), None);
    }

    #[test]
    fn a_client_s_mistake_is_no_error_of_the_server() {
        assert!(!is_server_error(404));
        assert!(is_client_error(404));
        assert!(is_server_error(500));
        assert!(!is_client_error(302));
        assert!(is_server_error(99));
    }
}
