//! A finished span as OTLP, once, on the thread that ended it: later nobody needs the interpreter.

use std::borrow::Cow;
use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::attribute::Newest;
use telemetry::otlp::trace::{
    EVENT_ATTRIBUTES, LINK_ATTRIBUTES, SPAN_ATTRIBUTES, SPAN_EVENTS, SPAN_LINKS, SpanHead,
    SpanTail, put_event_head, put_event_tail, put_link_head, put_link_tail, put_span_head,
    put_span_tail,
};
use telemetry::otlp::wire::put_bytes_field;

use super::event::EventRecord;
use super::identity::Identity;
use super::readable::{Content, ReadableSpan, State, dropped_of};
use super::span::name_text;
use crate::value;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Encodes `span` and passes the bytes to `use_bytes`.
pub(crate) fn with_encoded<T>(
    py: Python<'_>,
    span: &ReadableSpan,
    use_bytes: impl FnOnce(&[u8]) -> T,
) -> PyResult<T> {
    // Taken, not borrowed: encoding may run Python code that ends another span.
    let mut buffer = SCRATCH.take();
    buffer.clear();
    let result = put_span(py, span, &mut buffer).map(|()| use_bytes(&buffer));
    SCRATCH.set(buffer);
    result
}

fn put_span(py: Python<'_>, span: &ReadableSpan, buffer: &mut Vec<u8>) -> PyResult<()> {
    let (name, times, status, description) = {
        let state = span.lock();
        let description = state
            .status
            .description
            .as_ref()
            .map(|text| text.clone_ref(py));
        (
            state.name.clone_ref(py),
            (state.start_unix_nanos, state.end_unix_nanos),
            state.status.code,
            description,
        )
    };
    let Some(identity) = &span.identity else {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "a span without a context cannot be exported",
        ));
    };
    let name = name.bind(py);
    put_span_head(
        buffer,
        &SpanHead {
            trace_id: identity.context.trace_id,
            span_id: identity.context.span_id,
            trace_state: &identity.trace_state_header(py)?,
            parent_span_id: span.parent.as_ref().map(|parent| parent.context.span_id),
            name: &name_text(name),
            kind: span.kind + 1,
            start_unix_nanos: times.0.unwrap_or(0),
            end_unix_nanos: times.1.unwrap_or(0),
        },
    );
    let dropped_attributes = put_attributes(py, buffer, span)?;
    let dropped_events = put_events(py, buffer, span)?;
    let dropped_links = put_links(py, buffer, span)?;
    put_span_tail(
        buffer,
        &SpanTail {
            dropped_attributes,
            dropped_events,
            dropped_links,
            status,
            status_description: &description
                .as_ref()
                .map_or(Cow::Borrowed(""), |text| name_text(text.bind(py))),
            is_parent_remote: span
                .parent
                .as_ref()
                .is_some_and(|parent| parent.context.is_remote),
        },
    );
    Ok(())
}

// The content of a finished span does not change any more. It is taken out while it is encoded and
// put back, since encoding may run Python code, for which the lock must not be held.
struct Taken<'a, T: Default> {
    span: &'a ReadableSpan,
    field: fn(&mut State) -> &mut Content<T>,
    content: Content<T>,
}

impl<'a, T: Default> Taken<'a, T> {
    fn new(span: &'a ReadableSpan, field: fn(&mut State) -> &mut Content<T>) -> Self {
        let content = std::mem::replace(field(&mut span.lock()), Content::Native(T::default()));
        Self {
            span,
            field,
            content,
        }
    }
}

impl<T: Default> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        let content = std::mem::replace(&mut self.content, Content::Native(T::default()));
        let placeholder = std::mem::replace((self.field)(&mut self.span.lock()), content);
        drop(placeholder);
    }
}

// Each of these writes one kind of content and returns how much of it was dropped.

fn put_attributes(py: Python<'_>, buffer: &mut Vec<u8>, span: &ReadableSpan) -> PyResult<u32> {
    match &Taken::new(span, |state| &mut state.attributes).content {
        Content::Native(map) => {
            Ok(map.dropped() + value::put_map(py, buffer, SPAN_ATTRIBUTES, map))
        }
        Content::Python(object) => {
            let attributes = object.bind(py);
            Ok(dropped_of(attributes) + value::put_mapping(buffer, SPAN_ATTRIBUTES, attributes)?)
        }
    }
}

fn put_events(py: Python<'_>, buffer: &mut Vec<u8>, span: &ReadableSpan) -> PyResult<u32> {
    if let Content::Native(events) = &span.lock().events
        && events.is_empty()
    {
        return Ok(events.dropped());
    }
    match &Taken::new(span, |state| &mut state.events).content {
        Content::Native(events) => {
            put_native_events(py, buffer, events);
            Ok(events.dropped())
        }
        Content::Python(object) => {
            let events = object.bind(py);
            let mut body = Vec::new();
            for event in events.try_iter()? {
                let event = event?;
                let attributes = event.getattr("attributes")?;
                body.clear();
                put_event_head(
                    &mut body,
                    &name_text(&event.getattr("name")?),
                    event.getattr("timestamp")?.extract()?,
                );
                let failed = value::put_mapping(&mut body, EVENT_ATTRIBUTES, &attributes)?;
                put_event_tail(&mut body, dropped_of(&attributes) + failed);
                put_bytes_field(buffer, SPAN_EVENTS, &body);
            }
            Ok(dropped_of(events))
        }
    }
}

fn put_native_events(py: Python<'_>, buffer: &mut Vec<u8>, events: &Newest<EventRecord>) {
    let mut body = Vec::with_capacity(256);
    for event in events.iter() {
        body.clear();
        put_event_head(
            &mut body,
            &name_text(event.name.bind(py)),
            event.time_unix_nanos,
        );
        let failed = value::put_map(py, &mut body, EVENT_ATTRIBUTES, &event.attributes);
        put_event_tail(&mut body, event.attributes.dropped() + failed);
        put_bytes_field(buffer, SPAN_EVENTS, &body);
    }
}

fn put_links(py: Python<'_>, buffer: &mut Vec<u8>, span: &ReadableSpan) -> PyResult<u32> {
    if let Content::Native(links) = &span.lock().links
        && links.is_empty()
    {
        return Ok(links.dropped());
    }
    let taken = Taken::new(span, |state| &mut state.links);
    let (links, dropped) = match &taken.content {
        Content::Native(links) => (PyTuple::new(py, links.iter())?.into_any(), links.dropped()),
        Content::Python(object) => (object.bind(py).clone(), dropped_of(object.bind(py))),
    };
    let mut body = Vec::new();
    for link in links.try_iter()? {
        let link = link?;
        let attributes = link.getattr("attributes")?;
        let identity = Identity::from_object(&link.getattr("context")?)?;
        body.clear();
        put_link_head(
            &mut body,
            &identity.context,
            &identity.trace_state_header(py)?,
        );
        let failed = value::put_mapping(&mut body, LINK_ATTRIBUTES, &attributes)?;
        put_link_tail(
            &mut body,
            &identity.context,
            dropped_of(&attributes) + failed,
        );
        put_bytes_field(buffer, SPAN_LINKS, &body);
    }
    Ok(dropped)
}
