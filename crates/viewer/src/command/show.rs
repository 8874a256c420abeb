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
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// Writes the waterfall to standard output.
///
/// # Errors
/// No viewer at the address, or it has no such trace, or none came in time; the message says which.
pub(crate) fn show(arguments: &ShowArguments) -> io::Result<()> {
    if arguments.wait {
        wait_for_more(arguments.from)?;
    }
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
    write_out(&get(arguments.from, &path)?.text()?)
}

/// Returns when a trace of the last minute is there to which nothing has been added for a while.
fn wait_for_more(viewer: SocketAddr) -> io::Result<()> {
    let begun = Instant::now();
    let mut seen = Value::Null;
    let mut changed = begun;
    loop {
        let answer = get(viewer, "/api/traces?limit=1&from=-1m")?.text()?;
        let answer: Value = serde_json::from_str(&answer).map_err(io::Error::other)?;
        let newest = answer.pointer("/data/0").cloned().unwrap_or(Value::Null);
        if newest != seen {
            seen = newest;
            changed = Instant::now();
        }
        if !seen.is_null() && changed.elapsed() >= QUIET_FOR {
            return Ok(());
        }
        if begun.elapsed() >= LONGEST_WAIT {
            // What goes on and on is drawn as far as it has come.
            return if seen.is_null() {
                Err(io::Error::other(format!(
                    "no trace of the last minute has come in {} seconds",
                    LONGEST_WAIT.as_secs()
                )))
            } else {
                Ok(())
            };
        }
        sleep(BETWEEN_QUESTIONS);
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
