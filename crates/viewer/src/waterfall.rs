//! A trace as a waterfall: the tree on the left, every span's bar on one time axis, its duration
//! on the right, what is worth knowing about it on the lines below.

mod bar;
mod detail;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::store::{Trace, TraceId, status_code};
use crate::text;
use bar::{Axis, Cell, Ink};
use tree::{Detached, Forest, Node};

/// How a waterfall is to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Columns of the terminal; fewer than `MIN_WIDTH` are taken as that.
    pub(crate) width: usize,
    pub(crate) colour: bool,
    pub(crate) unicode: bool,
    /// Whether attributes, events and links are shown.
    pub(crate) details: bool,
    /// Whether every span is shown, however many are alike.
    pub(crate) all: bool,
}

pub(crate) const DEFAULT_WIDTH: usize = 100;
const MIN_WIDTH: usize = 60;
const MAX_WIDTH: usize = 400;
/// Columns of the duration with its status, and the space before it.
const RIGHT: usize = 13;
/// Siblings of one name and service beyond this many are shown as one row.
const ALIKE: usize = 6;
/// Of such siblings, the first few are shown.
const ALIKE_SHOWN: usize = 3;
/// Rows shown unless all are asked for.
const ROW_LIMIT: usize = 300;

/// Foreground colours of the 256-colour palette, told apart on dark and light backgrounds.
const SERVICE_COLOURS: [u8; 8] = [33, 208, 35, 170, 178, 37, 141, 167];
const DIM: &str = "38;5;245";
const FAINT: &str = "38;5;242";
const BAD: &str = "1;38;5;203";
const GOOD: &str = "38;5;35";
const CAUTION: &str = "38;5;214";
const BOLD: &str = "1";

/// Draws the trace; every line ends with a line feed.
pub(crate) fn render(id: &TraceId, trace: &Trace, style: &Style) -> String {
    let style = Style {
        width: style.width.clamp(MIN_WIDTH, MAX_WIDTH),
        ..*style
    };
    let forest = Forest::new(&trace.spans);
    let mut canvas = Canvas::new(&forest, style);
    canvas.head(id, trace);
    canvas.body();
    canvas.foot();
    canvas.lines
}

/// One row of the tree: a span, or the rest of many alike.
struct Row {
    subject: Subject,
    depth: usize,
    /// For the levels nearest to the row: whether the line of that level ends here.
    ends: Vec<bool>,
    /// Whether a row of one level deeper follows.
    has_children: bool,
}

enum Subject {
    Span(usize),
    Alike(Vec<usize>),
}

struct Canvas<'a> {
    forest: &'a Forest<'a>,
    style: Style,
    /// Services in order of their first span in the tree; the position decides the colour.
    services: Vec<Arc<str>>,
    rows: Vec<Row>,
    /// Spans for which there was no row.
    left_out: usize,
    left: usize,
    axis: Axis,
    lines: String,
}

impl<'a> Canvas<'a> {
    fn new(forest: &'a Forest<'a>, style: Style) -> Self {
        let mut canvas = Self {
            forest,
            style,
            services: Vec::new(),
            rows: Vec::new(),
            left_out: 0,
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
        canvas.collect_rows();
        canvas.collect_services();
        let wanted = canvas
            .rows
            .iter()
            .map(|row| text::width(&canvas.guide(row, true)) + canvas.label_width(row))
            .max()
            .unwrap_or(0);
        canvas.left = (wanted + 2).clamp(22, style.width * 46 / 100);
        canvas.axis.cells = style.width.saturating_sub(canvas.left + RIGHT);
        canvas
    }

    /// Lists the rows from top to bottom without recursion.
    fn collect_rows(&mut self) {
        let levels = self.levels();
        let mut path: Vec<bool> = Vec::new();
        let mut waiting: Vec<(Subject, usize, bool)> = Vec::new();
        self.push_children(&self.forest.roots, 0, &mut waiting);
        let limit = if self.style.all {
            usize::MAX
        } else {
            ROW_LIMIT
        };
        let mut shown = 0;
        while let Some((subject, depth, last)) = waiting.pop() {
            path.truncate(depth);
            path.push(last);
            let mut has_children = false;
            match &subject {
                Subject::Span(index) => {
                    if let Some(node) = self.forest.node(*index) {
                        has_children = !node.children.is_empty();
                        self.push_children(&node.children, depth + 1, &mut waiting);
                    }
                    shown += 1;
                }
                Subject::Alike(spans) => {
                    let below: usize = spans
                        .iter()
                        .map(|index| self.forest.descendants(*index))
                        .sum();
                    shown += spans.len() + below;
                }
            }
            let ends = path
                .get(path.len().saturating_sub(levels)..)
                .unwrap_or_default();
            self.rows.push(Row {
                subject,
                depth,
                ends: ends.to_vec(),
                has_children,
            });
            if self.rows.len() >= limit {
                break;
            }
        }
        self.left_out = self.forest.nodes.len().saturating_sub(shown);
    }

    /// Puts children on the stack, the first one on top; many alike become one row at the place
    /// where the first of the rest would have stood.
    fn push_children(
        &self,
        children: &[usize],
        depth: usize,
        waiting: &mut Vec<(Subject, usize, bool)>,
    ) {
        let mut subjects: Vec<Subject> = Vec::new();
        if self.style.all || children.len() <= ALIKE {
            subjects.extend(children.iter().map(|index| Subject::Span(*index)));
        } else {
            let key = |index: &usize| {
                let stored = self.forest.node(*index).map(|node| node.stored);
                stored.map(|stored| (stored.span.name.as_str(), stored.service.as_ref()))
            };
            let mut counts: HashMap<_, usize> = HashMap::new();
            for index in children {
                *counts.entry(key(index)).or_default() += 1;
            }
            // For each kind of child: how many were met, and where its summary stands.
            let mut met: HashMap<_, (usize, usize)> = HashMap::new();
            for index in children {
                let kind = key(index);
                let (seen, summary) = met.entry(kind).or_insert((0, usize::MAX));
                *seen += 1;
                if counts.get(&kind).is_none_or(|count| *count <= ALIKE) || *seen <= ALIKE_SHOWN {
                    subjects.push(Subject::Span(*index));
                } else if let Some(Subject::Alike(rest)) = subjects.get_mut(*summary) {
                    rest.push(*index);
                } else {
                    *summary = subjects.len();
                    subjects.push(Subject::Alike(vec![*index]));
                }
            }
        }
        let subjects = subjects.into_iter().rev().enumerate();
        waiting.extend(subjects.map(|(from_last, subject)| (subject, depth, from_last == 0)));
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

    fn head(&mut self, id: &TraceId, trace: &Trace) {
        let title = self
            .forest
            .roots
            .first()
            .and_then(|root| self.forest.node(*root))
            .map_or_else(
                || "(no spans)".to_owned(),
                |node| self.clean(&node.stored.span.name),
            );
        let id = format!("trace {}", text::hex(id));
        let room = self.style.width.saturating_sub(text::width(&id) + 4);
        let title = text::fit(&title, room, self.style.unicode);
        self.line(&[("", "  "), (BOLD, &title), ("", "  "), (DIM, &id)]);

        let errors = trace.spans.iter().filter(|span| span.is_error()).count() as u64;
        let between = if self.style.unicode { " · " } else { ", " };
        let mut facts = text::duration(self.axis.length);
        facts.push_str(between);
        facts.push_str(&text::counted(trace.spans.len() as u64, "span"));
        facts.push_str(between);
        let (ink, verdict) = if errors > 0 {
            (
                BAD,
                format!("{} {}", self.cross(), text::counted(errors, "error")),
            )
        } else {
            (GOOD, format!("{} no errors", self.tick()))
        };
        let facts = self.ascii(facts);
        let time = text::time_of_day(self.axis.start);
        let used = text::width(&facts) + text::width(&verdict) + text::width(&time) + 4;
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
                format!("  {} {}", self.square(), self.clean(service)),
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
        let kind = format!("{} ", self.kind_glyph(span.kind));
        let service = self.service_label(row, node);
        let used = text::width(&guide) + text::width(&kind) + text::width(&service) + 1;
        let room = self.left.saturating_sub(used);
        let name = text::fit(&self.clean(&span.name), room, self.style.unicode);
        let status = status_code(span);
        let name_ink = if status == StatusCode::Error { BAD } else { "" };

        let events: Vec<u64> = span
            .events
            .iter()
            .map(|event| event.time_unix_nano.saturating_add_signed(node.shift))
            .collect();
        let bar = match node.start {
            Some(start) => self.axis.bar(start, node.end, &events),
            None => Vec::new(),
        };
        let bar = self.bar_text(&bar, &colour);
        let (duration, duration_ink) = match (node.start, node.duration()) {
            (None, _) => ("no start".to_owned(), CAUTION),
            (_, None) => ("no end".to_owned(), CAUTION),
            (_, Some(duration)) => (text::duration(duration), ""),
        };
        let duration = format!("{:>11}", self.ascii(duration));
        let (verdict, verdict_ink) = match status {
            StatusCode::Unset => (" ", ""),
            StatusCode::Ok => (self.tick(), GOOD),
            StatusCode::Error => (self.cross(), BAD),
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
        let bar = self.bar_text(&bar, &colour);
        let longest = format!(
            "{:>11}",
            self.ascii(format!("≤{}", text::duration(longest)))
        );
        let verdict = if errors > 0 { self.cross() } else { " " };
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
            let text = format!("{} {} of them failed", self.cross(), text::count(errors));
            self.detail_line(row, BAD, &text);
        }
    }

    fn details(&mut self, row: &Row, node: &Node<'_>) {
        match node.detached {
            None => {}
            Some(Detached::ParentMissing) => {
                let parent = text::hex(&node.stored.span.parent_span_id);
                let text = format!("{} parent {parent} was not received", self.warning());
                self.detail_line(row, CAUTION, &self.clean(&text));
            }
            Some(Detached::Cycle) => {
                let text = format!("{} its parents form a cycle", self.warning());
                self.detail_line(row, CAUTION, &text);
            }
        }
        for line in detail::lines(node, &self.style) {
            let ink = match line.kind {
                detail::Kind::Failure => BAD,
                detail::Kind::Attributes => DIM,
                detail::Kind::Event => "",
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
            let text = self.ascii(text);
            self.line(&[(DIM, &text)]);
        }
        for (service, correction) in self.forest.corrections.iter().take(12) {
            let text = format!(
                "  {} the clock of {} was put right by {}{}",
                self.warning(),
                self.clean(service),
                if *correction < 0 { '-' } else { '+' },
                text::duration(correction.unsigned_abs()),
            );
            let text = self.ascii(text);
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
                legend.push_str(&format!("  {} {name}", self.kind_glyph(kind as i32)));
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

    /// How many levels of the tree are drawn as lines.
    fn levels(&self) -> usize {
        (self.style.width * 46 / 100).saturating_sub(22) / 3 + 1
    }

    fn label_width(&self, row: &Row) -> usize {
        match &row.subject {
            Subject::Span(index) => self.forest.node(*index).map_or(0, |node| {
                text::width(&self.service_label(row, node))
                    + text::width(&self.clean(&node.stored.span.name))
                    + 2
            }),
            Subject::Alike(spans) => text::width(&self.alike_label(spans)),
        }
    }

    fn alike_label(&self, spans: &[usize]) -> String {
        let first = spans.first().and_then(|index| self.forest.node(*index));
        let name = first
            .map(|node| self.clean(&node.stored.span.name))
            .unwrap_or_default();
        let mark = if self.style.unicode { '⋮' } else { '+' };
        format!("{mark} {} more {name}", text::count(spans.len() as u64))
    }

    /// The service is named where a part of the tree begins that belongs to another one.
    fn service_label(&self, row: &Row, node: &Node<'_>) -> String {
        let above = node.parent.and_then(|parent| self.forest.node(parent));
        let same = above.is_some_and(|above| above.stored.service == node.stored.service);
        if same && row.depth > 0 {
            return String::new();
        }
        let service = self.clean(&node.stored.service);
        format!("{} ", text::shorten(&service, 20, self.style.unicode))
    }

    fn service_colour(&self, service: &Arc<str>) -> String {
        let position = self
            .services
            .iter()
            .position(|known| known == service)
            .unwrap_or(0);
        let colour = SERVICE_COLOURS
            .get(position % SERVICE_COLOURS.len())
            .copied()
            .unwrap_or(7);
        format!("38;5;{colour}")
    }

    fn bar_text(&self, cells: &[Cell], colour: &str) -> String {
        let mut bar = String::new();
        let mut rest = cells;
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|cell| cell.ink == first.ink).count();
            let (cells, others) = rest.split_at(run);
            rest = others;
            let characters: String = cells.iter().map(|cell| cell.character).collect();
            let ink = match first.ink {
                Ink::Empty => String::new(),
                Ink::Tick => "38;5;238".to_owned(),
                Ink::Bar => colour.to_owned(),
                Ink::Cut => format!("7;{colour}"),
                Ink::Mark { on_bar: true } => {
                    format!("1;38;5;231;4{}", colour.get(1..).unwrap_or(""))
                }
                Ink::Mark { on_bar: false } => format!("1;{colour}"),
            };
            self.paint(&mut bar, &ink, &characters);
        }
        let missing = self.axis.cells.saturating_sub(cells.len());
        bar.extend(std::iter::repeat_n(' ', missing));
        bar
    }

    /// Adds a line of pieces, each with its ink; "raw" is painted already.
    fn line(&mut self, pieces: &[(&str, &str)]) {
        let mut line = String::new();
        for (ink, text) in pieces {
            match *ink {
                "raw" => line.push_str(text),
                ink => self.paint(&mut line, ink, text),
            }
        }
        self.lines.push_str(line.trim_end());
        self.lines.push('\n');
    }

    fn paint(&self, line: &mut String, ink: &str, text: &str) {
        if !self.style.colour || ink.is_empty() || text.trim().is_empty() && !ink.starts_with('7') {
            line.push_str(text);
        } else {
            line.push_str("\x1b[");
            line.push_str(ink);
            line.push('m');
            line.push_str(text);
            line.push_str("\x1b[0m");
        }
    }

    fn clean(&self, text: &str) -> String {
        text::clean(text, self.style.unicode)
    }

    /// Our own text, with what a plain terminal cannot show written otherwise.
    fn ascii(&self, text: String) -> String {
        if self.style.unicode {
            text
        } else {
            text.replace('µ', "u")
                .replace('≤', "<=")
                .replace('…', "...")
        }
    }

    fn tick(&self) -> &'static str {
        if self.style.unicode { "✓" } else { "+" }
    }

    fn cross(&self) -> &'static str {
        if self.style.unicode { "✗" } else { "x" }
    }

    fn square(&self) -> &'static str {
        if self.style.unicode { "■" } else { "#" }
    }

    fn warning(&self) -> &'static str {
        if self.style.unicode { "⚠" } else { "!" }
    }

    fn kind_glyph(&self, kind: i32) -> char {
        let (unicode, plain) = match SpanKind::try_from(kind) {
            Ok(SpanKind::Server) => ('◀', '<'),
            Ok(SpanKind::Client) => ('▶', '>'),
            Ok(SpanKind::Producer) => ('▷', '}'),
            Ok(SpanKind::Consumer) => ('◁', '{'),
            Ok(SpanKind::Internal) => ('•', '.'),
            Ok(SpanKind::Unspecified) | Err(_) => ('◦', '?'),
        };
        if self.style.unicode { unicode } else { plain }
    }
}

#[cfg(test)]
mod tests;
