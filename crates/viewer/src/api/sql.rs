//! Statements of SQL, and what they can read.

use std::time::Instant;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Answered, Context, Parameters, Problem};
use crate::sql::{self, VIEWS};

pub(super) fn run(context: &Context, parameters: &Parameters) -> Answered {
    let limit = parameters.number("limit", 200, 1_000)?;
    let redacts = parameters.flag("redact", false)?;
    let statement = parameters.text("statement");
    if statement.trim().is_empty() {
        return Err(Problem::wrong(
            "statement",
            "is a SELECT over the views of /api/sql/schema",
        ));
    }
    let started = Instant::now();
    let found = sql::run(&context.store, statement, limit, redacts)
        .map_err(|why| Problem::new(StatusCode::BAD_REQUEST, &why))?;
    Ok(json!({
        "format": 1,
        "columns": found.columns,
        "rows": found.rows,
        "returned": found.rows.len(),
        "truncated": found.is_truncated,
        "elapsed_nanos": started.elapsed().as_nanos() as u64,
    })
    .into())
}

pub(super) fn schema(_: &Context, _: &Parameters) -> Answered {
    let data: Vec<Value> = VIEWS
        .iter()
        .map(|view| {
            let columns: Vec<Value> = view
                .columns
                .iter()
                .map(|(name, kind, text)| json!({ "name": name, "type": kind, "text": text }))
                .collect();
            json!({ "view": view.name, "columns": columns })
        })
        .collect();
    Ok(json!({ "format": 1, "data": data }).into())
}
