//! Which rows a waterfall has, from top to bottom: the spans in the order of the tree, of many
//! alike only the first few, and no more rows than anybody reads.

use std::collections::HashMap;

use crate::trace::tree::Forest;

/// Siblings of one name and service beyond this many are shown as one row.
const ALIKE: usize = 6;
/// Of such siblings, the first few are shown.
const ALIKE_SHOWN: usize = 3;
/// Rows shown unless all are asked for.
const ROW_LIMIT: usize = 300;

/// One row of the tree: a span, or the rest of many alike.
pub(super) struct Row {
    pub(super) subject: Subject,
    pub(super) depth: usize,
    /// For the levels nearest to the row: whether the line of that level ends here.
    pub(super) ends: Vec<bool>,
    /// Whether a row of one level deeper follows.
    pub(super) has_children: bool,
}

pub(super) enum Subject {
    Span(usize),
    Alike(Vec<usize>),
}

/// Lists the rows without recursion, each with the ends of the lowest `levels` of lines; and says
/// how many spans got none. `all`: every span gets its row.
pub(super) fn rows(forest: &Forest<'_>, levels: usize, all: bool) -> (Vec<Row>, usize) {
    let mut rows: Vec<Row> = Vec::new();
    let mut path: Vec<bool> = Vec::new();
    let mut waiting: Vec<(Subject, usize, bool)> = Vec::new();
    push_children(forest, &forest.roots, 0, all, &mut waiting);
    let limit = if all { usize::MAX } else { ROW_LIMIT };
    let mut shown = 0;
    while let Some((subject, depth, last)) = waiting.pop() {
        path.truncate(depth);
        path.push(last);
        let mut has_children = false;
        match &subject {
            Subject::Span(index) => {
                if let Some(node) = forest.node(*index) {
                    has_children = !node.children.is_empty();
                    push_children(forest, &node.children, depth + 1, all, &mut waiting);
                }
                shown += 1;
            }
            Subject::Alike(spans) => {
                let below: usize = spans.iter().map(|index| forest.descendants(*index)).sum();
                shown += spans.len() + below;
            }
        }
        let ends = path
            .get(path.len().saturating_sub(levels)..)
            .unwrap_or_default();
        rows.push(Row {
            subject,
            depth,
            ends: ends.to_vec(),
            has_children,
        });
        if rows.len() >= limit {
            break;
        }
    }
    (rows, forest.nodes.len().saturating_sub(shown))
}

/// Puts children on the stack, the first one on top; many alike become one row at the place
/// where the first of the rest would have stood.
fn push_children(
    forest: &Forest<'_>,
    children: &[usize],
    depth: usize,
    all: bool,
    waiting: &mut Vec<(Subject, usize, bool)>,
) {
    let mut subjects: Vec<Subject> = Vec::new();
    if all || children.len() <= ALIKE {
        subjects.extend(children.iter().map(|index| Subject::Span(*index)));
    } else {
        let key = |index: &usize| {
            let stored = forest.node(*index).map(|node| node.stored);
            stored.map(|stored| (stored.span.name.as_str(), stored.service.as_ref()))
        };
        let mut counts: HashMap<_, usize> = HashMap::new();
        for index in children {
            *counts.entry(key(index)).or_default() += 1;
        }
        // For each kind of child: how many were met, and where its summary stands.
        let mut met: HashMap<_, (usize, usize)> = HashMap::new();
        for index in children {
            let kind = key(index);
            let (seen, summary) = met.entry(kind).or_insert((0, usize::MAX));
            *seen += 1;
            if counts.get(&kind).is_none_or(|count| *count <= ALIKE) || *seen <= ALIKE_SHOWN {
                subjects.push(Subject::Span(*index));
            } else if let Some(Subject::Alike(rest)) = subjects.get_mut(*summary) {
                rest.push(*index);
            } else {
                *summary = subjects.len();
                subjects.push(Subject::Alike(vec![*index]));
            }
        }
    }
    let subjects = subjects.into_iter().rev().enumerate();
    waiting.extend(subjects.map(|(from_last, subject)| (subject, depth, from_last == 0)));
}
