//! An endpoint, read from what the user wrote: URL, `host:port` or `unix:` path.

use std::path::PathBuf;

use super::{ConfigError, Protocol};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp {
        /// Name or address, without the brackets of an IPv6 address.
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    pub(crate) address: Address,
    /// For `Host` and `:authority`.
    pub(crate) authority: String,
    /// Path and query; only HTTP uses it.
    pub(crate) path: String,
    /// `user:password` of the URL.
    pub(crate) user_info: Option<String>,
    /// For messages: what the user wrote, without the password.
    pub(crate) shown: String,
}

impl Endpoint {
    /// For messages about the receiver as a whole: what the user wrote, without the path.
    pub(crate) fn base(&self) -> &str {
        let base = self.shown.strip_suffix(&self.path).unwrap_or(&self.shown);
        base.trim_end_matches('/')
    }

    /// Whether it is where a receiver for development is by default, on this machine.
    pub(crate) fn is_local_default(&self) -> bool {
        match &self.address {
            Address::Tcp { host, port } => {
                matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1")
                    && matches!(port, 4317 | 4318)
            }
            Address::Unix(_) => false,
        }
    }

    pub(crate) fn parse(
        text: &str,
        protocol: Protocol,
        insecure: bool,
    ) -> Result<Self, ConfigError> {
        let text = text.trim();
        if protocol == Protocol::Grpc
            && let Some(path) = text.strip_prefix("unix:")
        {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self {
                tls: false,
                address: Address::Unix(PathBuf::from(path)),
                authority: "localhost".to_owned(),
                path: String::new(),
                user_info: None,
                shown: text.to_owned(),
            });
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => (String::new(), text),
        };
        // gRPC's own name syntax is `dns:///host:port`.
        let rest = if scheme == "dns" {
            rest.trim_start_matches('/')
        } else {
            rest
        };
        let tls = match (protocol, scheme.as_str()) {
            (_, "https") => true,
            (Protocol::HttpProtobuf, "http") => false,
            (Protocol::HttpProtobuf, _) => {
                return Err(error(text, "it has to start with http:// or https://"));
            }
            (Protocol::Grpc, _) => !insecure,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let path = path.split('#').next().unwrap_or_default();
        let (user_info, authority) = match authority.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info.to_owned()), authority),
            None => (None, authority),
        };
        let (host, port) = split_port(authority)
            .ok_or_else(|| error(text, "its port is not a number from 1 to 65535"))?;
        if host.is_empty() {
            return Err(error(text, "it names no host"));
        }
        let default_port = match (protocol, tls) {
            (Protocol::HttpProtobuf, false) => 80,
            // gRPC takes 443 for both, as the official exporter does.
            _ => 443,
        };
        let shown = match &user_info {
            Some(user_info) => text.replacen(&format!("{user_info}@"), "", 1),
            None => text.to_owned(),
        };
        Ok(Self {
            tls,
            address: Address::Tcp {
                host: host.to_owned(),
                port: port.unwrap_or(default_port),
            },
            authority: authority.to_owned(),
            path: if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("/{path}")
            },
            user_info,
            shown,
        })
    }
}

fn error(text: &str, reason: &str) -> ConfigError {
    ConfigError(format!("endpoint {text:?} cannot be used: {reason}"))
}

/// Host without brackets, and the port if there is one; `None` for a port that is none.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        (host, after.strip_prefix(':'))
    } else {
        match authority.rsplit_once(':') {
            // An IPv6 address without brackets has no port.
            Some((host, _)) if host.contains(':') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    match port {
        None | Some("") => Some((host, None)),
        Some(port) => port
            .parse()
            .ok()
            .filter(|&port| port > 0)
            .map(|port| (host, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, protocol: Protocol, insecure: bool) -> Endpoint {
        Endpoint::parse(text, protocol, insecure).unwrap()
    }

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn http_endpoints_are_urls() {
        let endpoint = parse(
            "http://localhost:4318/v1/traces?a=b",
            Protocol::HttpProtobuf,
            false,
        );
        assert_eq!(endpoint.address, tcp("localhost", 4318));
        assert_eq!(endpoint.path, "/v1/traces?a=b");
        assert!(!endpoint.tls);
        let endpoint = parse("https://api.example.com/otlp", Protocol::HttpProtobuf, true);
        assert_eq!(endpoint.address, tcp("api.example.com", 443));
        assert!(endpoint.tls);
        let endpoint = parse("http://[::1]:4318", Protocol::HttpProtobuf, false);
        assert_eq!(
            (endpoint.address, endpoint.path.as_str()),
            (tcp("::1", 4318), "/")
        );
        assert_eq!(endpoint.authority, "[::1]:4318");
    }

    #[test]
    fn grpc_endpoints_are_urls_names_or_sockets() {
        let plain = parse("http://localhost:4317/ignored", Protocol::Grpc, true);
        assert_eq!((plain.address, plain.tls), (tcp("localhost", 4317), false));
        let bare = parse("collector:4317", Protocol::Grpc, false);
        assert_eq!((bare.address, bare.tls), (tcp("collector", 4317), true));
        assert_eq!(
            parse("dns:///c:1", Protocol::Grpc, true).address,
            tcp("c", 1)
        );
        assert!(parse("https://c:1", Protocol::Grpc, true).tls);
        let socket = parse("unix:///run/otel.sock", Protocol::Grpc, true);
        assert_eq!(socket.address, Address::Unix("/run/otel.sock".into()));
        assert_eq!(
            parse("unix:a.sock", Protocol::Grpc, true).address,
            Address::Unix("a.sock".into())
        );
    }

    #[test]
    fn a_password_is_kept_from_messages() {
        let endpoint = parse(
            "https://me:secret@host/v1/traces",
            Protocol::HttpProtobuf,
            false,
        );
        assert_eq!(endpoint.user_info.as_deref(), Some("me:secret"));
        assert_eq!(endpoint.shown, "https://host/v1/traces");
        assert_eq!(endpoint.authority, "host");
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for text in [
            "",
            "localhost:4318",
            "ftp://host",
            "http://",
            "http://host:port",
            "http://host:99999",
        ] {
            let error = Endpoint::parse(text, Protocol::HttpProtobuf, false).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("endpoint {text:?}")),
                "{error}"
            );
        }
    }
}
