//! The three signals of OTLP, each with its messages, its addresses and what the store does
//! with a request of it. Both transports are written once, over this trait.

use opentelemetry_proto::tonic::collector::{logs, metrics, trace};
use prost::Message;

use crate::store::Store;

/// One signal: where its requests arrive and how they are taken in.
pub(crate) trait Signal: Send + Sync + 'static {
    type Request: Message + Default + Send + 'static;
    type Response: Message + Default + Send + 'static;

    /// Path of an export over OTLP/HTTP.
    const HTTP_PATH: &'static str;
    /// Path of the `Export` call of the gRPC service.
    const GRPC_PATH: &'static str;

    /// Takes in everything of one request and says what the sender is to be told.
    fn take(store: &mut Store, request: Self::Request) -> Self::Response;
}

/// Spans: kept, searchable, shown.
pub(crate) struct Traces;

/// Metrics: the latest of every series, added up over processes, shown as a table.
pub(crate) struct Metrics;

/// Logs: kept, shown beside the spans they belong to.
pub(crate) struct Logs;

impl Signal for Traces {
    type Request = trace::v1::ExportTraceServiceRequest;
    type Response = trace::v1::ExportTraceServiceResponse;

    const HTTP_PATH: &'static str = "/v1/traces";
    const GRPC_PATH: &'static str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    fn take(store: &mut Store, request: Self::Request) -> Self::Response {
        let rejected = store.add_spans(request);
        trace::v1::ExportTraceServiceResponse {
            partial_success: (rejected > 0).then(|| trace::v1::ExportTracePartialSuccess {
                rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
                error_message: "spans without a trace id of 16 bytes and a span id of 8 bytes \
                                cannot be kept"
                    .to_owned(),
            }),
        }
    }
}

impl Signal for Metrics {
    type Request = metrics::v1::ExportMetricsServiceRequest;
    type Response = metrics::v1::ExportMetricsServiceResponse;

    const HTTP_PATH: &'static str = "/v1/metrics";
    const GRPC_PATH: &'static str =
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

    fn take(store: &mut Store, request: Self::Request) -> Self::Response {
        store.add_metrics(request);
        Self::Response::default()
    }
}

impl Signal for Logs {
    type Request = logs::v1::ExportLogsServiceRequest;
    type Response = logs::v1::ExportLogsServiceResponse;

    const HTTP_PATH: &'static str = "/v1/logs";
    const GRPC_PATH: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

    fn take(store: &mut Store, request: Self::Request) -> Self::Response {
        store.add_logs(request);
        Self::Response::default()
    }
}
