//! A finished span as OTLP, once, on the thread that ended it: later nobody needs the interpreter.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::attribute::Newest;
use telemetry::otlp::span::{
    EVENT_ATTRIBUTES, LINK_ATTRIBUTES, SPAN_ATTRIBUTES, SPAN_EVENTS, SPAN_LINKS, SpanHead,
    SpanTail, put_event_head, put_event_tail, put_link_head, put_link_tail, put_span_head,
    put_span_tail,
};
use telemetry::otlp::wire::put_bytes_field;

use super::content::{Content, Copied};
use super::event::EventRecord;
use super::identity::Identity;
use super::readable::{ReadableSpan, SpanState};
use crate::convert::bounded_attributes::dropped_of;
use crate::convert::{text, value};
use crate::threads::scratch::with_buffer;

/// Encodes `span` and passes the bytes to `use_bytes`.
pub(crate) fn with_encoded<T>(
    py: Python<'_>,
    span: &ReadableSpan,
    use_bytes: impl FnOnce(&[u8]) -> T,
) -> PyResult<T> {
    with_buffer(|buffer| put_span(py, span, buffer).map(|()| use_bytes(buffer)))
}

fn put_span(py: Python<'_>, span: &ReadableSpan, buffer: &mut Vec<u8>) -> PyResult<()> {
    let state = span.lock(py);
    let name = state.name.bind(py).clone();
    let times = (state.start_unix_nanos, state.end_unix_nanos);
    let status = state.status.code;
    let description = state.status.description.as_ref();
    let description = description.map(|text| text.bind(py).clone());
    // Most spans have neither: nothing of them is taken out and put back then.
    let no_events = match &state.events {
        Content::Native(events) if events.is_empty() => Some(events.dropped()),
        _ => None,
    };
    let no_links = match &state.links {
        Content::Native(links) if links.is_empty() => Some(links.dropped()),
        _ => None,
    };
    let kind = span.kind_number(py, state.edits.as_deref());
    drop(state);
    let Some(identity) = span.exported_identity() else {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "a span without a context cannot be exported",
        ));
    };
    let parent = span.parent_identity().map(|parent| parent.context);
    let name = text::nearest(&name);
    value::make_room(buffer, name.len())?;
    put_span_head(
        buffer,
        &SpanHead {
            trace_id: identity.context.trace_id,
            span_id: identity.context.span_id,
            trace_state: &identity.trace_state_header(py)?,
            parent_span_id: parent.map(|parent| parent.span_id),
            name: &name,
            kind: kind + 1,
            start_unix_nanos: times.0.unwrap_or(0),
            end_unix_nanos: times.1.unwrap_or(0),
        },
    );
    let dropped_attributes = put_attributes(py, buffer, span)?;
    let dropped_events = match no_events {
        Some(dropped) => dropped,
        None => put_events(py, buffer, span)?,
    };
    let dropped_links = match no_links {
        Some(dropped) => dropped,
        None => put_links(py, buffer, span)?,
    };
    let description = description
        .as_ref()
        .map_or(Cow::Borrowed(""), text::nearest);
    value::make_room(buffer, description.len())?;
    put_span_tail(
        buffer,
        &SpanTail {
            dropped_attributes,
            dropped_events,
            dropped_links,
            status,
            status_description: &description,
            is_parent_remote: parent.is_some_and(|parent| parent.is_remote),
        },
    );
    Ok(())
}

// The content of a finished span does not change any more, but encoding it may run Python code, for
// which the lock must not be held.
struct Taken<'a, T: Copied + Default> {
    content: Content<T>,
    #[cfg_attr(Py_GIL_DISABLED, expect(dead_code, reason = "nothing is put back"))]
    place: (Python<'a>, &'a ReadableSpan, Field<T>),
}

type Field<T> = fn(&mut SpanState) -> &mut Content<T>;

impl<'a, T: Copied + Default> Taken<'a, T> {
    fn new(py: Python<'a>, span: &'a ReadableSpan, field: Field<T>) -> Self {
        let content = match field(&mut span.lock(py)) {
            Content::Python(object) => Content::Python(object.clone_ref(py)),
            // Threads that run meanwhile would find nothing, if it were taken out.
            #[cfg(Py_GIL_DISABLED)]
            Content::Native(native) => Content::Native(native.copied(py)),
            // It costs less to take it out and to put it back.
            #[cfg(not(Py_GIL_DISABLED))]
            Content::Native(native) => Content::Native(std::mem::take(native)),
        };
        Self {
            content,
            place: (py, span, field),
        }
    }
}

#[cfg(not(Py_GIL_DISABLED))]
impl<T: Copied + Default> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        if let Content::Native(native) = &mut self.content {
            let (py, span, field) = self.place;
            let content = Content::Native(std::mem::take(native));
            let placeholder = std::mem::replace(field(&mut span.lock(py)), content);
            drop(placeholder);
        }
    }
}

// Each of these writes one kind of content and returns how much of it was dropped.

fn put_attributes(py: Python<'_>, buffer: &mut Vec<u8>, span: &ReadableSpan) -> PyResult<u32> {
    match &Taken::new(py, span, |state| &mut state.attributes).content {
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
    match &Taken::new(py, span, |state| &mut state.events).content {
        Content::Native(events) => {
            put_native_events(py, buffer, events)?;
            Ok(events.dropped())
        }
        Content::Python(object) => {
            let events = object.bind(py);
            let mut body = Vec::new();
            for event in events.try_iter()? {
                let event = event?;
                let attributes = event.getattr("attributes")?;
                let name = event.getattr("name")?;
                let name = text::nearest(&name);
                body.clear();
                value::make_room(&mut body, name.len())?;
                put_event_head(&mut body, &name, event.getattr("timestamp")?.extract()?);
                let failed = value::put_mapping(&mut body, EVENT_ATTRIBUTES, &attributes)?;
                put_event_tail(&mut body, dropped_of(&attributes) + failed);
                value::make_room(buffer, body.len())?;
                put_bytes_field(buffer, SPAN_EVENTS, &body);
            }
            Ok(dropped_of(events))
        }
    }
}

fn put_native_events(
    py: Python<'_>,
    buffer: &mut Vec<u8>,
    events: &Newest<EventRecord>,
) -> PyResult<()> {
    let mut body = Vec::with_capacity(256);
    for event in events.iter() {
        let name = text::nearest(event.name.bind(py));
        body.clear();
        value::make_room(&mut body, name.len())?;
        put_event_head(&mut body, &name, event.time_unix_nanos);
        let failed = value::put_map(py, &mut body, EVENT_ATTRIBUTES, &event.attributes);
        put_event_tail(&mut body, event.attributes.dropped() + failed);
        value::make_room(buffer, body.len())?;
        put_bytes_field(buffer, SPAN_EVENTS, &body);
    }
    Ok(())
}

fn put_links(py: Python<'_>, buffer: &mut Vec<u8>, span: &ReadableSpan) -> PyResult<u32> {
    // A link is a Python object: reading it lets other threads in, for which the links must be there.
    let content = match &span.lock(py).links {
        Content::Native(links) => Content::Native(links.copied(py)),
        Content::Python(object) => Content::Python(object.clone_ref(py)),
    };
    let (links, dropped) = match &content {
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
        value::make_room(buffer, body.len())?;
        put_bytes_field(buffer, SPAN_LINKS, &body);
    }
    Ok(dropped)
}
