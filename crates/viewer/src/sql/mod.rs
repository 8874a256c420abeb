//! SQL over what is kept. SQLite is the engine and nothing more: its tables are read from the
//! store's blocks, it can change nothing, and it has limits of time, rows and size.

mod table;
mod views;

use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use serde_json::{Value, json};

pub(crate) use views::VIEWS;

use crate::otlp::value::double;
use crate::store::Store;

const TIME: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 2_000;
/// Bytes of one value, of a statement, and of an answer.
const MAX_VALUE: i32 = 1024 * 1024;
const MAX_STATEMENT: i32 = 64 * 1024;
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Numbers beyond it are not exact in JavaScript.
const EXACT: i64 = 1 << 53;

#[derive(Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) is_truncated: bool,
}

/// Runs a statement that reads. With `redacts`, what is secret is left out of what it reads.
///
/// # Errors
/// Says what is wrong with the statement, or which limit it met.
pub(crate) fn run(
    store: &Store,
    statement: &str,
    limit: usize,
    redacts: bool,
) -> Result<Rows, String> {
    let mut rows = Vec::new();
    let mut is_truncated = false;
    let columns = read(store, statement, redacts, |columns, row| {
        if rows.len() >= limit {
            is_truncated = true;
            return false;
        }
        rows.push(
            columns
                .iter()
                .enumerate()
                .map(|(at, _)| row.get_ref(at).map_or(Value::Null, value))
                .collect(),
        );
        true
    })?;
    Ok(Rows {
        columns,
        rows,
        is_truncated,
    })
}

fn read(
    store: &Store,
    statement: &str,
    redacts: bool,
    mut each: impl FnMut(&[String], &rusqlite::Row<'_>) -> bool,
) -> Result<Vec<String>, String> {
    let until = Instant::now() + TIME;
    let mut connection = Connection::open_in_memory().map_err(|it| it.to_string())?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_STATEMENT),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection
            .set_limit(limit, value)
            .map_err(|it| it.to_string())?;
    }
    let problem = |error: rusqlite::Error| told(&error);
    table::register(&connection, store, redacts).map_err(problem)?;
    connection
        .progress_handler(STEPS, Some(move || Instant::now() > until))
        .map_err(problem)?;
    connection.authorizer(Some(allowed)).map_err(problem)?;
    let mut prepared = connection.prepare(statement).map_err(problem)?;
    if prepared.parameter_count() > 0 {
        return Err("parameters cannot be given values here".to_owned());
    }
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let mut rows = prepared.raw_query();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(problem)? {
        for at in 0..columns.len() {
            bytes += match row.get_ref(at) {
                Ok(ValueRef::Text(it) | ValueRef::Blob(it)) => it.len() + 16,
                _ => 16,
            };
        }
        if bytes > MAX_ANSWER {
            return Err(format!("the answer is larger than {MAX_ANSWER} bytes"));
        }
        if !each(&columns, row) {
            break;
        }
    }
    Ok(columns)
}

fn allowed(context: AuthContext<'_>) -> Authorization {
    let is_view = |name: &str| {
        VIEWS
            .iter()
            .any(|view| view.name.eq_ignore_ascii_case(name))
    };
    match context.action {
        AuthAction::Select | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Read { table_name, .. } if is_view(table_name) || table_name.is_empty() => {
            Authorization::Allow
        }
        // Tables that a statement makes up itself (WITH, a subquery) are read like this, too.
        AuthAction::Read { table_name, .. }
            if !table_name.to_ascii_lowercase().starts_with("sqlite_") =>
        {
            Authorization::Allow
        }
        AuthAction::Function { function_name }
            if !["load_extension", "fts3_tokenizer", "randomblob", "zeroblob"]
                .contains(&function_name) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn told(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, _) if code.code == ErrorCode::OperationInterrupted => {
            format!("the statement took longer than {} s", TIME.as_secs())
        }
        rusqlite::Error::SqliteFailure(code, _)
            if code.code == ErrorCode::AuthorizationForStatementDenied =>
        {
            let names: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
            format!("only SELECT from these is allowed: {}", names.join(", "))
        }
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            format!("{msg} (character {})", offset.max(&0) + 1)
        }
        rusqlite::Error::MultipleStatement => "one statement at a time".to_owned(),
        error => error.to_string(),
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) if number.abs() > EXACT => json!(number.to_string()),
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => double(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!(crate::ids::hex(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::Signal;
    use crate::store::{Arrival, Limits};

    fn store() -> Store {
        let (store, mut writer) = Store::in_memory(Limits::default());
        for seed in 1..4 {
            let request = bytes::Bytes::from(crate::testing::spans(9_000, seed));
            let arrival = Arrival::new(Signal::Traces, &request).expect("a request");
            writer.take(&[arrival], 1);
        }
        store
    }

    fn ask(store: &Store, statement: &str) -> Vec<Vec<Value>> {
        run(store, statement, 100, false).expect(statement).rows
    }

    #[test]
    fn what_is_kept_is_read_as_tables() {
        let store = store();
        assert_eq!(ask(&store, "SELECT count(*) FROM spans"), [[json!(27_000)]]);
        assert_eq!(
            ask(
                &store,
                "SELECT service, kind, count(*), sum(status = 'error') FROM spans GROUP BY 1, 2 ORDER BY 2"
            ),
            [
                [
                    json!("shop"),
                    json!("internal"),
                    json!(21_600),
                    json!(1_965)
                ],
                [json!("shop"), json!("server"), json!(5_400), json!(492)],
            ]
        );
        assert_eq!(
            ask(
                &store,
                "SELECT json_extract(attributes, '$.\"http.route\"') AS route, count(*) FROM spans GROUP BY route ORDER BY route"
            ),
            [[json!("/a"), json!(9_000)], [json!("/b"), json!(18_000)]]
        );
        assert_eq!(
            ask(
                &store,
                "SELECT count(*) FROM span_attributes WHERE key = 'number' AND type = 'int'"
            ),
            [[json!(27_000)]]
        );
        let traces = ask(
            &store,
            "SELECT root_name, spans, errors FROM traces WHERE errors > 0 LIMIT 1",
        );
        assert_eq!(traces, [[json!("GET /"), json!(5), json!(1)]]);
        for view in VIEWS {
            run(
                &store,
                &format!("SELECT * FROM {} LIMIT 3", view.name),
                10,
                false,
            )
            .expect(view.name);
        }
        let found = run(&store, "SELECT * FROM spans", 5, false).expect("rows");
        assert!(found.is_truncated && found.rows.len() == 5);
    }

    #[test]
    fn statements_that_would_change_something_or_never_end_are_stopped() {
        let store = store();
        for (statement, told) in [
            ("DELETE FROM spans", "may not be modified"),
            ("CREATE TABLE a (b)", "only SELECT"),
            ("ATTACH '/tmp/x.db' AS x", "only SELECT"),
            ("PRAGMA user_version = 5", "only SELECT"),
            ("SELECT load_extension('x')", "not authorized"),
            ("SELECT * FROM sqlite_master", "only SELECT"),
            ("SELECT 1; SELECT 2", "one statement"),
            ("SELEC 1", "syntax error"),
            ("SELECT no_such FROM spans", "no such column"),
            ("SELECT ?", "parameters"),
            (
                "WITH RECURSIVE a(b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a) SELECT sum(b) FROM a",
                "longer than",
            ),
            (
                "SELECT count(*) FROM spans a, spans b, spans c",
                "longer than",
            ),
            (
                "SELECT hex(replace(printf('%.900000c', 'x'), 'x', 'yyyyyyyyyyyyy'))",
                "too big",
            ),
        ] {
            let problem = run(&store, statement, 10, false).expect_err(statement);
            let is_told = problem.contains(told) || problem.contains("only SELECT");
            assert!(is_told, "{statement}: {problem}");
        }
    }
}
