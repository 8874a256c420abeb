//! What is kept as OTLP/JSON, with what is secret left out.

use std::collections::HashSet;

use serde_json::json;

use super::{Answer, Answered, Context, Parameters, Problem};
use crate::ids::TraceId;
use crate::otlp::wire::put;
use crate::otlp::{Signal, json as otlp_json};
use crate::search::find;
use crate::search::traces::{NotFound, named};
use crate::secrets::redact;
use crate::store::block::groups;
use crate::store::{Store, rows_of};

/// Bytes of records that one answer has.
const MAX_BYTES: usize = 128 * 1024 * 1024;

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

/// Documents one a line, one of each block.
pub(super) fn everything(context: &Context, parameters: &Parameters) -> Answered {
    let redacts = parameters.flag("redact", true)?;
    let signals = match parameters.text("signal") {
        "" => vec![Signal::Traces, Signal::Logs],
        name => vec![
            Signal::named(name)
                .ok_or_else(|| Problem::wrong("signal", "is traces, logs or metrics"))?,
        ],
    };
    let mut lines = String::new();
    let mut bytes = 0;
    for signal in signals {
        // With a query, log records are those of the traces.
        let is_of_traces = signal == Signal::Logs
            && parameters.text("signal").is_empty()
            && !parameters.text("q").is_empty();
        let question = if is_of_traces {
            parameters.question(Signal::Traces)?
        } else {
            parameters.question(signal)?
        };
        let (found, _) = find(&context.store, &question, false)?;
        let traces: HashSet<TraceId> = if signal == Signal::Traces || is_of_traces {
            found
                .iter()
                .flat_map(|it| {
                    it.rows
                        .iter()
                        .filter_map(|row| it.columns.trace_id(row).copied())
                })
                .collect()
        } else {
            HashSet::new()
        };
        for block in context.store.snapshot(signal) {
            question.check()?;
            let columns = context.store.columns(&block);
            let rows: Vec<usize> = if signal == Signal::Traces || is_of_traces {
                rows_of(&columns, &traces).collect()
            } else {
                let same = found
                    .iter()
                    .find(|it| it.block.key == block.key && it.block.service == block.service);
                same.map(|it| it.rows.iter().collect()).unwrap_or_default()
            };
            if rows.is_empty() {
                continue;
            }
            let items = context.store.items(&block);
            let mut request = Vec::new();
            for (_, group) in groups(&columns, &items, rows) {
                put(&mut request, 1, &group);
            }
            bytes += request.len();
            if bytes > MAX_BYTES {
                return Err(Problem::wrong(
                    "q",
                    "is for more than 128 MiB; narrow it or give a time",
                ));
            }
            let mut document = otlp_json::write(signal, &request).map_err(|it| unreadable(&it))?;
            if redacts {
                redact(&mut document);
            }
            lines.push_str(&document.to_string());
            lines.push('\n');
        }
    }
    Ok(Answer::Text(lines))
}
