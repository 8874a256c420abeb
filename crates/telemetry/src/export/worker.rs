//! The one thread of this process that telemetry runs on, started when there is something to do.
//! It never takes the interpreter's lock. The only place that starts threads: after a fork the
//! child has none of them, and starts its own.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use arc_swap::ArcSwapOption;
use tokio::runtime::{Builder, Handle};

use crate::fork;

struct Worker {
    generation: u32,
    handle: Mutex<Option<Handle>>,
}

static WORKER: ArcSwapOption<Worker> = ArcSwapOption::const_empty();

/// Runs a task on the worker, which is started if it is not there.
///
/// # Errors
/// The operating system's, where no thread can be started.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    handle()?.spawn(task);
    Ok(())
}

fn handle() -> io::Result<Handle> {
    let worker = this_process();
    let mut handle = worker.handle.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = handle.as_ref() {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let started = runtime.handle().clone();
    thread::Builder::new()
        .name("oxitel-export".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    *handle = Some(started.clone());
    Ok(started)
}

/// What this process knows of its worker; a child that was forked starts knowing nothing.
fn this_process() -> Arc<Worker> {
    loop {
        let present = WORKER.load_full();
        if let Some(worker) = &present
            && worker.generation == fork::generation()
        {
            return Arc::clone(worker);
        }
        let fresh = Arc::new(Worker {
            generation: fork::generation(),
            handle: Mutex::new(None),
        });
        WORKER.compare_and_swap(&present, Some(fresh));
        // The parent's runtime is never dropped here: its sockets are the parent's.
        mem::forget(present);
    }
}
