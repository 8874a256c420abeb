//! Memory that is shared with a file. All unsafe code of this crate is here.
//!
//! What has to hold, and why it does:
//! - *The memory is there.* Each write is checked against the length that was mapped. The file was
//!   given all its blocks before, so that a full file system is an error of [`Memory::map`] and no
//!   SIGBUS later. Somebody with this user's rights who cuts the file causes one; nothing can be done
//!   against that but to keep the file where nobody has business.
//! - *It is this process's.* A forked child does not get the mapping (`MADV_DONTFORK`), and may have
//!   another one at the address: before each use the [`Owner`] is asked.
//! - *Nobody else is given a reference to it.* It is written through the pointer, never read, and no
//!   `&[u8]` of it exists that another process could change.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells whether this process is still the one that made something.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    number: u32,
    now: fn() -> u32,
}

impl Owner {
    /// This process, by a number that has to be another one in each forked child from its first
    /// instruction on, as a handler of `pthread_atfork` makes it.
    #[must_use]
    pub fn this(now: fn() -> u32) -> Self {
        Self { number: now(), now }
    }

    #[inline]
    fn is_here(self) -> bool {
        (self.now)() == self.number
    }
}

enum Source {
    #[cfg(target_os = "linux")]
    File,
    #[cfg(test)]
    Heap,
}

/// Shared with a file, for as long as this lives.
pub struct Memory {
    address: NonNull<u8>,
    len: usize,
    owner: Owner,
    source: Source,
    /// After so many writes the process is taken to be dead.
    #[cfg(test)]
    pub(crate) writes_left: usize,
}

#[expect(unsafe_code, reason = "a pointer is not `Send` by itself")]
// SAFETY: the memory belongs to this value alone, and any thread of the process may write to it.
unsafe impl Send for Memory {}

/// The right to write to memory that is this process's.
pub(crate) struct Writer<'a> {
    address: NonNull<u8>,
    len: usize,
    /// Nobody else writes meanwhile.
    memory: PhantomData<&'a mut Memory>,
    #[cfg(test)]
    writes_left: &'a mut usize,
}

impl Memory {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// None in a forked child.
    #[inline]
    pub(crate) fn writer(&mut self) -> Option<Writer<'_>> {
        self.owner.is_here().then_some(Writer {
            address: self.address,
            len: self.len,
            memory: PhantomData,
            #[cfg(test)]
            writes_left: &mut self.writes_left,
        })
    }
}

impl Writer<'_> {
    /// The right to a part of it, which begins at a word; none where that is not all there.
    #[inline]
    #[expect(unsafe_code, reason = "the memory is shared with other processes")]
    pub(crate) fn part(self, at: usize, len: usize) -> Option<Self> {
        let is_within = at.checked_add(len).is_some_and(|end| end <= self.len);
        if !is_within || !at.is_multiple_of(8) {
            return None;
        }
        // SAFETY: within the memory, by the check above.
        let address = unsafe { self.address.add(at) };
        Some(Self {
            address,
            len,
            ..self
        })
    }

    /// Writes bytes at an offset, or nothing where they do not fit.
    #[inline]
    #[expect(unsafe_code, reason = "the memory is shared with other processes")]
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        #[cfg(test)]
        if !self.is_alive() {
            return;
        }
        if at
            .checked_add(bytes.len())
            .is_some_and(|end| end <= self.len)
        {
            // SAFETY: within the memory, by the check above. `bytes` is no part of it, since no
            // reference to it exists.
            unsafe {
                let target = self.address.as_ptr().add(at);
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
            }
        }
    }

    /// Writes a word, after all that was written before. Nothing where it does not fit, or the offset
    /// is no multiple of eight.
    #[inline]
    #[expect(unsafe_code, reason = "the memory is shared with other processes")]
    pub(crate) fn publish(&mut self, at: usize, word: u64) {
        #[cfg(test)]
        if !self.is_alive() {
            return;
        }
        if at.is_multiple_of(8) && at.checked_add(8).is_some_and(|end| end <= self.len) {
            // SAFETY: within the memory and aligned, by the check above and since a page, a block of the
            // heap and a part of either are; valid for as long as `self`, which nobody shares.
            let target = unsafe { AtomicU64::from_ptr(self.address.as_ptr().add(at).cast()) };
            target.store(word.to_le(), Ordering::Release);
        }
    }
}

#[cfg(test)]
impl Writer<'_> {
    fn is_alive(&mut self) -> bool {
        let is_alive = *self.writes_left > 0;
        *self.writes_left = self.writes_left.saturating_sub(1);
        is_alive
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::ptr::{NonNull, null_mut};

    use rustix::fs::{FallocateFlags, fallocate, fstatfs};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

    use super::{Memory, Owner, Source};

    /// What `statfs` calls a file system in memory (statfs(2)).
    const TMPFS: u64 = 0x0102_1994;

    impl Memory {
        /// Gives a file this length, all its blocks, and maps it, zeroed and writable, into this
        /// process alone. The descriptor is not needed any more; a lock of the file, taken by
        /// `flock`, is held for as long as this lives.
        ///
        /// # Errors
        /// Where the file is not in memory (a store into another one's pages may wait for a disk),
        /// where there is no room, or the operating system refuses.
        pub fn map(file: &File, len: usize, owner: Owner) -> io::Result<Self> {
            if fstatfs(file)?.f_type as u64 != TMPFS {
                return Err(io::Error::other("it is not in memory (tmpfs)"));
            }
            fallocate(file, FallocateFlags::empty(), 0, len as u64)?;
            // The pages at once: not one fault is left to the threads that write.
            let flags = MapFlags::SHARED | MapFlags::POPULATE;
            let access = ProtFlags::READ | ProtFlags::WRITE;
            #[expect(unsafe_code, reason = "a mapping")]
            // SAFETY: the kernel chooses the address, so nothing else is replaced.
            let address = unsafe { mmap(null_mut(), len, access, flags, file, 0) }?;
            let address = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
            let memory = Self {
                address,
                len,
                owner,
                source: Source::File,
                #[cfg(test)]
                writes_left: usize::MAX,
            };
            #[expect(unsafe_code, reason = "advice on a mapping")]
            // SAFETY: the mapping is this one's own and of that length; nothing in it is given up.
            unsafe {
                madvise(memory.address.as_ptr().cast(), len, Advice::LinuxDontFork)?;
            }
            Ok(memory)
        }
    }

    #[expect(unsafe_code, reason = "the end of a mapping")]
    pub(super) fn unmap(memory: &Memory) {
        // SAFETY: mapped by `map` in this process, with this length, and given up once, here.
        // Nothing can be done about an error.
        let _ = unsafe { munmap(memory.address.as_ptr().cast(), memory.len) };
    }
}

#[cfg(not(target_os = "linux"))]
impl Memory {
    /// Memory that outlives a process is known on Linux alone.
    ///
    /// # Errors
    /// Always.
    pub fn map(_: &std::fs::File, _: usize, _: Owner) -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if !self.owner.is_here() {
            return;
        }
        match self.source {
            #[cfg(target_os = "linux")]
            Source::File => linux::unmap(self),
            #[cfg(test)]
            #[expect(unsafe_code, reason = "memory of the heap, as the tests have it")]
            // SAFETY: allocated by `on_heap`, with this layout.
            Source::Heap => unsafe {
                std::alloc::dealloc(self.address.as_ptr(), layout(self.len));
            },
        }
    }
}

#[cfg(test)]
fn layout(len: usize) -> std::alloc::Layout {
    std::alloc::Layout::from_size_align(len, 4096).unwrap()
}

#[cfg(test)]
#[expect(unsafe_code, reason = "memory of the heap, as the tests have it")]
impl Memory {
    /// Of the heap, so that Miri, which maps no files, sees what is written.
    pub(crate) fn on_heap(len: usize, owner: Owner) -> Self {
        // SAFETY: the layout is not empty.
        let address = unsafe { std::alloc::alloc_zeroed(layout(len)) };
        Self {
            address: NonNull::new(address).unwrap(),
            len,
            owner,
            source: Source::Heap,
            writes_left: usize::MAX,
        }
    }

    /// What another process would read.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        // SAFETY: all of it is initialised, and nobody writes while this borrows it.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.len) }.to_vec()
    }
}
