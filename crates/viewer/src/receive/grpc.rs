//! OTLP over gRPC: the `Export` call of each signal's service, through tonic.

use std::marker::PhantomData;

use ::http::{Request, Response, header};
use hyper::body::Incoming;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

use super::{BODY_LIMIT, SharedStore};
use crate::signal::Signal;

pub(super) fn is_grpc<B>(request: &Request<B>) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

pub(super) fn unimplemented() -> Response<Body> {
    Status::unimplemented("there is no such call here").into_http()
}

pub(super) async fn export<S: Signal>(
    request: Request<Incoming>,
    store: SharedStore,
) -> Response<Body> {
    let refused = store.clone();
    let response = Grpc::new(ProstCodec::<S::Response, S::Request>::default())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(BODY_LIMIT)
        .unary(Export::<S>(store, PhantomData), request)
        .await;
    // A failed call has its status in the head of the response, a good one in the trailers.
    if response
        .headers()
        .get("grpc-status")
        .is_some_and(|status| status != "0")
    {
        refused.lock().totals.refused_requests += 1;
    }
    response
}

struct Export<S>(SharedStore, PhantomData<S>);

impl<S: Signal> UnaryService<S::Request> for Export<S> {
    type Response = S::Response;
    type Future = std::future::Ready<Result<tonic::Response<S::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<S::Request>) -> Self::Future {
        let response = S::take(&mut self.0.lock(), request.into_inner());
        std::future::ready(Ok(tonic::Response::new(response)))
    }
}
