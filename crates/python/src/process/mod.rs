//! What happens to the process as a whole: forks, signals, the interpreter's end, the clock, and
//! what the library says through the program's own loggers.

pub(crate) mod clock;
pub(crate) mod diagnostics;
pub(crate) mod ending_thread;
pub(crate) mod fork;
pub(crate) mod interpreter;
pub(crate) mod mapped_lock;
pub(crate) mod said;
pub(crate) mod termination;
mod wording;
