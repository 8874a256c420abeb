//! OTLP/JSON, both ways. What is read becomes the bytes of the same message, so that whatever
//! came in is kept in one form.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;

use super::Signal;

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
    let bytes = match signal {
        Signal::Traces => serde_json::from_slice::<ExportTraceServiceRequest>(document)
            .map(|request| request.encode_to_vec()),
        Signal::Logs => serde_json::from_slice::<ExportLogsServiceRequest>(document)
            .map(|request| request.encode_to_vec()),
        Signal::Metrics => serde_json::from_slice::<ExportMetricsServiceRequest>(document)
            .map(|request| request.encode_to_vec()),
    };
    bytes.map_err(|error| error.to_string())
}

/// A request of the signal as JSON.
///
/// # Errors
/// Says why the bytes are none.
pub(crate) fn write(signal: Signal, request: &[u8]) -> Result<Value, String> {
    let document = match signal {
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(request).map_err(of_bytes)?;
            serde_json::to_value(request)
        }
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(request).map_err(of_bytes)?;
            serde_json::to_value(request)
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest::decode(request).map_err(of_bytes)?;
            serde_json::to_value(request)
        }
    };
    document.map_err(|error| error.to_string())
}

fn of_bytes(error: prost::DecodeError) -> String {
    error.to_string()
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
    fn documents_that_would_unfold_are_refused_unread() {
        let records = vec!["{}"; MAX_OBJECTS].join(",");
        let document =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
        let refused = read(Signal::Logs, document.as_bytes()).expect_err("too many");
        assert!(refused.contains("objects"), "{refused}");
        assert!(read(Signal::Logs, b"{").is_err());
    }
}
