//! Asks a running viewer, over HTTP/1.0, which has the body end with the connection and nothing
//! to parse.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const CONNECT_TIME: Duration = Duration::from_secs(2);
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Time for a short question to what may be no viewer at all.
const QUICK_TIME: Duration = Duration::from_secs(2);

/// An answer, whatever it says.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    /// What the viewer says is wrong.
    pub(crate) fn problem(&self) -> String {
        let told = serde_json::from_str::<serde_json::Value>(&self.body).ok();
        let message = told
            .as_ref()
            .and_then(|it| it.get("error")?.get("message")?.as_str());
        message.unwrap_or("the viewer could not answer").to_owned()
    }

    pub(crate) fn text(self) -> io::Result<String> {
        if self.status == 200 {
            Ok(self.body)
        } else {
            Err(io::Error::other(self.problem()))
        }
    }
}

pub(crate) fn path(path: &str, pairs: &[(String, String)]) -> String {
    let encoded = pairs.iter().map(|(key, value)| {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        format!("{key}={value}")
    });
    let encoded: Vec<String> = encoded.collect();
    if encoded.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", encoded.join("&"))
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<Reply> {
    get_within(address, path, ANSWER_TIME)
}

/// The answer to a short question, if it comes soon.
pub(crate) fn get_soon(address: SocketAddr, path: &str) -> io::Result<Reply> {
    get_within(address, path, QUICK_TIME)
}

fn get_within(address: SocketAddr, path: &str, time: Duration) -> io::Result<Reply> {
    let head = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    exchange(address, &head, &[], time)
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &[u8]) -> io::Result<Reply> {
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\ncontent-type: application/json\r\n\
         x-oxitel: 1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    exchange(address, &head, body, ANSWER_TIME)
}

fn exchange(address: SocketAddr, head: &str, body: &[u8], time: Duration) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIME).map_err(|error| {
        let message = format!("no viewer answers at {address}: {error}");
        io::Error::new(error.kind(), message)
    })?;
    stream.set_read_timeout(Some(time))?;
    stream.set_write_timeout(Some(time))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let no_viewer = || io::Error::other(format!("what answers at {address} is no viewer"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(no_viewer)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(Reply {
        status: status.ok_or_else(no_viewer)?,
        body: body.to_owned(),
    })
}
