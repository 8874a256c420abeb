//! A thread that asks for the interpreter while that is ending: it sleeps until the process is over.
//!
//! CPython up to 3.13 ends such a thread by `pthread_exit`, which glibc does by unwinding its stack:
//! through our frames, whose clean-up would then run without the interpreter's lock, up to a
//! `catch_unwind` that aborts the process. Since 3.14 the interpreter itself has the thread sleep;
//! elsewhere than with glibc nothing is unwound. See docs/decisions/0008.

#[cfg(all(target_os = "linux", target_env = "gnu", not(Py_3_14)))]
pub(crate) use unwound::watch;

#[cfg(all(target_os = "linux", target_env = "gnu", not(Py_3_14)))]
mod unwound {
    use std::ffi::{c_int, c_void};
    use std::mem;
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, Ordering};

    /// What an unwinder calls for each frame that has something to clean up: the version of the
    /// interface, what it is about to do, the kind of the exception, the exception, the frame.
    type Personality = unsafe extern "C" fn(c_int, c_int, u64, *mut c_void, *mut c_void) -> c_int;

    /// `_UA_FORCE_UNWIND`: nothing was thrown, the thread is being ended.
    const IS_FORCED: c_int = 8;

    #[expect(unsafe_code, reason = "declares what others define")]
    // SAFETY: the unwinder's function and CPython's, as both declare them.
    unsafe extern "C" {
        /// Where all of this library's frames find the function that cleans them up. A compiler
        /// that names it otherwise makes the build fail.
        #[link_name = "DW.ref.rust_eh_personality"]
        static PERSONALITY: AtomicPtr<c_void>;

        #[cfg(Py_3_13)]
        safe fn Py_IsFinalizing() -> c_int;
        #[cfg(not(Py_3_13))]
        #[link_name = "_Py_IsFinalizing"]
        safe fn Py_IsFinalizing() -> c_int;
    }

    static ORIGINAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

    /// From now on no frame of this library is unwound because the interpreter is ending.
    #[expect(unsafe_code, reason = "a word that the compiler made")]
    pub(crate) fn watch() {
        // SAFETY: the word is an aligned, writable pointer, which is only ever read whole.
        let word = unsafe { &PERSONALITY };
        let ours = hang as Personality as *mut c_void;
        let present = word.load(Ordering::Acquire);
        if present != ours {
            ORIGINAL.store(present, Ordering::Release);
            word.store(ours, Ordering::Release);
        }
    }

    #[expect(unsafe_code, reason = "called by the unwinder")]
    unsafe extern "C" fn hang(
        version: c_int,
        actions: c_int,
        class: u64,
        exception: *mut c_void,
        frame: *mut c_void,
    ) -> c_int {
        if actions & IS_FORCED != 0 && Py_IsFinalizing() != 0 {
            loop {
                // SAFETY: waits for a signal, in a thread that has nothing else to do.
                unsafe { libc::pause() };
            }
        }
        // SAFETY: the address is that of the function the compiler put there, before this one was
        // put in its place, and the arguments are those it would have been called with.
        unsafe {
            let original: Personality = mem::transmute(ORIGINAL.load(Ordering::Acquire));
            original(version, actions, class, exception, frame)
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(Py_3_14))))]
pub(crate) const fn watch() {}
