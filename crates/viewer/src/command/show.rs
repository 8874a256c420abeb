//! Asks a running viewer for a trace or its metrics, drawn for this terminal.

use std::io;

use percent_encoding::NON_ALPHANUMERIC;

use super::arguments::{MetricsArguments, ShowArguments};
use super::client::get;
use super::write_out;
use crate::draw::terminal::Terminal;

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
    write_out(&get(arguments.from, &path)?.text()?)
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
