//! The totals while they grow: on a terminal a page that is written over, with the newest traces;
//! elsewhere one line whenever something new arrived, and a table at the end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::draw::terminal::Terminal;
use crate::ids::hex;
use crate::otlp::Signal;
use crate::search::summary::Summary;
use crate::search::traces::newest;
use crate::store::{Store, Totals};
use crate::text;

const TERMINAL_INTERVAL: Duration = Duration::from_millis(250);
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);
/// Services listed while running; the table at the end lists all.
const SERVICES_SHOWN: usize = 10;
const TRACES_SHOWN: usize = 8;
/// Digits of a trace id that are shown and suffice for `oxitel-viewer show`.
const ID_DIGITS: usize = 8;

pub(crate) struct LiveView {
    store: Store,
    terminal: Terminal,
    /// Lines of the page as it was written last.
    lines_written: usize,
    last_look: Instant,
    last_records: u64,
}

impl LiveView {
    pub(crate) fn new(store: Store, terminal: Terminal) -> Self {
        Self {
            store,
            terminal,
            lines_written: 0,
            last_look: Instant::now(),
            last_records: 0,
        }
    }

    /// Shows what arrives for as long as the future is polled; ends only if writing fails.
    pub(crate) async fn follow(&mut self) -> io::Error {
        loop {
            let interval = if self.terminal.is_terminal {
                TERMINAL_INTERVAL
            } else {
                PLAIN_INTERVAL
            };
            if let Err(error) = self.show() {
                return error;
            }
            tokio::time::sleep(interval).await;
        }
    }

    fn show(&mut self) -> io::Result<()> {
        let totals = self.store.lock().totals.clone();
        let records = totals.traces.records + totals.metrics.records + totals.logs.records;
        let arrived = records.saturating_sub(self.last_records);
        let rate = arrived as f64 / self.last_look.elapsed().as_secs_f64().max(0.001);
        self.last_look = Instant::now();
        self.last_records = records;
        if !self.terminal.is_terminal {
            return match arrived {
                0 => Ok(()),
                _ => write_out(&format!("{}\n", signals(&totals, None))),
            };
        }
        let mut page = vec![signals(&totals, Some(rate as u64))];
        page.extend(services(&totals, SERVICES_SHOWN, self.terminal));
        page.extend(traces(&self.store, self.terminal));
        self.write_over(&page)
    }

    /// The last word: every service, without the traces.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let totals = self.store.lock().totals.clone();
        let mut page = vec![signals(&totals, None)];
        page.extend(services(&totals, usize::MAX, self.terminal));
        self.write_over(&page)
    }

    fn write_over(&mut self, page: &[String]) -> io::Result<()> {
        let columns = self.terminal.width.saturating_sub(1);
        let back = match self.lines_written {
            0 => String::new(),
            lines => format!("\r\x1b[{lines}A\x1b[J"),
        };
        let unicode = self.terminal.unicode;
        let page: Vec<_> = page
            .iter()
            .map(|line| text::shorten(line, columns, unicode))
            .collect();
        self.lines_written = page.len();
        write_out(&format!("{back}{}\n", page.join("\n")))
    }
}

fn write_out(text: &str) -> io::Result<()> {
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
        (
            totals.dropped_of(Signal::Traces)
                + totals.dropped_of(Signal::Logs)
                + totals.dropped_data_points,
            "no longer kept",
        ),
        (totals.refused_requests, "requests refused"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", text::count(number)));
        }
    }
    parts.join(", ")
}

fn services(totals: &Totals, most: usize, terminal: Terminal) -> Vec<String> {
    let mut lines: Vec<String> = totals
        .services
        .iter()
        .take(most)
        .map(|(service, it)| {
            let name = text::clean(service, terminal.unicode);
            let name = text::fit(&name, 30, terminal.unicode);
            let spans = text::counted(it.spans, "span");
            let others = [
                (it.errors, "error"),
                (it.log_records, "log record"),
                (it.data_points, "data point"),
            ];
            let others: Vec<String> = others
                .into_iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, noun)| text::counted(number, noun))
                .collect();
            format!("  {name} {spans:>16}  {}", others.join(", "))
        })
        .collect();
    let more = totals.services.len().saturating_sub(most);
    if more > 0 {
        let more = text::counted(more as u64, "further service");
        lines.push(format!("  and {more}"));
    }
    lines
}

fn traces(store: &Store, terminal: Terminal) -> Vec<String> {
    let newest = newest(store, TRACES_SHOWN);
    let mut lines: Vec<String> = newest.iter().map(|it| trace_line(it, terminal)).collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn trace_line(trace: &Summary, terminal: Terminal) -> String {
    let id: String = hex(&trace.id).chars().take(ID_DIGITS).collect();
    let name = text::clean(&trace.root_name, terminal.unicode);
    let name = text::fit(&name, 30, terminal.unicode);
    let spans = text::counted(trace.spans, "span");
    let duration = text::duration(trace.duration());
    let errors = match trace.errors {
        0 => String::new(),
        errors => format!("{}, ", text::counted(errors, "error")),
    };
    let services: Vec<&str> = trace.services.iter().map(|it| it.name.as_ref()).collect();
    let services = text::clean(&services.join(", "), terminal.unicode);
    let line = format!("  {id}  {name} {duration:>9} {spans:>13}  {errors}{services}");
    if terminal.unicode {
        line
    } else {
        line.replace('µ', "u")
    }
}
