//! Whom telemetry belongs to, resource and instrumentation scope, as OTLP.

use std::sync::Arc;

use arc_swap::ArcSwap;
use pyo3::prelude::*;
use telemetry::otlp::request::Group;
use telemetry::otlp::wire;

use crate::convert::{text, value};

/// Resource and scope as OTLP; either may be `None`.
pub(crate) fn new_group(
    resource: &Bound<'_, PyAny>,
    scope: &Bound<'_, PyAny>,
) -> PyResult<Arc<Group>> {
    let text = |object: &Bound<'_, PyAny>, name: &str| -> PyResult<String> {
        Ok(text::nearest(&object.getattr(name)?).into_owned())
    };
    let mut resource_body = Vec::new();
    let mut resource_schema_url = String::new();
    if !resource.is_none() {
        value::put_mapping(&mut resource_body, 1, &resource.getattr("attributes")?)?;
        resource_schema_url = text(resource, "schema_url")?;
    }
    let mut scope_body = Vec::new();
    let mut scope_schema_url = String::new();
    if !scope.is_none() {
        for (field, name) in [(1, "name"), (2, "version")] {
            let text = text(scope, name)?;
            if !text.is_empty() {
                wire::put_bytes_field(&mut scope_body, field, text.as_bytes());
            }
        }
        value::put_mapping(&mut scope_body, 3, &scope.getattr("attributes")?)?;
        scope_schema_url = text(scope, "schema_url")?;
    }
    Ok(Arc::new(Group {
        resource: resource_body,
        resource_schema_url,
        scope: scope_body,
        scope_schema_url,
    }))
}

/// Groups of pairs of objects that were met before, so that each pair is encoded once.
#[derive(Default)]
pub(crate) struct Groups {
    // Swapped as a whole: no lock is held while Python objects are dropped.
    known: ArcSwap<Vec<Arc<KnownGroup>>>,
}

/// Holding the objects keeps their addresses from being used again.
struct KnownGroup {
    resource: Py<PyAny>,
    scope: Py<PyAny>,
    group: Arc<Group>,
}

/// Programs have a few scopes; one that makes them endlessly starts over.
const MAX_KNOWN: usize = 256;

impl Groups {
    /// The group of a span or log record, which brings its resource and scope along.
    pub(crate) fn of_record(&self, record: &Bound<'_, PyAny>) -> PyResult<Arc<Group>> {
        let py = record.py();
        self.of(
            &record.getattr(intern!(py, "resource"))?,
            &record.getattr(intern!(py, "instrumentation_scope"))?,
        )
    }

    pub(crate) fn of(
        &self,
        resource: &Bound<'_, PyAny>,
        scope: &Bound<'_, PyAny>,
    ) -> PyResult<Arc<Group>> {
        let known = self.known.load();
        let found = known
            .iter()
            .find(|known| known.resource.is(resource) && known.scope.is(scope));
        if let Some(found) = found {
            return Ok(found.group.clone());
        }
        let group = new_group(resource, scope)?;
        let new = Arc::new(KnownGroup {
            resource: resource.clone().unbind(),
            scope: scope.clone().unbind(),
            group: group.clone(),
        });
        let mut all = if known.len() < MAX_KNOWN {
            known.to_vec()
        } else {
            Vec::new()
        };
        all.push(new);
        drop(known);
        self.known.store(Arc::new(all));
        Ok(group)
    }
}
