//! What came of one attempt to send a request.

use std::time::Duration;

pub(crate) use crate::diagnostics::event::Reason;
use crate::otlp::read::PartialSuccess;

#[derive(Debug)]
pub(crate) enum Answer {
    Accepted(Option<PartialSuccess>),
    /// The same request may be accepted another time.
    Later(Trouble),
    /// A smaller request may be accepted.
    TooLarge(Reason),
    Refused(Reason),
}

#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    pub(crate) reason: Reason,
    /// The wait the receiver asked for.
    pub(crate) asked: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TroubleKind {
    /// Nothing listens at the endpoint.
    Nobody,
    /// There was no connection for another reason.
    Unconnected,
    /// The connection broke with the request or its answer under way.
    Broken,
    /// Something was answered that cannot be understood.
    Unreadable,
    TimedOut,
    /// The receiver said so.
    Busy,
}

impl TroubleKind {
    pub(crate) fn is_unconnected(self) -> bool {
        matches!(self, Self::Nobody | Self::Unconnected)
    }
}

/// The first 200 characters of what a receiver wrote, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(200) {
        words.truncate(end);
        words.push('…');
    }
    words.retain(|c| !c.is_control());
    words
}
