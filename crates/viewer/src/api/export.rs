//! What is kept as OTLP/JSON, with what is secret left out.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Answer, Answered, Context, Parameters, Problem};
use crate::ids::TraceId;
use crate::otlp::wire::put;
use crate::otlp::{Signal, json as otlp_json};
use crate::search::find;
use crate::search::traces::{NotFound, named};
use crate::store::block::groups;
use crate::store::{Store, rows_of};

/// Bytes of records that one answer has.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Parts of attribute keys that say that the value is secret.
const SECRETS: [&str; 9] = [
    "authorization",
    "cookie",
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "credential",
];

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

/// Puts a word in the place of values whose keys say that they are secret.
pub(crate) fn redact(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            let key = fields
                .get("key")
                .and_then(Value::as_str)
                .map(str::to_ascii_lowercase);
            let is_secret = key.is_some_and(|key| {
                // How many tokens a model took is no secret.
                let key = key.replace("tokens", "");
                SECRETS.iter().any(|it| key.contains(it))
            });
            match fields.get_mut("value") {
                // In OTLP/JSON a value is an object, in our own answers it may be the text itself.
                Some(value) if is_secret && value.is_object() => {
                    *value = json!({ "stringValue": "(redacted)" });
                }
                Some(value) if is_secret => *value = json!("(redacted)"),
                _ => fields.values_mut().for_each(redact),
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_keys_are_left_out_wherever_they_stand() {
        let mut document = json!({ "attributes": [
            { "key": "http.request.header.Authorization", "value": { "stringValue": "Bearer x" } },
            { "key": "gen_ai.usage.input_tokens", "value": { "intValue": "5" } },
            { "key": "body", "value": { "kvlistValue": { "values": [
                { "key": "password", "value": { "stringValue": "x" } } ] } } },
            { "key": "session_token", "type": "string", "value": "x" }
        ] });
        redact(&mut document);
        assert_eq!(document.to_string().matches("(redacted)").count(), 3);
        assert!(!document.to_string().contains("\"x\""));
    }
}
