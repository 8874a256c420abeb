//! The totals while they grow: on a terminal a few lines that are written over, elsewhere one
//! line whenever something new arrived, and a table at the end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::receive::SharedStore;
use crate::store::Totals;
use crate::terminal::Terminal;
use crate::text;

const TERMINAL_INTERVAL: Duration = Duration::from_millis(250);
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);
/// Services listed while running; the table at the end lists all.
const SERVICES_SHOWN: usize = 12;

/// Shows the totals for as long as the future is polled; gives back only if writing fails.
pub(crate) async fn follow(store: SharedStore, terminal: Terminal) -> io::Error {
    let mut lines_above = 0;
    let mut last_records = u64::MAX;
    let mut last = (Instant::now(), 0);
    loop {
        let totals = store.lock().totals.clone();
        let records = totals.traces.records + totals.metrics.records + totals.logs.records;
        let elapsed = last.0.elapsed().as_secs_f64();
        let rate = if elapsed > 0.0 {
            (records.saturating_sub(last.1)) as f64 / elapsed
        } else {
            0.0
        };
        last = (Instant::now(), records);
        let written = if terminal.is_terminal {
            let lines = lines(&totals, Some(rate as u64), SERVICES_SHOWN, terminal);
            let up = if lines_above > 0 {
                format!("\x1b[{lines_above}A")
            } else {
                String::new()
            };
            lines_above = lines.len();
            write_out(&format!("{up}\x1b[J{}\n", lines.join("\n")))
        } else if records != last_records && records > 0 {
            write_out(&format!("{}\n", signals(&totals, None)))
        } else {
            Ok(())
        };
        if let Err(error) = written {
            return error;
        }
        last_records = records;
        tokio::time::sleep(if terminal.is_terminal {
            TERMINAL_INTERVAL
        } else {
            PLAIN_INTERVAL
        })
        .await;
    }
}

/// The last word, without limit on the services.
pub(crate) fn finish(store: &SharedStore, terminal: Terminal) -> io::Result<()> {
    let totals = store.lock().totals.clone();
    write_out(&format!(
        "\n{}\n",
        lines(&totals, None, usize::MAX, terminal).join("\n")
    ))
}

pub(crate) fn write_out(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn signals(totals: &Totals, rate: Option<u64>) -> String {
    let mut parts = vec![format!(
        "{} in {}",
        text::counted(totals.traces.records, "span"),
        text::counted(totals.traces.requests, "request")
    )];
    if totals.metrics.requests > 0 {
        parts.push(text::counted(totals.metrics.records, "data point"));
    }
    if totals.logs.requests > 0 {
        parts.push(text::counted(totals.logs.records, "log record"));
    }
    if let Some(rate) = rate {
        parts.push(format!("{}/s", text::count(rate)));
    }
    for (number, what) in [
        (totals.duplicate_spans, "twice"),
        (totals.invalid_spans, "invalid"),
        (totals.dropped_spans, "no longer kept"),
        (totals.refused_requests, "requests refused"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", text::count(number)));
        }
    }
    parts.join(", ")
}

fn lines(totals: &Totals, rate: Option<u64>, most: usize, terminal: Terminal) -> Vec<String> {
    let columns = terminal.width.saturating_sub(1);
    let mut lines = vec![signals(totals, rate)];
    for (service, it) in totals.services.iter().take(most) {
        let name = text::fit(
            &text::clean(service, terminal.unicode),
            30,
            terminal.unicode,
        );
        let errors = if it.errors > 0 {
            format!("  {}", text::counted(it.errors, "error"))
        } else {
            String::new()
        };
        lines.push(format!(
            "  {name} {:>12}{errors}",
            text::counted(it.spans, "span")
        ));
    }
    let more = totals.services.len().saturating_sub(most);
    if more > 0 {
        lines.push(format!(
            "  and {}",
            text::counted(more as u64, "further service")
        ));
    }
    lines
        .iter()
        .map(|line| text::shorten(line, columns, terminal.unicode))
        .collect()
}
