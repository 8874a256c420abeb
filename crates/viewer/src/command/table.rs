//! Answers as tables of text.

use serde_json::Value;

use super::verbs::{Column, Shape};
use crate::draw::terminal::Terminal;
use crate::text;

/// Columns of a text in the middle of a table; the last column has what is left.
const MAX_TEXT: usize = 40;

/// The items of an answer, with a line above and one below that counts them.
pub(super) fn answer_table(columns: &[Column], answer: &Value, terminal: Terminal) -> String {
    let items = match answer.get("data").and_then(Value::as_array) {
        Some(items) => items.as_slice(),
        // What was made, by itself.
        None => std::slice::from_ref(answer),
    };
    let titles = columns.iter().map(|it| it.0.to_owned()).collect();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let cells = columns.iter().map(|(_, place, shape)| {
                let value = item.pointer(place).unwrap_or(&Value::Null);
                written(value, *shape, terminal)
            });
            cells.collect()
        })
        .collect();
    let is_right: Vec<bool> = columns
        .iter()
        .map(|it| matches!(it.2, Shape::Number | Shape::Duration | Shape::Share))
        .collect();
    let mut drawn = lines(titles, rows, &is_right, terminal);
    if let Some(total) = answer.get("total").and_then(Value::as_u64) {
        drawn.push_str(&format!("{} of {}\n", items.len(), text::count(total)));
    }
    drawn
}

pub(super) fn sql_table(answer: &Value, terminal: Terminal) -> String {
    let texts = |value: Option<&Value>| -> Vec<String> {
        let all = value.and_then(Value::as_array);
        let all = all.map(|all| {
            all.iter()
                .map(|it| written(it, Shape::Text, terminal))
                .collect()
        });
        all.unwrap_or_default()
    };
    let titles = texts(answer.get("columns"));
    let rows = answer.get("rows").and_then(Value::as_array);
    let rows: Vec<Vec<String>> = rows
        .map(|rows| rows.iter().map(|row| texts(Some(row))).collect())
        .unwrap_or_default();
    let is_right = vec![false; titles.len()];
    lines(titles, rows, &is_right, terminal)
}

/// A log record on one line.
pub(super) fn log_line(item: &Value, terminal: Terminal) -> String {
    let at =
        |place: &str, shape| written(item.pointer(place).unwrap_or(&Value::Null), shape, terminal);
    format!(
        "{}  {:<5}  {}  {}\n",
        at("/time_unix_nanos", Shape::Time),
        at("/severity", Shape::Text).to_uppercase(),
        at("/service", Shape::Text),
        at("/body/value", Shape::Text)
    )
}

fn written(value: &Value, shape: Shape, terminal: Terminal) -> String {
    let as_number = || value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let plain = match (shape, value) {
        (_, Value::Null) => String::new(),
        (Shape::Duration, _) => as_number().map(text::duration).unwrap_or_default(),
        (Shape::Time, _) => as_number().map(text::time_of_day).unwrap_or_default(),
        (Shape::Number, Value::Number(number)) => text::number(number.as_f64().unwrap_or(0.0)),
        (Shape::Share, _) => format!("{:.0} %", value.as_f64().unwrap_or(0.0) * 100.0),
        (Shape::Id, Value::String(id)) => id.chars().take(8).collect(),
        (Shape::Names, Value::Array(items)) => {
            let names = items.iter().filter_map(|it| it.get("name")?.as_str());
            names.collect::<Vec<_>>().join(", ")
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    };
    text::clean(&plain, terminal.unicode)
}

fn lines(
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
    is_right: &[bool],
    terminal: Terminal,
) -> String {
    let last = titles.len().saturating_sub(1);
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(at, title)| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|cell| text::width(cell)).max().unwrap_or(0);
            let widest = widest.max(text::width(title));
            if at == last {
                widest
            } else {
                widest.min(MAX_TEXT)
            }
        })
        .collect();
    let mut drawn = String::new();
    for row in std::iter::once(titles).chain(rows) {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| {
                let fitted = text::fit(cell, *width, terminal.unicode);
                if is_right.get(at) == Some(&true) {
                    let bare = fitted.trim_end();
                    format!(
                        "{}{bare}",
                        " ".repeat(width.saturating_sub(text::width(bare)))
                    )
                } else {
                    fitted
                }
            })
            .collect();
        let line = cells.join("  ");
        let width = if terminal.is_terminal {
            terminal.width
        } else {
            usize::MAX
        };
        drawn.push_str(&text::shorten(line.trim_end(), width, terminal.unicode));
        drawn.push('\n');
    }
    drawn
}
