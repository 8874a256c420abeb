//! Why a question gets no answer, as the one who asks is told.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::query::QueryError;
use crate::search::TooLong;
use crate::search::traces::NotFound;

#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    error: Value,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            error: json!({ "message": message }),
        }
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn wrong(parameter: &str, message: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: json!({ "message": format!("{parameter}: {message}"), "parameter": parameter }),
        }
    }

    pub(crate) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the viewer is ending")
    }

    pub(crate) fn of_query(parameter: &str, error: &QueryError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: json!({
                "message": error.message,
                "parameter": parameter,
                "position": error.position,
                "length": error.length,
                "expected": error.expected,
            }),
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "error": self.error })
    }
}

/// What is wrong, with the place and what would be right there.
pub(crate) fn explained(problem: &Value) -> String {
    let error = problem.get("error").unwrap_or(problem);
    let message = error.get("message").and_then(Value::as_str);
    let mut told = message.unwrap_or("no answer").to_owned();
    if let Some(position) = error.get("position").and_then(Value::as_u64) {
        told.push_str(&format!(", at character {} of the query", position + 1));
    }
    let expected: Vec<&str> = error
        .get("expected")
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if !expected.is_empty() {
        told.push_str(&format!("; right would be {}", expected.join(", ")));
    }
    told
}

impl From<TooLong> for Problem {
    fn from(_: TooLong) -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the question took too long; ask for a shorter time or fewer services",
        )
    }
}

impl From<NotFound> for Problem {
    fn from(why: NotFound) -> Self {
        match why {
            NotFound::NotKept => Self::not_found("no such trace is kept here"),
            NotFound::NoName => Self::wrong(
                "trace",
                "give the first 4 to 32 digits of an id, or one of latest, slowest, failed",
            ),
            NotFound::TooLong => TooLong.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.json().to_string();
        (self.status, [(header::CONTENT_TYPE, super::JSON)], body).into_response()
    }
}
