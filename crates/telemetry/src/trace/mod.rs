//! What a span is before it becomes bytes: its identity, the decision whether to record it, the
//! rules of its status.

mod ids;
mod sampler;

pub use ids::{random_span_id, random_trace_id};
pub use sampler::{Decision, ParentBased, SampledParent, Sampler};

/// The trace flag "sampled" (W3C Trace Context).
pub const SAMPLED: u8 = 0x01;
/// The trace flag "random trace id" (W3C Trace Context Level 2).
pub const RANDOM_TRACE_ID: u8 = 0x02;

/// The identity of a span, as it travels between processes. The default is that of no span at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanContext {
    /// The trace's id; 0 is none.
    pub trace_id: u128,
    /// The span's id; 0 is none.
    pub span_id: u64,
    /// `trace-flags` (W3C Trace Context).
    pub flags: u8,
    /// True if it came from another process.
    pub is_remote: bool,
}

impl SpanContext {
    /// Whether both ids are there (specification: trace API, "IsValid").
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.trace_id != 0 && self.span_id != 0
    }

    /// Whether the flag `sampled` is set.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// The status code of a span, numbered as in OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum StatusCode {
    /// Nothing was said.
    #[default]
    Unset = 0,
    /// Somebody says that it went well.
    Ok = 1,
    /// Something went wrong.
    Error = 2,
}

impl StatusCode {
    /// Of its number; unset for one that there is not.
    #[must_use]
    pub const fn of_number(number: u8) -> Self {
        match number {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }

    /// Whether a span with this status takes `new`: Ok is final, Unset never replaces anything
    /// (specification: trace API, "Set Status").
    #[must_use]
    pub fn accepts(self, new: Self) -> bool {
        self != Self::Ok && new != Self::Unset
    }
}

/// The flags of a span that starts now: the sampler's decision, and whether the trace id is random
/// (known for a root from the id generator, for others from the parent).
#[must_use]
pub const fn flags_of(is_sampled: bool, is_trace_id_random: bool) -> u8 {
    (if is_sampled { SAMPLED } else { 0 })
        | (if is_trace_id_random {
            RANDOM_TRACE_ID
        } else {
            0
        })
}

#[cfg(test)]
mod tests {
    use super::StatusCode::{Error, Ok, Unset};

    #[test]
    fn ok_is_final_and_unset_never_replaces() {
        assert!(Unset.accepts(Error) && Unset.accepts(Ok));
        assert!(Error.accepts(Ok) && Error.accepts(Error));
        assert!(!Ok.accepts(Error) && !Ok.accepts(Ok));
        assert!(!Error.accepts(Unset) && !Unset.accepts(Unset));
    }
}
