//! A connection to the receiver: names resolved, addresses tried in turn, TLS on top.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::connect_error::{ConnectError, describe};
use super::endpoint::{Address, Endpoint};
use super::proxy::Proxy;
use super::stream::{Duplex, Stream};
use super::tls::Identity;
use crate::otlp::signal::Protocol;

/// How to get to an endpoint, and what is spoken there.
pub(crate) struct Route {
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: Endpoint,
    pub(crate) proxy: Option<Proxy>,
    /// Whether the proxy is asked for a tunnel, or understands the requests themselves.
    pub(crate) is_tunnelled: bool,
    /// For TLS, where the endpoint wants it.
    pub(crate) identity: Option<Identity>,
}

/// Connects before `deadline`.
pub(crate) async fn connect(
    route: &Route,
    tls: Option<Arc<ClientConfig>>,
    deadline: Instant,
) -> Result<Stream, ConnectError> {
    let (stream, host) = match &route.endpoint.address {
        Address::Unix(path) => (connect_unix(path).await?, "localhost"),
        Address::Tcp { host, port } => {
            let stream = match &route.proxy {
                None => connect_tcp(host, *port, deadline).await?,
                Some(proxy) => through_proxy(proxy, route, host, *port, deadline).await?,
            };
            let stream: Box<dyn Duplex> = Box::new(stream);
            (stream, host.as_str())
        }
    };
    let Some(tls) = tls else {
        return Ok(Stream::new(stream));
    };
    let failed = |reason| ConnectError {
        reason,
        refused: false,
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| failed(format!("{host:?} cannot be the name in a certificate")))?;
    let handshake = TlsConnector::from(tls).connect(name, stream);
    match timeout_at(deadline, handshake).await {
        Ok(Ok(stream)) => Ok(Stream::new(Box::new(stream))),
        Ok(Err(error)) => Err(failed(format!("TLS handshake failed: {error}"))),
        Err(_) => Err(failed("TLS handshake timed out".to_owned())),
    }
}

async fn through_proxy(
    proxy: &Proxy,
    route: &Route,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, ConnectError> {
    let mut stream = connect_tcp(&proxy.host, proxy.port, deadline)
        .await
        .map_err(|error| proxy.error(&error.reason))?;
    if route.is_tunnelled {
        let target = match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        match timeout_at(deadline, proxy.open_tunnel(&mut stream, &target)).await {
            Ok(opened) => opened?,
            Err(_) => return Err(proxy.error("no answer in time")),
        }
    }
    Ok(stream)
}

#[cfg(unix)]
async fn connect_unix(path: &Path) -> Result<Box<dyn Duplex>, ConnectError> {
    match tokio::net::UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(ConnectError::from_io(&error)),
    }
}

#[cfg(not(unix))]
async fn connect_unix(_path: &Path) -> Result<Box<dyn Duplex>, ConnectError> {
    Err(ConnectError {
        reason: "unix sockets are not available on this system".to_owned(),
        refused: false,
    })
}

async fn connect_tcp(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, ConnectError> {
    let addresses = resolve(host, port)?;
    let mut last = ConnectError {
        reason: format!("{host} has no address"),
        refused: false,
    };
    for (index, address) in addresses.iter().enumerate() {
        // An address that swallows packets leaves time for those after it.
        let left = deadline.saturating_duration_since(Instant::now());
        let turns = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let turn = Instant::now() + left.checked_div(turns).unwrap_or(Duration::ZERO);
        match timeout_at(turn, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are written whole; waiting for more to send helps nobody.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => {
                let error = ConnectError::from_io(&error);
                // "Refused" says more than "this machine has no IPv6".
                if error.refused || !last.refused {
                    last = error;
                }
            }
            Err(_) => {
                last = ConnectError {
                    reason: "connection timed out".to_owned(),
                    refused: false,
                };
            }
        }
    }
    Err(last)
}

/// Blocks the worker for real names, by intent: the resolver of the C library has no other
/// interface, a thread for it would be a second one to lose in a fork, and the queue takes
/// records meanwhile. `localhost` is answered here (RFC 6761, section 6.3).
fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port),
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        ]);
    }
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(ConnectError {
            reason: format!("the name {host:?} cannot be resolved: {}", describe(&error)),
            refused: false,
        }),
    }
}
