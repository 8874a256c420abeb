//! Asks a running viewer for a trace or its metrics, drawn for this terminal.

use std::io;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use percent_encoding::NON_ALPHANUMERIC;
use serde_json::Value;

use super::arguments::{MetricsArguments, ShowArguments};
use super::client::get;
use super::write_out;
use crate::draw::terminal::Terminal;

const LONGEST_WAIT: Duration = Duration::from_secs(30);
const QUIET_FOR: Duration = Duration::from_secs(1);
/// For what was there before anybody waited: exporters send every five seconds, so that for so
/// long the one that is waited for may still be on its way.
const QUIET_FOR_KNOWN: Duration = Duration::from_secs(6);
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// Writes the waterfall to standard output.
///
/// # Errors
/// No viewer at the address, or it has no such trace, or none came in time; the message says which.
pub(crate) fn show(arguments: &ShowArguments) -> io::Result<()> {
    let terminal = Terminal::of_standard_output(arguments.colour);
    let mut trace: String = arguments
        .trace
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    if arguments.wait {
        trace = wait_for(arguments.from, trace)?;
    }
    let path = format!(
        "/api/waterfall?trace={trace}&width={}&colour={}&unicode={}&details={}&all={}",
        arguments.width.unwrap_or(terminal.width),
        u8::from(terminal.colour),
        u8::from(terminal.unicode),
        u8::from(!arguments.compact),
        u8::from(arguments.all),
    );
    write_out(&get(arguments.from, &path)?.text()?)
}

/// Returns when a trace is there that `name` could mean, of the last minute unless it is an id,
/// and nothing has been added to it for a while. Gives the name by which to ask for it.
fn wait_for(viewer: SocketAddr, name: String) -> io::Result<String> {
    let (query, from) = match name.as_str() {
        "latest" | "slowest" => (String::new(), "-1m"),
        "failed" => ("status:error".to_owned(), "-1m"),
        id => (format!("trace:{id}"), "0"),
    };
    let pairs = [("limit", "1"), ("from", from), ("q", query.as_str())];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let path = super::client::path("/api/traces", &pairs);
    let begun = Instant::now();
    let ask = || -> io::Result<Value> {
        let answer = get(viewer, &path)?.text()?;
        let answer: Value = serde_json::from_str(&answer).map_err(io::Error::other)?;
        Ok(answer.pointer("/data/0").cloned().unwrap_or(Value::Null))
    };
    let known = ask()?;
    let mut seen = known.clone();
    let mut changed = begun;
    loop {
        let enough = if seen == known {
            QUIET_FOR_KNOWN
        } else {
            QUIET_FOR
        };
        // What goes on and on is drawn as far as it has come.
        let is_over = begun.elapsed() >= LONGEST_WAIT;
        if let Some(id) = seen.get("trace_id").and_then(Value::as_str)
            && (is_over || changed.elapsed() >= enough)
        {
            // The slowest of all, whenever that was.
            let is_of_all = name == "slowest";
            return Ok(if is_of_all { name } else { id.to_owned() });
        }
        if is_over {
            return Err(io::Error::other(format!(
                "nothing that could be meant by {name} has come in {} seconds",
                LONGEST_WAIT.as_secs()
            )));
        }
        sleep(BETWEEN_QUESTIONS);
        let newest = ask()?;
        if newest != seen {
            seen = newest;
            changed = Instant::now();
        }
    }
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
    write_out(&get(arguments.from, &path)?.text()?)
}
