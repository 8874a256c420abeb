//! The built-in samplers (specification: trace SDK, "Built-in samplers").

/// What happens to a span that is about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Not recorded, not exported.
    Drop,
    /// Recorded for processors, not exported.
    RecordOnly,
    /// Recorded and exported.
    RecordAndSample,
}

impl Decision {
    /// Whether the span keeps what it is told.
    #[must_use]
    pub fn is_recording(self) -> bool {
        self != Self::Drop
    }

    /// Whether the span is exported.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        self == Self::RecordAndSample
    }

    /// The decision where a sampler has failed: that of the parent, so that no trace is torn, and a
    /// root is sampled.
    #[must_use]
    pub fn without_sampler(parent: Option<SampledParent>) -> Self {
        if parent.is_none_or(|parent| parent.is_sampled) {
            Self::RecordAndSample
        } else {
            Self::Drop
        }
    }
}

/// What samplers look at in a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledParent {
    /// Whether it is of another process.
    pub is_remote: bool,
    /// Whether it is sampled.
    pub is_sampled: bool,
}

/// A sampler that needs nothing but the parent and the trace id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// The same decision for every span.
    Always(Decision),
    /// Samples traces whose lower 64 bits are below `bound`.
    TraceIdRatio {
        /// 2^64 times the ratio.
        bound: u128,
    },
    /// Asks another sampler, chosen by the parent.
    ParentBased(Box<ParentBased>),
}

/// The samplers that [`Sampler::ParentBased`] chooses from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentBased {
    /// For spans without a parent.
    pub root: Sampler,
    /// For those of a sampled parent of another process.
    pub remote_parent_sampled: Sampler,
    /// For those of another parent of another process.
    pub remote_parent_not_sampled: Sampler,
    /// For those of a sampled parent of this process.
    pub local_parent_sampled: Sampler,
    /// For those of another parent of this process.
    pub local_parent_not_sampled: Sampler,
}

impl Sampler {
    /// Decides for a span under `parent`; its trace id is asked for only if it matters.
    #[must_use]
    pub fn decide(
        &self,
        parent: Option<SampledParent>,
        trace_id: impl FnOnce() -> u128,
    ) -> Decision {
        match self {
            Self::Always(decision) => *decision,
            Self::TraceIdRatio { bound } => {
                if trace_id() & u128::from(u64::MAX) < *bound {
                    Decision::RecordAndSample
                } else {
                    Decision::Drop
                }
            }
            Self::ParentBased(samplers) => samplers.choose(parent).decide(parent, trace_id),
        }
    }

    /// Whether spans whose parent it has dropped, in this process, are dropped too.
    #[must_use]
    pub fn drops_children(&self) -> bool {
        match self {
            Self::Always(decision) => *decision == Decision::Drop,
            // They have the trace id of their parent.
            Self::TraceIdRatio { .. } => true,
            Self::ParentBased(samplers) => {
                let not_sampled = &samplers.local_parent_not_sampled;
                matches!(not_sampled, Self::Always(Decision::Drop))
            }
        }
    }
}

impl ParentBased {
    const fn choose(&self, parent: Option<SampledParent>) -> &Sampler {
        let Some(parent) = parent else {
            return &self.root;
        };
        match (parent.is_remote, parent.is_sampled) {
            (true, true) => &self.remote_parent_sampled,
            (true, false) => &self.remote_parent_not_sampled,
            (false, true) => &self.local_parent_sampled,
            (false, false) => &self.local_parent_not_sampled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_looks_at_the_lower_64_bits_only() {
        let half = Sampler::TraceIdRatio { bound: 1 << 63 };
        assert!(half.decide(None, || (u128::MAX << 64) | 1).is_sampled());
        assert!(!half.decide(None, || u128::from(u64::MAX)).is_sampled());
        let all = Sampler::TraceIdRatio { bound: 1 << 64 };
        assert!(all.decide(None, || u128::MAX).is_sampled());
        assert!(
            !Sampler::TraceIdRatio { bound: 0 }
                .decide(None, || 0)
                .is_sampled()
        );
    }

    #[test]
    fn the_parent_chooses_the_sampler() {
        let on = || Sampler::Always(Decision::RecordAndSample);
        let off = || Sampler::Always(Decision::Drop);
        let sampler = Sampler::ParentBased(Box::new(ParentBased {
            root: Sampler::Always(Decision::RecordOnly),
            remote_parent_sampled: on(),
            remote_parent_not_sampled: off(),
            local_parent_sampled: on(),
            local_parent_not_sampled: off(),
        }));
        assert_eq!(sampler.decide(None, || 7), Decision::RecordOnly);
        for is_remote in [true, false] {
            let decide = |is_sampled| {
                let parent = SampledParent {
                    is_remote,
                    is_sampled,
                };
                sampler.decide(Some(parent), || unreachable!("no ratio takes part"))
            };
            assert!(decide(true).is_sampled());
            assert!(!decide(false).is_recording());
        }
    }

    #[test]
    fn children_of_what_was_dropped_are_dropped_where_the_sampler_says_so_itself() {
        let by_parent = |local_parent_not_sampled| {
            Sampler::ParentBased(Box::new(ParentBased {
                root: Sampler::Always(Decision::Drop),
                remote_parent_sampled: Sampler::Always(Decision::Drop),
                remote_parent_not_sampled: Sampler::Always(Decision::Drop),
                local_parent_sampled: Sampler::Always(Decision::Drop),
                local_parent_not_sampled,
            }))
        };
        assert!(Sampler::Always(Decision::Drop).drops_children());
        assert!(!Sampler::Always(Decision::RecordOnly).drops_children());
        assert!(Sampler::TraceIdRatio { bound: 1 }.drops_children());
        assert!(by_parent(Sampler::Always(Decision::Drop)).drops_children());
        assert!(!by_parent(Sampler::Always(Decision::RecordAndSample)).drops_children());
        assert!(!by_parent(Sampler::TraceIdRatio { bound: 1 << 64 }).drops_children());
    }
}
