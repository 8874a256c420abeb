//! Exemplar reservoirs: which of the measurements that are offered are kept until a collection
//! (specification: metrics SDK, "ExemplarReservoir").

use super::aggregate::Bounds;
use crate::otlp::metric_data::Exemplar;

/// How the series of a stream keep exemplars.
#[derive(Clone, Debug)]
pub enum ReservoirKind {
    /// Not here: somebody else keeps them, or nobody does.
    Elsewhere,
    /// A number of them, chosen at random with the same chance for each measurement.
    SimpleFixedSize(usize),
    /// The last of each bucket.
    AlignedHistogramBucket(Bounds),
}

/// The exemplars of one series.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservoir {
    kept: Vec<(usize, Exemplar)>,
    seen: usize,
}

impl Reservoir {
    /// Offers a measurement; `make` is called if it is kept.
    pub(super) fn offer(
        &mut self,
        kind: &ReservoirKind,
        make: impl FnOnce() -> Exemplar,
        value: f64,
    ) {
        let slot = match kind {
            ReservoirKind::Elsewhere => return,
            ReservoirKind::SimpleFixedSize(size) => {
                let seen = self.seen;
                self.seen += 1;
                let slot = if seen < *size {
                    seen
                } else {
                    fastrand::usize(..self.seen)
                };
                if slot >= *size {
                    return;
                }
                slot
            }
            ReservoirKind::AlignedHistogramBucket(bounds) => {
                bounds.bucket_of(crate::otlp::metric_data::Number::Double(value))
            }
        };
        match self.kept.binary_search_by_key(&slot, |(slot, _)| *slot) {
            Ok(index) => {
                if let Some(kept) = self.kept.get_mut(index) {
                    kept.1 = make();
                }
            }
            Err(index) => self.kept.insert(index, (slot, make())),
        }
    }

    /// What was kept, in the order of the slots.
    pub(super) fn collect(&mut self) -> Vec<Exemplar> {
        self.seen = 0;
        self.kept.drain(..).map(|(_, exemplar)| exemplar).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::otlp::metric_data::Number;

    fn offer(reservoir: &mut Reservoir, kind: &ReservoirKind, value: i64) {
        let make = || Exemplar {
            filtered_attributes: Arc::default(),
            value: Number::Int(value),
            time_unix_nanos: 0,
            span: None,
        };
        reservoir.offer(kind, make, value as f64);
    }

    fn values(reservoir: &mut Reservoir) -> Vec<Number> {
        let collected = reservoir.collect();
        collected.iter().map(|exemplar| exemplar.value).collect()
    }

    #[test]
    fn the_last_of_each_bucket_is_kept() {
        let bounds = Bounds::new(vec![Number::Int(0), Number::Int(10)]).unwrap();
        let kind = ReservoirKind::AlignedHistogramBucket(bounds);
        let mut reservoir = Reservoir::default();
        for value in [5, 20, 7, 0] {
            offer(&mut reservoir, &kind, value);
        }
        assert_eq!(values(&mut reservoir), [0, 7, 20].map(Number::Int));
        assert_eq!(values(&mut reservoir), []);
    }

    #[test]
    fn each_measurement_has_the_same_chance() {
        let kind = ReservoirKind::SimpleFixedSize(2);
        let mut kept = [0u32; 10];
        for _ in 0..5000 {
            let mut reservoir = Reservoir::default();
            for value in 0..10 {
                offer(&mut reservoir, &kind, value);
            }
            for value in values(&mut reservoir) {
                kept[value.as_f64() as usize] += 1;
            }
        }
        // 1,000 each are expected; the deviation is about 28.
        assert!(
            kept.iter().all(|count| (800..1200).contains(count)),
            "{kept:?}"
        );
    }
}
