//! Drawings for a terminal: traces, metrics, the totals while they grow.

pub(crate) mod live;
pub(crate) mod metrics;
mod pen;
pub(crate) mod terminal;
pub(crate) mod waterfall;

/// How a drawing is to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Columns of the terminal; fewer than `MIN_WIDTH` are taken as that.
    pub(crate) width: usize,
    pub(crate) colour: bool,
    pub(crate) unicode: bool,
    /// Whether attributes, events, links and every log record are shown; without, only log records
    /// of warnings and worse are.
    pub(crate) details: bool,
    /// Whether every span is shown, however many are alike.
    pub(crate) all: bool,
}

pub(crate) const DEFAULT_WIDTH: usize = 100;
