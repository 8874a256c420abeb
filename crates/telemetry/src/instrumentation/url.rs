//! URLs without their secrets: credentials, and the values of query parameters that grant access
//! (semantic conventions, "url.full" and "url.query").

use std::borrow::Cow;

use crate::text::{Style, percent_decode};

const REDACTED: &str = "REDACTED";

/// The keys whose values are signatures and credentials; upper and lower case differ, by the
/// specification.
const SENSITIVE: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
];

/// `url` without credentials and sensitive values; `None` if it has none.
#[must_use]
pub fn redact(url: &str) -> Option<String> {
    // Most have neither.
    if !url.bytes().any(|byte| matches!(byte, b'@' | b'?')) {
        return None;
    }
    let without_credentials = redact_credentials(url);
    let url = without_credentials.as_deref().unwrap_or(url);
    let without_values = url
        .split_once('?')
        .and_then(|(before, query)| Some(format!("{before}?{}", redact_query(query)?)));
    without_values.or(without_credentials)
}

/// `url` with `REDACTED:REDACTED` in place of the user's name and password; `None` if it has neither.
#[must_use]
pub fn redact_credentials(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (_, host) = authority.rsplit_once('@')?;
    if scheme.is_empty() {
        return None;
    }
    Some(format!("{scheme}://{REDACTED}:{REDACTED}@{host}{path}"))
}

/// The address and the port in the authority of a URL, or in a `Host` header.
#[must_use]
pub fn split_host(host: &str) -> (&str, Option<u16>) {
    let (address, port) = match host.rsplit_once(':') {
        Some((address, port)) if !port.contains(']') => (address, port.parse().ok()),
        _ => (host, None),
    };
    // More than one colon outside of brackets is an address that lacks them.
    let (address, port) = match port {
        Some(port) if address.ends_with(']') || !address.contains(':') => (address, Some(port)),
        _ => (host, None),
    };
    let bare = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    (bare.unwrap_or(address), port)
}

/// The path of a request target as it was sent; `None` for one without a path (`*`).
#[must_use]
pub fn path_of_target(target: &str) -> Option<&str> {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => rest.get(rest.find('/')?..)?,
        _ => target,
    };
    let path = path.split(['?', '#']).next()?;
    path.starts_with('/').then_some(path)
}

/// A query, with or without a fragment after it, with `REDACTED` in place of sensitive values; `None` if
/// it has none.
#[must_use]
pub fn redact_query(query: &str) -> Option<String> {
    let (query, fragment) = match query.find('#') {
        Some(place) => query.split_at_checked(place)?,
        None => (query, ""),
    };
    if !query.split('&').any(is_sensitive) {
        return None;
    }
    let mut redacted = String::with_capacity(query.len());
    for (place, parameter) in query.split('&').enumerate() {
        if place > 0 {
            redacted.push('&');
        }
        match parameter.split_once('=') {
            Some((key, _)) if is_sensitive(parameter) => {
                redacted.push_str(key);
                redacted.push('=');
                redacted.push_str(REDACTED);
            }
            _ => redacted.push_str(parameter),
        }
    }
    redacted.push_str(fragment);
    Some(redacted)
}

/// Where a URL leads to, in lower case; what it does not say is empty or `None`.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Empty for a URL that is not absolute.
    pub scheme: Cow<'a, str>,
    /// Without the brackets of an IPv6 address.
    pub host: Cow<'a, str>,
    /// Only if the URL names it.
    pub port: Option<u16>,
}

/// The origin of an absolute URL.
#[must_use]
pub fn origin(url: &str) -> Origin<'_> {
    let (scheme, rest) = split_scheme(url).unwrap_or(("", ""));
    let is_end = |byte| matches!(byte, b'/' | b'?' | b'#');
    let end = rest.bytes().position(is_end).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let address = match authority.rsplit_once('@') {
        Some((_, address)) => address,
        None => authority,
    };
    let (host, port) = match address
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(']'))
    {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    Origin {
        scheme: lower(scheme),
        host: lower(host),
        port: port.and_then(|port| port.parse().ok()),
    }
}

/// What there is before and after `://`. Where the first colon is that of it, no text is searched for, which
/// would take longer than all the rest.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let place = url.bytes().position(|byte| byte == b':')?;
    let (scheme, after) = url.split_at_checked(place)?;
    match after.strip_prefix("://") {
        Some(rest) => Some((scheme, rest)),
        None => url.split_once("://"),
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    let may_change = |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii();
    if text.bytes().any(may_change) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_sensitive(parameter: &str) -> bool {
    let Some((key, value)) = parameter.split_once('=') else {
        return false;
    };
    if value.is_empty() {
        return false;
    }
    if key.contains('%') {
        return SENSITIVE.contains(&&*percent_decode(key, Style::Form));
    }
    SENSITIVE.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_secrets_stays() {
        assert_eq!(redact("https://example.com/a?b=c#d"), None);
        assert_eq!(redact("https://example.com/"), None);
        assert_eq!(redact("/user@example.com"), None);
        assert_eq!(redact("https://example.com/@me?sig"), None);
    }

    #[test]
    fn a_host_is_an_address_and_a_port() {
        assert_eq!(split_host("example.com"), ("example.com", None));
        assert_eq!(split_host("example.com:80"), ("example.com", Some(80)));
        assert_eq!(split_host("[::1]:8080"), ("::1", Some(8080)));
        assert_eq!(split_host("[::1]"), ("::1", None));
        assert_eq!(split_host("::1"), ("::1", None));
        assert_eq!(split_host("example.com:"), ("example.com:", None));
        assert_eq!(split_host("example.com:http"), ("example.com:http", None));
        assert_eq!(split_host(""), ("", None));
    }

    #[test]
    fn a_target_has_a_path() {
        assert_eq!(path_of_target("/a%20b?c=/d#e"), Some("/a%20b"));
        assert_eq!(path_of_target("http://example.com/a?b"), Some("/a"));
        assert_eq!(path_of_target("http://example.com"), None);
        assert_eq!(path_of_target("/a?b=http://c/d"), Some("/a"));
        assert_eq!(path_of_target("*"), None);
        assert_eq!(path_of_target(""), None);
    }

    #[test]
    fn credentials_are_redacted() {
        assert_eq!(
            redact("https://user:secret@example.com:8080/a?b=c").as_deref(),
            Some("https://REDACTED:REDACTED@example.com:8080/a?b=c")
        );
        assert_eq!(
            redact("https://user@p@example.com").as_deref(),
            Some("https://REDACTED:REDACTED@example.com")
        );
    }

    #[test]
    fn signatures_are_redacted_and_the_rest_of_the_query_stays_as_it_is() {
        assert_eq!(
            redact("https://u:p@h/a?x=%20y&sig=abc&X-Amz-Signature=1&z=#end").as_deref(),
            Some(
                "https://REDACTED:REDACTED@h/a?x=%20y&sig=REDACTED&X-Amz-Signature=REDACTED&z=#end"
            )
        );
        assert_eq!(
            redact_query("%73ig=secret&Sig=1").as_deref(),
            Some("%73ig=REDACTED&Sig=1")
        );
    }

    #[test]
    fn the_origin_is_what_the_url_says() {
        let origin_of = |scheme: &'static str, host: &'static str, port| Origin {
            scheme: scheme.into(),
            host: host.into(),
            port,
        };
        for (url, expected) in [
            ("http://h/a", origin_of("http", "h", None)),
            (
                "HTTPS://u:p@H.example:8443?a",
                origin_of("https", "h.example", Some(8443)),
            ),
            ("http://[::1]:80/", origin_of("http", "::1", Some(80))),
            ("http://[::1]", origin_of("http", "::1", None)),
            ("http://h:99999/", origin_of("http", "h", None)),
            ("http://h:/", origin_of("http", "h", None)),
            ("a:b://h:1", origin_of("a:b", "h", Some(1))),
            ("a:b/c", origin_of("", "", None)),
            ("/path", origin_of("", "", None)),
            ("", origin_of("", "", None)),
        ] {
            assert_eq!(origin(url), expected, "{url}");
        }
    }
}
