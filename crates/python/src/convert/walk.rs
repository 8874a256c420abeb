//! How far a walk over a program's value goes: a value may contain itself along many paths, or be given
//! out without end. Cycles are noticed where they close; depth, number and size of the parts are bounded.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::process::diagnostics::{self, Seldom};

/// How deep a value may be nested: receivers decode no deeper.
const DEEPEST: usize = 32;
/// How many parts a value may have; what contains a thing twice has its parts twice.
const MOST_PARTS: usize = 1 << 18;
/// How many bytes of text and bytes the parts may have.
const MOST_BYTES: usize = 64 << 20;
/// Signals are served whenever so many parts were seen: the walk may be all native.
const PARTS_BETWEEN_SIGNALS: usize = 1 << 12;

/// What stands in the place of what is cut.
pub(crate) const ELLIPSIS: &str = "…";

/// Why something is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Cycle,
    Depth,
    Parts,
    Bytes,
}

/// One walk over one value.
pub(crate) struct Walk {
    /// The containers that it is in, by address.
    open: Vec<usize>,
    parts: usize,
    /// How many parts may still be taken out of their containers: all of one are, before the first is gone over.
    reads: usize,
    bytes: usize,
    cut: Option<Cut>,
}

impl Walk {
    pub(crate) const fn new() -> Self {
        Self {
            open: Vec::new(),
            parts: MOST_PARTS,
            reads: MOST_PARTS,
            bytes: MOST_BYTES,
            cut: None,
        }
    }

    /// Goes into a container, to be left again; false where it is cut.
    pub(crate) fn enter(&mut self, container: &Bound<'_, PyAny>) -> bool {
        let address = container.as_ptr().addr();
        if self.open.contains(&address) {
            return self.cut(Cut::Cycle);
        }
        if self.open.len() >= DEEPEST {
            return self.cut(Cut::Depth);
        }
        self.open.push(address);
        true
    }

    pub(crate) fn leave(&mut self) {
        self.open.pop();
    }

    /// Comes to the next part of the container; false where the rest is cut.
    ///
    /// # Errors
    /// What a signal handler raised, for the program.
    #[inline]
    pub(crate) fn next_part(&mut self, py: Python<'_>) -> PyResult<bool> {
        let Some(left) = self.parts.checked_sub(1) else {
            return Ok(self.cut(Cut::Parts));
        };
        self.parts = left;
        if left.is_multiple_of(PARTS_BETWEEN_SIGNALS) {
            py.check_signals()?;
        }
        Ok(true)
    }

    /// Takes a part of so many bytes; false where it is cut.
    #[inline]
    pub(crate) fn take_bytes(&mut self, count: usize) -> bool {
        match self.bytes.checked_sub(count) {
            Some(left) => {
                self.bytes = left;
                true
            }
            None => self.cut(Cut::Bytes),
        }
    }

    /// The same for a text.
    #[inline]
    pub(crate) fn take_text(&mut self, text: &Bound<'_, PyString>) -> bool {
        // No character takes more than four bytes; which it is matters where there is little room.
        let characters = text.len().unwrap_or(0);
        let bytes = match characters.saturating_mul(4) {
            most if most <= self.bytes => characters,
            _ => text.to_str().map_or(characters, str::len),
        };
        self.take_bytes(bytes)
    }

    /// How many parts to take out of a container, at most: one more than there may be.
    pub(crate) fn reads_left(&self) -> usize {
        self.reads.min(self.parts) + 1
    }

    /// So many parts were taken out of a container; what is more than there may be is cut.
    pub(crate) fn has_read(&mut self, count: usize) {
        if count > self.reads {
            self.parts = self.parts.min(self.reads);
        }
        self.reads = self.reads.saturating_sub(count);
    }

    #[cold]
    fn cut(&mut self, cut: Cut) -> bool {
        self.cut = self.cut.or(Some(cut));
        false
    }

    /// Says, seldom, that the value of `key` was cut.
    pub(crate) fn say(&self, key: &Bound<'_, PyAny>) {
        if let Some(cut) = self.cut {
            say(cut, key);
        }
    }
}

#[cold]
fn say(cut: Cut, key: &Bound<'_, PyAny>) {
    static CYCLE: Seldom = Seldom::new();
    static DEPTH: Seldom = Seldom::new();
    static SIZE: Seldom = Seldom::new();
    let (seldom, why, limit) = match cut {
        Cut::Cycle => (&CYCLE, "it contains itself", String::new()),
        Cut::Depth => (
            &DEPTH,
            "it is nested deeper than the limit of ",
            format!("{DEEPEST} levels"),
        ),
        Cut::Parts => (
            &SIZE,
            "it has more parts than the limit of ",
            MOST_PARTS.to_string(),
        ),
        Cut::Bytes => (
            &SIZE,
            "it has more than the limit of ",
            format!("{} MiB", MOST_BYTES >> 20),
        ),
    };
    if seldom.is_due() {
        diagnostics::warn(
            key.py(),
            diagnostics::ATTRIBUTES,
            "The value of %s is cut, since %s%s; `…` stands for what is left out.",
            (key, why, limit),
        );
    }
}

/// Whether a walk over the containers that are Python's own ends without a cut: then their text, which is
/// made without looking after signals, has an end as well.
pub(crate) fn is_bounded(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut walk = Walk::new();
    look_into(value, &mut walk)?;
    Ok(walk.cut.is_none_or(|cut| cut == Cut::Cycle))
}

fn look_into(value: &Bound<'_, PyAny>, walk: &mut Walk) -> PyResult<()> {
    use pyo3::types::{PyDict, PyList, PyTuple};
    let parts: Vec<Bound<'_, PyAny>> = if let Ok(items) = value.cast::<PyTuple>() {
        items.iter().take(walk.reads_left()).collect()
    } else if let Ok(items) = value.cast::<PyList>() {
        items.iter().take(walk.reads_left()).collect()
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let entries = super::dict::entries_up_to(dict, walk.reads_left());
        entries.into_iter().map(|(_, value)| value).collect()
    } else {
        if let Ok(text) = value.cast::<PyString>() {
            walk.take_text(text);
        }
        return Ok(());
    };
    walk.has_read(parts.len());
    if walk.enter(value) {
        for part in &parts {
            if !walk.next_part(value.py())? {
                break;
            }
            look_into(part, walk)?;
        }
        walk.leave();
    }
    Ok(())
}
