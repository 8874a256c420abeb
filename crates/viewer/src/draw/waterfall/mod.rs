//! A trace as a waterfall: the tree on the left, every span's bar on one time axis, its duration
//! on the right, what is worth knowing about it on the lines below.

mod bar;
mod detail;
mod log;
mod row;

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::draw::Style;
use crate::draw::pen::{BAD, BOLD, CAUTION, DIM, FAINT, GOOD, Pen};
use crate::ids::{SpanId, TraceId, hex};
use crate::text;
use crate::trace::logs::StoredLog;
use crate::trace::tree::{Detached, Forest, Node};
use crate::trace::{Trace, status_code};
use bar::{Axis, Cell, Ink};
use row::{Row, Subject};

const MIN_WIDTH: usize = 60;
const MAX_WIDTH: usize = 400;
/// Columns of the duration with its status, and the space before it.
const RIGHT: usize = 13;
/// Columns that the names have at least.
const MIN_LEFT: usize = 22;
/// Columns of a service's name in the tree; the list at the top has it whole.
const LONGEST_SERVICE: usize = 20;

/// Draws the trace; every line ends with a line feed. `logs` are its log records, by time.
pub(crate) fn render(id: &TraceId, trace: &Trace, logs: &[&StoredLog], style: &Style) -> String {
    let style = Style {
        width: style.width.clamp(MIN_WIDTH, MAX_WIDTH),
        ..*style
    };
    let forest = Forest::new(&trace.spans);
    let mut canvas = Canvas::new(&forest, style);
    canvas.take_logs(logs);
    canvas.head(id, trace, logs);
    canvas.body();
    canvas.logs_without_span();
    canvas.foot();
    canvas.lines
}

/// Columns that the names have at most.
fn left_most(style: &Style) -> usize {
    style.width * 46 / 100
}

struct Canvas<'a> {
    forest: &'a Forest<'a>,
    style: Style,
    pen: Pen,
    /// Services in order of their first span in the tree; the position decides the colour.
    services: Vec<Arc<str>>,
    rows: Vec<Row>,
    /// Spans for which there was no row.
    left_out: usize,
    /// The log records of each span that was received, by time.
    logs: HashMap<SpanId, Vec<&'a StoredLog>>,
    /// Log records whose span was not received.
    stray_logs: Vec<&'a StoredLog>,
    /// Log records that had to be shown and were not yet.
    logs_waiting: usize,
    left: usize,
    axis: Axis,
    lines: String,
}

impl<'a> Canvas<'a> {
    fn new(forest: &'a Forest<'a>, style: Style) -> Self {
        let levels = left_most(&style).saturating_sub(MIN_LEFT) / 3 + 1;
        let (rows, left_out) = row::rows(forest, levels, style.all);
        let mut canvas = Self {
            forest,
            style,
            pen: Pen {
                colour: style.colour,
                unicode: style.unicode,
            },
            services: Vec::new(),
            rows,
            left_out,
            logs: HashMap::new(),
            stray_logs: Vec::new(),
            logs_waiting: 0,
            left: 0,
            axis: Axis {
                start: forest.range.0,
                length: forest.range.1 - forest.range.0,
                cells: 0,
                unicode: style.unicode,
                exact_edges: style.unicode && style.colour,
            },
            lines: String::new(),
        };
        canvas.collect_services();
        let wanted = canvas
            .rows
            .iter()
            .map(|row| text::width(&canvas.guide(row, true)) + canvas.label_width(row))
            .max()
            .unwrap_or(0);
        canvas.left = (wanted + 2).clamp(MIN_LEFT, left_most(&style));
        canvas.axis.cells = style.width.saturating_sub(canvas.left + RIGHT);
        canvas
    }

    fn collect_services(&mut self) {
        let rows = self.rows.iter().flat_map(|row| match &row.subject {
            Subject::Span(index) => std::slice::from_ref(index),
            Subject::Alike(spans) => spans.as_slice(),
        });
        for node in rows.filter_map(|index| self.forest.node(*index)) {
            if !self.services.contains(&node.stored.service) {
                self.services.push(Arc::clone(&node.stored.service));
            }
        }
    }

    fn head(&mut self, id: &TraceId, trace: &Trace, logs: &[&StoredLog]) {
        let title = self
            .forest
            .roots
            .first()
            .and_then(|root| self.forest.node(*root))
            .map_or_else(
                || "(no spans)".to_owned(),
                |node| self.pen.clean(&node.stored.span.name),
            );
        let id = format!("trace {}", hex(id));
        let room = self.style.width.saturating_sub(text::width(&id) + 4);
        let title = text::fit(&title, room, self.style.unicode);
        self.line(&[("", "  "), (BOLD, &title), ("", "  "), (DIM, &id)]);

        let errors = trace.spans.iter().filter(|span| span.is_error()).count() as u64;
        let between = if self.style.unicode { " · " } else { ", " };
        let mut facts = text::duration(self.axis.length);
        facts.push_str(between);
        facts.push_str(&text::counted(trace.spans.len() as u64, "span"));
        facts.push_str(between);
        if !logs.is_empty() {
            facts.push_str(&text::counted(logs.len() as u64, "log record"));
            facts.push_str(between);
        }
        let (ink, verdict) = if errors > 0 {
            (
                BAD,
                format!("{} {}", self.pen.cross(), text::counted(errors, "error")),
            )
        } else {
            (GOOD, format!("{} no errors", self.pen.tick()))
        };
        let facts = self.pen.ascii(facts);
        let used = text::width(&facts) + text::width(&verdict) + 4;
        let room = self.style.width.saturating_sub(used);
        let mut time = text::time_of_day(self.axis.start);
        if text::width(&time) > room {
            // Without the date; where not even that has room, without the time.
            time = time.split_off(time.find(' ').map_or(0, |space| space + 1));
        }
        if text::width(&time) > room {
            time.clear();
        }
        let used = used + text::width(&time);
        let gap = " ".repeat(self.style.width.saturating_sub(used));
        self.line(&[
            ("", "  "),
            ("", &facts),
            (ink, &verdict),
            ("", &gap),
            ("", "  "),
            (DIM, &time),
        ]);

        let mut counts: HashMap<Arc<str>, u64> = HashMap::new();
        for span in &trace.spans {
            *counts.entry(Arc::clone(&span.service)).or_default() += 1;
        }
        let mut parts: Vec<(String, String)> = Vec::new();
        for service in self.services.iter().take(12) {
            let colour = self.service_colour(service);
            parts.push((
                colour,
                format!("  {} {}", self.pen.square(), self.pen.clean(service)),
            ));
            let count = counts.get(service).copied().unwrap_or(0);
            parts.push((DIM.to_owned(), format!(" {} ", text::count(count))));
        }
        let parts: Vec<(&str, &str)> = parts
            .iter()
            .map(|(ink, text)| (ink.as_str(), text.as_str()))
            .collect();
        self.line(&parts);
        self.line(&[]);
        let ruler = self.axis.ruler();
        let gap = " ".repeat(self.left);
        self.line(&[("", &gap), (DIM, &ruler)]);
    }

    fn body(&mut self) {
        for row in std::mem::take(&mut self.rows) {
            match &row.subject {
                Subject::Span(index) => {
                    if let Some(node) = self.forest.node(*index) {
                        self.span_row(&row, node);
                        self.details(&row, node);
                    }
                }
                Subject::Alike(spans) => self.alike_row(&row, spans),
            }
            self.rows.push(row);
        }
    }

    fn span_row(&mut self, row: &Row, node: &Node<'_>) {
        let span = &node.stored.span;
        let colour = self.service_colour(&node.stored.service);
        let guide = self.guide(row, true);
        let kind = format!("{} ", self.pen.kind(span.kind));
        let service = self.service_label(row, node);
        let used = text::width(&guide) + text::width(&kind) + text::width(&service) + 1;
        let room = self.left.saturating_sub(used);
        let name = text::fit(&self.pen.clean(&span.name), room, self.style.unicode);
        let status = status_code(span);
        let name_ink = if status == StatusCode::Error { BAD } else { "" };

        let events: Vec<u64> = span
            .events
            .iter()
            .map(|event| event.time_unix_nano.saturating_add_signed(node.shift))
            .collect();
        let bar = match node.start {
            Some(start) => self.axis.bar(start, node.end, &events),
            None => self.axis.blank(),
        };
        let bar = self.pen.bar(&bar, &colour);
        let (duration, duration_ink) = match (node.start, node.duration()) {
            (None, _) => ("no start".to_owned(), CAUTION),
            (_, None) => ("no end".to_owned(), CAUTION),
            (_, Some(duration)) => (text::duration(duration), ""),
        };
        let duration = format!("{:>11}", self.pen.ascii(duration));
        let (verdict, verdict_ink) = match status {
            StatusCode::Unset => (" ", ""),
            StatusCode::Ok => (self.pen.tick(), GOOD),
            StatusCode::Error => (self.pen.cross(), BAD),
        };
        let service_ink = format!("1;{colour}");
        self.line(&[
            (FAINT, &guide),
            (&service_ink, &service),
            (&colour, &kind),
            (name_ink, &name),
            ("", " "),
            ("raw", &bar),
            (duration_ink, &duration),
            ("", " "),
            (verdict_ink, verdict),
        ]);
    }

    fn alike_row(&mut self, row: &Row, spans: &[usize]) {
        let nodes: Vec<_> = spans
            .iter()
            .filter_map(|index| self.forest.node(*index))
            .collect();
        let Some(first) = nodes.first() else { return };
        let colour = self.service_colour(&first.stored.service);
        let errors = nodes.iter().filter(|node| node.stored.is_error()).count() as u64;
        let longest = nodes
            .iter()
            .filter_map(|node| node.duration())
            .max()
            .unwrap_or(0);
        let start = nodes.iter().filter_map(|node| node.start).min();
        let end = nodes
            .iter()
            .filter_map(|node| node.end.or(node.start))
            .max();
        let guide = self.guide(row, true);
        let label = self.alike_label(spans);
        let room = self.left.saturating_sub(text::width(&guide) + 1);
        let label = text::fit(&label, room, self.style.unicode);
        let bar: Vec<Cell> = start
            .map(|start| self.axis.bar(start, end, &[]))
            .unwrap_or_default()
            .into_iter()
            .map(|cell| match cell.ink {
                Ink::Bar | Ink::Cut => Cell {
                    character: if self.style.unicode { '▒' } else { '%' },
                    ink: Ink::Bar,
                },
                _ => cell,
            })
            .collect();
        let bar = self.pen.bar(&bar, &colour);
        let longest = format!(
            "{:>11}",
            self.pen.ascii(format!("≤{}", text::duration(longest)))
        );
        let verdict = if errors > 0 { self.pen.cross() } else { " " };
        self.line(&[
            (FAINT, &guide),
            (DIM, &label),
            ("", " "),
            ("raw", &bar),
            (DIM, &longest),
            ("", " "),
            (BAD, verdict),
        ]);
        if errors > 0 {
            let text = format!(
                "{} {} of them failed",
                self.pen.cross(),
                text::count(errors)
            );
            self.detail_line(row, BAD, &text);
        }
    }

    fn details(&mut self, row: &Row, node: &Node<'_>) {
        match node.detached {
            None => {}
            Some(Detached::ParentMissing) => {
                let parent = hex(&node.stored.span.parent_span_id);
                let text = format!("{} parent {parent} was not received", self.pen.warning());
                self.detail_line(row, CAUTION, &self.pen.clean(&text));
            }
            Some(Detached::Cycle) => {
                let text = format!("{} its parents form a cycle", self.pen.warning());
                self.detail_line(row, CAUTION, &text);
            }
        }
        let id = SpanId::try_from(node.stored.span.span_id.as_slice()).unwrap_or_default();
        let logs = self.logs.remove(&id).unwrap_or_default();
        for line in detail::lines(node, &logs, &self.style) {
            let ink = match line.kind {
                detail::Kind::Failure => BAD,
                detail::Kind::Attributes => DIM,
                detail::Kind::Event => "",
                detail::Kind::Log(severity) => {
                    let guide = self.guide(row, false);
                    self.log_line(&guide, severity, &line);
                    continue;
                }
            };
            self.detail_line(row, ink, &line.text);
        }
    }

    fn detail_line(&mut self, row: &Row, ink: &str, content: &str) {
        let guide = self.guide(row, false);
        let room = self.style.width.saturating_sub(text::width(&guide) + 1);
        let content = text::shorten(content, room, self.style.unicode);
        self.line(&[(FAINT, &guide), (ink, &content)]);
    }

    fn foot(&mut self) {
        if self.left_out > 0 {
            let text = format!(
                "  … and {} not shown",
                text::counted(self.left_out as u64, "span")
            );
            let text = self.pen.ascii(text);
            self.line(&[(DIM, &text)]);
        }
        self.logs_left_out();
        for (service, correction) in self.forest.corrections.iter().take(12) {
            let text = format!(
                "  {} the clock of {} was put right by {}{}",
                self.pen.warning(),
                self.pen.clean(service),
                if *correction < 0 { '-' } else { '+' },
                text::duration(correction.unsigned_abs()),
            );
            let text = self.pen.ascii(text);
            self.line(&[(CAUTION, &text)]);
        }
        if !self.style.details {
            return;
        }
        let kinds = [
            (SpanKind::Server, "server"),
            (SpanKind::Client, "client"),
            (SpanKind::Producer, "producer"),
            (SpanKind::Consumer, "consumer"),
            (SpanKind::Internal, "internal"),
        ];
        let mut legend = String::new();
        for (kind, name) in kinds {
            if self
                .forest
                .nodes
                .iter()
                .any(|node| node.stored.span.kind == kind as i32)
            {
                legend.push_str(&format!("  {} {name}", self.pen.kind(kind as i32)));
            }
        }
        if self
            .forest
            .nodes
            .iter()
            .any(|node| !node.stored.span.events.is_empty())
        {
            legend.push_str(if self.style.unicode {
                "  ◆ event"
            } else {
                "  * event"
            });
        }
        self.line(&[]);
        self.line(&[(DIM, &legend)]);
    }

    /// The lines that lead to a row. `joins`: the row itself, not a line below it.
    fn guide(&self, row: &Row, joins: bool) -> String {
        let [down, branch, end, gap] = if self.style.unicode {
            ["│  ", "├─ ", "└─ ", "   "]
        } else {
            ["|  ", "|- ", "`- ", "   "]
        };
        let mut guide = String::from("  ");
        let hidden = (row.depth + 1).saturating_sub(row.ends.len());
        if hidden > 0 {
            // The levels on the left are not drawn; say how many there are.
            let text = format!("{hidden}> ");
            guide = text::fit(&text, 6, self.style.unicode);
        }
        // The roots stand beside each other without a line.
        let first = usize::from(hidden == 0);
        for (level, ends) in row.ends.iter().enumerate().skip(first) {
            let is_own = level + 1 == row.ends.len();
            guide.push_str(match (is_own && joins, ends) {
                (true, false) => branch,
                (true, true) => end,
                (false, false) => down,
                (false, true) => gap,
            });
        }
        if !joins {
            guide.push_str(if row.has_children { down } else { gap });
        }
        guide
    }

    fn label_width(&self, row: &Row) -> usize {
        match &row.subject {
            Subject::Span(index) => self.forest.node(*index).map_or(0, |node| {
                text::width(&self.service_label(row, node))
                    + text::width(&self.pen.clean(&node.stored.span.name))
                    + 2
            }),
            Subject::Alike(spans) => text::width(&self.alike_label(spans)),
        }
    }

    fn alike_label(&self, spans: &[usize]) -> String {
        let first = spans.first().and_then(|index| self.forest.node(*index));
        let name = first
            .map(|node| self.pen.clean(&node.stored.span.name))
            .unwrap_or_default();
        let mark = if self.style.unicode { '…' } else { '+' };
        format!("{mark} {} more {name}", text::count(spans.len() as u64))
    }

    /// The service is named where a part of the tree begins that belongs to another one.
    fn service_label(&self, row: &Row, node: &Node<'_>) -> String {
        let above = node.parent.and_then(|parent| self.forest.node(parent));
        let same = above.is_some_and(|above| above.stored.service == node.stored.service);
        if same && row.depth > 0 {
            return String::new();
        }
        let service = self.pen.clean(&node.stored.service);
        let room = (left_most(&self.style) / 3).min(LONGEST_SERVICE);
        format!("{} ", text::shorten(&service, room, self.style.unicode))
    }

    /// The ink of a service, as in the list at the top.
    fn service_colour(&self, service: &Arc<str>) -> String {
        let position = self.services.iter().position(|known| known == service);
        self.pen.service_ink(position.unwrap_or(0))
    }

    /// Adds a line of pieces, each with its ink; "raw" is painted already.
    fn line(&mut self, pieces: &[(&str, &str)]) {
        let mut line = String::new();
        for (ink, text) in pieces {
            match *ink {
                "raw" => line.push_str(text),
                ink => self.pen.paint(&mut line, ink, text),
            }
        }
        self.lines.push_str(line.trim_end());
        self.lines.push('\n');
    }
}

#[cfg(test)]
mod tests;
