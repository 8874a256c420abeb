//! TLS and mutual TLS with certificates made for the occasion; what is wrong with a file is said.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::sync::Arc;
use std::time::Duration;

use collector::{Collector, batch, exporter, numbered};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use telemetry::export::{Exporter, ExporterConfig, Protocol};

const PROTOCOLS: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];

struct Pem {
    certificate: String,
    key: String,
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn issue(&self, names: &[&str], usage: ExtendedKeyUsagePurpose) -> Pem {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![usage];
        let key = key();
        Pem {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn server(pem: &Pem, clients: Option<&Authority>, protocol: Protocol) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
                .unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    // A receiver that talks what is agreed on and nothing else.
    config.alpn_protocols = match protocol {
        Protocol::Grpc => vec![b"h2".to_vec()],
        Protocol::HttpProtobuf => vec![b"http/1.1".to_vec()],
    };
    Arc::new(config)
}

fn start(protocol: Protocol, config: Arc<ServerConfig>) -> Collector {
    Collector::start_with(protocol, "127.0.0.1:0".parse().unwrap(), Some(config))
}

fn trusting(collector: &Collector, ca: &str) -> ExporterConfig {
    let mut config = collector.config();
    config.tls.insecure = false;
    config.tls.ca_pem = Some(ca.as_bytes().to_vec());
    config
}

fn send(config: ExporterConfig) -> Result<usize, String> {
    let sent = exporter(config).export_blocking(batch(numbered(2)), Duration::from_millis(700));
    sent.map(|summary| summary.delivered)
        .map_err(|error| error.reason)
}

#[test]
fn a_server_with_a_certificate_of_the_given_authority_is_trusted() {
    for protocol in PROTOCOLS {
        let authority = Authority::new("ours");
        let pem = authority.issue(&["127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
        let collector = start(protocol, server(&pem, None, protocol));
        assert_eq!(send(trusting(&collector, &authority.pem())), Ok(2));
        assert_eq!(collector.names(), numbered(2));
    }
}

#[test]
fn nobody_else_is() {
    for protocol in PROTOCOLS {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let pem = theirs.issue(&["127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
        let collector = start(protocol, server(&pem, None, protocol));
        let error = send(trusting(&collector, &ours.pem())).unwrap_err();
        assert!(
            error.contains("invalid peer certificate: UnknownIssuer"),
            "{error}"
        );
        // Without a given authority the operating system's count, and it has none or others.
        let mut config = trusting(&collector, "");
        config.tls.ca_pem = None;
        assert!(send(config).is_err());
        let pem = ours.issue(&["elsewhere.example"], ExtendedKeyUsagePurpose::ServerAuth);
        let collector = start(protocol, server(&pem, None, protocol));
        let error = send(trusting(&collector, &ours.pem())).unwrap_err();
        assert!(error.contains("not valid for name"), "{error}");
        assert_eq!(collector.names(), Vec::<String>::new());
    }
}

#[test]
fn a_self_signed_certificate_can_be_the_one_to_trust() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let key = key();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let pem = Pem {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        };
        let collector = start(Protocol::Grpc, server(&pem, None, Protocol::Grpc));
        assert_eq!(send(trusting(&collector, &pem.certificate)), Ok(2));
        // For its own name only.
        let mut config = trusting(&collector, &pem.certificate);
        config.endpoint = format!("https://localhost:{}", collector.address.port());
        let error = send(config).unwrap_err();
        assert!(error.contains("not valid for name"), "{error}");
    }
}

#[test]
fn an_expired_certificate_is_not_trusted_even_if_it_is_the_given_one() {
    let key = key();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let pem = Pem {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    };
    let collector = start(Protocol::Grpc, server(&pem, None, Protocol::Grpc));
    let error = send(trusting(&collector, &pem.certificate)).unwrap_err();
    assert!(error.contains("certificate expired"), "{error}");
}

#[test]
fn the_client_shows_its_certificate() {
    for protocol in PROTOCOLS {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let pem = servers.issue(&["127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
        let collector = start(protocol, server(&pem, Some(&clients), protocol));
        let client = clients.issue(&["client"], ExtendedKeyUsagePurpose::ClientAuth);
        assert!(send(trusting(&collector, &servers.pem())).is_err());
        let mut config = trusting(&collector, &servers.pem());
        config.tls.client_certificate_pem = Some(client.certificate.clone().into_bytes());
        config.tls.client_key_pem = Some(client.key.clone().into_bytes());
        assert_eq!(send(config), Ok(2));
        // Both in one file.
        let mut config = trusting(&collector, &servers.pem());
        let both = client.certificate + &client.key;
        config.tls.client_certificate_pem = Some(both.into_bytes());
        assert_eq!(send(config), Ok(2));
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let authority = Authority::new("ours");
    let client = authority.issue(&["client"], ExtendedKeyUsagePurpose::ClientAuth);
    let certificate = || Some(client.certificate.clone().into_bytes());
    let other_key = || Some(key().serialize_pem().into_bytes());
    let nonsense = || Some(b"nonsense".to_vec());
    let cut = Some(b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n".to_vec());
    for (ca, chain, key, expected) in [
        (
            nonsense(),
            None,
            None,
            "certificate file holds no PEM certificate",
        ),
        (cut, None, None, "certificate file is not valid PEM"),
        (
            None,
            nonsense(),
            other_key(),
            "client certificate file holds no PEM certificate",
        ),
        (
            None,
            certificate(),
            nonsense(),
            "client key file holds no PEM private key",
        ),
        (
            None,
            certificate(),
            None,
            "client certificate file holds no PEM private key",
        ),
        (
            None,
            None,
            other_key(),
            "client key is given without a client certificate",
        ),
        (
            None,
            certificate(),
            other_key(),
            "client key and client certificate cannot be used",
        ),
    ] {
        let mut config = collector::config(Protocol::Grpc, "https://localhost:4317");
        config.tls.ca_pem = ca;
        config.tls.client_certificate_pem = chain;
        config.tls.client_key_pem = key;
        let Err(error) = Exporter::new(config) else {
            panic!("{expected} was not noticed");
        };
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn keys_of_every_common_format_are_read() {
    // PKCS#1 and SEC1, made with openssl for this test and used nowhere else.
    for (certificate, key) in [
        (
            include_str!("keys/rsa.crt"),
            include_str!("keys/rsa_pkcs1.key"),
        ),
        (
            include_str!("keys/rsa.crt"),
            include_str!("keys/rsa_pkcs8.key"),
        ),
        (
            include_str!("keys/ec.crt"),
            include_str!("keys/ec_sec1.key"),
        ),
    ] {
        let mut config = collector::config(Protocol::Grpc, "https://localhost:4317");
        config.tls.client_certificate_pem = Some(certificate.as_bytes().to_vec());
        config.tls.client_key_pem = Some(key.as_bytes().to_vec());
        assert!(Exporter::new(config).is_ok());
    }
}

#[test]
fn a_plain_text_receiver_is_not_mistaken_for_a_secure_one() {
    let collector = Collector::start(Protocol::Grpc);
    let mut config = collector.config();
    config.endpoint = collector.address.to_string();
    config.tls.insecure = false;
    config.tls.ca_pem = Some(Authority::new("ours").pem().into_bytes());
    assert!(send(config).unwrap_err().contains("TLS handshake"));
}
