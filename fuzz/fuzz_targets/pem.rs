//! Certificate and key files, whatever is in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::export::{Exporter, ExporterConfig, Protocol, Signal};

fuzz_target!(
    |files: (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>)| {
        let endpoint = "https://localhost:4317";
        let mut config = ExporterConfig::new(Signal::Traces, Protocol::Grpc, endpoint);
        (
            config.tls.ca_pem,
            config.tls.client_certificate_pem,
            config.tls.client_key_pem,
        ) = files;
        let _ = Exporter::new(config);
    }
);
