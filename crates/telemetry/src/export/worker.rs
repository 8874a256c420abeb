//! The one thread of this process that telemetry runs on, started when there is something to do.
//! It never takes the interpreter's lock: where a client of the host's carries messages, a thread of the
//! runtime's waits for that one. Nor does it wait for a disk: what is kept there is written and read on
//! a thread beside it. After a fork the child has none of its parent's threads, and starts its own worker.
//! So does a process whose descriptors were closed under the worker, as libraries that make daemons do.

use std::io;
use std::mem;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::fork::{self, Owned, PerProcess};

struct Worker {
    epoch: Epoch,
    handle: Mutex<Option<Handle>>,
    canary: OnceLock<Canary>,
    /// What is called when this worker is lost, on any thread.
    followers: Mutex<Vec<Follower>>,
}

type Follower = Box<dyn Fn() + Send>;

const THREAD: &str = "oxitel-export";
const CARRIER_THREAD: &str = "oxitel-carrier";
const DISK_THREAD: &str = "oxitel-disk";
/// Whoever closes descriptors may be at it still, and would close the next worker's.
const LET_THEM_FINISH: Duration = Duration::from_millis(50);
const HEARTBEAT: Duration = Duration::from_secs(5);

static WORKER: PerProcess<Worker> = PerProcess::empty();
static LOSSES: AtomicU32 = AtomicU32::new(0);
static ON_START: OnceLock<fn()> = OnceLock::new();

/// Sets what the worker's thread begins with, once in a process: the host knows which of the
/// process's signals a thread of the library must leave to others.
pub fn set_on_start(on_start: fn()) {
    let _ = ON_START.set(on_start);
}

/// Which worker of which process. What was made under another epoch, connections above all, is
/// abandoned and never dropped: its descriptors may be somebody else's by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    generation: u32,
    /// How many workers were lost before.
    losses: u32,
}

impl Epoch {
    #[inline]
    pub(crate) fn now() -> Self {
        Self {
            generation: fork::generation(),
            losses: LOSSES.load(Ordering::Relaxed),
        }
    }

    #[inline]
    pub(crate) fn is_now(self) -> bool {
        self == Self::now()
    }

    /// Whether it is of this process, though its worker may be lost.
    #[inline]
    pub(crate) fn is_of_this_process(self) -> bool {
        self.generation == fork::generation()
    }
}

/// Runs a task on the worker, which is started if it is not there.
///
/// # Errors
/// The operating system's, where no thread can be started.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let lost = || io::Error::other("its descriptors were closed");
    spawn_on(None, task)?.ok_or_else(lost)
}

/// As [`spawn`]; if the worker is lost, with the task or after it, `follower` is called.
///
/// # Errors
/// Those of [`spawn`].
pub(crate) fn spawn_followed(
    follower: impl Fn() + Send + 'static,
    task: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    spawn_on(Some(Box::new(follower)), task).map(drop)
}

fn spawn_on(
    follower: Option<Follower>,
    task: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Option<()>> {
    notice_loss();
    let worker = WORKER.get(|_| Worker::new());
    let handle = handle(&worker)?;
    worker.followers().extend(follower);
    Ok(wake(|| handle.spawn(task)).map(drop))
}

/// Starts a thread for what may wait for a disk, which a child of a fork has as little of as of the
/// worker's.
///
/// # Errors
/// The operating system's, where no thread can be started.
pub(crate) fn beside(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(DISK_THREAD.to_owned());
    #[expect(clippy::disallowed_methods, reason = "the worker waits for no disk")]
    let started = thread.spawn(move || {
        start_thread();
        work();
    });
    started.map(drop)
}

/// Finds out whether the worker's descriptors were closed: before anything that would wake it, and
/// so write to them. One system call.
pub(crate) fn notice_loss() {
    if let Some(worker) = WORKER.load().as_deref()
        && worker.is_ours()
        && worker.has_lost_descriptors()
    {
        worker.lose();
    }
}

/// Does what wakes the worker: were that to fail, nothing of it reaches the caller.
pub(crate) fn wake<T>(wake: impl FnOnce() -> T) -> Option<T> {
    let woken = catch_unwind(AssertUnwindSafe(wake));
    if woken.is_err()
        && let Some(worker) = WORKER.load().as_deref()
    {
        thread::sleep(LET_THEM_FINISH);
        worker.lose();
    }
    woken.ok()
}

impl Worker {
    fn new() -> Self {
        Self {
            epoch: Epoch::now(),
            handle: Mutex::new(None),
            canary: OnceLock::new(),
            followers: Mutex::default(),
        }
    }

    fn followers(&self) -> MutexGuard<'_, Vec<Follower>> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn has_lost_descriptors(&self) -> bool {
        self.canary.get().is_some_and(|canary| !canary.is_alive())
    }

    /// Nothing more is asked of this worker; once.
    fn lose(&self) {
        let Epoch { losses, .. } = self.epoch;
        let order = Ordering::Relaxed;
        if !self.epoch.is_of_this_process()
            || LOSSES
                .compare_exchange(losses, losses.wrapping_add(1), order, order)
                .is_err()
        {
            return;
        }
        let followers = mem::take(&mut *self.followers());
        for follower in followers {
            follower();
        }
    }

    /// On the worker's thread, before and after it sleeps.
    fn stay_if_lost(&self) {
        if self.has_lost_descriptors() {
            thread::sleep(LET_THEM_FINISH);
            self.lose();
            // To go on would be to wait on, and in the end to close, what is somebody else's.
            loop {
                thread::park();
            }
        }
    }
}

impl Owned for Worker {
    fn is_ours(&self) -> bool {
        self.epoch.is_now()
    }
}

fn handle(worker: &Arc<Worker>) -> io::Result<Handle> {
    let mut handle = worker.handle.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = handle.as_ref() {
        return Ok(handle.clone());
    }
    silence_losses();
    let canary = Canary::new()?;
    let (before, after) = (Arc::clone(worker), Arc::clone(worker));
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // Of those on which a carrier may wait.
        .thread_name(CARRIER_THREAD)
        .on_thread_start(start_thread)
        .on_thread_park(move || before.stay_if_lost())
        .on_thread_unpark(move || after.stay_if_lost())
        .build()?;
    let started = runtime.handle().clone();
    let present = Arc::clone(worker);
    let thread = thread::Builder::new().name(THREAD.to_owned());
    #[expect(clippy::disallowed_methods, reason = "this is the worker")]
    thread.spawn(move || run(runtime, &present))?;
    let _ = worker.canary.set(canary);
    *handle = Some(started.clone());
    Ok(started)
}

/// Keeps to ourselves what tokio panics with when its descriptors are gone: that is dealt with.
fn silence_losses() {
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    // No lock, which a thread might hold at a fork.
    if IS_DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_workers = thread::current().name() == Some(THREAD);
        let worker = WORKER.load();
        let is_lost = worker.as_deref().is_some_and(Worker::has_lost_descriptors);
        if is_lost || is_workers && LOSSES.load(Ordering::Relaxed) > 0 {
            return;
        }
        before(info);
    }));
}

/// Keeps the thread from sleeping for ever: a wake-up is lost where the descriptors are closed just
/// after it.
async fn heartbeat() {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
    }
}

fn start_thread() {
    if let Some(on_start) = ON_START.get() {
        on_start();
    }
}

fn run(runtime: Runtime, worker: &Worker) {
    start_thread();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(heartbeat());
    }));
    // Not to be dropped, for the same reason.
    mem::forget(runtime);
    if ended.is_err() {
        thread::sleep(LET_THEM_FINISH);
        worker.lose();
    }
}

/// A descriptor opened along with the worker's: where it is no longer what it was, neither are they.
#[cfg(unix)]
struct Canary {
    pipe: std::fs::File,
    identity: (u64, u64),
}

#[cfg(unix)]
impl Canary {
    fn new() -> io::Result<Self> {
        let (reader, _) = io::pipe()?;
        let pipe = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
        let identity = Self::identity(&pipe)?;
        Ok(Self { pipe, identity })
    }

    fn identity(pipe: &std::fs::File) -> io::Result<(u64, u64)> {
        use std::os::unix::fs::MetadataExt;

        let metadata = pipe.metadata()?;
        Ok((metadata.dev(), metadata.ino()))
    }

    fn is_alive(&self) -> bool {
        Self::identity(&self.pipe).is_ok_and(|identity| identity == self.identity)
    }
}

#[cfg(not(unix))]
struct Canary;

#[cfg(not(unix))]
impl Canary {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    fn is_alive(&self) -> bool {
        true
    }
}
