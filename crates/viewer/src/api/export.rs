//! What is kept as OTLP/JSON, with what is secret left out.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use super::{Answer, Answered, Context, Parameters, Problem};
use crate::ids::TraceId;
use crate::otlp::wire::put;
use crate::otlp::{Signal, json as otlp_json};
use crate::search::bits::Bits;
use crate::search::traces::{NotFound, named};
use crate::search::{Window, find};
use crate::secrets::redact;
use crate::store::block::groups;
use crate::store::{Block, Store, rows_of};

/// A trace with its log records.
pub(super) fn trace(context: &Context, parameters: &Parameters) -> Answered {
    let id = named(&context.store, parameters.get("id").unwrap_or("latest"))?;
    let redacts = parameters.flag("redact", true)?;
    let mut document = json!({});
    for (signal, key) in [
        (Signal::Traces, "resourceSpans"),
        (Signal::Logs, "resourceLogs"),
    ] {
        let request = request_of(&context.store, signal, &id);
        if request.is_empty() {
            continue;
        }
        let mut read = otlp_json::write(signal, &request).map_err(|it| unreadable(&it))?;
        if redacts {
            redact(&mut read);
        }
        if let (Some(all), Some(part)) = (document.as_object_mut(), read.get_mut(key)) {
            all.insert(key.to_owned(), part.take());
        }
    }
    match document
        .get("resourceSpans")
        .or(document.get("resourceLogs"))
    {
        Some(_) => Ok(document.into()),
        None => Err(NotFound::NotKept.into()),
    }
}

fn unreadable(why: &str) -> Problem {
    Problem::new(http::StatusCode::INTERNAL_SERVER_ERROR, why)
}

fn request_of(store: &Store, signal: Signal, id: &TraceId) -> Vec<u8> {
    let wanted = HashSet::from([*id]);
    let mut request = Vec::new();
    for block in store.snapshot(signal) {
        let columns = store.columns(&block);
        let mut rows = rows_of(&columns, &wanted).peekable();
        if rows.peek().is_some() {
            let items = store.items(&block);
            for (_, group) in groups(&columns, &items, rows) {
                put(&mut request, 1, &group);
            }
        }
    }
    request
}

/// Documents one a line, one of each block. Each is made when it is asked for, so that nobody has to
/// hold them all, and however many there are, no question waits for them.
struct Export {
    store: Store,
    redacts: bool,
    parts: std::vec::IntoIter<(Arc<Block>, Rows)>,
}

/// Which records of a block.
enum Rows {
    All,
    These(Bits),
    Of(Arc<HashSet<TraceId>>),
}

impl Export {
    fn new(context: &Context, parameters: &Parameters) -> Result<Self, Problem> {
        let redacts = parameters.flag("redact", true)?;
        let signals = match parameters.text("signal") {
            "" => vec![Signal::Traces, Signal::Logs],
            name => vec![
                Signal::named(name)
                    .ok_or_else(|| Problem::wrong("signal", "is traces, logs or metrics"))?,
            ],
        };
        let has_query = !parameters.text("q").trim().is_empty();
        let mut parts = Vec::new();
        for signal in signals {
            // With a query, log records are those of the traces.
            let is_of_traces =
                signal == Signal::Traces || (parameters.text("signal").is_empty() && has_query);
            let asked = if is_of_traces { Signal::Traces } else { signal };
            let question = parameters.question(asked)?;
            let blocks = context.store.snapshot(signal);
            if !has_query && question.window == Window::ALL {
                parts.extend(blocks.into_iter().map(|block| (block, Rows::All)));
                continue;
            }
            let (found, _) = find(&context.store, &question, false)?;
            if is_of_traces {
                let rows = found.iter().flat_map(|it| {
                    let rows = it.rows.iter();
                    rows.filter_map(|row| it.columns.trace_id(row).copied())
                });
                let traces: Arc<HashSet<TraceId>> = Arc::new(rows.collect());
                let parts_of = |block| (block, Rows::Of(Arc::clone(&traces)));
                parts.extend(blocks.into_iter().map(parts_of));
            } else {
                parts.extend(found.into_iter().map(|it| (it.block, Rows::These(it.rows))));
            }
        }
        Ok(Self {
            store: context.store.clone(),
            redacts,
            parts: parts.into_iter(),
        })
    }

    /// Nothing, if none of the records is wanted or still there.
    fn line(&self, block: &Block, rows: &Rows) -> Result<Option<String>, Problem> {
        let columns = self.store.columns(block);
        let rows: Vec<usize> = match rows {
            Rows::All => (0..columns.len()).collect(),
            Rows::These(rows) => rows.iter().collect(),
            Rows::Of(traces) => rows_of(&columns, traces).collect(),
        };
        if rows.is_empty() {
            return Ok(None);
        }
        let items = self.store.items(block);
        let mut request = Vec::new();
        for (_, group) in groups(&columns, &items, rows) {
            put(&mut request, 1, &group);
        }
        let document = otlp_json::write(block.signal, &request);
        let mut document = document.map_err(|it| unreadable(&it))?;
        if self.redacts {
            redact(&mut document);
        }
        Ok(Some(format!("{document}\n")))
    }
}

impl Iterator for Export {
    type Item = Result<String, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (block, rows) = self.parts.next()?;
            if let Some(line) = self.line(&block, &rows).transpose() {
                return Some(line);
            }
        }
    }
}

/// All of it at once: for the command line where no viewer runs.
pub(super) fn everything(context: &Context, parameters: &Parameters) -> Answered {
    let lines: Result<String, Problem> = Export::new(context, parameters)?.collect();
    Ok(Answer::Text(lines?))
}

/// Line by line, as fast as it is read. Where that fails half-way, the last line says why: the status
/// was sent before.
pub(super) async fn streamed(
    State(context): State<Context>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let asked = context.clone();
    let export = context.apart(move || Export::new(&asked, &Parameters::new(pairs)));
    let export = match export.await {
        Ok(export) => export,
        Err(problem) => return problem.into_response(),
    };
    let lines = futures_util::stream::unfold(Some(export), move |export| {
        let context = context.clone();
        async move {
            let mut export = export?;
            let next = context.apart(move || Ok((export.next(), export)));
            let (line, rest) = match next.await {
                Ok((None, _)) => return None,
                Ok((Some(Ok(line)), export)) => (line, Some(export)),
                Ok((Some(Err(problem)), _)) | Err(problem) => {
                    (format!("{}\n", problem.json()), None)
                }
            };
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(line))), rest))
        }
    });
    let body = Body::new(StreamBody::new(lines));
    ([(header::CONTENT_TYPE, super::TEXT)], body).into_response()
}
