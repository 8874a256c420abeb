//! A buffer for one record, kept by each thread.

use std::cell::Cell;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a buffer may keep; one record of many megabytes is no reason to hold on to them.
const MAX_KEPT: usize = 1 << 20;

/// Calls `encode` with an empty buffer.
pub(crate) fn with_buffer<T>(encode: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    // Taken, not borrowed: encoding may run Python code that encodes another record.
    let mut buffer = BUFFER.take();
    buffer.clear();
    let result = encode(&mut buffer);
    if buffer.capacity() <= MAX_KEPT {
        BUFFER.set(buffer);
    }
    result
}
