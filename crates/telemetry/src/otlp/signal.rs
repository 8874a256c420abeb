//! The signals of OpenTelemetry and the protocols of OTLP.

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics, with their data points.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// By the name that the specification has for it, if it is one: `traces`, `metrics` or `logs`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "traces" => Some(Self::Traces),
            "metrics" => Some(Self::Metrics),
            "logs" => Some(Self::Logs),
            _ => None,
        }
    }

    /// The method of its service that takes requests, as gRPC names it.
    #[must_use]
    pub const fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

/// How requests travel, both with bodies of protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP.
    HttpProtobuf,
}

impl Protocol {
    /// By its name in `OTEL_EXPORTER_OTLP_PROTOCOL`, if it is one: `grpc` or `http/protobuf`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::HttpProtobuf),
            _ => None,
        }
    }

    /// The port that receivers have by default (OTLP specification): 4317 and 4318.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Grpc => 4317,
            Self::HttpProtobuf => 4318,
        }
    }
}
