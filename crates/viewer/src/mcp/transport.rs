//! How messages come and go: one a line on standard input and output, or one a request over HTTP.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{StatusCode, header};
use serde_json::Value;
use tokio::task::{AbortHandle, JoinSet};

use super::{Source, protocol};
use crate::api::Context;

/// Bytes of a message.
const MAX_MESSAGE: usize = 256 * 1024;
/// Messages that are answered at once.
const MAX_RUNNING: usize = 32;
const JSON: &str = "application/json";

/// The path `/mcp`, without sessions. Who may ask is decided before.
pub(crate) fn router(context: Context) -> Router {
    let source: Arc<dyn Source> = Arc::new(context);
    Router::new()
        .route("/mcp", post(over_http))
        .with_state(source)
}

async fn over_http(State(source): State<Arc<dyn Source>>, request: Request) -> Response {
    let plain = |status: StatusCode, text: &str| (status, text.to_owned()).into_response();
    let (parts, body) = request.into_parts();
    let told = |name: &str| {
        let value = parts.headers.get(name);
        value.and_then(|it| it.to_str().ok()).map(str::to_owned)
    };
    let kind = told("content-type").unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some(JSON) {
        return plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "messages are sent as application/json",
        );
    }
    if let Some(version) = told("mcp-protocol-version")
        && !protocol::VERSIONS.contains(&version.as_str())
    {
        let message = format!("there is no version {version} here");
        return plain(StatusCode::BAD_REQUEST, &message);
    }
    let read = tokio::time::timeout(
        std::time::Duration::from_secs(30),
        to_bytes(body, MAX_MESSAGE),
    );
    let body = match read.await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "the message is too long"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the message came too slowly"),
    };
    let answer = match protocol::read(&body) {
        Ok(message) => protocol::answer(source.as_ref(), &message).await,
        Err(refusal) => {
            let body = refusal.to_string();
            return (
                StatusCode::BAD_REQUEST,
                [(header::CONTENT_TYPE, JSON)],
                body,
            )
                .into_response();
        }
    };
    match answer {
        Some(answer) => ([(header::CONTENT_TYPE, JSON)], answer.to_string()).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

/// Answers on standard input and output, until the input ends.
///
/// # Errors
/// Standard input cannot be read.
pub(crate) async fn over_standard_io(source: Arc<dyn Source>) -> io::Result<()> {
    let mut running = JoinSet::new();
    let mut requests: HashMap<String, AbortHandle> = HashMap::new();
    loop {
        let line = tokio::task::spawn_blocking(line).await??;
        let message = match line {
            Line::End => break,
            Line::TooLong => {
                write(&protocol::too_long(MAX_MESSAGE));
                continue;
            }
            Line::Text(text) if text.trim_ascii().is_empty() => continue,
            Line::Text(text) => match protocol::read(&text) {
                Ok(message) => message,
                Err(refusal) => {
                    write(&refusal);
                    continue;
                }
            },
        };
        if let Some(request) = protocol::cancelled(&message) {
            if let Some(handle) = requests.remove(&request) {
                handle.abort();
            }
            continue;
        }
        while running.len() >= MAX_RUNNING {
            running.join_next().await;
        }
        while running.try_join_next().is_some() {}
        requests.retain(|_, handle| !handle.is_finished());
        let id = message.get("id").map(Value::to_string);
        let source = Arc::clone(&source);
        let handle = running.spawn(async move {
            if let Some(answer) = protocol::answer(source.as_ref(), &message).await {
                write(&answer);
            }
        });
        if let Some(id) = id {
            requests.insert(id, handle);
        }
    }
    while running.join_next().await.is_some() {}
    Ok(())
}

enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

fn line() -> io::Result<Line> {
    let mut input = io::stdin().lock();
    let mut text = Vec::new();
    let limit = MAX_MESSAGE as u64 + 1;
    input.by_ref().take(limit).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(Line::End);
    }
    if text.len() <= MAX_MESSAGE || text.ends_with(b"\n") {
        return Ok(Line::Text(text));
    }
    // The rest of it, a piece at a time.
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        let is_over = end.is_some() || used == 0;
        input.consume(used);
        if is_over {
            return Ok(Line::TooLong);
        }
    }
}

/// Writes a message on a line of its own. A client that is gone is noticed by its input's end.
fn write(message: &Value) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{message}").and_then(|()| output.flush());
}
