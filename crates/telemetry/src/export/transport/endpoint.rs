//! An endpoint, read from what the user wrote: URL, `host:port` or `unix:` path.

use std::path::PathBuf;

use super::ConfigError;
use crate::otlp::signal::Protocol;
use crate::text::{base64_encode, percent_decode_bytes};

/// What connections are made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host's port.
    Tcp {
        /// Name or address, without the brackets of an IPv6 address.
        host: String,
        /// From 1 to 65535.
        port: u16,
    },
    /// A socket's path; that of an abstract one begins with NUL.
    Unix(PathBuf),
}

/// An endpoint as it is understood: where to connect, and what to ask for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Where to connect.
    pub address: Address,
    /// For `Host` and `:authority`.
    pub(crate) authority: String,
    /// Path and query; only HTTP uses it.
    pub(crate) path: String,
    /// `user:password` of the URL.
    pub(crate) user_info: Option<String>,
    /// For messages: what the user wrote, without the password.
    pub shown: String,
    base: String,
}

impl Endpoint {
    /// For messages about the receiver as a whole: what the user wrote, without the path.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Where requests go, without what may be a secret: user, password and query.
    pub(crate) fn destination(&self, protocol: Protocol) -> String {
        let scheme = match (protocol, self.tls) {
            (Protocol::Grpc, false) => "grpc",
            (Protocol::Grpc, true) => "grpcs",
            (Protocol::HttpProtobuf, false) => "http",
            (Protocol::HttpProtobuf, true) => "https",
        };
        let path = match protocol {
            Protocol::Grpc => "",
            Protocol::HttpProtobuf => self.path.split('?').next().unwrap_or_default(),
        };
        match &self.address {
            Address::Tcp { host, port } => format!("{scheme}://{host}:{port}{path}"),
            Address::Unix(socket) => format!("{scheme}+unix:{}", socket.display()),
        }
    }

    /// Where somebody carries requests: nothing of ours connects there.
    pub(crate) fn of_carrier(destination: &str) -> Self {
        Self {
            tls: false,
            address: Address::Tcp {
                host: String::new(),
                port: 0,
            },
            authority: destination.to_owned(),
            path: String::new(),
            user_info: None,
            shown: destination.to_owned(),
            base: destination.to_owned(),
        }
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

    /// The header for the URL's `user:password`, if it has one (RFC 7617).
    #[must_use]
    pub fn authorization(&self) -> Option<String> {
        let user_info = percent_decode_bytes(self.user_info.as_deref()?.as_bytes());
        Some(format!("Basic {}", base64_encode(user_info.as_bytes())))
    }

    /// Reads what the user wrote, as exporters do. `insecure` decides about TLS where a gRPC
    /// endpoint has no scheme `https`.
    ///
    /// # Errors
    /// Where it cannot be used, saying why; a password is not shown.
    pub fn parse(text: &str, protocol: Protocol, insecure: bool) -> Result<Self, ConfigError> {
        let text = text.trim();
        if protocol == Protocol::Grpc
            && let Some(socket) = socket(text)?
        {
            return Ok(Self {
                tls: false,
                address: Address::Unix(socket),
                authority: "localhost".to_owned(),
                path: String::new(),
                user_info: None,
                shown: text.to_owned(),
                base: text.to_owned(),
            });
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None if protocol == Protocol::Grpc => (String::new(), target(text)?),
            None => (String::new(), text),
        };
        let rest = if protocol == Protocol::Grpc && TARGETS.contains(&scheme.as_str()) {
            of_target(text, rest)?
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
        let (authority, tail) = split_authority(rest);
        let path = tail;
        let path = percent_encoded(path.split('#').next().unwrap_or_default());
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
        let shown = redacted(text);
        // The query is not shown.
        let tail = tail.split('?').next().unwrap_or_default();
        let base = shown.strip_suffix(tail).unwrap_or(&shown);
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self {
            tls,
            address: Address::Tcp {
                host: host.to_owned(),
                port: port.unwrap_or(default_port),
            },
            authority: authority.to_owned(),
            path: if path.starts_with('/') {
                path
            } else {
                format!("/{path}")
            },
            user_info,
            shown,
            base,
        })
    }
}

/// The scheme of a URL in lower case, and what stands between it and the path, user and password
/// included; both empty where the text is no URL.
#[must_use]
pub fn scheme_and_authority(text: &str) -> (String, &str) {
    let (scheme, rest) = match (text.strip_prefix("//"), text.split_once("://")) {
        (Some(rest), _) => ("", rest),
        (None, Some(parts)) => parts,
        (None, None) => return (String::new(), ""),
    };
    (scheme.to_ascii_lowercase(), split_authority(rest).0)
}

/// What comes before the path, and the rest.
fn split_authority(text: &str) -> (&str, &str) {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn error(text: &str, reason: &str) -> ConfigError {
    let shown = redacted(text);
    ConfigError(format!("endpoint {shown:?} cannot be used: {reason}"))
}

/// What may be printed: nothing between the scheme and the last `@`, since a password may have any
/// character in it, one that ends the host too; and no query, which may hold a key.
#[must_use]
pub fn redacted(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (format!("{scheme}://"), rest),
        _ => (String::new(), text),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    format!("{scheme}{rest}")
}

/// The socket's path in gRPC's `unix:path`, `unix:///path` and `unix-abstract:name`.
fn socket(text: &str) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Some(path.strip_prefix("//").unwrap_or(path).into()));
    }
    match text.strip_prefix("unix-abstract:") {
        Some(name) if cfg!(target_os = "linux") => Ok(Some(format!("\0{name}").into())),
        Some(_) => Err(error(text, "only Linux has abstract sockets")),
        None => Ok(None),
    }
}

/// The schemes of gRPC's own name syntax that mean a host and a port (grpc.io, "gRPC Name
/// Resolution").
const TARGETS: [&str; 3] = ["dns", "ipv4", "ipv6"];

/// `host:port` of `dns:host:port`, `//host:port` and their like.
fn target(text: &str) -> Result<&str, ConfigError> {
    if let Some(rest) = text.strip_prefix("//") {
        return Ok(rest);
    }
    match text.split_once(':') {
        // A host may have this name.
        Some((_, rest)) if rest.parse::<u16>().is_ok() => Ok(text),
        Some((scheme, rest)) if TARGETS.contains(&scheme) => of_target(text, rest),
        _ => Ok(text),
    }
}

/// `host:port` of what comes after `dns:` or `dns://`.
fn of_target<'a>(text: &str, rest: &'a str) -> Result<&'a str, ConfigError> {
    let trimmed = rest.trim_start_matches('/');
    if trimmed.contains('/') && !rest.starts_with('/') {
        return Err(error(text, "a name server of its own is not supported"));
    }
    if trimmed.contains(',') {
        return Err(error(text, "more than one address is not supported"));
    }
    Ok(trimmed)
}

/// With what RFC 3986 does not allow encoded, and what is encoded left so (as requests does).
fn percent_encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let is_allowed = match byte {
            b'%' => matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
            byte => byte.is_ascii_alphanumeric() || b"-._~!#$&'()*+,/:;=?@[]".contains(&byte),
        };
        if is_allowed {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        rest = after;
    }
    text
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
        let odd = parse("http://me:a%40b@host", Protocol::HttpProtobuf, false);
        assert_eq!(odd.authorization().unwrap(), "Basic bWU6YUBi");
        assert_eq!(endpoint.shown, "https://host/v1/traces");
        assert_eq!(endpoint.authority, "host");
    }

    #[test]
    fn a_password_is_in_no_message_whatever_is_in_it() {
        for text in [
            "https://me:SECRET@host:99999/v1/traces",
            "https://me:SEC/RET@host/v1/traces",
            "me:SECRET@host:4318/v1/traces",
            "http://me:SECRET@",
            "http://me:SE?CRET@127.0.0.1:9/v1/traces",
            "http://me:SE@CRET@:1/",
            "socks5://u:SECRET@127.0.0.1:1080",
            "u:S://ECRET@host",
        ] {
            let error = Endpoint::parse(text, Protocol::HttpProtobuf, false).unwrap_err();
            assert!(!error.to_string().contains("RET"), "{error}");
        }
        let usable = "http://me:12/SECRET@host/v1/traces";
        let endpoint = parse(usable, Protocol::HttpProtobuf, false);
        assert_eq!(endpoint.shown, "http://host/v1/traces");
    }

    #[test]
    fn grpc_targets_are_understood() {
        for (text, host, port) in [
            ("dns:host:4317", "host", 4317),
            ("dns:///host:4317", "host", 4317),
            ("dns:4317", "dns", 4317),
            ("ipv4:127.0.0.1:4317", "127.0.0.1", 4317),
            ("ipv4:///127.0.0.1:4317", "127.0.0.1", 4317),
            ("ipv6:[::1]:4317", "::1", 4317),
            ("//host:4317", "host", 4317),
            (" http://host:4317 ", "host", 4317),
        ] {
            let endpoint = parse(text, Protocol::Grpc, true);
            assert_eq!(endpoint.address, tcp(host, port), "{text}");
            assert_eq!(
                endpoint.authority,
                format!("{}:{port}", host.replace("::1", "[::1]"))
            );
        }
        if cfg!(target_os = "linux") {
            let socket = parse("unix-abstract:name", Protocol::Grpc, true);
            assert_eq!(socket.address, Address::Unix("\0name".into()));
        }
        for (text, reason) in [
            ("ipv4:127.0.0.1:1,127.0.0.1:2", "more than one address"),
            ("dns://8.8.8.8/host:4317", "a name server of its own"),
        ] {
            let error = Endpoint::parse(text, Protocol::Grpc, true).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn what_a_url_cannot_have_is_percent_encoded() {
        for (text, path) in [
            ("http://host/a b", "/a%20b"),
            ("http://host/ü", "/%C3%BC"),
            ("http://host/a{b}|c^", "/a%7Bb%7D%7Cc%5E"),
            ("http://host/x?a=b c&d=ü#e", "/x?a=b%20c&d=%C3%BC"),
            ("http://host/a%20b%zz%", "/a%20b%25zz%25"),
        ] {
            let endpoint = parse(text, Protocol::HttpProtobuf, false);
            assert_eq!(endpoint.path, path);
            assert_eq!(
                (Some(endpoint.shown.as_str()), endpoint.base()),
                (text.split('?').next(), "http://host")
            );
        }
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
