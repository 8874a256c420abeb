//! How recorded values are spread: the buckets of explicit and exponential histograms on one
//! axis, so that any two can be added up, and quantiles between their bounds.

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

/// Buckets of one data point beyond which it is not kept.
const MOST_BUCKETS: usize = 1_024;
/// Pieces of a sum of distributions; beyond it neighbours become one.
const MOST_PIECES: usize = 4_096;
/// Scales the specification has exponential histograms use (metrics data model).
const SCALES: std::ops::RangeInclusive<i32> = -10..=20;

/// A share of the recorded values, evenly spread over the values above `low` up to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    low: f64,
    high: f64,
    /// How many values; broken where a bucket was cut in two.
    weight: f64,
}

/// Recorded values as far as buckets tell them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Distribution {
    pub(crate) count: u64,
    /// `None` where a part of it has none.
    pub(crate) sum: Option<f64>,
    /// The least and the greatest value; `None` where a part of it does not tell.
    pub(crate) extremes: Option<(f64, f64)>,
    /// In order, apart from each other or touching.
    pieces: Vec<Piece>,
    /// Values that are exactly zero.
    zeros: f64,
}

impl Distribution {
    /// `None` if the point's buckets and bounds contradict each other.
    pub(crate) fn explicit(point: &HistogramDataPoint) -> Option<Self> {
        let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
        if bounds.len() >= MOST_BUCKETS || !bounds.iter().all(|bound| bound.is_finite()) {
            return None;
        }
        if !bounds.is_sorted_by(|one, next| one < next) {
            return None;
        }
        let pieces = if counts.is_empty() && bounds.is_empty() {
            // Without buckets all is known that minimum, maximum and sum say.
            vec![Piece {
                low: f64::NEG_INFINITY,
                high: f64::INFINITY,
                weight: point.count as f64,
            }]
        } else if counts.len() == bounds.len() + 1 {
            let lows = std::iter::once(f64::NEG_INFINITY).chain(bounds.iter().copied());
            let highs = bounds.iter().copied().chain(std::iter::once(f64::INFINITY));
            lows.zip(highs)
                .zip(counts)
                .map(|((low, high), count)| Piece {
                    low,
                    high,
                    weight: *count as f64,
                })
                .collect()
        } else {
            return None;
        };
        Some(Self {
            count: point.count,
            sum: point.sum,
            extremes: extremes(point.min, point.max),
            pieces,
            zeros: 0.0,
        })
    }

    /// `None` if the point's scale or its buckets are beyond the specification's.
    pub(crate) fn exponential(point: &ExponentialHistogramDataPoint) -> Option<Self> {
        let side = |buckets: &Option<Buckets>| -> Option<Vec<Piece>> {
            let Some(buckets) = buckets else {
                return Some(Vec::new());
            };
            if buckets.bucket_counts.len() > MOST_BUCKETS || !SCALES.contains(&point.scale) {
                return None;
            }
            let bound = |index: i64| {
                // The exponent is exact, so that equal bounds of two scales are equal numbers.
                (index as f64 * f64::from(-point.scale).exp2()).exp2()
            };
            Some(
                (i64::from(buckets.offset)..)
                    .zip(&buckets.bucket_counts)
                    .map(|(index, count)| Piece {
                        low: bound(index),
                        high: bound(index + 1),
                        weight: *count as f64,
                    })
                    .filter(|piece| piece.low < piece.high)
                    .collect(),
            )
        };
        let mut pieces: Vec<Piece> = side(&point.negative)?
            .into_iter()
            .rev()
            .map(|piece| Piece {
                low: -piece.high,
                high: -piece.low,
                weight: piece.weight,
            })
            .collect();
        let zeros = point.zero_count as f64;
        let threshold = point.zero_threshold;
        let has_width = threshold.is_finite() && threshold > 0.0;
        if has_width {
            pieces.push(Piece {
                low: -threshold,
                high: threshold,
                weight: zeros,
            });
        }
        pieces.extend(side(&point.positive)?);
        if !pieces.is_sorted_by(|one, next| one.high <= next.low) {
            return None;
        }
        Some(Self {
            count: point.count,
            sum: point.sum,
            extremes: extremes(point.min, point.max),
            pieces,
            zeros: if has_width { 0.0 } else { zeros },
        })
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self
            .sum
            .zip(other.sum)
            .map(|(this, another)| this + another);
        self.extremes = self
            .extremes
            .zip(other.extremes)
            .map(|(this, another)| (this.0.min(another.0), this.1.max(another.1)));
        self.zeros += other.zeros;
        let same_bounds = self.pieces.len() == other.pieces.len()
            && self
                .pieces
                .iter()
                .zip(&other.pieces)
                .all(|(this, another)| this.low == another.low && this.high == another.high);
        if same_bounds {
            for (piece, more) in self.pieces.iter_mut().zip(&other.pieces) {
                piece.weight += more.weight;
            }
        } else {
            self.pieces = merged(&self.pieces, &other.pieces);
        }
    }

    /// The value that a share `quantile` of all values does not exceed, interpolated within its
    /// bucket. `None` without values.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        let pieces = self.known_pieces();
        let total: f64 = pieces.iter().map(|piece| piece.weight).sum();
        let wanted = total * quantile.clamp(0.0, 1.0);
        let mut below = 0.0;
        for piece in pieces.iter().filter(|piece| piece.weight > 0.0) {
            if below + piece.weight >= wanted {
                let share = ((wanted - below) / piece.weight).clamp(0.0, 1.0);
                return Some(piece.low + (piece.high - piece.low) * share);
            }
            below += piece.weight;
        }
        // Rounding may leave the last one short of the total.
        let last = pieces.iter().rev().find(|piece| piece.weight > 0.0);
        last.map(|piece| piece.high)
    }

    /// At most so many weights, from the least recorded value to the greatest: those of the
    /// buckets, neighbours added up where there are too many.
    pub(crate) fn shape(&self, columns: usize) -> Vec<f64> {
        let weights: Vec<f64> = self
            .known_pieces()
            .iter()
            .map(|piece| piece.weight)
            .collect();
        let is_used = |weight: &f64| *weight > 0.0;
        let Some(first) = weights.iter().position(is_used) else {
            return Vec::new();
        };
        let last = weights.iter().rposition(is_used).unwrap_or(first);
        let used = weights.get(first..=last).unwrap_or_default();
        let together = used.len().div_ceil(columns.max(1)).max(1);
        used.chunks(together)
            .map(|chunk| chunk.iter().sum())
            .collect()
    }

    /// Bounds of its buckets from the least recorded value to the greatest, at most so many more
    /// than one.
    pub(crate) fn edges(&self, most: usize) -> Vec<f64> {
        let pieces = self.known_pieces();
        let is_used = |piece: &&Piece| piece.weight > 0.0;
        let low = pieces.iter().find(is_used).map(|piece| piece.low);
        let high = pieces.iter().rev().find(is_used).map(|piece| piece.high);
        let (Some(low), Some(high)) = (low, high) else {
            return Vec::new();
        };
        let mut edges: Vec<f64> = pieces
            .iter()
            .flat_map(|piece| [piece.low, piece.high])
            .filter(|edge| (low..=high).contains(edge))
            .collect();
        edges.dedup();
        if edges.len() == 1 {
            edges.push(high + high.abs().max(1.0) / 10.0);
        }
        let together = (edges.len() - 1).div_ceil(most.max(1)).max(1);
        let last = edges.last().copied();
        let mut fewer: Vec<f64> = edges.into_iter().step_by(together).collect();
        if fewer.last().copied() != last {
            fewer.extend(last);
        }
        fewer
    }

    /// How many values lie between each two of the bounds.
    pub(crate) fn weights(&self, bounds: &[f64]) -> Vec<f64> {
        let pieces = self.known_pieces();
        let mut weights = vec![0.0; bounds.len().saturating_sub(1)];
        for piece in pieces.iter().filter(|piece| piece.weight > 0.0) {
            let width = piece.high - piece.low;
            for (weight, bounds) in weights.iter_mut().zip(bounds.windows(2)) {
                let [low, high] = bounds else { continue };
                let part = if width > 0.0 {
                    (piece.high.min(*high) - piece.low.max(*low)).max(0.0) / width
                } else {
                    f64::from((*low..*high).contains(&piece.low))
                };
                *weight += piece.weight * part;
            }
        }
        weights
    }

    /// The pieces in order with ends that are known: the outermost buckets end at the extremes,
    /// or where those are unknown at zero or at the bound they have.
    fn known_pieces(&self) -> Vec<Piece> {
        let mut pieces = self.pieces.clone();
        if self.zeros > 0.0 {
            let position = pieces.partition_point(|piece| piece.high <= 0.0);
            let zero = Piece {
                low: 0.0,
                high: 0.0,
                weight: self.zeros,
            };
            pieces.insert(position, zero);
        }
        for piece in &mut pieces {
            if let Some((least, greatest)) = self.extremes {
                piece.low = piece.low.clamp(least, greatest);
                piece.high = piece.high.clamp(least, greatest);
            }
            match (piece.low.is_finite(), piece.high.is_finite()) {
                (true, true) => {}
                (false, true) => piece.low = piece.high.min(0.0),
                (true, false) => piece.high = piece.low,
                (false, false) => (piece.low, piece.high) = self.mean_twice(),
            }
        }
        pieces
    }

    /// Where nothing else is known of the values.
    fn mean_twice(&self) -> (f64, f64) {
        let mean = self.sum.unwrap_or(0.0) / self.count.max(1) as f64;
        (mean, mean)
    }
}

fn extremes(least: Option<f64>, greatest: Option<f64>) -> Option<(f64, f64)> {
    least
        .zip(greatest)
        .filter(|(least, greatest)| least <= greatest)
}

/// Both on the bounds of both.
fn merged(these: &[Piece], others: &[Piece]) -> Vec<Piece> {
    let mut bounds: Vec<f64> = these
        .iter()
        .chain(others)
        .flat_map(|piece| [piece.low, piece.high])
        .collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let mut pieces: Vec<Piece> = bounds
        .windows(2)
        .filter_map(|bounds| match bounds {
            [low, high] => Some(Piece {
                low: *low,
                high: *high,
                weight: 0.0,
            }),
            _ => None,
        })
        .collect();
    for piece in these.iter().chain(others) {
        let from = pieces.partition_point(|it| it.high <= piece.low);
        let to = pieces.partition_point(|it| it.low < piece.high);
        let Some(parts) = pieces.get_mut(from..to) else {
            continue;
        };
        let width = piece.high - piece.low;
        if width.is_finite() {
            for part in parts {
                part.weight += piece.weight * (part.high - part.low) / width;
            }
        } else {
            // An open end tells nothing of the distance: the part nearest to its bound takes all.
            let nearest = if piece.low.is_finite() {
                parts.first_mut()
            } else {
                parts.last_mut()
            };
            if let Some(part) = nearest {
                part.weight += piece.weight;
            }
        }
    }
    while pieces.len() > MOST_PIECES {
        pieces = pieces
            .chunks(2)
            .filter_map(|pair| {
                Some(Piece {
                    low: pair.first()?.low,
                    high: pair.last()?.high,
                    weight: pair.iter().map(|piece| piece.weight).sum(),
                })
            })
            .collect();
    }
    pieces
}

#[cfg(test)]
mod tests;
