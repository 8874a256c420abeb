//! What is secret in telemetry, told by the names of attributes, and left out of what leaves the
//! viewer for files and for programs that read on behalf of others.

use serde_json::{Value, json};

/// Parts of attribute keys that say that the value is secret.
const PARTS: [&str; 9] = [
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
pub(crate) const REDACTED: &str = "(redacted)";
/// Fields of our own answers that say whose value is beside them.
const NAMES: [&str; 2] = ["key", "field"];
/// Fields of our own answers that have the value in them.
const VALUES: [&str; 3] = ["value", "values", "query"];

pub(crate) fn is_secret(key: &str) -> bool {
    // How many tokens a model took is no secret.
    let key = key.to_ascii_lowercase().replace("tokens", "");
    PARTS.iter().any(|it| key.contains(it))
}

/// Puts a word in the place of values whose keys say that they are secret.
pub(crate) fn redact(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            let mut named = NAMES.iter().filter_map(|it| fields.get(*it)?.as_str());
            if !named.any(is_secret) {
                return fields.values_mut().for_each(redact);
            }
            for name in VALUES {
                match fields.get_mut(name) {
                    // In OTLP/JSON a value is an object, in our own answers it may be the text itself.
                    Some(value) if value.is_object() => {
                        *value = json!({ "stringValue": REDACTED });
                    }
                    Some(value) => *value = json!(REDACTED),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// The same in a map whose names are the keys.
pub(crate) fn redact_map(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(redact_map),
        Value::Object(fields) => {
            for (key, value) in fields {
                if is_secret(key) {
                    *value = json!(REDACTED);
                } else {
                    redact_map(value);
                }
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
            { "key": "session_token", "type": "string", "value": "x" },
            { "field": "cookie", "query": "cookie=\"x\"", "value": "x" }
        ] });
        redact(&mut document);
        assert_eq!(document.to_string().matches(REDACTED).count(), 5);
        assert!(!document.to_string().contains("\"x\""));
        let mut map = json!({ "a": { "api_key": "x", "b": 1 }, "Set-Cookie": ["x"] });
        redact_map(&mut map);
        assert_eq!(
            map,
            json!({ "a": { "api_key": REDACTED, "b": 1 }, "Set-Cookie": REDACTED })
        );
    }
}
