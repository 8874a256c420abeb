//! OTLP/HTTP: a request made, its answer understood (OTLP specification, "OTLP/HTTP").

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode, Uri};

use super::answer::{Answer, Reason, Trouble, TroubleKind, excerpt};
use crate::otlp::read;

/// The most that is read of an answer.
const MAX_ANSWER: usize = 4 << 20;

pub(crate) fn request(uri: &Uri, headers: &HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let is_empty = body.is_empty();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    request.uri_mut().clone_from(uri);
    request.headers_mut().clone_from(headers);
    if is_empty {
        // Some receivers refuse a request that does not say so (RFC 9110, 8.6).
        let none = HeaderValue::from_static("0");
        request.headers_mut().insert(CONTENT_LENGTH, none);
    }
    request
}

/// How long the rest of an answer is waited for once its status is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The answer, and whether the connection can be used again. The status is the verdict: a body that
/// breaks off after it, or is not there when `given_up` is, changes nothing. To send again what was
/// accepted would be to send it for ever.
pub(crate) async fn read_answer(
    response: Response<Incoming>,
    given_up: impl Future<Output = ()>,
) -> (Answer, bool) {
    let (head, body) = response.into_parts();
    let is_protobuf = head
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-protobuf"));
    // Nobody asked for it, but some servers compress their error pages.
    let is_encoded = head.headers.contains_key(CONTENT_ENCODING);
    let body = tokio::select! {
        biased;
        body = Limited::new(body, MAX_ANSWER).collect() => body.ok(),
        () = given_up => None,
    };
    let is_whole = body.is_some();
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    if head.status.is_success() {
        return (Answer::Accepted(read::partial_success(&body)), is_whole);
    }
    let said = if is_encoded {
        String::new()
    } else if is_protobuf {
        read::status_message(&body).unwrap_or_default()
    } else {
        String::from_utf8_lossy(&body).into_owned()
    };
    let mut text = excerpt(&said);
    if head.status.is_redirection()
        && let Some(location) = head.headers.get(LOCATION)
    {
        text = format!(
            "redirects are not followed; Location: {}",
            excerpt(&String::from_utf8_lossy(location.as_bytes()))
        );
    }
    let reason = Reason {
        code: head.status.to_string(),
        text,
    };
    let answer = if head.status == StatusCode::PAYLOAD_TOO_LARGE {
        Answer::TooLarge(reason)
    } else if is_retryable(head.status.as_u16()) {
        let asked = head
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| retry_after(value.as_bytes(), SystemTime::now()));
        Answer::Later(Trouble {
            kind: TroubleKind::Busy,
            reason,
            asked,
        })
    } else {
        Answer::Refused(reason)
    };
    (answer, is_whole)
}

/// Whether a request with this answer may be sent again (OTLP specification, "Retryable Response Codes").
#[must_use]
pub fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// The wait in a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3); none where it
/// is neither.
#[must_use]
pub fn retry_after(value: &[u8], now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        if !seconds.is_finite() {
            return None;
        }
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |text: &str| retry_after(text.as_bytes(), now);
        assert_eq!(wait("3"), Some(Duration::from_secs(3)));
        assert_eq!(wait(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(wait("-1"), Some(Duration::ZERO));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:49:47 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:27 GMT"), Some(Duration::ZERO));
        for text in ["", "soon", "inf", "nan", "1e400"] {
            assert_eq!(wait(text), None, "{text}");
        }
    }
}
