//! A trace as lines that are read from top to bottom: what is alike is one line, and what is asked
//! for decides which spans are there.

use serde_json::{Value, json};

use crate::text;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Outline,
    Critical,
    Errors,
    Full,
}

impl Detail {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "critical" => Self::Critical,
            "errors" => Self::Errors,
            "full" => Self::Full,
            _ => Self::Outline,
        }
    }
}

/// A row of the trace's columns.
struct Row<'a> {
    span: &'a str,
    depth: u64,
    end: usize,
    service: &'a str,
    name: &'a str,
    kind: u64,
    is_error: bool,
    duration: i64,
    own: u64,
    critical: u64,
    logs: u64,
    mark: u64,
}

const KINDS: [&str; 6] = ["", "", "server", "client", "producer", "consumer"];
const CLIENT: u64 = 3;

/// The lines of a trace, as `/api/traces/ID` gives it.
pub(super) fn lines(trace: &Value, detail: Detail, depth: u64) -> Vec<String> {
    let rows = rows(trace);
    let is_wanted = wanted(&rows, detail);
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        if row.depth >= depth || !is_wanted.get(at).copied().unwrap_or(false) {
            at += 1;
            continue;
        }
        if detail == Detail::Full {
            lines.push(line(&[row], 0));
            at += 1;
            continue;
        }
        // Siblings that follow each other and are alike, with all that is below them.
        let mut group = vec![row];
        let mut next = row.end;
        while let Some(other) = rows.get(next) {
            let is_alike = other.depth == row.depth
                && (other.name, other.service, other.kind) == (row.name, row.service, row.kind)
                && other.is_error == row.is_error
                && is_wanted.get(next) == Some(&true);
            if !is_alike {
                break;
            }
            group.push(other);
            next = other.end;
        }
        if group.len() == 1 {
            lines.push(line(&group, 0));
            at += 1;
        } else {
            lines.push(line(&group, next - at - group.len()));
            at = next;
        }
    }
    lines
}

fn line(group: &[&Row<'_>], below: usize) -> String {
    let Some(row) = group.first() else {
        return String::new();
    };
    let mut told = format!(
        "{}{} {}",
        "  ".repeat(row.depth as usize),
        row.service,
        row.name
    );
    let kind = KINDS.get(row.kind as usize).copied().unwrap_or_default();
    if !kind.is_empty() {
        told.push_str(&format!(" ({kind})"));
    }
    if group.len() > 1 {
        told.push_str(&format!(" ×{}", group.len()));
    }
    let durations = group
        .iter()
        .filter_map(|it| u64::try_from(it.duration).ok());
    match (durations.clone().min(), durations.max()) {
        (Some(least), Some(most)) if group.len() > 1 => {
            told.push_str(&format!(
                " {} to {}",
                text::duration(least),
                text::duration(most)
            ));
        }
        (_, Some(most)) => told.push_str(&format!(" {}", text::duration(most))),
        _ => told.push_str(" without an end"),
    }
    let own: u64 = group.iter().map(|it| it.own).sum();
    told.push_str(&format!(", itself {}", text::duration(own)));
    let critical: u64 = group.iter().map(|it| it.critical).sum();
    if critical > 0 {
        told.push_str(&format!(", critical {}", text::duration(critical)));
    }
    if row.is_error {
        told.push_str(" ERROR");
    }
    let logs: u64 = group.iter().map(|it| it.logs).sum();
    if logs > 0 {
        told.push_str(&format!(" {}", text::counted(logs, "log record")));
    }
    if row.mark & 1 == 1 {
        told.push_str(" (its parent was not received)");
    }
    if below > 0 {
        told.push_str(&format!(" ({} below)", text::counted(below as u64, "span")));
    }
    told.push_str(&format!(" [{}]", row.span));
    told
}

/// Which rows are shown: with what is asked for, also what it is in.
fn wanted(rows: &[Row<'_>], detail: Detail) -> Vec<bool> {
    let mut wanted: Vec<bool> = rows
        .iter()
        .map(|row| match detail {
            Detail::Outline | Detail::Full => true,
            Detail::Critical => row.critical > 0,
            Detail::Errors => row.is_error,
        })
        .collect();
    for at in (0..rows.len()).rev() {
        let end = rows.get(at).map_or(at, |it| it.end);
        let has_one = wanted
            .get(at..end)
            .is_some_and(|below| below.contains(&true));
        if let Some(is_wanted) = wanted.get_mut(at) {
            *is_wanted |= has_one;
        }
    }
    wanted
}

fn rows(trace: &Value) -> Vec<Row<'_>> {
    let column = |name: &str| -> &[Value] {
        let found = trace.pointer(&format!("/columns/{name}"));
        found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    };
    let named = |list: &str, at: u64| {
        trace
            .get(list)
            .and_then(|it| it.get(at as usize))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (spans, depths, ends) = (column("span_id"), column("depth"), column("end"));
    let (services, names, kinds) = (column("service"), column("name"), column("kind"));
    let (statuses, durations, own) = (
        column("status"),
        column("duration_nanos"),
        column("self_nanos"),
    );
    let (critical, logs, marks) = (
        column("critical_nanos"),
        column("log_records"),
        column("mark"),
    );
    let number = |list: &[Value], at: usize| list.get(at).and_then(Value::as_u64).unwrap_or(0);
    (0..spans.len())
        .map(|at| Row {
            span: spans.get(at).and_then(Value::as_str).unwrap_or_default(),
            depth: number(depths, at),
            end: (number(ends, at) as usize).max(at + 1),
            service: named("services", number(services, at)),
            name: named("names", number(names, at)),
            kind: number(kinds, at),
            is_error: number(statuses, at) == 2,
            duration: durations.get(at).and_then(Value::as_i64).unwrap_or(-1),
            own: number(own, at),
            critical: number(critical, at),
            logs: number(logs, at),
            mark: number(marks, at),
        })
        .collect()
}

/// What strikes in a trace: the deepest failure, many alike calls in a row.
pub(super) fn remarks(trace: &Value) -> Vec<String> {
    let rows = rows(trace);
    let mut remarks = Vec::new();
    let failed = rows.iter().filter(|it| it.is_error);
    if let Some(deepest) = failed.max_by_key(|it| it.depth) {
        remarks.push(format!(
            "the deepest span that failed is {} {} [{}]",
            deepest.service, deepest.name, deepest.span
        ));
    }
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        let mut count = 1;
        let mut next = row.end;
        while let Some(other) = rows
            .get(next)
            .filter(|it| it.depth == row.depth && (it.name, it.service) == (row.name, row.service))
        {
            count += 1;
            next = other.end;
        }
        if row.kind == CLIENT && count >= 5 {
            remarks.push(format!(
                "{} {} is called {count} times in a row: one call for all may do",
                row.service, row.name
            ));
        }
        at = if count > 1 { next } else { at + 1 };
    }
    let missing = rows.iter().filter(|it| it.mark & 1 == 1).count();
    if missing > 0 {
        remarks.push(format!(
            "{} name a parent that was not received",
            text::counted(missing as u64, "span")
        ));
    }
    remarks.truncate(4);
    remarks
}

/// The trace's own facts.
pub(super) fn head(trace: &Value) -> Value {
    let of = |name: &str| trace.get(name).cloned().unwrap_or_default();
    json!({
        "trace_id": of("trace_id"), "root_name": of("root_name"), "root_service": of("root_service"),
        "start_unix_nanos": of("start_unix_nanos"), "duration_nanos": of("duration_nanos"),
        "spans": of("spans"), "errors": of("errors"), "log_records": of("log_records"),
        "complete": of("complete"), "pinned": of("pinned"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Value {
        // GET / → (SELECT ×5, check → SELECT failed)
        json!({
            "services": ["shop"], "names": ["GET /", "SELECT", "check"],
            "columns": {
                "span_id": ["a", "b", "c", "d", "e", "f", "g", "h"],
                "depth": [0, 1, 1, 1, 1, 1, 1, 2],
                "end": [8, 2, 3, 4, 5, 6, 8, 8],
                "service": [0, 0, 0, 0, 0, 0, 0, 0],
                "name": [0, 1, 1, 1, 1, 1, 2, 1],
                "kind": [2, 3, 3, 3, 3, 3, 1, 3],
                "status": [0, 0, 0, 0, 0, 0, 0, 2],
                "duration_nanos": [9000, 1000, 2000, 1000, 1000, 1000, 2000, -1],
                "self_nanos": [0, 1000, 2000, 1000, 1000, 1000, 2000, 0],
                "critical_nanos": [0, 0, 0, 0, 0, 0, 2000, 0],
                "log_records": [0, 0, 0, 0, 0, 0, 0, 1],
                "mark": [0, 0, 0, 0, 0, 0, 0, 0]
            }
        })
    }

    #[test]
    fn what_is_alike_is_one_line_and_details_choose() {
        let outline = lines(&trace(), Detail::Outline, 12);
        assert_eq!(outline.len(), 4, "{outline:?}");
        assert!(outline[1].starts_with("  shop SELECT (client) ×5 1.00 µs to 2.00 µs"));
        assert!(outline[3].contains("without an end") && outline[3].contains("ERROR 1 log record"));
        assert_eq!(lines(&trace(), Detail::Full, 12).len(), 8);
        assert_eq!(lines(&trace(), Detail::Outline, 1).len(), 1);
        let critical = lines(&trace(), Detail::Critical, 12);
        assert_eq!(critical.len(), 2, "{critical:?}");
        let errors = lines(&trace(), Detail::Errors, 12);
        assert!(errors.len() == 3 && errors[2].contains("[h]"), "{errors:?}");
        let remarks = remarks(&trace());
        assert!(remarks[0].contains("[h]"), "{remarks:?}");
        assert!(remarks[1].contains("5 times in a row"), "{remarks:?}");
    }
}
