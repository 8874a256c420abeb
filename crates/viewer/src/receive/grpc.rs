//! OTLP over gRPC: the `Export` call of each signal's service, through tonic. Messages are taken
//! as the bytes they are.

use std::pin::Pin;
use std::time::Duration;

use ::http::{Request, Response, header};
use bytes::{Buf, BufMut, Bytes};
use hyper::body::Incoming;
use prost::Message;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};

use super::http::partial;
use super::{BODY_LIMIT, Receiver};
use crate::otlp::Signal;
use crate::store::{Ending, Refused};

/// Time for a call to come in and be answered.
const CALL_TIME: Duration = Duration::from_secs(60);

pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| {
        let rest = value.as_bytes().strip_prefix(b"application/grpc");
        // grpc-web is another protocol, which browsers can speak.
        rest.is_some_and(|rest| rest.is_empty() || matches!(rest.first(), Some(b'+' | b';')))
    })
}

fn signal(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}

pub(super) async fn call(receiver: &Receiver, request: Request<Incoming>) -> Response<Body> {
    let Some(signal) = signal(request.uri().path()) else {
        return Status::unimplemented("there is no such call here").into_http();
    };
    let mut grpc = Grpc::new(Raw)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(BODY_LIMIT);
    let export = Export(receiver.clone(), signal);
    let answered = tokio::time::timeout(CALL_TIME, grpc.unary(export, request)).await;
    let response = answered
        .unwrap_or_else(|_| Status::deadline_exceeded("the request came too slowly").into_http());
    // A failed call has its status in the head of the response, a good one in the trailers.
    let status = response.headers().get("grpc-status");
    if status.is_some_and(|status| status != "0") {
        receiver.count_refused();
    }
    response
}

struct Export(Receiver, Signal);

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (intake, signal) = (self.0.intake.clone(), self.1);
        Box::pin(async move {
            let message = request.into_inner();
            let taken = intake
                .take(signal, move || Ok::<_, Unavailable>(message))
                .await;
            match taken {
                Ok(Ok(outcome)) => {
                    let answer = partial(&outcome).encode_to_vec();
                    Ok(tonic::Response::new(answer.into()))
                }
                Ok(Err(Refused::Malformed(what))) => Err(Status::internal(what)),
                Ok(Err(Refused::TooLarge(what))) => Err(Status::resource_exhausted(what)),
                Err(Unavailable) => Err(Status::unavailable("the viewer is ending")),
            }
        })
    }
}

struct Unavailable;

impl From<Ending> for Unavailable {
    fn from(_: Ending) -> Self {
        Self
    }
}

/// Messages as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
