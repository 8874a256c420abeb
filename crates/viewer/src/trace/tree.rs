//! The spans of a trace as a forest, whatever was received: parents that never came, parents
//! that form a cycle, clocks that disagree, ends that are missing.
//! Nothing here recurses: a trace may be one chain of twenty thousand spans.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::trace::StoredSpan;

/// Why a span stands at the top although it names a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detached {
    /// Its parent was not received.
    ParentMissing,
    /// Following the parents leads back to it.
    Cycle,
}

#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) stored: &'a StoredSpan,
    /// By start time.
    pub(crate) children: Vec<usize>,
    pub(crate) parent: Option<usize>,
    pub(crate) detached: Option<Detached>,
    /// Unix nanoseconds, put right where the clock was evidently wrong; `None` if not recorded.
    pub(crate) start: Option<u64>,
    /// Like `start`. An end before the start is no end.
    pub(crate) end: Option<u64>,
    /// What was added to the recorded times, in nanoseconds.
    pub(crate) shift: i64,
}

impl Node<'_> {
    pub(crate) fn duration(&self) -> Option<u64> {
        Some(self.end?.saturating_sub(self.start?))
    }
}

#[derive(Debug)]
pub(crate) struct Forest<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    /// By start time.
    pub(crate) roots: Vec<usize>,
    /// The largest correction applied to each service's clock, in nanoseconds.
    pub(crate) corrections: BTreeMap<Arc<str>, i64>,
    /// First start and last end, in Unix nanoseconds.
    pub(crate) range: (u64, u64),
}

impl<'a> Forest<'a> {
    pub(crate) fn new(spans: &'a [StoredSpan]) -> Self {
        let mut forest = Self {
            nodes: spans.iter().map(node).collect(),
            roots: Vec::new(),
            corrections: BTreeMap::new(),
            range: (0, 0),
        };
        forest.connect();
        forest.correct_clocks();
        forest.sort();
        forest.measure();
        forest
    }

    pub(crate) fn node(&self, index: usize) -> Option<&Node<'a>> {
        self.nodes.get(index)
    }

    /// The number of spans below one, itself not included.
    pub(crate) fn descendants(&self, index: usize) -> usize {
        let mut count = 0;
        let mut waiting = vec![index];
        while let Some(node) = waiting.pop().and_then(|next| self.nodes.get(next)) {
            count += node.children.len();
            waiting.extend_from_slice(&node.children);
        }
        count
    }

    fn connect(&mut self) {
        let mut by_id: HashMap<&[u8], usize> = HashMap::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            by_id.insert(node.stored.span.span_id.as_slice(), index);
        }
        let parents: Vec<Option<usize>> = self
            .nodes
            .iter()
            .map(|node| {
                by_id
                    .get(node.stored.span.parent_span_id.as_slice())
                    .copied()
            })
            .collect();
        for (index, parent) in cut_cycles(&parents).into_iter().enumerate() {
            let Some(node) = self.nodes.get_mut(index) else {
                continue;
            };
            match parent {
                Link::Parent(parent) => {
                    node.parent = Some(parent);
                    if let Some(parent) = self.nodes.get_mut(parent) {
                        parent.children.push(index);
                    }
                }
                Link::Cut => {
                    node.detached = Some(Detached::Cycle);
                    self.roots.push(index);
                }
                Link::None => {
                    // A parent id of zeros is none; some senders write it.
                    let names_parent = node
                        .stored
                        .span
                        .parent_span_id
                        .iter()
                        .any(|byte| *byte != 0);
                    node.detached = names_parent.then_some(Detached::ParentMissing);
                    self.roots.push(index);
                }
            }
        }
    }

    /// A server cannot begin before its client called, nor after the client was done waiting.
    /// Where it says so, its clock differs from the client's: its subtree is moved into the
    /// middle of the call, as the two halves of the network time are unknown. Anything else is
    /// left as recorded: a server may well finish after its client.
    fn correct_clocks(&mut self) {
        let mut waiting: Vec<(usize, i64)> = self.roots.iter().map(|root| (*root, 0)).collect();
        while let Some((index, inherited)) = waiting.pop() {
            let shift = inherited.saturating_add(self.correction(index, inherited));
            let Some(node) = self.nodes.get_mut(index) else {
                continue;
            };
            node.shift = shift;
            node.start = node.start.map(|time| time.saturating_add_signed(shift));
            node.end = node.end.map(|time| time.saturating_add_signed(shift));
            if shift != inherited {
                let known = self
                    .corrections
                    .entry(Arc::clone(&node.stored.service))
                    .or_default();
                if shift.unsigned_abs() > known.unsigned_abs() {
                    *known = shift;
                }
            }
            waiting.extend(node.children.iter().map(|child| (*child, shift)));
        }
    }

    /// What is to be added to a span's times after `inherited`; its parent is already right.
    fn correction(&self, index: usize, inherited: i64) -> i64 {
        let correct = || {
            let node = self.nodes.get(index)?;
            let parent = self.nodes.get(node.parent?)?;
            let is_call = node.stored.span.kind == SpanKind::Server as i32
                && parent.stored.span.kind == SpanKind::Client as i32;
            let start = node.start?.saturating_add_signed(inherited);
            let (parent_start, parent_end) = (parent.start?, parent.end?);
            if !is_call || (parent_start..=parent_end).contains(&start) {
                return None;
            }
            let room = (parent_end - parent_start).saturating_sub(node.duration().unwrap_or(0));
            let wanted = parent_start.saturating_add(room / 2);
            i64::try_from(i128::from(wanted) - i128::from(start)).ok()
        };
        correct().unwrap_or(0)
    }

    fn sort(&mut self) {
        let starts: Vec<_> = self
            .nodes
            .iter()
            .map(|node| (node.start, node.end))
            .collect();
        let key = |index: &usize| starts.get(*index).copied();
        for node in &mut self.nodes {
            node.children.sort_by_key(key);
        }
        self.roots.sort_by_key(key);
    }

    fn measure(&mut self) {
        let first = self.nodes.iter().filter_map(|node| node.start).min();
        let last = self
            .nodes
            .iter()
            .filter_map(|node| node.end.or(node.start))
            .max();
        if let (Some(first), Some(last)) = (first, last) {
            self.range = (first, last.max(first));
        }
    }
}

fn node(stored: &StoredSpan) -> Node<'_> {
    let recorded = |time: u64| (time != 0).then_some(time);
    let start = recorded(stored.span.start_time_unix_nano);
    let end =
        recorded(stored.span.end_time_unix_nano).filter(|end| start.is_none_or(|it| it <= *end));
    Node {
        stored,
        children: Vec::new(),
        parent: None,
        detached: None,
        start,
        end,
        shift: 0,
    }
}

enum Link {
    Parent(usize),
    None,
    Cut,
}

/// Follows the parents from every span once; where a walk meets itself, the link is cut.
fn cut_cycles(parents: &[Option<usize>]) -> Vec<Link> {
    let mut links: Vec<Link> = parents
        .iter()
        .map(|parent| parent.map_or(Link::None, Link::Parent))
        .collect();
    // The walk in which each span was first met; 0 for none.
    let mut met_in = vec![0_usize; parents.len()];
    for first in 0..parents.len() {
        let walk = first + 1;
        let mut at = first;
        loop {
            match met_in.get_mut(at) {
                Some(met) if *met == 0 => *met = walk,
                Some(met) if *met == walk => {
                    if let Some(link) = links.get_mut(at) {
                        *link = Link::Cut;
                    }
                    break;
                }
                _ => break,
            }
            match parents.get(at).copied().flatten() {
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
    links
}
