//! The page's files, which are part of the program. Nothing but them can run in the page: its
//! policy says so to the browser.

use std::io::Read;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use flate2::read::GzDecoder;
use tonic::body::Body;

use super::problem;
use crate::receive::respond;

// `FILES`: path below /, content in gzip, tag; written by the build script from `web/`.
include!(concat!(env!("OUT_DIR"), "/files.rs"));

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of everything that a browser can be given.
pub(super) fn guard(headers: &mut HeaderMap) {
    let mut insert =
        |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    insert(header::CONTENT_SECURITY_POLICY, POLICY);
    insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(header::REFERRER_POLICY, "no-referrer");
    insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
}

/// A file, or the document for every address of the page.
pub(super) fn answer<B>(request: &Request<B>) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "the page is read with GET");
    }
    let path = request.uri().path();
    let wanted = if path.starts_with("/assets/") {
        path
    } else {
        "/index.html"
    };
    let Some((name, content, tag)) = FILES.iter().find(|(known, _, _)| *known == wanted) else {
        return problem(StatusCode::NOT_FOUND, "the page has no such file");
    };
    let known = request.headers().get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let is_packed = takes_gzip(request.headers());
    let mut response = if is_known {
        respond(StatusCode::NOT_MODIFIED, content_type(name), "")
    } else if is_packed {
        respond(StatusCode::OK, content_type(name), *content)
    } else {
        let mut unpacked = Vec::new();
        if GzDecoder::new(*content).read_to_end(&mut unpacked).is_err() {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "the file is damaged");
        }
        respond(StatusCode::OK, content_type(name), unpacked)
    };
    let headers = response.headers_mut();
    guard(headers);
    if is_packed && !is_known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ETAG, HeaderValue::from_static(tag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Whether the one who asks unpacks gzip (RFC 9110, "Accept-Encoding").
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=");
        matches!(name.trim().to_ascii_lowercase().as_str(), "gzip" | "*")
            && refused.is_none_or(|weight| weight.parse() != Ok(0.0))
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        let takes = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        for value in ["gzip", "deflate, GZIP;q=0.5", "*", "br;q=1, gzip; q=1"] {
            assert!(takes(value), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip; q=0.0", "gzipped"] {
            assert!(!takes(value), "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
