//! A request that was looked through: well-formed, of a bounded size whatever it unfolds to, and
//! cut into the groups of its resources.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::otlp::Signal;
use crate::otlp::messages::Kind;
use crate::otlp::slices::{self, Group};
use crate::otlp::value::service_name;

/// Spans, log records or metrics of one request, their scopes and resources counted too. A record of
/// nothing takes two bytes on the wire and a hundred here.
const MAX_RECORDS: usize = 100_000;
/// Bytes of one span or log record.
const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;
/// Messages of one record at all depths: attributes, values, events, links, points of a metric.
const MAX_PARTS: usize = 500_000;
/// What is smaller cannot unfold into much.
const SMALL: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) signal: Signal,
    /// Of the request, uncompressed.
    pub(crate) bytes: usize,
    pub(crate) groups: Vec<ArrivedGroup>,
}

#[derive(Debug)]
pub(crate) struct ArrivedGroup {
    pub(crate) service: Arc<str>,
    pub(crate) content: Bytes,
}

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Malformed(String),
    TooLarge(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) | Self::TooLarge(what) => formatter.write_str(what),
        }
    }
}

impl Arrival {
    /// # Errors
    /// The request is not of this signal, or of more than is taken at once; nothing of it is kept.
    pub(crate) fn new(signal: Signal, request: &Bytes) -> Result<Self, Refused> {
        if slices::size(request).map_err(malformed)? > MAX_RECORDS {
            return Err(Refused::TooLarge(format!(
                "more than {MAX_RECORDS} records in one request"
            )));
        }
        let mut groups = Vec::new();
        for content in slices::groups(request).map_err(malformed)? {
            let group = slices::group(content).map_err(malformed)?;
            let service = check(signal, &group)?;
            groups.push(ArrivedGroup {
                service,
                content: request.slice_ref(content),
            });
        }
        Ok(Self {
            signal,
            bytes: request.len(),
            groups,
        })
    }
}

/// Decodes everything once: what is kept can be read later. Gives the service.
fn check(signal: Signal, group: &Group<'_>) -> Result<Arc<str>, Refused> {
    small(signal, Kind::Resource, group.resource)?;
    let resource = Resource::decode(group.resource).map_err(malformed)?;
    for text in [group.schema_url]
        .into_iter()
        .chain(group.scopes.iter().map(|scope| scope.schema_url))
    {
        std::str::from_utf8(text).map_err(malformed)?;
    }
    for scope in &group.scopes {
        small(signal, Kind::Scope, scope.scope)?;
        InstrumentationScope::decode(scope.scope).map_err(malformed)?;
        for record in &scope.records {
            small(signal, Kind::of_records(signal), record)?;
            match signal {
                Signal::Traces => Span::decode(*record).map(drop),
                Signal::Logs => LogRecord::decode(*record).map(drop),
                Signal::Metrics => Metric::decode(*record).map(drop),
            }
            .map_err(malformed)?;
        }
    }
    Ok(service_name(&resource.attributes).into())
}

fn small(signal: Signal, kind: Kind, record: &[u8]) -> Result<(), Refused> {
    if signal != Signal::Metrics && record.len() > MAX_RECORD_BYTES {
        return Err(Refused::TooLarge(format!(
            "a record of more than {MAX_RECORD_BYTES} bytes"
        )));
    }
    if record.len() > SMALL && kind.messages(record).map_err(malformed)? > MAX_PARTS {
        return Err(Refused::TooLarge(format!(
            "a record of more than {MAX_PARTS} parts"
        )));
    }
    Ok(())
}

fn malformed(error: impl fmt::Display) -> Refused {
    Refused::Malformed(format!("not a message of this signal: {error}"))
}
