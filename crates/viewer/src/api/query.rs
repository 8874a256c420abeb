//! Queries themselves: whether one can be read, and what could come next in it.

use hashbrown::HashMap;
use serde_json::{Value, json};

use super::{Answered, Context, Parameters, Problem};
use crate::otlp::Signal;
use crate::otlp::value::plain;
use crate::query::{FieldKind, known_fields, term};
use crate::search::facets::field_name;
use crate::store::columns::Columns;

/// Blocks that are looked into for what could come next, the newest ones.
const BLOCKS: usize = 24;
const MAX_COMPLETIONS: usize = 50;
const OPERATORS: &str = ":=<>~!";

fn signal(parameters: &Parameters) -> Result<Signal, Problem> {
    match parameters.text("signal") {
        "" => Ok(Signal::Traces),
        name => Signal::named(name)
            .ok_or_else(|| Problem::wrong("signal", "is traces, logs or metrics")),
    }
}

pub(super) fn check(_: &Context, parameters: &Parameters) -> Answered {
    parameters.query("q", signal(parameters)?)?;
    Ok(json!({ "format": 1, "is_valid": true }).into())
}

pub(super) fn completions(context: &Context, parameters: &Parameters) -> Answered {
    let signal = signal(parameters)?;
    let text: Vec<char> = parameters.text("q").chars().collect();
    let at = match parameters.text("at") {
        "" => text.len(),
        at => at.parse::<usize>().unwrap_or(text.len()).min(text.len()),
    };
    let before = text.get(..at).unwrap_or_default();
    let from = start_of_word(before);
    let word: String = before.get(from..).unwrap_or_default().iter().collect();
    let blocks = context.store.snapshot(signal);
    let newest = blocks.iter().rev().take(BLOCKS);
    let columns: Vec<_> = newest.map(|block| context.store.columns(block)).collect();
    let word = word.trim_start_matches('-');
    let operator = word.find(|it| OPERATORS.contains(it));
    let (from, data) = match operator {
        None => {
            let mut found = fields(signal, &columns, word);
            found.truncate(MAX_COMPLETIONS);
            (at - word.chars().count(), found)
        }
        Some(position) => {
            let field = word.get(..position).unwrap_or_default().trim_matches('"');
            let rest = word.get(position..).unwrap_or_default();
            let value = rest.trim_start_matches(|it| OPERATORS.contains(it));
            let mut found = values(signal, &columns, field, value.trim_start_matches('"'));
            found.truncate(MAX_COMPLETIONS);
            (at - value.chars().count(), found)
        }
    };
    Ok(json!({ "format": 1, "from": from, "to": at, "data": data }).into())
}

/// Where the word that ends here begins; spaces in quotes do not part words.
fn start_of_word(before: &[char]) -> usize {
    let mut start = 0;
    let mut is_quoted = false;
    for (position, character) in before.iter().enumerate() {
        match character {
            '"' => is_quoted = !is_quoted,
            ' ' | '\t' | '(' | ')' if !is_quoted => start = position + 1,
            _ => {}
        }
    }
    start
}

fn fields(signal: Signal, columns: &[std::sync::Arc<Columns>], word: &str) -> Vec<Value> {
    let word = word.to_ascii_lowercase();
    let mut counts: HashMap<String, u64> = HashMap::new();
    for columns in columns {
        let names: Vec<Option<String>> = (0..columns.keys.len() as u32)
            .map(|key| field_name(columns.keys.text(key)))
            .collect();
        let rows = columns.pairs.iter().chain(&columns.head_pairs);
        for pair in rows {
            if let Some(Some(name)) = names.get(columns.key_of(*pair) as usize) {
                match counts.get_mut(name) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(name.clone(), 1);
                    }
                }
            }
        }
    }
    let mut found: Vec<(bool, u64, String, Value)> = Vec::new();
    for (name, _) in known_fields(signal).filter(|(name, _)| name.starts_with(&word)) {
        let told = json!({ "text": name, "kind": "field", "count": null });
        found.push((true, 0, name.to_owned(), told));
    }
    for (name, count) in counts {
        let position = name.to_ascii_lowercase().find(&word);
        if let Some(position) = position {
            let told = json!({ "text": name, "kind": "field", "count": count });
            found.push((position == 0, count, name, told));
        }
    }
    found.sort_by(|one, other| (other.0, other.1, &one.2).cmp(&(one.0, one.1, &other.2)));
    found.into_iter().map(|it| it.3).collect()
}

fn values(
    signal: Signal,
    columns: &[std::sync::Arc<Columns>],
    field: &str,
    beginning: &str,
) -> Vec<Value> {
    let beginning = beginning.to_ascii_lowercase();
    let known = known_fields(signal).find(|(name, _)| *name == field);
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut count = |text: &str, more: u64| {
        if text.to_ascii_lowercase().contains(&beginning) && text.len() < 200 {
            *counts.entry(text.to_owned()).or_default() += more;
        }
    };
    match known {
        Some((_, FieldKind::Word(words))) => words.iter().for_each(|word| count(word, 0)),
        Some((_, FieldKind::Duration)) => {
            ["10ms", "100ms", "1s"].iter().for_each(|it| count(it, 0));
        }
        Some((_, FieldKind::Number)) => {}
        _ => {
            for columns in columns {
                match field {
                    "service" | "services" | "root.service" => {
                        for head in &columns.heads {
                            count(&head.service, 1);
                        }
                    }
                    "name" | "root" | "event" => {
                        for name in 0..columns.names.len() as u32 {
                            count(columns.names.text(name), 1);
                        }
                    }
                    "scope" => columns.heads.iter().for_each(|it| count(&it.scope.name, 1)),
                    "has" => {
                        for key in 0..columns.keys.len() as u32 {
                            count(columns.keys.text(key).get(1..).unwrap_or_default(), 1);
                        }
                    }
                    _ => attribute_values(columns, field, &mut count),
                }
            }
        }
    }
    let mut found: Vec<(u64, String)> = counts
        .into_iter()
        .map(|(text, count)| (count, text))
        .collect();
    found.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
    found
        .into_iter()
        .map(|(count, text)| {
            let written = term("x", ":", &text);
            let written = written.strip_prefix("x:").unwrap_or_default();
            let count = (count > 0).then_some(count);
            json!({ "text": written, "kind": "value", "count": count })
        })
        .collect()
}

fn attribute_values(columns: &Columns, field: &str, count: &mut impl FnMut(&str, u64)) {
    let keys: Vec<bool> = (0..columns.keys.len() as u32)
        .map(|key| {
            let name = field_name(columns.keys.text(key));
            let bare = field.strip_prefix("span.").unwrap_or(field);
            name.is_some_and(|name| name == bare || name.strip_prefix("resource.") == Some(bare))
        })
        .collect();
    let mut pairs = vec![0_u64; columns.pair_keys.len()];
    for pair in columns.pairs.iter().chain(&columns.head_pairs) {
        if let Some(count) = pairs.get_mut(*pair as usize) {
            *count += 1;
        }
    }
    for (pair, occurrences) in (0..).zip(pairs) {
        let is_wanted = keys
            .get(columns.key_of(pair) as usize)
            .copied()
            .unwrap_or(false);
        if is_wanted && occurrences > 0 {
            count(&plain(Some(&columns.value_of(pair))), occurrences);
        }
    }
}
