//! OTLP/JSON, both ways. What is read becomes the bytes of the same message, so that whatever
//! came in is kept in one form.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Signal;
use super::doubles::{self, Doubles};

/// Objects in one document. Three characters of JSON can become 300 bytes of a record.
const MAX_OBJECTS: usize = 400_000;

/// A request of the signal as protobuf.
///
/// # Errors
/// Says what is wrong with the document and where.
pub(crate) fn read(signal: Signal, document: &[u8]) -> Result<Vec<u8>, String> {
    if document.iter().filter(|byte| **byte == b'{').count() > MAX_OBJECTS {
        return Err(format!("more than {MAX_OBJECTS} objects in one document"));
    }
    match signal {
        Signal::Traces => read_as::<ExportTraceServiceRequest>(document),
        Signal::Logs => read_as::<ExportLogsServiceRequest>(document),
        Signal::Metrics => read_as::<ExportMetricsServiceRequest>(document),
    }
}

fn read_as<R>(document: &[u8]) -> Result<Vec<u8>, String>
where
    R: Message + Doubles + DeserializeOwned,
{
    let read = || -> serde_json::Result<R> {
        if !doubles::may_be_in(document) {
            return serde_json::from_slice(document);
        }
        let mut document = serde_json::from_slice(document)?;
        doubles::of_texts(&mut document);
        let mut request: R = serde_json::from_value(document)?;
        doubles::stand_back(&mut request);
        Ok(request)
    };
    match read() {
        Ok(request) => Ok(request.encode_to_vec()),
        Err(error) => Err(error.to_string()),
    }
}

/// A request of the signal as JSON.
///
/// # Errors
/// Says why the bytes are none.
pub(crate) fn write(signal: Signal, request: &[u8]) -> Result<Value, String> {
    match signal {
        Signal::Traces => write_as::<ExportTraceServiceRequest>(request),
        Signal::Logs => write_as::<ExportLogsServiceRequest>(request),
        Signal::Metrics => write_as::<ExportMetricsServiceRequest>(request),
    }
}

fn write_as<R>(request: &[u8]) -> Result<Value, String>
where
    R: Message + Doubles + Default + Serialize,
{
    let mut request = R::decode(request).map_err(|error| error.to_string())?;
    let has_stand_ins = doubles::stand_in(&mut request);
    let mut document = serde_json::to_value(request).map_err(|error| error.to_string())?;
    if has_stand_ins {
        doubles::to_texts(&mut document);
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sends_comes_back_equal() {
        let document = serde_json::json!({
            "resourceSpans": [{
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]},
                "scopeSpans": [{
                    "scope": {"name": "fetch", "version": "1.2"},
                    "spans": [{
                        "traceId": "5b8efff798038103d269b633813fc60c",
                        "spanId": "eee19b7ec3c1b174",
                        "name": "HTTP GET", "kind": 3,
                        "startTimeUnixNano": "1544712660000000000",
                        "endTimeUnixNano": "1544712661000000000",
                        "attributes": [
                            {"key": "big", "value": {"intValue": "9223372036854775807"}},
                            {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}]}}}
                        ],
                        "status": {"code": 2, "message": "no"}
                    }]
                }]
            }]
        });
        let bytes = read(Signal::Traces, document.to_string().as_bytes()).expect("a request");
        let written = write(Signal::Traces, &bytes).expect("a document");
        let span = &written["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let sent = &document["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        for field in [
            "traceId",
            "spanId",
            "name",
            "kind",
            "startTimeUnixNano",
            "attributes",
        ] {
            assert_eq!(span[field], sent[field], "{field}");
        }
        let again = read(Signal::Traces, written.to_string().as_bytes()).expect("a request");
        assert_eq!(again, bytes);
    }

    #[test]
    fn doubles_are_read_and_written_to_the_last_bit() {
        let doubles = serde_json::json!([
            {"doubleValue": "NaN"}, {"doubleValue": "Infinity"}, {"doubleValue": "-Infinity"},
            {"doubleValue": 31.245270191439438}, {"doubleValue": f64::MAX}, {"doubleValue": 5e-324},
            {"stringValue": "NaN"},
        ]);
        let point = serde_json::json!({
            "sum": "Infinity", "min": "-Infinity", "max": "NaN", "explicitBounds": [0.5, "Infinity"],
        });
        let document = serde_json::json!({ "resourceMetrics": [{
            "resource": { "attributes": [{ "key": "all", "value": { "arrayValue": { "values": doubles } } }] },
            "scopeMetrics": [{ "metrics": [
                { "name": "a", "histogram": { "dataPoints": [point] } },
                { "name": "b", "gauge": { "dataPoints": [{ "asDouble": "NaN" }] } },
            ] }],
        }] });
        let bytes = read(Signal::Metrics, document.to_string().as_bytes()).expect("a request");
        let written = write(Signal::Metrics, &bytes).expect("a document");
        let group = &written["resourceMetrics"][0];
        let all = &group["resource"]["attributes"][0]["value"]["arrayValue"]["values"];
        assert_eq!(*all, doubles);
        let metrics = &group["scopeMetrics"][0]["metrics"];
        let written = &metrics[0]["histogram"]["dataPoints"][0];
        for field in ["sum", "min", "max", "explicitBounds"] {
            assert_eq!(written[field], point[field], "{field}");
        }
        assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["asDouble"], "NaN");
    }

    #[test]
    fn documents_that_would_unfold_are_refused_unread() {
        let records = vec!["{}"; MAX_OBJECTS].join(",");
        let document =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
        let refused = read(Signal::Logs, document.as_bytes()).expect_err("too many");
        assert!(refused.contains("objects"), "{refused}");
        assert!(read(Signal::Logs, b"{").is_err());
    }
}
