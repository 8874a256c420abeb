//! The log records of a waterfall: each at the span it was written in, those without one below the
//! tree.

use std::collections::HashSet;

use super::{Canvas, detail};
use crate::draw::pen::{BAD, CAUTION, DIM, FAINT, GOOD};
use crate::text;
use crate::trace::logs::{Severity, StoredLog};

/// Columns from which on log records have their span's whole id.
const WIDTH_FOR_IDS: usize = 90;
/// Digits of a whole id, and of a short one.
const ID: usize = 16;
const SHORT_ID: usize = 8;

impl<'a> Canvas<'a> {
    /// Keeps the records, by time, for the spans they belong to.
    pub(super) fn take_logs(&mut self, logs: &[&'a StoredLog]) {
        let known: HashSet<&[u8]> = self
            .forest
            .nodes
            .iter()
            .map(|node| node.stored.span.span_id.as_slice())
            .collect();
        for log in logs {
            if self.style.details || log.severity() >= Severity::Warn {
                self.logs_waiting += 1;
            }
            match log.span_id() {
                Some(id) if known.contains(id.as_slice()) => {
                    self.logs.entry(id).or_default().push(log);
                }
                _ => self.stray_logs.push(log),
            }
        }
    }

    /// What a log record says in the ink of its severity, the span's id at the right edge.
    pub(super) fn log_line(&mut self, guide: &str, severity: Severity, line: &detail::Line) {
        self.logs_waiting = self.logs_waiting.saturating_sub(1);
        let (label_ink, text_ink) = match severity {
            Severity::Unspecified | Severity::Trace | Severity::Debug => (DIM, DIM),
            Severity::Info => (GOOD, ""),
            Severity::Warn => (CAUTION, ""),
            Severity::Error | Severity::Fatal => (BAD, BAD),
        };
        let label = format!("{:<5} ", severity.name());
        let digits = if self.style.width < WIDTH_FOR_IDS {
            SHORT_ID
        } else {
            ID
        };
        let id: String = line.span_id.chars().take(digits).collect();
        let used = text::width(guide) + text::width(&label) + text::width(&id) + 2;
        let room = self.style.width.saturating_sub(used);
        let said = text::shorten(&line.text, room, self.style.unicode);
        let room = room.saturating_sub(text::width(&said));
        let rest = format!("  {}", line.rest);
        let rest = text::fit(&rest, room, self.style.unicode);
        self.line(&[
            (FAINT, guide),
            (label_ink, &label),
            (text_ink, &said),
            (DIM, &rest),
            ("", "  "),
            (FAINT, &id),
        ]);
    }

    pub(super) fn logs_without_span(&mut self) {
        let logs = std::mem::take(&mut self.stray_logs);
        let shown: Vec<&StoredLog> = logs
            .into_iter()
            .filter(|log| self.style.details || log.severity() >= Severity::Warn)
            .collect();
        if shown.is_empty() {
            return;
        }
        let text = "log records of no span that was received";
        self.line(&[]);
        self.line(&[
            ("", "  "),
            (CAUTION, self.pen.warning()),
            ("", " "),
            ("", text),
        ]);
        let style = self.style;
        for (_, line) in detail::logs(&shown, self.axis.start, &style) {
            if let detail::Kind::Log(severity) = line.kind {
                self.log_line("     ", severity, &line);
            }
        }
    }

    pub(super) fn logs_left_out(&mut self) {
        if self.logs_waiting > 0 {
            let text = format!(
                "  … and {} not shown",
                text::counted(self.logs_waiting as u64, "log record")
            );
            let text = self.pen.ascii(text);
            self.line(&[(DIM, &text)]);
        }
    }
}
