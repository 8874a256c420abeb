//! What an answer means for the request that was sent. Nothing happens here: [`super::deliver`] does
//! what this says.

use super::transport::answer::{Answer, Reason, Trouble, TroubleKind};
use crate::otlp::read::PartialSuccess;

/// A request that a receiver may break off for its size: the smallest limit in common use is
/// 1 MiB (nginx).
const LARGE: usize = 1 << 20;

/// What there is to know of a request before its answer is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) bytes: usize,
    pub(super) records: usize,
    /// It went over a connection that was made since another one broke.
    pub(super) has_reconnected: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing more: the receiver has it, or says which part it has not.
    Accepted(Option<PartialSuccess>),
    /// Send it again at once, over a new connection.
    Reconnect,
    /// Send it in smaller parts; where it has but one record, that one is lost.
    Split(Reason),
    /// Send it no more.
    Refused(Reason),
    /// Send it again, later.
    Later(Trouble),
}

pub(super) fn verdict(answer: Answer, sent: Sent) -> Verdict {
    let trouble = match answer {
        Answer::Accepted(partial) => return Verdict::Accepted(partial),
        Answer::TooLarge(reason) => return Verdict::Split(reason),
        Answer::Refused(reason) => return Verdict::Refused(reason),
        Answer::Later(trouble) => trouble,
    };
    match trouble.kind {
        // A connection that was closed while it lay idle says nothing about the receiver.
        TroubleKind::Broken | TroubleKind::Unreadable if !sent.has_reconnected => {
            Verdict::Reconnect
        }
        // The receiver has the request, and will not answer otherwise next time.
        TroubleKind::Unreadable => Verdict::Refused(trouble.reason),
        // Receivers that close in the middle of a large request mostly mean "too large", and
        // closing can overtake the answer that says so.
        TroubleKind::Broken if sent.bytes > LARGE && sent.records > 1 => {
            Verdict::Split(trouble.reason)
        }
        _ => Verdict::Later(trouble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Sent = Sent {
        bytes: 1000,
        records: 10,
        has_reconnected: false,
    };
    const AGAIN: Sent = Sent {
        has_reconnected: true,
        ..SENT
    };

    fn after(kind: TroubleKind, sent: Sent) -> Verdict {
        let trouble = Trouble {
            kind,
            reason: Reason::text("why"),
            asked: None,
        };
        verdict(Answer::Later(trouble), sent)
    }

    #[test]
    fn a_connection_that_breaks_is_replaced_once() {
        for kind in [TroubleKind::Broken, TroubleKind::Unreadable] {
            assert!(matches!(after(kind, SENT), Verdict::Reconnect), "{kind:?}");
        }
        let broken = after(TroubleKind::Broken, AGAIN);
        assert!(matches!(broken, Verdict::Later(_)), "{broken:?}");
    }

    #[test]
    fn an_answer_that_cannot_be_read_twice_is_a_refusal() {
        let verdict = after(TroubleKind::Unreadable, AGAIN);
        assert!(
            matches!(&verdict, Verdict::Refused(reason) if reason.text == "why"),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_large_request_that_breaks_twice_is_split_if_it_can_be() {
        let large = Sent {
            bytes: LARGE + 1,
            ..AGAIN
        };
        let verdict = after(TroubleKind::Broken, large);
        assert!(matches!(verdict, Verdict::Split(_)), "{verdict:?}");
        for sent in [
            Sent {
                records: 1,
                ..large
            },
            Sent {
                bytes: LARGE,
                ..large
            },
        ] {
            let verdict = after(TroubleKind::Broken, sent);
            assert!(matches!(verdict, Verdict::Later(_)), "{verdict:?}");
        }
    }

    #[test]
    fn who_was_not_there_or_busy_or_late_is_asked_again_later() {
        for kind in [
            TroubleKind::Nobody,
            TroubleKind::Unconnected,
            TroubleKind::TimedOut,
            TroubleKind::Busy,
        ] {
            for sent in [SENT, AGAIN] {
                assert!(matches!(after(kind, sent), Verdict::Later(_)), "{kind:?}");
            }
        }
    }

    #[test]
    fn what_the_receiver_says_is_taken_at_its_word() {
        let partial = PartialSuccess {
            rejected: 2,
            error_message: "old".to_owned(),
        };
        let accepted = verdict(Answer::Accepted(Some(partial.clone())), SENT);
        assert!(
            matches!(&accepted, Verdict::Accepted(Some(found)) if *found == partial),
            "{accepted:?}"
        );
        let split = verdict(Answer::TooLarge(Reason::text("big")), AGAIN);
        assert!(matches!(split, Verdict::Split(_)), "{split:?}");
        let refused = verdict(Answer::Refused(Reason::text("no")), AGAIN);
        assert!(matches!(refused, Verdict::Refused(_)), "{refused:?}");
    }
}
