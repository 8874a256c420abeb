//! An exporter: a checked configuration and, per process, its connections.

use std::collections::HashSet;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use hyper::Uri;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TE, USER_AGENT,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::deliver::{self, Outage, Owner, Urgency};
use super::operation::{Operation, Operations};
use super::retry::RETRYABLE_GRPC_CODES;
use super::transport::endpoint::Endpoint;
use super::transport::grpc;
use super::transport::line::Line;
use super::transport::proxy::Proxy;
use super::transport::tls::Identity;
use super::{Compression, ConfigError, ExporterConfig, Protocol, Signal, limited, worker};
use crate::fork;
use crate::otlp::read::percent_decoded;
use crate::otlp::request::Batch;

/// Buffers larger than this are given back to the system after use.
const MAX_SPARE_BUFFER: usize = 4 << 20;

/// What a configuration comes to.
pub(crate) struct Settled {
    pub(crate) signal: Signal,
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: Endpoint,
    /// What requests are for, in the form that the receiver or the proxy wants.
    pub(crate) uri: Uri,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) identity: Option<Identity>,
    pub(crate) max_request_bytes: usize,
    pub(crate) retryable_grpc_codes: Vec<u32>,
    /// The official logger for this exporter's messages.
    pub(crate) logger: &'static str,
}

impl Settled {
    /// Whether the proxy, if there is one, only passes bytes on.
    pub(crate) fn is_tunnelled(&self) -> bool {
        is_tunnelled(self.protocol, &self.endpoint)
    }
}

fn is_tunnelled(protocol: Protocol, endpoint: &Endpoint) -> bool {
    protocol == Protocol::Grpc || endpoint.tls
}

/// What belongs to one process.
pub(crate) struct State {
    generation: u32,
    /// [`worker::losses`] when it was made.
    losses: u32,
    pub(crate) settled: Arc<Settled>,
    pub(crate) line: Line,
    /// Whether the endpoint has ever answered.
    pub(crate) has_answered: AtomicBool,
    pub(crate) is_shut_down: AtomicBool,
    /// Failures since the last answer that accepted something.
    pub(crate) failures: AtomicU32,
    pub(crate) outage: Mutex<Option<Outage>>,
    /// Exports that somebody waited for and that were given up, since nothing listened.
    pub(crate) lost_exports: AtomicU32,
    pub(crate) operations: Operations,
    urgency: watch::Sender<Urgency>,
    spare: Mutex<Vec<u8>>,
}

impl State {
    fn new(settled: &Arc<Settled>, is_shut_down: bool, are_operations_wanted: bool) -> Self {
        Self {
            generation: fork::generation(),
            losses: worker::losses(),
            settled: Arc::clone(settled),
            line: Line::default(),
            has_answered: AtomicBool::new(false),
            is_shut_down: AtomicBool::new(is_shut_down),
            failures: AtomicU32::new(0),
            outage: Mutex::new(None),
            lost_exports: AtomicU32::new(0),
            operations: Operations::wanted(are_operations_wanted),
            urgency: watch::Sender::new(Urgency::default()),
            spare: Mutex::default(),
        }
    }

    /// Whether its connections are this process's, and open as far as is known.
    fn is_present(&self) -> bool {
        self.generation == fork::generation() && self.losses == worker::losses()
    }

    /// An empty buffer, used before where possible.
    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *spare)
    }

    /// Takes back the buffer of a request that nobody refers to any more.
    pub(crate) fn give_back(&self, body: Bytes) {
        if let Ok(buffer) = body.try_into_mut()
            && buffer.capacity() <= MAX_SPARE_BUFFER
        {
            let mut buffer = Vec::from(buffer);
            buffer.clear();
            *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = buffer;
        }
    }
}

/// Sends batches to one endpoint. Lives through forks: the child makes a connection of its own.
pub struct Exporter {
    settled: Arc<Settled>,
    state: ArcSwap<State>,
}

/// What a receiver made of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    pub delivered: usize,
    /// Not accepted, by the receiver's own account ("partial success").
    pub rejected: usize,
}

/// A batch was not delivered, or not all of it. It was reported already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportError {
    pub summary: ExportSummary,
    pub undelivered: usize,
    pub reason: String,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} not delivered: {}", self.undelivered, self.reason)
    }
}

impl std::error::Error for ExportError {}

impl Exporter {
    /// Checks the configuration; nothing is connected or started yet.
    ///
    /// # Errors
    /// Where the endpoint, a header, a certificate or a key cannot be used, saying which.
    pub fn new(config: ExporterConfig) -> Result<Self, ConfigError> {
        Self::with_proxy(config, None)
    }

    /// As [`Exporter::new`], by way of an HTTP proxy: `http://user:password@host:port`. HTTPS and
    /// gRPC go through a tunnel (`CONNECT`).
    ///
    /// # Errors
    /// Those of [`Exporter::new`], and where the proxy's URL cannot be used.
    pub fn with_proxy(config: ExporterConfig, proxy: Option<&str>) -> Result<Self, ConfigError> {
        let proxy = proxy.map(Proxy::parse).transpose()?;
        let settled = Arc::new(settle(config, proxy)?);
        let state = ArcSwap::from_pointee(State::new(&settled, false, false));
        Ok(Self { settled, state })
    }

    pub(crate) fn settled(&self) -> &Settled {
        &self.settled
    }

    /// This process's state.
    pub(crate) fn state(&self) -> Arc<State> {
        loop {
            let present = self.state.load_full();
            if present.is_present() {
                return present;
            }
            let is_shut_down = present.is_shut_down.load(Ordering::Relaxed);
            let are_wanted = present.operations.are_wanted.load(Ordering::Relaxed);
            let fresh = State::new(&self.settled, is_shut_down, are_wanted);
            if present.generation == fork::generation() {
                let has_answered = present.has_answered.load(Ordering::Relaxed);
                fresh.has_answered.store(has_answered, Ordering::Relaxed);
            }
            self.state.compare_and_swap(&present, Arc::new(fresh));
            // The parent's connection is left as it is: closing it here could say goodbye to the
            // receiver in the parent's name. One whose descriptor was closed is left as well.
            mem::forget(present);
        }
    }

    /// Sends a batch on the worker and waits for the answer, retrying for at most `timeout`. Not
    /// for the worker's own thread, nor with the interpreter's lock held.
    ///
    /// # Errors
    /// Where not everything was delivered; it has been reported.
    pub fn export_blocking(
        &self,
        batch: Batch,
        timeout: Duration,
    ) -> Result<ExportSummary, ExportError> {
        let export = self.begin_export(batch, timeout)?;
        loop {
            if let Some(outcome) = export.wait(Duration::MAX) {
                return outcome;
            }
        }
    }

    /// Has the worker send a batch, retrying for at most `timeout`.
    ///
    /// # Errors
    /// Where it cannot even be tried; that has been reported.
    pub fn begin_export(
        &self,
        batch: Batch,
        timeout: Duration,
    ) -> Result<PendingExport, ExportError> {
        let count = batch.len();
        worker::notice_loss();
        let state = self.state();
        if state.is_shut_down.load(Ordering::Relaxed) {
            deliver::report_shut_down(&self.settled);
            return Err(failed(count, "the exporter was shut down".to_owned()));
        }
        let (answer, answered) = mpsc::sync_channel(1);
        let timeout = limited(timeout);
        let deadline = Instant::now() + timeout;
        let started = worker::spawn(async move {
            let mut urgency = state.urgency.subscribe();
            let delivery =
                deliver::deliver(&state, batch, deadline, &mut urgency, Owner::Caller).await;
            deliver::report_outcome(&state, &delivery);
            let _ = answer.send(delivery);
        });
        if let Err(error) = started {
            let reason = format!("the export thread cannot be started: {error}");
            return Err(failed(count, reason));
        }
        Ok(PendingExport {
            answered,
            count,
            // The deadline is the worker's business; this is for a worker held up by something else.
            given_up_at: deadline + Duration::from_millis(250),
        })
    }

    /// Has operations kept from now on, for [`Exporter::take_operations`].
    pub fn keep_operations(&self) {
        let state = self.state();
        state.operations.are_wanted.store(true, Ordering::Relaxed);
    }

    /// The operations that have ended since the last call, the oldest first.
    pub fn take_operations(&self) -> Vec<Operation> {
        self.state().operations.take()
    }

    /// How many records are being exported, where operations are kept.
    pub fn in_flight(&self) -> usize {
        self.state().operations.in_flight()
    }

    /// Breaks off waits for another try; later exports fail at once. Batch processors that use
    /// this exporter are shut down before it.
    pub fn shutdown(&self) {
        worker::notice_loss();
        let state = self.state();
        state.is_shut_down.store(true, Ordering::Relaxed);
        worker::wake(|| {
            state.urgency.send_modify(|urgency| {
                urgency.closing.get_or_insert_with(Instant::now);
            });
        });
        deliver::report_lost_exports(&state);
    }
}

/// An export that the worker is at.
pub struct PendingExport {
    answered: mpsc::Receiver<deliver::Delivery>,
    count: usize,
    given_up_at: Instant,
}

impl PendingExport {
    /// Waits for at most `patience`; none while it is still going on. As
    /// [`Exporter::export_blocking`].
    pub fn wait(&self, patience: Duration) -> Option<Result<ExportSummary, ExportError>> {
        let left = self.given_up_at.saturating_duration_since(Instant::now());
        let delivery = match self.answered.recv_timeout(patience.min(left)) {
            Ok(delivery) => delivery,
            Err(mpsc::RecvTimeoutError::Timeout) if patience < left => return None,
            Err(_) => return Some(Err(failed(self.count, "timed out".to_owned()))),
        };
        let summary = ExportSummary {
            delivered: delivery.delivered,
            rejected: delivery.rejected,
        };
        let undelivered = delivery.failed + delivery.left_len();
        if undelivered == 0 {
            return Some(Ok(summary));
        }
        Some(Err(ExportError {
            summary,
            undelivered,
            reason: delivery.reason.to_string(),
        }))
    }
}

fn failed(undelivered: usize, reason: String) -> ExportError {
    ExportError {
        summary: ExportSummary::default(),
        undelivered,
        reason,
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        worker::notice_loss();
        let state = self.state.load_full();
        if !state.is_present() {
            mem::forget(state);
        }
    }
}

fn settle(config: ExporterConfig, proxy: Option<Proxy>) -> Result<Settled, ConfigError> {
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
    Ok(Settled {
        signal: config.signal,
        protocol: config.protocol,
        uri,
        headers: headers(&config, &endpoint, proxy.as_ref())?,
        proxy,
        timeout: limited(config.timeout),
        compression: config.compression,
        identity: match endpoint.tls {
            true => Some(Identity::read(&config.tls, config.protocol)?),
            false => None,
        },
        max_request_bytes: config
            .max_request_bytes
            .filter(|&max| max > 0)
            .unwrap_or(usize::MAX),
        retryable_grpc_codes: config
            .retryable_grpc_codes
            .unwrap_or_else(|| RETRYABLE_GRPC_CODES.to_vec()),
        logger: match (config.protocol, config.signal) {
            (Protocol::Grpc, _) => "opentelemetry.exporter.otlp.proto.grpc.exporter",
            (_, Signal::Traces) => "opentelemetry.exporter.otlp.proto.http.trace_exporter",
            (_, Signal::Metrics) => "opentelemetry.exporter.otlp.proto.http.metric_exporter",
            (_, Signal::Logs) => "opentelemetry.exporter.otlp.proto.http._log_exporter",
        },
        endpoint,
    })
}

fn headers(
    config: &ExporterConfig,
    endpoint: &Endpoint,
    proxy: Option<&Proxy>,
) -> Result<HeaderMap, ConfigError> {
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
    if let Some(user_info) = &endpoint.user_info {
        let basic = basic_authorization(user_info);
        headers.insert(AUTHORIZATION, value("authorization", basic.as_bytes())?);
    }
    if let Some(proxy) = proxy
        && let Some(authorization) = &proxy.authorization
        && !is_tunnelled(config.protocol, endpoint)
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
            value(name, base64(text).trim_end_matches('=').as_bytes())?
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

/// The header for `user:password` as a URL has them (RFC 7617).
pub(crate) fn basic_authorization(user_info: &str) -> String {
    let user_info = percent_decoded(user_info.as_bytes());
    format!("Basic {}", base64(user_info.as_bytes()))
}

/// Base64 as RFC 4648 has it, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0u32, |group, &byte| group << 8 | u32::from(byte));
        let group = group << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let index = (group >> (18 - 6 * position)) as usize & 63;
            match ALPHABET.get(index) {
                Some(&letter) if position <= chunk.len() => text.push(char::from(letter)),
                _ => text.push('='),
            }
        }
    }
    text
}

/// What a message holds in front of its body.
pub(crate) fn prefix_len(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Grpc => grpc::PREFIX_LEN,
        Protocol::HttpProtobuf => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_the_padding_of_the_standard() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(basic_authorization("me:a%40b"), "Basic bWU6YUBi");
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_named() {
        for (name, value, expected) in [
            ("x y", "1", "header name \"x y\""),
            ("x", "a\nb", "the value of header \"x\""),
        ] {
            let endpoint = "http://localhost:4318/";
            let mut config = ExporterConfig::new(Signal::Traces, Protocol::HttpProtobuf, endpoint);
            config.headers = vec![(name.to_owned(), value.into())];
            let error = Exporter::new(config).err().unwrap();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
