//! Keeps the locks of the buffer's files without a descriptor. Linux gives a lock back when nothing
//! refers to the open file any more, and a mapping does: no child inherits it that was forked, and no
//! program can close it that closes all the descriptors it has.

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::c_void;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::ptr;

    use telemetry::export::spool::Keeper;
    use telemetry::fork::generation;

    /// One page of address space, which nobody can read or write.
    struct Mapping {
        address: *mut c_void,
        len: usize,
        /// A child has no such mapping, and may have another one there.
        generation: u32,
    }

    #[expect(unsafe_code, reason = "a raw pointer is neither by itself")]
    // SAFETY: the address is never dereferenced, only given back, once.
    unsafe impl Send for Mapping {}
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: as above.
    unsafe impl Sync for Mapping {}

    impl Mapping {
        #[expect(unsafe_code, reason = "mmap has no safe binding")]
        fn new(file: &File) -> Option<Self> {
            // SAFETY: asks for a number.
            let len = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
            let (flags, fd) = (libc::MAP_SHARED, file.as_raw_fd());
            // SAFETY: the kernel chooses the address, so no other mapping is replaced; without
            // PROT_READ and PROT_WRITE no memory is there to be misused.
            let address =
                unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_NONE, flags, fd, 0) };
            if address == libc::MAP_FAILED {
                return None;
            }
            let mapping = Self {
                address,
                len,
                generation: generation(),
            };
            // SAFETY: the mapping is this one's own, and of that length.
            let is_ours_alone = unsafe { libc::madvise(address, len, libc::MADV_DONTFORK) } == 0;
            is_ours_alone.then_some(mapping)
        }
    }

    impl Drop for Mapping {
        #[expect(unsafe_code, reason = "munmap has no safe binding")]
        fn drop(&mut self) {
            if self.generation == generation() {
                // SAFETY: it was mapped by `new` in this process, and nothing refers to it.
                unsafe { libc::munmap(self.address, self.len) };
            }
        }
    }

    pub(super) fn keep(file: File) -> Keeper {
        match Mapping::new(&file) {
            Some(mapping) => Box::new(mapping),
            None => Box::new(file),
        }
    }
}

/// From now on. Elsewhere a descriptor keeps a lock, as it does without this.
pub(crate) fn use_for_locks() {
    #[cfg(target_os = "linux")]
    telemetry::export::spool::set_keeper(linux::keep);
}
