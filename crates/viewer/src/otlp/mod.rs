//! What OTLP's bytes say: requests cut into their records without copying, values as JSON and as
//! text. The records themselves are kept as the bytes that arrived.

mod doubles;
pub(crate) mod json;
pub(crate) mod messages;
pub(crate) mod slices;
pub(crate) mod value;
pub(crate) mod wire;

/// The three signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }

    /// The number that stands for it in files.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Traces => 0,
            Self::Logs => 1,
            Self::Metrics => 2,
        }
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|signal| signal.number() == number)
    }
}
