//! What a configuration comes to, checked: where to, by which route, with which headers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TE, USER_AGENT,
};

use super::carrier::Carrier;
use super::config::{ExporterConfig, limited};
use super::spool::{Journal, SpoolConfig};
use super::transport::ConfigError;
use super::transport::compress::Compression;
use super::transport::connect::Route;
use super::transport::endpoint::Endpoint;
use super::transport::grpc::{self, RETRYABLE_CODES};
use super::transport::proxy::Proxy;
use super::transport::tls::Identity;
use crate::diagnostics::event::Destination;
use crate::otlp::signal::{Protocol, Signal};
use crate::text::base64_encode;

/// What a configuration comes to.
pub(crate) struct Settled {
    pub(crate) signal: Signal,
    pub(crate) route: Route,
    /// What requests are for, in the form that the receiver or the proxy wants.
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) max_request_bytes: usize,
    pub(crate) retryable_grpc_codes: Vec<u32>,
    /// Where exports go, for those who are told of them.
    pub(crate) destination: Arc<Destination>,
    /// What carries them there, in the place of the route.
    pub(crate) carrier: Option<Arc<dyn Carrier>>,
}

impl Settled {
    /// A journal for what goes there, if one is wanted.
    pub(super) fn journal(&self, config: &SpoolConfig) -> Option<Journal> {
        let destination = self.route.endpoint.destination(self.route.protocol);
        Journal::new(config, self.signal, destination)
    }

    pub(super) fn of(config: ExporterConfig, proxy: Option<Proxy>) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(&config.endpoint, config.protocol, config.tls.insecure)?;
        let unusable = |error| {
            ConfigError(format!(
                "endpoint {:?} cannot be used: {error}",
                endpoint.shown
            ))
        };
        let uri = match config.protocol {
            Protocol::HttpProtobuf if proxy.is_some() && !endpoint.tls => {
                Uri::try_from(format!("http://{}{}", endpoint.authority, endpoint.path))
            }
            Protocol::HttpProtobuf => Uri::try_from(&endpoint.path),
            Protocol::Grpc => Uri::try_from(format!(
                "{}://{}{}",
                if endpoint.tls { "https" } else { "http" },
                endpoint.authority,
                config.signal.grpc_path()
            )),
        };
        let uri = uri.map_err(unusable)?;
        let is_tunnelled = config.protocol == Protocol::Grpc || endpoint.tls;
        let route = Route {
            protocol: config.protocol,
            identity: match endpoint.tls {
                true => Some(Identity::read(&config.tls, config.protocol)?),
                false => None,
            },
            endpoint,
            proxy,
            is_tunnelled,
        };
        Ok(Self {
            signal: config.signal,
            uri,
            headers: headers(&config, &route)?,
            timeout: limited(config.timeout),
            compression: config.compression,
            max_request_bytes: config
                .max_request_bytes
                .filter(|&max| max > 0)
                .unwrap_or(usize::MAX),
            retryable_grpc_codes: config
                .retryable_grpc_codes
                .unwrap_or_else(|| RETRYABLE_CODES.to_vec()),
            destination: Arc::new(Destination {
                signal: config.signal,
                protocol: config.protocol,
                endpoint: route.endpoint.shown.clone(),
                base: route.endpoint.base().to_owned(),
                is_local_default: route.endpoint.is_local_default(),
                is_carried: false,
            }),
            route,
            carrier: None,
        })
    }

    /// Of what is carried, in messages of at most so many bytes.
    pub(super) fn carried(
        signal: Signal,
        carrier: Arc<dyn Carrier>,
        timeout: Duration,
        max_message_bytes: usize,
    ) -> Self {
        let endpoint = Endpoint::of_carrier(carrier.destination());
        Self {
            signal,
            uri: Uri::default(),
            headers: HeaderMap::new(),
            timeout: limited(timeout),
            compression: Compression::None,
            max_request_bytes: max_message_bytes,
            retryable_grpc_codes: Vec::new(),
            destination: Arc::new(Destination {
                signal,
                protocol: Protocol::HttpProtobuf,
                endpoint: endpoint.shown.clone(),
                base: endpoint.shown.clone(),
                is_local_default: false,
                is_carried: true,
            }),
            route: Route {
                protocol: Protocol::HttpProtobuf,
                identity: None,
                endpoint,
                proxy: None,
                is_tunnelled: false,
            },
            carrier: Some(carrier),
        }
    }

    /// Where exports go, without what may be a secret: for whom records are kept.
    pub(super) fn kept_for(&self) -> String {
        match &self.carrier {
            Some(carrier) => carrier.destination().to_owned(),
            None => self.route.endpoint.destination(self.route.protocol),
        }
    }

    /// What a message holds in front of its body.
    pub(super) fn prefix_len(&self) -> usize {
        match self.route.protocol {
            Protocol::Grpc => grpc::PREFIX_LEN,
            Protocol::HttpProtobuf => 0,
        }
    }
}

fn headers(config: &ExporterConfig, route: &Route) -> Result<HeaderMap, ConfigError> {
    let endpoint = &route.endpoint;
    let mut headers = HeaderMap::new();
    let value = |name: &str, value: &[u8]| {
        HeaderValue::from_bytes(value).map_err(|_| {
            ConfigError(format!(
                "the value of header {name:?} has characters that no header can have"
            ))
        })
    };
    let encoding = config.compression.encoding().map(HeaderValue::from_static);
    match config.protocol {
        Protocol::HttpProtobuf => {
            headers.insert(HOST, value("host", endpoint.authority.as_bytes())?);
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-protobuf"),
            );
            if let Some(encoding) = encoding {
                headers.insert(CONTENT_ENCODING, encoding);
            }
        }
        Protocol::Grpc => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
            if let Some(encoding) = encoding {
                headers.insert("grpc-encoding", encoding);
            }
        }
    }
    headers.insert(
        USER_AGENT,
        value("user-agent", config.user_agent.as_bytes())?,
    );
    if let Some(basic) = endpoint.authorization() {
        headers.insert(AUTHORIZATION, value("authorization", basic.as_bytes())?);
    }
    if let Some(proxy) = &route.proxy
        && let Some(authorization) = &proxy.authorization
        && !route.is_tunnelled
    {
        headers.insert(
            PROXY_AUTHORIZATION,
            value("proxy-authorization", authorization.as_bytes())?,
        );
    }
    let is_grpc = config.protocol == Protocol::Grpc;
    let mut given = HashSet::new();
    for (name, text) in &config.headers {
        let parsed = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| {
            ConfigError(format!(
                "header name {name:?} has characters that no header name can have"
            ))
        })?;
        let value = if is_grpc && is_of_the_protocol(parsed.as_str()) {
            continue;
        } else if is_grpc && parsed.as_str().ends_with("-bin") {
            value(name, base64_encode(text).trim_end_matches('=').as_bytes())?
        } else {
            value(name, text.trim_ascii())?
        };
        if given.insert(parsed.clone()) || !is_grpc {
            headers.insert(parsed, value);
        } else {
            headers.append(parsed, value);
        }
    }
    Ok(headers)
}

/// Headers that a gRPC call has of its own accord, whatever the user says (as with grpcio).
fn is_of_the_protocol(name: &str) -> bool {
    let names = ["te", "content-type", "content-length", "transfer-encoding"];
    names.contains(&name) || name.starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_named() {
        for (name, value, expected) in [
            ("x y", "1", "header name \"x y\""),
            ("x", "a\nb", "the value of header \"x\""),
        ] {
            let endpoint = "http://localhost:4318/";
            let mut config = ExporterConfig::new(Signal::Traces, Protocol::HttpProtobuf, endpoint);
            config.headers = vec![(name.to_owned(), value.into())];
            let error = Settled::of(config, None).err().unwrap();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
