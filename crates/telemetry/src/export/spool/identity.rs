//! Whom kept records belong to: nobody sends them but a process of the same service, to the
//! destination that they were accepted for.

use crate::otlp::read::length_delimited;
use crate::otlp::signal::Signal;

/// All of it has to be the same. No header is part of it, since keys for a receiver are there; nor is
/// anything else that may be a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) signal: String,
    pub(crate) service_namespace: String,
    pub(crate) service_name: String,
    /// The program, where the service has no name of its own.
    pub(crate) program: String,
    /// Scheme, host, port and path.
    pub(crate) destination: String,
}

/// A longer text is cut, and told apart by a hash of all of it.
const MAX_TEXT: usize = 1024;

impl Identity {
    pub(crate) fn new(
        signal: Signal,
        (service_namespace, service_name): (&str, &str),
        program: &str,
        destination: &str,
    ) -> Self {
        let is_named = !service_name.is_empty() && !service_name.starts_with("unknown_service");
        Self {
            signal: match signal {
                Signal::Traces => "traces",
                Signal::Metrics => "metrics",
                Signal::Logs => "logs",
            }
            .to_owned(),
            service_namespace: bounded(service_namespace),
            service_name: bounded(service_name),
            program: bounded(if is_named { "" } else { program }),
            destination: bounded(destination),
        }
    }

    /// The folder for segments of this identity: a readable start and a hash, which need not tell all
    /// identities apart, since segments say theirs.
    pub(super) fn folder(&self) -> String {
        let mut hash = FNV_OFFSET;
        for text in [
            &self.signal,
            &self.service_namespace,
            &self.service_name,
            &self.program,
            &self.destination,
        ] {
            hash = fnv(hash, text.as_bytes());
            hash = fnv(hash, &[0xff]);
        }
        format!("{}-{hash:016x}", self.signal)
    }
}

impl Identity {
    /// The folder for journals of this identity, whose records go to this directory.
    pub(super) fn journal_folder(&self, directory: &str) -> String {
        let hash = fnv(FNV_OFFSET, directory.as_bytes());
        format!("{}-{hash:016x}", self.folder())
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let hash = fnv(FNV_OFFSET, text.as_bytes());
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = text.get(..end).unwrap_or_default();
    format!("{start}…{hash:016x}")
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same in every release and on every machine, as the standard library's is not.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Namespace and name of the service in an encoded `Resource` (opentelemetry-proto, resource.proto).
pub(crate) fn service(resource: &[u8]) -> (String, String) {
    let (mut namespace, mut name) = (String::new(), String::new());
    for attribute in length_delimited(resource) {
        let mut fields = length_delimited(attribute);
        let place = match fields.next() {
            Some(b"service.namespace") => &mut namespace,
            Some(b"service.name") => &mut name,
            _ => continue,
        };
        let value = fields
            .next()
            .and_then(|value| length_delimited(value).next());
        *place = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    }
    (namespace, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::wire::put_bytes_field;

    fn of(name: &str, program: &str) -> Identity {
        Identity::new(
            Signal::Traces,
            ("", name),
            program,
            "http://localhost:4318/v1/traces",
        )
    }

    #[test]
    fn folders_keep_apart_what_differs_and_stay_the_same_over_releases() {
        assert_eq!(of("shop", "a").folder(), "traces-9ab13c416e0f53dc");
        let parts = [("ab", "c"), ("a", "bc"), ("abc", "")];
        let folder =
            |(namespace, name)| Identity::new(Signal::Logs, (namespace, name), "", "d").folder();
        let folders: std::collections::HashSet<_> = parts.map(folder).into_iter().collect();
        assert_eq!(folders.len(), 3);
    }

    #[test]
    fn the_program_counts_where_the_service_has_no_name() {
        assert_eq!(of("shop", "a"), of("shop", "b"));
        for name in ["", "unknown_service", "unknown_service:python"] {
            assert_ne!(of(name, "a"), of(name, "b"));
        }
    }

    #[test]
    fn the_service_is_read_from_its_resource() {
        let mut resource = Vec::new();
        for (key, value) in [
            ("host.name", "h"),
            ("service.name", "shop"),
            ("service.namespace", "eu"),
        ] {
            let (mut attribute, mut text) = (Vec::new(), Vec::new());
            put_bytes_field(&mut text, 1, value.as_bytes());
            put_bytes_field(&mut attribute, 1, key.as_bytes());
            put_bytes_field(&mut attribute, 2, &text);
            put_bytes_field(&mut resource, 1, &attribute);
        }
        assert_eq!(service(&resource), ("eu".to_owned(), "shop".to_owned()));
        assert_eq!(service(b"damage"), Default::default());
    }

    #[test]
    fn long_texts_are_bounded_and_told_apart() {
        let long = "ä".repeat(5000);
        let (one, other) = (of(&long, ""), of(&format!("{long}x"), ""));
        assert_ne!(one, other);
        assert!(one.service_name.len() < MAX_TEXT + 32);
    }
}
