//! A request cut into its parts: the groups of each resource, in them those of each scope, in them
//! the records. The three signals have the same field numbers for all of it.

use super::wire::{Field, Malformed, fields, put};

/// Spans, log records or metrics of one resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group<'a> {
    pub(crate) resource: &'a [u8],
    pub(crate) schema_url: &'a [u8],
    pub(crate) scopes: Vec<ScopeGroup<'a>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeGroup<'a> {
    pub(crate) scope: &'a [u8],
    pub(crate) schema_url: &'a [u8],
    pub(crate) records: Vec<&'a [u8]>,
}

/// How many groups, scopes and records a request has, counted without making anything of them.
pub(crate) fn size(request: &[u8]) -> Result<usize, Malformed> {
    let mut size = 0;
    for field in fields(request) {
        let (1, Field::Bytes(group)) = field? else {
            continue;
        };
        size += 1;
        for field in fields(group) {
            let (2, Field::Bytes(scope)) = field? else {
                continue;
            };
            size += 1;
            for field in fields(scope) {
                size += usize::from(matches!(field?, (2, Field::Bytes(_))));
            }
        }
    }
    Ok(size)
}

/// The groups of a request, each as its bytes.
pub(crate) fn groups(request: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut groups = Vec::new();
    for field in fields(request) {
        if let (1, Field::Bytes(group)) = field? {
            groups.push(group);
        }
    }
    Ok(groups)
}

pub(crate) fn group(bytes: &[u8]) -> Result<Group<'_>, Malformed> {
    let mut group = Group::default();
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(resource)) => group.resource = resource,
            (2, Field::Bytes(scope)) => group.scopes.push(scope_group(scope)?),
            (3, Field::Bytes(url)) => group.schema_url = url,
            _ => {}
        }
    }
    Ok(group)
}

fn scope_group(bytes: &[u8]) -> Result<ScopeGroup<'_>, Malformed> {
    let mut group = ScopeGroup::default();
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(scope)) => group.scope = scope,
            (2, Field::Bytes(record)) => group.records.push(record),
            (3, Field::Bytes(url)) => group.schema_url = url,
            _ => {}
        }
    }
    Ok(group)
}

impl Group<'_> {
    /// The bytes of a group again.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, 1, self.resource);
        for scope in &self.scopes {
            let mut inner = Vec::new();
            put(&mut inner, 1, scope.scope);
            for record in &scope.records {
                put(&mut inner, 2, record);
            }
            if !scope.schema_url.is_empty() {
                put(&mut inner, 3, scope.schema_url);
            }
            put(&mut out, 2, &inner);
        }
        if !self.schema_url.is_empty() {
            put(&mut out, 3, self.schema_url);
        }
        out
    }
}
