//! Who may ask. By default programs of this machine only, and no page of a foreign site, whether it
//! comes under its own name or under one that was made to point here. Beyond loopback a token is
//! needed for everything.

use std::net::{IpAddr, SocketAddr};

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::body::Body;

use crate::receive::respond;

const COOKIE: &str = "oxitel_viewer";

#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// Needed where the viewer listens beyond loopback.
    pub(crate) token: Option<String>,
    /// Names besides localhost under which it is asked.
    pub(crate) hosts: Vec<String>,
    /// Pages that may send telemetry, such as `http://localhost:3000`.
    pub(crate) origins: Vec<String>,
}

impl Access {
    /// Why a request gets no answer; `None` if it does.
    pub(super) fn refuses<B>(
        &self,
        request: &Request<B>,
        peer: SocketAddr,
    ) -> Option<&'static str> {
        let headers = request.headers();
        let host = host(request);
        match &self.token {
            None if !peer.ip().to_canonical().is_loopback() => {
                return Some("only programs of this machine are answered");
            }
            None if !self.is_known(host) => {
                return Some(
                    "the name in Host is not this machine's: localhost, or one given as --allow-host",
                );
            }
            Some(token) if !self.has_token(request, token) => {
                return Some("the token is missing: send it as `authorization: Bearer TOKEN`");
            }
            _ => {}
        }
        if let Some(origin) = headers.get(header::ORIGIN) {
            let is_export = request.uri().path().starts_with("/v1/");
            let origin = origin.to_str().unwrap_or_default();
            let may_ask = is_own(origin, request) || is_export && self.may_send(origin);
            if !may_ask {
                return Some(
                    "pages of other sites are not answered; one that may send telemetry is given as --allow-origin",
                );
            }
        }
        let site = headers
            .get("sec-fetch-site")
            .and_then(|it| it.to_str().ok());
        let is_question = ["/api/", "/mcp"]
            .iter()
            .any(|it| request.uri().path().starts_with(it));
        (is_question && site == Some("cross-site"))
            .then_some("pages of other sites are not answered")
    }

    fn is_known(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || bare
                .parse::<IpAddr>()
                .is_ok_and(|it| it.to_canonical().is_loopback())
            || self
                .hosts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(host))
    }

    fn may_send(&self, origin: &str) -> bool {
        self.origins
            .iter()
            .any(|known| known.trim_end_matches('/') == origin)
    }

    fn has_token<B>(&self, request: &Request<B>, token: &str) -> bool {
        let headers = request.headers();
        let bearer = text(headers, header::AUTHORIZATION);
        let bearer = bearer
            .get(..7)
            .filter(|it| it.eq_ignore_ascii_case("bearer "))
            .and(bearer.get(7..));
        let cookies = text(headers, header::COOKIE).split(';');
        let mut cookie = cookies.filter_map(|it| it.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        bearer.is_some_and(|it| is_same(it.trim(), token))
            || cookie.any(|it| is_same(it, token))
            || of_address(request).is_some_and(|it| is_same(it, token))
    }

    /// Turns the token of an address into a cookie, so that it does not stay in the address.
    pub(super) fn enter<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let token = self.token.as_ref()?;
        if request.method() != Method::GET || of_address(request) != Some(token) {
            return None;
        }
        let mut response = respond(StatusCode::SEE_OTHER, "text/plain", "");
        let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/");
        let headers = response.headers_mut();
        headers.insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
        headers.insert(header::LOCATION, HeaderValue::from_static("/"));
        Some(response)
    }

    /// The answer to a page that asks whether it may send telemetry.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        if request.method() != Method::OPTIONS {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = respond(StatusCode::NO_CONTENT, "text/plain", "");
        self.allow_reading(origin, &mut response);
        let headers = response.headers_mut();
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type, content-encoding, authorization"),
        );
        Some(response)
    }

    /// Lets a page that may send telemetry read the answer.
    pub(super) fn allow_reading(&self, origin: Option<HeaderValue>, response: &mut Response<Body>) {
        if let Some(origin) = origin
            && origin.to_str().is_ok_and(|it| self.may_send(it))
        {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::VARY, HeaderValue::from_static("origin"));
        }
    }
}

/// The name or address that a request was sent to, without its port.
fn host<B>(request: &Request<B>) -> &str {
    if let Some(host) = request.uri().host() {
        return host;
    }
    let host = text(request.headers(), header::HOST);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a page is one of the viewer's own: it has the address that it asks.
fn is_own<B>(origin: &str, request: &Request<B>) -> bool {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => text(request.headers(), header::HOST),
    };
    let page = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    page.is_some_and(|page| !page.is_empty() && page.eq_ignore_ascii_case(authority))
}

fn of_address<B>(request: &Request<B>) -> Option<&str> {
    let query = request.uri().query()?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
}

/// Takes as long whatever is different.
fn is_same(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    one.len() == other.len() && pairs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(access: &Access, peer: &str, path: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let peer = SocketAddr::new(peer.parse().expect("an address"), 1);
        access.refuses(&request, peer).is_some()
    }

    #[test]
    fn only_programs_of_this_machine_are_answered_and_no_foreign_pages() {
        let access = Access {
            hosts: vec!["viewer.test".to_owned()],
            origins: vec!["http://localhost:3000".to_owned()],
            ..Access::default()
        };
        for (peer, path, headers, is_refused) in [
            (
                "127.0.0.1",
                "/api/status",
                vec![("host", "localhost:4318")],
                false,
            ),
            (
                "::ffff:127.0.0.1",
                "/api/status",
                vec![("host", "[::1]:4318")],
                false,
            ),
            (
                "127.0.0.1",
                "/api/status",
                vec![("host", "viewer.test")],
                false,
            ),
            (
                "192.168.1.5",
                "/api/status",
                vec![("host", "localhost")],
                true,
            ),
            (
                "127.0.0.1",
                "/v1/traces",
                vec![("host", "rebound.example:4318")],
                true,
            ),
            (
                "127.0.0.1",
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                vec![("host", "rebound.example")],
                true,
            ),
            (
                "127.0.0.1",
                "/api/status",
                vec![
                    ("host", "localhost:4318"),
                    ("origin", "http://localhost:4318"),
                ],
                false,
            ),
            (
                "127.0.0.1",
                "/api/status",
                vec![
                    ("host", "localhost:4318"),
                    ("origin", "http://localhost:3000"),
                ],
                true,
            ),
            (
                "127.0.0.1",
                "/v1/traces",
                vec![
                    ("host", "localhost:4318"),
                    ("origin", "http://localhost:3000"),
                ],
                false,
            ),
            (
                "127.0.0.1",
                "/v1/traces",
                vec![
                    ("host", "localhost:4318"),
                    ("origin", "https://evil.example"),
                ],
                true,
            ),
            (
                "127.0.0.1",
                "/v1/traces",
                vec![("host", "localhost:4318"), ("origin", "null")],
                true,
            ),
            (
                "127.0.0.1",
                "/api/status",
                vec![("host", "localhost:4318"), ("sec-fetch-site", "cross-site")],
                true,
            ),
            (
                "127.0.0.1",
                "/",
                vec![("host", "localhost:4318"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            ("127.0.0.1", "/api/status", vec![], true),
        ] {
            assert_eq!(
                refused(&access, peer, path, &headers),
                is_refused,
                "{path} {headers:?}"
            );
        }
    }

    #[test]
    fn with_a_token_everybody_needs_it() {
        let access = Access {
            token: Some("secret".to_owned()),
            ..Access::default()
        };
        let peer = "192.168.1.5";
        for (path, headers, is_refused) in [
            ("/api/status", vec![("host", "a.example")], true),
            (
                "/v1/traces",
                vec![("host", "localhost"), ("authorization", "Bearer secret")],
                false,
            ),
            (
                "/v1/traces",
                vec![("host", "localhost"), ("authorization", "Bearer secre")],
                true,
            ),
            (
                "/api/status",
                vec![("host", "a"), ("cookie", "b=c; oxitel_viewer=secret")],
                false,
            ),
            ("/?token=secret", vec![("host", "a.example")], false),
            ("/?token=other", vec![("host", "a.example")], true),
        ] {
            assert_eq!(
                refused(&access, peer, path, &headers),
                is_refused,
                "{path} {headers:?}"
            );
        }
        let request = Request::builder()
            .uri("/?token=secret")
            .body(())
            .expect("a request");
        let response = access.enter(&request).expect("a cookie");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert!(
            response.headers()[header::SET_COOKIE]
                .to_str()
                .is_ok_and(|it| it.contains("HttpOnly"))
        );
    }
}
