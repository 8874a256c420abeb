//! Where the time of a trace went: what each span did itself, and the critical path, which is the
//! chain of spans that the end of the trace waited for.

use super::tree::Forest;

/// Time of each span in which none of its children ran, in nanoseconds.
pub(crate) fn self_times(forest: &Forest<'_>) -> Vec<u64> {
    let own = |index: usize| -> Option<u64> {
        let node = forest.node(index)?;
        let (start, end) = (node.start?, node.end?);
        let mut covered = 0;
        let mut until = start;
        // Children are in the order of their starts.
        for child in node.children.iter().filter_map(|it| forest.node(*it)) {
            let (Some(from), Some(to)) = (child.start, child.end) else {
                continue;
            };
            let (from, to) = (from.max(until), to.min(end));
            if from < to {
                covered += to - from;
                until = to;
            }
        }
        Some((end - start).saturating_sub(covered))
    };
    (0..forest.nodes.len())
        .map(|index| own(index).unwrap_or(0))
        .collect()
}

/// A piece of the critical path: a span, from and to in Unix nanoseconds.
pub(crate) type Piece = (usize, u64, u64);

/// The critical path of the first root, from its start to its end.
pub(crate) fn critical(forest: &Forest<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let root = forest.roots.first().copied();
    // Walked backwards in time, without recursion: what is still to be explained.
    let mut waiting: Vec<Piece> = root
        .and_then(|root| {
            let node = forest.node(root)?;
            Some((root, node.start?, node.end?))
        })
        .into_iter()
        .collect();
    while let Some((index, from, to)) = waiting.pop() {
        let Some(node) = forest.node(index) else {
            continue;
        };
        // The child that ended last before this moment is what was waited for.
        let mut moment = to;
        let mut ended: Vec<(u64, u64, usize)> = node
            .children
            .iter()
            .filter_map(|child| {
                let it = forest.node(*child)?;
                Some((it.end?.min(to), it.start?, *child))
            })
            .filter(|(end, start, _)| start < end && *end > from)
            .collect();
        ended.sort_unstable();
        while let Some((end, start, child)) = ended.pop() {
            if end > moment || moment <= from {
                continue;
            }
            if end < moment {
                pieces.push((index, end, moment));
            }
            let begin = start.max(from);
            waiting.push((child, begin, end));
            moment = begin;
        }
        if moment > from {
            pieces.push((index, from, moment));
        }
    }
    pieces.sort_unstable_by_key(|(_, from, _)| *from);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stored_span;
    use crate::trace::StoredSpan;

    fn spans() -> Vec<StoredSpan> {
        vec![
            stored_span("a", 1, 0, 0, 100),
            stored_span("a", 2, 1, 10, 40),
            stored_span("a", 3, 1, 20, 60),
            stored_span("a", 4, 3, 30, 50),
            stored_span("a", 5, 1, 70, 90),
        ]
    }

    #[test]
    fn overlapping_children_are_not_subtracted_twice() {
        let spans = spans();
        let forest = Forest::new(&spans);
        assert_eq!(self_times(&forest), [30, 30, 20, 20, 20]);
    }

    #[test]
    fn the_critical_path_covers_the_root_without_a_gap_and_follows_what_ended_last() {
        let spans = spans();
        let forest = Forest::new(&spans);
        let start = forest.range.0;
        let pieces: Vec<_> = critical(&forest)
            .into_iter()
            .map(|(index, from, to)| (index, from - start, to - start))
            .collect();
        assert_eq!(
            pieces,
            [
                (0, 0, 20),
                (2, 20, 30),
                (3, 30, 50),
                (2, 50, 60),
                (0, 60, 70),
                (4, 70, 90),
                (0, 90, 100)
            ]
        );
    }

    #[test]
    fn a_trace_without_times_has_no_path() {
        let spans = vec![stored_span("a", 1, 0, 0, 0)];
        let mut spans = spans;
        spans[0].span.end_time_unix_nano = 0;
        assert!(critical(&Forest::new(&spans)).is_empty());
        assert!(critical(&Forest::new(&[])).is_empty());
    }
}
