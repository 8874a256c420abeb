//! Properties of requests: whatever is dropped from a batch and however it is split, the same
//! records arrive in the same groups; and nothing a receiver sends can make the reader panic.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message;
use telemetry::export::retry;
use telemetry::otlp::read;
use telemetry::otlp::request::{Batch, Group};
use telemetry::text;

/// A group by its parts: resource, its schema, scope, its schema.
type Parts = (u8, u8, u8, u8);

fn schema_url(number: u8) -> String {
    if number == 0 {
        String::new()
    } else {
        format!("https://schemas/{number}")
    }
}

fn group((resource, resource_schema, scope, scope_schema): Parts) -> Arc<Group> {
    let resource = Resource {
        dropped_attributes_count: resource.into(),
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "scope".repeat(scope.into()),
        ..InstrumentationScope::default()
    };
    Arc::new(Group {
        resource: resource.encode_to_vec(),
        resource_schema_url: schema_url(resource_schema),
        scope: scope.encode_to_vec(),
        scope_schema_url: schema_url(scope_schema),
    })
}

/// Each group's spans in order, from a decoded request that has no group twice.
fn spans(request: &[u8]) -> BTreeMap<Parts, Vec<String>> {
    let schema = |url: &str| url.rsplit('/').next().unwrap().parse().unwrap_or(0);
    let mut groups = BTreeMap::new();
    let mut resources = Vec::new();
    let decoded = ExportTraceServiceRequest::decode(request).unwrap();
    assert_eq!(decoded.encoded_len(), request.len());
    for resource in decoded.resource_spans {
        let number = resource.resource.unwrap().dropped_attributes_count;
        let number = u8::try_from(number).unwrap();
        let resource_schema = schema(&resource.schema_url);
        resources.push((number, resource_schema));
        for scope in resource.scope_spans {
            let repeats = u8::try_from(scope.scope.unwrap().name.len() / 5).unwrap();
            let parts = (number, resource_schema, repeats, schema(&scope.schema_url));
            let names = scope.spans.into_iter().map(|span| span.name).collect();
            assert_eq!(groups.insert(parts, names), None, "a group twice");
        }
    }
    let count = resources.len();
    resources.sort_unstable();
    resources.dedup();
    assert_eq!(resources.len(), count, "a resource twice");
    groups
}

fn merge(into: &mut BTreeMap<Parts, Vec<String>>, more: BTreeMap<Parts, Vec<String>>) {
    for (parts, names) in more {
        into.entry(parts).or_default().extend(names);
    }
}

fn records() -> impl Strategy<Value = Vec<(Parts, usize)>> {
    let parts = (0u8..3, 0u8..2, 0u8..3, 0u8..2);
    prop::collection::vec((parts, 0usize..200), 0..60)
}

fn name(number: usize, size: usize) -> String {
    format!("{number} {}", "x".repeat(size))
}

fn batch(records: &[(Parts, usize)], share: bool) -> Batch {
    let mut known: BTreeMap<Parts, Arc<Group>> = BTreeMap::new();
    let mut batch = Batch::new();
    for (number, (parts, size)) in records.iter().enumerate() {
        let group = match share {
            true => known.entry(*parts).or_insert_with(|| group(*parts)).clone(),
            false => group(*parts),
        };
        let span = Span {
            name: name(number, *size),
            ..Span::default()
        };
        batch.push(&group, &span.encode_to_vec());
    }
    batch
}

fn expected(records: &[(Parts, usize)], dropped: usize) -> BTreeMap<Parts, Vec<String>> {
    let mut groups: BTreeMap<Parts, Vec<String>> = BTreeMap::new();
    for (number, (parts, size)) in records.iter().enumerate().skip(dropped) {
        groups.entry(*parts).or_default().push(name(number, *size));
    }
    groups
}

/// Splits down to single records where `pattern` says so, in order.
fn pieces(batch: Batch, pattern: u64) -> Vec<Batch> {
    if batch.len() < 2 || pattern & 1 == 0 {
        return vec![batch];
    }
    let len = batch.len();
    let (first, second) = batch.split();
    assert!(!first.is_empty() && !second.is_empty());
    assert_eq!(first.len() + second.len(), len);
    let mut all = pieces(first, pattern >> 1);
    all.extend(pieces(second, pattern >> 2));
    all
}

proptest! {
    #[test]
    fn a_request_has_every_record_in_its_group(
        records in records(),
        share in any::<bool>(),
        dropped in 0usize..20,
    ) {
        let mut batch = batch(&records, share);
        let dropped = batch.drop_oldest(dropped);
        prop_assert_eq!(batch.len(), records.len() - dropped);
        prop_assert_eq!(spans(&batch.encode()), expected(&records, dropped));
        let mut prefixed = b"12345".to_vec();
        batch.encode_into(&mut prefixed);
        prop_assert_eq!(prefixed[5..].to_vec(), batch.encode());
    }

    #[test]
    fn splitting_loses_and_reorders_nothing(
        records in records(),
        pattern in any::<u64>(),
        dropped in 0usize..20,
    ) {
        let mut batch = batch(&records, true);
        let dropped = batch.drop_oldest(dropped);
        let byte_len = batch.byte_len();
        let pieces = pieces(batch, pattern);
        prop_assert_eq!(pieces.iter().map(Batch::byte_len).sum::<usize>(), byte_len);
        let mut found = BTreeMap::new();
        for piece in &pieces {
            merge(&mut found, spans(&piece.encode()));
        }
        prop_assert_eq!(found, expected(&records, dropped));
    }

    #[test]
    fn a_cleared_batch_is_as_good_as_new(first in records(), second in records()) {
        let mut used = batch(&first, true);
        used.drop_oldest(1);
        used.clear();
        prop_assert_eq!((used.len(), used.byte_len()), (0, 0));
        for (number, (parts, size)) in second.iter().enumerate() {
            let span = Span { name: name(number, *size), ..Span::default() };
            used.push(&group(*parts), &span.encode_to_vec());
        }
        prop_assert_eq!(used.encode(), batch(&second, true).encode());
    }

    #[test]
    fn reading_foreign_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
    }

    #[test]
    fn reading_damaged_answers_never_panics(
        at in 0usize..60,
        byte in any::<u8>(),
        cut in 0usize..60,
    ) {
        let mut answer = b"\x0a\x0b\x08\x02\x12\x07too old\x1a\x33\
            \x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x07\x0a\x05\x10\x80\x84\xaf\x5f"
            .to_vec();
        let len = answer.len();
        answer[at % len] = byte;
        answer.truncate(len - cut % len);
        read_everything(&answer);
    }

    #[test]
    fn partial_success_reads_as_others_wrote_it(rejected in 1i64.., message in ".{0,40}") {
        use opentelemetry_proto::tonic::collector::trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceResponse,
        };
        let response = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: message.clone(),
            }),
        };
        let read = read::partial_success(&response.encode_to_vec()).unwrap();
        prop_assert_eq!(read.rejected, rejected as u64);
        prop_assert_eq!(read.error_message, message);
    }
}

fn read_everything(bytes: &[u8]) {
    let _ = read::partial_success(bytes);
    let _ = read::status_message(bytes);
    let _ = read::status_retry_delay(bytes);
    let _ = read::retry_delay(bytes);
    let _ = text::base64_decode(bytes);
    let _ = text::percent_decode_bytes(bytes);
    let _ = retry::retry_after(bytes, SystemTime::now());
}
