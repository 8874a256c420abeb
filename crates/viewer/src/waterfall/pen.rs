//! What a terminal is written with: inks as escape sequences where there are colours, glyphs with
//! a plain counterpart where there is no Unicode.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::bar::{Cell, Ink};
use crate::text;

/// Foreground colours of the 256-colour palette, told apart on dark and light backgrounds.
const SERVICE_COLOURS: [u8; 8] = [33, 208, 35, 170, 178, 37, 141, 167];
pub(super) const DIM: &str = "38;5;245";
pub(super) const FAINT: &str = "38;5;242";
pub(super) const BAD: &str = "1;38;5;203";
pub(super) const GOOD: &str = "38;5;35";
pub(super) const CAUTION: &str = "38;5;214";
pub(super) const BOLD: &str = "1";

#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub(super) colour: bool,
    pub(super) unicode: bool,
}

impl Pen {
    /// The ink of the service at this position, over and over from the start.
    pub(super) fn service_ink(self, position: usize) -> String {
        let colour = SERVICE_COLOURS
            .get(position % SERVICE_COLOURS.len())
            .copied()
            .unwrap_or(7);
        format!("38;5;{colour}")
    }

    /// A bar in a service's ink.
    pub(super) fn bar(self, cells: &[Cell], colour: &str) -> String {
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
        bar
    }

    /// Adds text to a line in an ink, or plainly if the ink is empty.
    pub(super) fn paint(self, line: &mut String, ink: &str, text: &str) {
        if !self.colour || ink.is_empty() || text.trim().is_empty() && !ink.starts_with('7') {
            line.push_str(text);
        } else {
            line.push_str("\x1b[");
            line.push_str(ink);
            line.push('m');
            line.push_str(text);
            line.push_str("\x1b[0m");
        }
    }

    /// Foreign text, made harmless.
    pub(super) fn clean(self, text: &str) -> String {
        text::clean(text, self.unicode)
    }

    /// Our own text, with what a plain terminal cannot show written otherwise.
    pub(super) fn ascii(self, text: String) -> String {
        if self.unicode {
            text
        } else {
            text.replace('µ', "u")
                .replace('≤', "<=")
                .replace('…', "...")
        }
    }

    pub(super) fn tick(self) -> &'static str {
        if self.unicode { "✓" } else { "+" }
    }

    pub(super) fn cross(self) -> &'static str {
        if self.unicode { "✗" } else { "x" }
    }

    pub(super) fn square(self) -> &'static str {
        if self.unicode { "■" } else { "#" }
    }

    pub(super) fn warning(self) -> &'static str {
        if self.unicode { "⚠" } else { "!" }
    }

    pub(super) fn kind(self, kind: i32) -> char {
        let (unicode, plain) = match SpanKind::try_from(kind) {
            Ok(SpanKind::Server) => ('◀', '<'),
            Ok(SpanKind::Client) => ('▶', '>'),
            Ok(SpanKind::Producer) => ('▷', '}'),
            Ok(SpanKind::Consumer) => ('◁', '{'),
            Ok(SpanKind::Internal) => ('•', '.'),
            Ok(SpanKind::Unspecified) | Err(_) => ('◦', '?'),
        };
        if self.unicode { unicode } else { plain }
    }
}
