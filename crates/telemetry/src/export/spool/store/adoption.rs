//! What processes have left that have ended: found a part at a time, however much there is, and taken over.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::folder::{Entry, Orphan, Taken};
use super::super::journal;
use super::super::segment::{Header, encode_block};
use super::{Gone, Place, Segment, Store, Trouble};
use crate::diagnostics::event::BufferNews;

/// More segments of others are not taken over at one time, so that each process gets some.
const MAX_ADOPTED: usize = 16;
/// The longest that files of others are opened, at one time: journals, and segments.
const MAX_LOOK: Duration = Duration::from_millis(100);
/// How often it is looked for what is too old.
const CLEAN: Duration = Duration::from_secs(10);
/// What a file takes is counted in these.
const PAGE: u64 = 4096;

impl Store {
    /// Looks for what processes have left that have ended, and takes some of it over; deletes what is
    /// too old, which nobody takes over meanwhile.
    ///
    /// False where there is so much that the rest has to wait for another time: other work with the disk
    /// is held up meanwhile.
    pub(crate) fn adopt(&mut self) -> bool {
        let is_clock_steady = self.clock.is_steady(self.config.max_age);
        let has_all_journals = self.adopt_journals(is_clock_steady);
        if !self.folder.path().is_dir() || self.folder.prepare().is_err() {
            return has_all_journals;
        }
        let is_over = self.adopt_segments(is_clock_steady) && has_all_journals;
        if is_over && self.cleaned_at.is_none_or(|at| at.elapsed() >= CLEAN) {
            self.cleaned_at = Some(Instant::now());
            self.clean(is_clock_steady);
        }
        is_over
    }

    fn adopt_segments(&mut self, is_clock_steady: bool) -> bool {
        if self.segments_to_look_at.len() == 0 {
            self.segments_to_look_at = self.folder.segments().into_iter();
        }
        let own: HashSet<_> = self.segments().map(|segment| segment.id).collect();
        let (mut records, mut files) = (0, 0);
        // Put aside, and one of them.
        let (mut aside, mut example) = (0, None);
        let begun = Instant::now();
        let mut is_over = true;
        while self.adopted.len() < MAX_ADOPTED {
            if begun.elapsed() > MAX_LOOK {
                is_over = self.segments_to_look_at.len() == 0;
                break;
            }
            let Some(path) = self.segments_to_look_at.next() else {
                break;
            };
            let Some(entry) = Entry::look(path) else {
                continue;
            };
            let is_old = entry.is_expired(None, self.config.max_age);
            if own.contains(&entry.id) || is_old && !is_clock_steady {
                continue;
            }
            match entry.take() {
                Taken::Left => {}
                Taken::Quarantined(bytes) => {
                    self.counts.quarantined += 1;
                    self.counts.unreadable_bytes += bytes;
                    aside += 1;
                    example.get_or_insert(entry.path);
                }
                Taken::Orphan(orphan) if orphan.header.identity != self.identity => {}
                Taken::Orphan(orphan) => {
                    if entry.is_expired(Some(&orphan.header), self.config.max_age) {
                        if is_clock_steady {
                            self.expire(&orphan);
                        }
                    } else if !orphan.may_live_elsewhere(entry.modified) {
                        records += orphan.records();
                        files += u64::from(orphan.records() > 0);
                        self.take_over(*orphan);
                    }
                }
            }
        }
        if records > 0 {
            self.counts.adopted += records;
            self.news.push(BufferNews::Adopted { records, files });
        }
        if let Some(path) = example {
            self.news
                .push(BufferNews::Quarantined { path, files: aside });
        }
        is_over
    }

    /// Writes down what lies in the journals of processes that have ended, as segments of theirs,
    /// which are taken over then as any other.
    fn adopt_journals(&mut self, is_clock_steady: bool) -> bool {
        if self.journals_to_look_at.len() == 0 {
            let folder = journal::folder(&self.config, &self.identity);
            let Some(folder) = folder.filter(|folder| folder.has_files(journal::RING)) else {
                return true;
            };
            if folder.prepare().is_err() {
                return true;
            }
            let everything = folder.everything();
            everything
                .iter()
                .for_each(|entry| entry.sweep(self.config.max_age));
            self.journals_to_look_at = folder.files(journal::RING).into_iter();
        }
        let begun = Instant::now();
        let mut writing = None;
        while let Some(path) = self.journals_to_look_at.next() {
            let Some(entry) = Entry::look(path) else {
                continue;
            };
            let is_old = entry.is_expired(None, self.config.max_age);
            if is_old && !is_clock_steady {
                continue;
            }
            match journal::take(&entry, &self.identity, &self.config) {
                journal::Taken::Left => {}
                journal::Taken::Unreadable(bytes) => self.note_unreadable(&entry.path, bytes),
                journal::Taken::Orphan(orphan) => {
                    let writing = writing.get_or_insert_with(|| self.begin_writing());
                    if is_old {
                        let records = orphan.delete();
                        self.note_gone(Gone::Expired, records);
                    } else if self.secure(&orphan, writing).is_err() {
                        // There is no room for it now. It is not lost.
                        self.journals_to_look_at = Vec::new().into_iter();
                    } else {
                        orphan.delete();
                        self.note_unreadable(&entry.path, orphan.unreadable_bytes);
                    }
                }
            }
            if begun.elapsed() > MAX_LOOK {
                break;
            }
        }
        self.journals_to_look_at.len() == 0
    }

    fn begin_writing(&self) -> Writing {
        let salt = |path: &Path| {
            let (_, salt) = path.file_stem()?.to_str()?.split_once('-')?;
            u64::from_str_radix(salt, 16).ok()
        };
        let segments = self.folder.segments();
        Writing {
            done: segments.iter().filter_map(|path| salt(path)).collect(),
            room: 0,
        }
    }

    /// Writes down what a journal holds, all of it before anybody sees the file.
    fn secure(&mut self, orphan: &journal::Orphan, writing: &mut Writing) -> Result<(), Trouble> {
        if orphan.batches.is_empty() || writing.done.contains(&orphan.salt) {
            return Ok(());
        }
        let header = Header::new(orphan.salt, self.identity.clone());
        let mut bytes = header.encode();
        for batch in &orphan.batches {
            let (position, count) = (bytes.len() as u64, u32::try_from(batch.len()).unwrap_or(0));
            let block = encode_block(header.salt, position, count, &batch.encode());
            bytes.extend_from_slice(&block);
        }
        let needed = (bytes.len() as u64).next_multiple_of(PAGE);
        if writing.room < needed {
            // For more than this one: whoever makes room looks at every file there is.
            let room = self.config.segment_bytes().max(needed);
            self.make_room(room)?;
            writing.room = room;
        }
        let made = self.folder.create(&header, &bytes);
        made.map_err(|error| Trouble::Other(error.to_string()))?;
        writing.room -= needed;
        Ok(())
    }

    fn note_unreadable(&mut self, path: &Path, bytes: u64) {
        if bytes > 0 {
            self.counts.unreadable_bytes += bytes;
            self.news.push(BufferNews::Unreadable {
                path: path.to_owned(),
                bytes,
            });
        }
    }

    fn expire(&mut self, orphan: &Orphan) {
        let records = orphan.records();
        if orphan.delete() && records > 0 {
            self.counts.expired += records;
            self.news.push(BufferNews::Expired(records));
        }
    }

    fn take_over(&mut self, orphan: Orphan) {
        self.note_unreadable(&orphan.path, orphan.contents.unreadable_bytes);
        if orphan.unsettled().next().is_none() {
            orphan.delete();
            return;
        }
        let number = self.number();
        let before = self.waiting.len();
        self.waiting.extend(orphan.unsettled().map(|block| Place {
            segment: number,
            position: block.position,
            len: block.len,
            count: block.count,
        }));
        self.waiting_records += orphan.records();
        self.adopted.push(Segment {
            number,
            unsettled: self.waiting.len() - before,
            path: orphan.path,
            id: orphan.id,
            salt: orphan.header.salt,
            start: orphan.start,
            end: orphan.len,
            created: Instant::now(),
            _lock: orphan.lock,
        });
    }

    /// Deletes what is too old, of whatever service.
    fn clean(&mut self, is_clock_steady: bool) {
        let max_age = self.config.max_age;
        for entry in self.folder.everything() {
            entry.sweep(max_age);
            if is_clock_steady
                && entry.is_expired(None, max_age)
                && let Taken::Orphan(orphan) = entry.take()
                && entry.is_expired(Some(&orphan.header), max_age)
            {
                self.expire(&orphan);
            }
        }
    }
}

/// Journals that are written down at one time.
struct Writing {
    /// The numbers of those that are: whoever did it may have been killed before the journal was deleted.
    done: HashSet<u64>,
    /// Bytes for which there is room.
    room: u64,
}

#[cfg(test)]
mod tests;
