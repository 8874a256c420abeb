//! Tells pages that something arrived, as server-sent events: totals, four times a second at most.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use super::{Context, Problem};
use crate::store::now;

const MAX_LISTENERS: usize = 32;
const INTERVAL: Duration = Duration::from_millis(250);
/// Silence after which a comment keeps the connection from being taken for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Listening(Arc<AtomicUsize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) async fn live(State(context): State<Context>) -> Response {
    let listening = Listening(Arc::clone(&context.listeners));
    if listening.0.fetch_add(1, Ordering::Relaxed) >= MAX_LISTENERS {
        return Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many pages listen already",
        )
        .into_response();
    }
    let state = (context, None::<u64>, listening);
    let events = futures_util::stream::unfold(state, |(context, seen, listening)| async move {
        let event = match seen {
            // The first tells how things stand.
            None => event(&context, 0),
            Some(seen) => {
                let mut changes = context.store.changes();
                tokio::time::sleep(INTERVAL).await;
                match tokio::time::timeout(KEEP_ALIVE, changes.changed()).await {
                    Ok(Ok(())) => event(&context, seen),
                    Ok(Err(_)) => return None,
                    Err(_) => ": still here\n\n".to_owned(),
                }
            }
        };
        let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(event)));
        Some((frame, (context, Some(now()), listening)))
    });
    let mut response = Response::new(Body::new(StreamBody::new(events)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn event(context: &Context, since: u64) -> String {
    let state = context.store.lock();
    let totals = &state.totals;
    let recent = totals
        .services
        .iter()
        .filter(|(_, it)| it.last_seen >= since);
    let services: Vec<&str> = recent.map(|(name, _)| name.as_ref()).collect();
    let data = json!({
        "spans": totals.traces.records,
        "log_records": totals.logs.records,
        "data_points": totals.metrics.records,
        "services": services,
        "now_unix_nanos": now().to_string(),
    });
    format!("event: change\ndata: {data}\n\n")
}
