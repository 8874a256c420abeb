//! What the journal has of a queue: each record that was pushed, until it is delivered, dropped, or in
//! the spool.

use super::Queue;

impl Queue {
    pub(super) fn journal_head(&self) -> u64 {
        self.journal.as_ref().map_or(0, |journal| journal.head())
    }

    /// Has the journal forget what was delivered or dropped, or is in the spool.
    pub(in super::super) fn settle_journal(&mut self) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let flight = self.in_flight.iter().filter(|flight| !flight.is_kept());
        let flight = flight.map(|flight| flight.kept.written_up_to);
        let sealed = self.sealed.iter();
        let sealed = sealed.map(|sealed| (&sealed.batch, &sealed.kept));
        let waiting = sealed.chain([(&self.current, &self.current_kept)]);
        let waiting = waiting.filter(|(batch, kept)| !batch.is_empty() && !kept.is_whole(batch));
        let first = flight.chain(waiting.map(|(_, kept)| kept.written_up_to));
        let needed_from = first.min().unwrap_or_else(|| journal.head());
        journal.settle(needed_from);
        journal.tend();
    }

    /// Records that the journal had no room for.
    pub(in super::super) fn unjournaled(&self) -> u64 {
        let journal = self.journal.as_ref();
        journal.map_or(0, |journal| journal.unjournaled())
    }

    /// Why there is no journal, if that is new.
    pub(in super::super) fn take_journal_trouble(&mut self) -> Option<String> {
        self.journal.as_mut()?.take_trouble()
    }

    /// Nothing is pushed any more, and nothing is here.
    pub(in super::super) fn end_journal(&mut self) {
        self.journal = None;
    }
}
