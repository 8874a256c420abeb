//! What a terminal is written with: inks as escape sequences where there are colours, glyphs with
//! a plain counterpart where there is no Unicode.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::text;

/// Foreground colours of the 256-colour palette, told apart on dark and light backgrounds.
const SERVICE_COLOURS: [u8; 8] = [33, 208, 35, 170, 178, 37, 141, 167];
pub(crate) const DIM: &str = "38;5;245";
pub(crate) const FAINT: &str = "38;5;242";
pub(crate) const BAD: &str = "1;38;5;203";
pub(crate) const GOOD: &str = "38;5;35";
pub(crate) const CAUTION: &str = "38;5;214";
pub(crate) const BOLD: &str = "1";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: bool,
    pub(crate) unicode: bool,
}

impl Pen {
    /// The ink of the service at this position, over and over from the start.
    pub(crate) fn service_ink(self, position: usize) -> String {
        let colour = SERVICE_COLOURS
            .get(position % SERVICE_COLOURS.len())
            .copied()
            .unwrap_or(7);
        format!("38;5;{colour}")
    }

    /// Adds text to a line in an ink, or plainly if the ink is empty.
    pub(crate) fn paint(self, line: &mut String, ink: &str, text: &str) {
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
    pub(crate) fn clean(self, text: &str) -> String {
        text::clean(text, self.unicode)
    }

    /// Our own text, with what a plain terminal cannot show written otherwise.
    pub(crate) fn ascii(self, text: String) -> String {
        if self.unicode {
            text
        } else {
            text.replace('µ', "u")
                .replace('≤', "<=")
                .replace('…', "...")
        }
    }

    pub(crate) fn tick(self) -> &'static str {
        if self.unicode { "✓" } else { "+" }
    }

    pub(crate) fn cross(self) -> &'static str {
        if self.unicode { "✗" } else { "x" }
    }

    pub(crate) fn square(self) -> &'static str {
        if self.unicode { "■" } else { "#" }
    }

    pub(crate) fn warning(self) -> &'static str {
        if self.unicode { "⚠" } else { "!" }
    }

    pub(crate) fn kind(self, kind: i32) -> char {
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
