//! By way of an HTTP proxy: tunnels for gRPC, whole requests for plain HTTP, and a proxy that
//! refuses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::io::{Read, Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use collector::{Collector, batch, numbered};
use telemetry::export::{Exporter, ExporterConfig, Protocol};

/// Serves one connection, as a proxy for this target; gives what it was asked first.
fn proxy(target: SocketAddr, refuses: bool) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, was_asked) = mpsc::sync_channel(1);
    let serve = move || {
        let (mut near, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            near.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        asked
            .send(String::from_utf8(head.clone()).unwrap())
            .unwrap();
        if refuses {
            let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
            return near.write_all(answer).unwrap();
        }
        let mut far = TcpStream::connect(target).unwrap();
        if head.starts_with(b"CONNECT ") {
            near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .unwrap();
        } else {
            far.write_all(&head).unwrap();
        }
        let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let there = collector::in_background(move || {
            let _ = copy(&mut near_in, &mut far_out);
            let _ = far_out.shutdown(Shutdown::Both);
        });
        let _ = copy(&mut far, &mut near);
        there.join().unwrap();
    };
    collector::in_background(serve);
    (address, was_asked)
}

fn send(config: ExporterConfig, proxy: &str) -> Result<usize, String> {
    let exporter = Exporter::with_proxy(config, Some(proxy)).unwrap();
    let sent = exporter.export_blocking(batch(numbered(2)), Duration::from_millis(700));
    sent.map(|summary| summary.delivered)
        .map_err(|error| error.reason)
}

#[test]
fn grpc_goes_through_a_tunnel() {
    let collector = Collector::start(Protocol::Grpc);
    let (address, asked) = proxy(collector.address, false);
    let mut config = collector.config();
    // A name that only the proxy knows.
    config.endpoint = "http://collector.internal:4317".to_owned();
    assert_eq!(send(config, &format!("http://me:secret@{address}")), Ok(2));
    assert_eq!(
        asked.recv().unwrap(),
        "CONNECT collector.internal:4317 HTTP/1.1\r\nHost: collector.internal:4317\r\n\
         Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
    );
    assert_eq!(collector.names(), numbered(2));
}

#[test]
fn a_plain_http_request_is_handed_to_the_proxy_whole() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    let (address, asked) = proxy(collector.address, false);
    let mut config = collector.config();
    config.endpoint = "http://collector.internal:4318/v1/traces".to_owned();
    assert_eq!(send(config, &format!("me:secret@{address}")), Ok(2));
    let asked = asked.recv().unwrap();
    assert!(
        asked.starts_with("POST http://collector.internal:4318/v1/traces HTTP/1.1"),
        "{asked}"
    );
    assert!(
        asked.contains("proxy-authorization: Basic bWU6c2VjcmV0"),
        "{asked}"
    );
    assert_eq!(collector.names(), numbered(2));
}

#[test]
fn a_proxy_that_refuses_is_named_without_the_password() {
    let (address, _asked) = proxy("127.0.0.1:1".parse().unwrap(), true);
    let config = collector::config(Protocol::Grpc, "http://collector.internal:4317");
    let error = send(config.clone(), &format!("http://me:secret@{address}")).unwrap_err();
    let expected = format!("proxy http://{address}: it answers CONNECT with \"HTTP/1.1 407");
    assert!(error.contains(&expected), "{error}");
    let free = collector::free_address();
    let error = send(config.clone(), &free.to_string()).unwrap_err();
    assert!(
        error.contains(&format!("proxy http://{free}: connection refused")),
        "{error}"
    );
    assert!(Exporter::with_proxy(config, Some("https://proxy:3128")).is_err());
}
