//! Log records alike: their text without the parts that differ from one to the next, which are
//! numbers, ids, paths with such, and quoted texts.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{Question, TooLong, find};
use crate::otlp::value::plain;
use crate::query::term;
use crate::store::Store;
use crate::store::columns::BODY;
use crate::trace::logs::Severity;

/// Patterns told apart.
const MAX_PATTERNS: usize = 5_000;
/// Words of a pattern.
const MAX_WORDS: usize = 40;
/// What stands for a part that differs.
const HOLE: &str = "<*>";

#[derive(Debug, Default)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) count: u64,
    /// The worst severity number.
    pub(crate) severity: u8,
    pub(crate) services: BTreeSet<Arc<str>>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) example: String,
}

impl Pattern {
    pub(crate) fn severity(&self) -> &'static str {
        Severity::of(i32::from(self.severity)).word()
    }

    /// A query for records like these: all texts between the holes.
    pub(crate) fn query(&self) -> String {
        if self.text.contains(HOLE) {
            let like = self.text.replace(HOLE, "*").replace("**", "*");
            term("body", ":", &like)
        } else {
            term("body", "=", &self.example)
        }
    }
}

pub(crate) fn patterns(store: &Store, question: &Question) -> Result<Vec<Pattern>, TooLong> {
    let (found, _) = find(store, question, false)?;
    let mut patterns: HashMap<String, Pattern> = HashMap::new();
    for found in &found {
        question.check()?;
        let columns = &found.columns;
        let Some(body) = columns.key(BODY) else {
            continue;
        };
        // The pattern of each text is found once a block, as most texts come again.
        let mut known: HashMap<u32, String> = HashMap::new();
        for row in found.rows.iter() {
            let Some(pair) = columns.pair_with(row, body) else {
                continue;
            };
            let text = known
                .entry(pair)
                .or_insert_with(|| fold(&plain(Some(&columns.value_of(pair)))));
            if !patterns.contains_key(text) {
                if patterns.len() >= MAX_PATTERNS {
                    continue;
                }
                let new = Pattern {
                    text: text.clone(),
                    first: u64::MAX,
                    example: plain(Some(&columns.value_of(pair))),
                    ..Pattern::default()
                };
                patterns.insert(text.clone(), new);
            }
            if let Some(pattern) = patterns.get_mut(text) {
                let time = columns.times.get(row).copied().unwrap_or(0);
                pattern.count += 1;
                pattern.first = pattern.first.min(time);
                pattern.last = pattern.last.max(time);
                pattern.severity = pattern
                    .severity
                    .max(columns.kinds.get(row).copied().unwrap_or(0));
                if let Some(head) = columns.head(row)
                    && !pattern.services.contains(&head.service)
                {
                    pattern.services.insert(Arc::clone(&head.service));
                }
            }
        }
    }
    let mut patterns: Vec<Pattern> = patterns.into_values().collect();
    patterns.sort_by(|one, other| other.count.cmp(&one.count).then(one.text.cmp(&other.text)));
    Ok(patterns)
}

/// A text with holes where it differs from others of its kind.
pub(crate) fn fold(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut folded = String::with_capacity(line.len());
    for (number, word) in line.split(' ').enumerate() {
        if number >= MAX_WORDS {
            folded.push_str(" …");
            break;
        }
        if number > 0 {
            folded.push(' ');
        }
        fold_word(word, &mut folded);
    }
    folded
}

fn fold_word(word: &str, folded: &mut String) {
    let is_edge = |it: char| "()[]{}<>,;:.!?'\"`".contains(it);
    let core = word.trim_matches(is_edge);
    let is_quoted = word.len() > core.len() + 1 && word.starts_with(['"', '\'', '`']);
    let start = word.len() - word.trim_start_matches(is_edge).len();
    let head = word.get(..start).unwrap_or_default();
    let tail = word.get(start + core.len()..).unwrap_or_default();
    // `key=value` keeps its key.
    if let Some((key, value)) = core.split_once('=')
        && !value.is_empty()
    {
        folded.push_str(head);
        folded.push_str(key);
        folded.push('=');
        folded.push_str(if differs(value) { HOLE } else { value });
        folded.push_str(tail);
    } else if is_quoted || differs(core) {
        folded.push_str(head);
        folded.push_str(HOLE);
        folded.push_str(tail);
    } else {
        folded.push_str(word);
    }
}

/// Whether a word is of the kind that differs from one record to the next.
fn differs(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
        || word.len() >= 16
            && word
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_records_becomes_a_hole() {
        for (text, pattern) in [
            ("order 17 refused: sold out", "order <*> refused: sold out"),
            ("took 3.5ms (limit=20)", "took <*> (limit=<*>)"),
            ("user 'anna' came", "user '<*>' came"),
            ("GET /orders/17 200", "GET <*> <*>"),
            ("trace deadbeefdeadbeefdeadbeef lost", "trace <*> lost"),
            ("no holes here.", "no holes here."),
            ("first line 1\nsecond", "first line <*>"),
            ("", ""),
        ] {
            assert_eq!(fold(text), pattern);
        }
    }
}
