//! Asks a running viewer for a trace or its metrics, drawn for this terminal.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use percent_encoding::NON_ALPHANUMERIC;

use crate::arguments::{MetricsArguments, ShowArguments};
use crate::live::write_out;
use crate::terminal::Terminal;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Writes the waterfall to standard output.
///
/// # Errors
/// No viewer at the address, or it has no such trace; the message says which.
pub(crate) fn show(arguments: &ShowArguments) -> io::Result<()> {
    let terminal = Terminal::of_standard_output(arguments.colour);
    let trace: String = arguments
        .trace
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let path = format!(
        "/api/waterfall?trace={trace}&width={}&colour={}&unicode={}&details={}&all={}",
        arguments.width.unwrap_or(terminal.width),
        u8::from(terminal.colour),
        u8::from(terminal.unicode),
        u8::from(!arguments.compact),
        u8::from(arguments.all),
    );
    write_out(&get(arguments.from, &path)?)
}

/// Writes the table of metrics to standard output.
///
/// # Errors
/// No viewer at the address; the message says so.
pub(crate) fn show_metrics(arguments: &MetricsArguments) -> io::Result<()> {
    let terminal = Terminal::of_standard_output(arguments.colour);
    let mut path = format!(
        "/api/metrics-table?width={}&colour={}&unicode={}&all={}",
        arguments.width.unwrap_or(terminal.width),
        u8::from(terminal.colour),
        u8::from(terminal.unicode),
        u8::from(arguments.all),
    );
    if let Some(service) = &arguments.service {
        let service = percent_encoding::utf8_percent_encode(service, NON_ALPHANUMERIC);
        path.push_str(&format!("&service={service}"));
    }
    write_out(&get(arguments.from, &path)?)
}

/// A GET over HTTP/1.0, which has the body end with the connection and nothing to parse.
fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("no viewer answers at {address}: {error}"),
        )
    })?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other(format!("what answers at {address} is no viewer")))?;
    if head.split(' ').nth(1) == Some("200") {
        return Ok(body.to_owned());
    }
    let problem = serde_json::from_str::<serde_json::Value>(body).ok();
    let problem = problem
        .as_ref()
        .and_then(|problem| problem.get("error")?.as_str());
    Err(io::Error::other(
        problem.unwrap_or("the viewer could not answer").to_owned(),
    ))
}
