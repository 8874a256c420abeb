//! Endpoints as the exporters read them, for Python code that connects by itself or speaks of them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use telemetry::export::{self, Address, Protocol};

use super::settings::known;

/// What an endpoint means.
#[pyclass(frozen, get_all, module = "oxitel._native")]
pub(crate) struct Endpoint {
    /// Without brackets; empty for a socket.
    host: String,
    port: u16,
    /// The path of a Unix socket; that of an abstract one begins with NUL.
    socket: Option<String>,
    is_tls: bool,
    /// The header `authorization` that comes of the URL's user and password.
    authorization: Option<String>,
}

#[pymethods]
impl Endpoint {
    #[new]
    fn new(text: &str, protocol: &str, insecure: bool) -> PyResult<Self> {
        let protocol = known("protocol", protocol, Protocol::named)?;
        let endpoint = export::Endpoint::parse(text, protocol, insecure)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let authorization = endpoint.authorization();
        let (host, port, socket) = match endpoint.address {
            Address::Tcp { host, port } => (host, port, None),
            Address::Unix(path) => (String::new(), 0, Some(path.to_string_lossy().into_owned())),
        };
        Ok(Self {
            host,
            port,
            socket,
            is_tls: endpoint.tls,
            authorization,
        })
    }
}

/// The scheme of a URL in lower case, and what stands between it and the path; both empty where the text
/// is no URL.
#[pyfunction]
pub(crate) fn scheme_and_authority(url: &str) -> (String, &str) {
    export::scheme_and_authority(url)
}

/// A URL as it may be printed: without user and password.
#[pyfunction]
pub(crate) fn shown_endpoint(url: &str) -> String {
    export::redacted(url)
}

/// The port that receivers have by default.
#[pyfunction]
pub(crate) fn default_port(protocol: &str) -> PyResult<u16> {
    known("protocol", protocol, Protocol::named).map(Protocol::default_port)
}
