//! Makes answers small enough to be read whole: clients cut or refuse what is larger.

use serde_json::{Value, json};

/// Bytes of the data in an answer; what is said before it has the rest of 16 KB.
pub(super) const MAX_DATA: usize = 13_000;
/// Bytes of a text by itself.
const MAX_TEXT: usize = 2_000;
/// Bytes of a text where the rest must be smaller still.
const SHORTER: [usize; 3] = [MAX_TEXT, 500, 120];

/// The document as JSON of at most `MAX_DATA` bytes: long texts are cut, then the longest lists lose
/// their ends, and what is left out is counted beside them.
pub(super) fn document(document: &mut Value) -> String {
    for longest in SHORTER {
        cut_texts(document, longest);
        let text = document.to_string();
        if text.len() <= MAX_DATA {
            return text;
        }
        if longest == MAX_TEXT {
            while document.to_string().len() > MAX_DATA && halve_longest(document, 4) {}
        }
    }
    while document.to_string().len() > MAX_DATA && halve_longest(document, 1) {}
    let text = document.to_string();
    if text.len() <= MAX_DATA {
        text
    } else {
        json!({ "left_out": "the answer is too large; ask for less" }).to_string()
    }
}

/// A text with its end cut off where it is too long.
pub(super) fn text(text: &str) -> String {
    shortened(text, MAX_TEXT).unwrap_or_else(|| text.to_owned())
}

fn shortened(text: &str, longest: usize) -> Option<String> {
    (text.len() > longest).then(|| {
        let end = (0..=longest)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let kept = text.get(..end).unwrap_or_default();
        format!("{kept}… ({} bytes more)", text.len() - end)
    })
}

fn cut_texts(document: &mut Value, longest: usize) {
    match document {
        Value::String(it) => {
            if let Some(short) = shortened(it, longest + 40) {
                *it = short;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| cut_texts(it, longest)),
        Value::Object(fields) => fields.values_mut().for_each(|it| cut_texts(it, longest)),
        _ => {}
    }
}

/// Takes the second half away from the list that is the largest, and counts it beside the list. No
/// list is left with fewer than `least` items.
fn halve_longest(document: &mut Value, least: usize) -> bool {
    let mut largest: Option<(usize, Vec<String>)> = None;
    find_largest(document, least, &mut Vec::new(), &mut largest);
    let Some((_, path)) = largest else {
        return false;
    };
    let Some((name, parents)) = path.split_last() else {
        return false;
    };
    let pointer: String = parents
        .iter()
        .map(|it| format!("/{}", escaped(it)))
        .collect();
    let Some(Value::Object(fields)) = document.pointer_mut(&pointer) else {
        return false;
    };
    let Some(Value::Array(items)) = fields.get_mut(name) else {
        return false;
    };
    let kept = (items.len() / 2).max(least);
    let gone = items.len() - kept;
    items.truncate(kept);
    let counter = format!("{name}_left_out");
    let before = fields.get(&counter).and_then(Value::as_u64).unwrap_or(0);
    fields.insert(counter, json!(before + gone as u64));
    true
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Lists that are fields of objects, wherever they are.
fn find_largest(
    document: &Value,
    least: usize,
    path: &mut Vec<String>,
    largest: &mut Option<(usize, Vec<String>)>,
) {
    match document {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(at.to_string());
                find_largest(item, least, path, largest);
                path.pop();
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push(name.clone());
                if let Value::Array(items) = value
                    && items.len() > least
                {
                    let size = value.to_string().len();
                    if largest.as_ref().is_none_or(|it| it.0 < size) {
                        *largest = Some((size, path.clone()));
                    }
                }
                find_largest(value, least, path, largest);
                path.pop();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_too_large_is_cut_and_counted() {
        let rows: Vec<Value> = (0..5_000)
            .map(|it| json!({ "id": it, "name": "x" }))
            .collect();
        let mut large = json!({ "a/b": { "data": rows }, "few": [1, 2] });
        let text = document(&mut large);
        assert!(
            text.len() <= MAX_DATA && text.len() > MAX_DATA / 3,
            "{}",
            text.len()
        );
        let kept = large["a/b"]["data"].as_array().expect("a list").len();
        assert_eq!(large["a/b"]["data_left_out"], json!(5_000 - kept));
        assert_eq!(large["few"], json!([1, 2]));

        let mut long = json!({ "text": "ä".repeat(50_000) });
        let text = document(&mut long);
        assert!(text.len() < 3_000 && text.contains("bytes more"));

        let wide: serde_json::Map<String, Value> =
            (0..20_000).map(|it| (it.to_string(), json!(it))).collect();
        assert!(document(&mut Value::Object(wide)).len() < 100);

        let mut small = json!({ "data": [1, 2, 3] });
        assert_eq!(document(&mut small), r#"{"data":[1,2,3]}"#);
    }
}
