//! Headers that carry a context: trace context, baggage, B3, Jaeger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::text::{self, Style};
use telemetry::propagation::{b3, baggage, jaeger, trace_context, trace_state};

fuzz_target!(|header: &str| {
    if let Some(context) = trace_context::read(header) {
        assert!(context.trace_id != 0 && context.span_id != 0);
        let written = trace_context::write(&context);
        let written = std::str::from_utf8(&written).unwrap();
        assert_eq!(trace_context::read(written), Some(context));
    }
    if let Ok(members) = trace_state::read(header.split('\n')) {
        assert!(members.len() <= trace_state::MAX_MEMBERS);
        let written: Vec<_> = members
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let written = written.join(",");
        assert_eq!(trace_state::read([written.as_str()]), Ok(members));
    }
    let mut writer = baggage::Writer::default();
    let mut kept = 0;
    baggage::read(
        header,
        |name, value| {
            kept += 1;
            writer.push(&name, &value, |_| {});
        },
        |_| {},
    );
    assert!(kept <= baggage::MAX_MEMBERS);
    assert!(writer.finish().len() <= baggage::MAX_BYTES);
    if let Some(fields) = b3::split(header)
        && let (Some(trace_id), Some(span_id)) =
            (b3::trace_id(fields.trace_id), b3::span_id(fields.span_id))
    {
        let written = b3::write(trace_id, span_id, b3::is_sampled(fields.sampled));
        assert!(b3::split(std::str::from_utf8(&written).unwrap()).is_some());
    }
    if let Some(context) = jaeger::read(header) {
        let written = jaeger::write(&context, context.span_id);
        assert_eq!(jaeger::read(&written), Some(context));
    }
    for style in [Style::Form, Style::Path] {
        let mut encoded = String::new();
        text::percent_encode(header, style, &mut encoded);
        assert_eq!(text::percent_decode(&encoded, style), header);
        let _ = text::strip(text::percent_decode(header, style));
    }
});
