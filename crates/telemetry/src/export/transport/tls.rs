//! TLS as the user configured it: whom to trust, and who we are.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::ConfigError;
use crate::otlp::signal::Protocol;

/// Certificates and keys as the contents of PEM files.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    /// Plain text for a gRPC endpoint without the scheme `https`. With HTTP the scheme decides.
    pub insecure: bool,
    /// Whom to trust; the operating system's certificates where this is `None`.
    pub ca_pem: Option<Vec<u8>>,
    /// The client's certificate chain, for mutual TLS.
    pub client_certificate_pem: Option<Vec<u8>>,
    /// The client's key (PKCS#8, PKCS#1 or SEC1); looked for in the certificate's file where this
    /// is `None`.
    pub client_key_pem: Option<Vec<u8>>,
}

/// What was read from the user's files; the configuration itself is made at the first
/// connection, since reading the operating system's certificates takes a while.
pub(crate) struct Identity {
    ca: Option<Vec<CertificateDer<'static>>>,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    alpn: &'static [u8],
}

impl Identity {
    pub(crate) fn read(config: &TlsConfig, protocol: Protocol) -> Result<Self, ConfigError> {
        let ca = config.ca_pem.as_deref();
        let identity = Self {
            ca: ca.map(|pem| certificates("certificate", pem)).transpose()?,
            client: client(config)?,
            alpn: match protocol {
                Protocol::Grpc => b"h2",
                Protocol::HttpProtobuf => b"http/1.1",
            },
        };
        // A key that does not belong to its certificate, or an unusable certificate, is found now.
        if identity.ca.is_some() || identity.client.is_some() {
            identity.client_config_with(|| Ok(RootCertStore::empty()))?;
        }
        Ok(identity)
    }

    pub(crate) fn client_config(&self) -> Result<ClientConfig, ConfigError> {
        self.client_config_with(system_roots)
    }

    fn client_config_with(
        &self,
        system_roots: impl FnOnce() -> Result<RootCertStore, ConfigError>,
    ) -> Result<ClientConfig, ConfigError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError(error.to_string()))?;
        let builder = match &self.ca {
            Some(ca) => {
                let verifier = TrustGiven::new(ca, provider)?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
            None => builder.with_root_certificates(system_roots()?),
        };
        let mut config = match &self.client {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| {
                    ConfigError(format!(
                        "client key and client certificate cannot be used: {error}"
                    ))
                })?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![self.alpn.to_vec()];
        Ok(config)
    }
}

fn system_roots() -> Result<RootCertStore, ConfigError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reason = match found.errors.first() {
            Some(error) => format!("the system's certificates cannot be read: {error}"),
            None => "the system has no certificates".to_owned(),
        };
        return Err(ConfigError(reason));
    }
    Ok(roots)
}

fn certificates(file: &str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(ConfigError(format!("{file} file holds no PEM certificate")))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(ConfigError(format!(
            "{file} file is not valid PEM: {error}"
        ))),
    }
}

type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client(config: &TlsConfig) -> Result<Option<Client>, ConfigError> {
    let (chain, key, key_file) = match (&config.client_certificate_pem, &config.client_key_pem) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(ConfigError(
                "client key is given without a client certificate".to_owned(),
            ));
        }
        (Some(chain), Some(key)) => (chain, key, "client key"),
        (Some(chain), None) => (chain, chain, "client certificate"),
    };
    let chain = certificates("client certificate", chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        pem::Error::NoItemsFound => ConfigError(format!(
            "{key_file} file holds no PEM private key (PKCS#8, PKCS#1 or SEC1, not encrypted)"
        )),
        error => ConfigError(format!("{key_file} file is not valid PEM: {error}")),
    })?;
    Ok(Some((chain, key)))
}

/// Trusts what the given certificates signed, and the given certificates themselves: a server's
/// self-signed certificate handed out as the certificate to trust is common, and OpenSSL takes it.
#[derive(Debug)]
struct TrustGiven {
    given: Vec<CertificateDer<'static>>,
    chain: Arc<WebPkiServerVerifier>,
}

impl TrustGiven {
    fn new(
        given: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConfigError> {
        let unusable =
            |error: String| ConfigError(format!("certificate file cannot be used: {error}"));
        let mut roots = RootCertStore::empty();
        let mut problem = None;
        for certificate in given {
            problem = roots.add(certificate.clone()).err().or(problem);
        }
        // A system's bundle may have one among its hundred that is read by nobody.
        if let Some(error) = problem
            && roots.is_empty()
        {
            return Err(unusable(error.to_string()));
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            given: given.to_vec(),
            chain,
        })
    }
}

impl ServerCertVerifier for TrustGiven {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            // Only this verdict: the dates and the signature chain were looked at before or do
            // not apply, and the name is looked at here.
            Err(Error::InvalidCertificate(
                CertificateError::Other(_) | CertificateError::UnknownIssuer,
            )) if self.given.iter().any(|given| given == end_entity) => {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
