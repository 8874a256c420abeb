//! Endpoints, headers and proxies, as any configuration may have them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::export::{Exporter, ExporterConfig, Protocol, Signal};

fuzz_target!(|parts: (bool, bool, &str, &str, &str, Option<&str>)| {
    let (is_grpc, insecure, endpoint, name, value, proxy) = parts;
    let protocol = if is_grpc {
        Protocol::Grpc
    } else {
        Protocol::HttpProtobuf
    };
    let mut config = ExporterConfig::new(Signal::Traces, protocol, endpoint);
    config.tls.insecure = insecure;
    config.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    if let Err(error) = Exporter::with_proxy(config, proxy) {
        assert!(!error.to_string().is_empty());
    }
});
