//! Attribute values as the JSON API gives them: with their types, in the sender's order.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::{Value as Json, json};

/// Counts everything that has no service name, as the resource specification names it.
pub(crate) const UNKNOWN_SERVICE: &str = "unknown_service";

/// The service that a resource names.
pub(crate) fn service_name(attributes: &[KeyValue]) -> &str {
    let named = attributes.iter().find(|it| it.key == "service.name");
    match named.and_then(|it| it.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(name)) if !name.is_empty() => name,
        _ => UNKNOWN_SERVICE,
    }
}

/// `{"type": …, "value": …}`.
pub(crate) fn typed(value: Option<&AnyValue>) -> Json {
    let (kind, value) = parts(value);
    json!({ "type": kind, "value": value })
}

/// The type and the value by themselves.
pub(crate) fn parts(value: Option<&AnyValue>) -> (&'static str, Json) {
    match value.and_then(|value| value.value.as_ref()) {
        None => ("empty", Json::Null),
        Some(Value::StringValue(text)) => ("string", json!(text)),
        Some(Value::BoolValue(flag)) => ("bool", json!(flag)),
        Some(Value::IntValue(number)) => ("int", json!(number.to_string())),
        Some(Value::DoubleValue(number)) => ("double", double(*number)),
        Some(Value::BytesValue(bytes)) => ("bytes", json!(STANDARD.encode(bytes))),
        Some(Value::ArrayValue(array)) => (
            "array",
            array.values.iter().map(|item| typed(Some(item))).collect(),
        ),
        Some(Value::KvlistValue(list)) => ("map", attributes(&list.values)),
        Some(Value::StringValueStrindex(index)) => ("int", json!(index.to_string())),
    }
}

/// A list of `{"key": …, "type": …, "value": …}`.
pub(crate) fn attributes(list: &[KeyValue]) -> Json {
    list.iter()
        .map(|it| {
            let (kind, value) = parts(it.value.as_ref());
            json!({ "key": it.key, "type": kind, "value": value })
        })
        .collect()
}

/// JSON has no word for what is no number.
pub(crate) fn double(number: f64) -> Json {
    if number.is_finite() {
        json!(number)
    } else if number.is_nan() {
        json!("NaN")
    } else if number > 0.0 {
        json!("Infinity")
    } else {
        json!("-Infinity")
    }
}

/// A value as it is compared and searched: texts as they are, the rest as people write it.
pub(crate) fn plain(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(Value::ArrayValue(array)) => {
            let items: Vec<String> = array.values.iter().map(|item| plain(Some(item))).collect();
            items.join(", ")
        }
        Some(_) => crate::text::value(value),
    }
}
