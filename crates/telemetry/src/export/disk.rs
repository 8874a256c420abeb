//! What is done on a disk, one thing after the other, on a thread that is there while there is something to
//! do: a disk that hangs holds up nobody else.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::worker::{self, Epoch};

/// How long the thread stays when there is nothing to do.
const LINGER: Duration = Duration::from_secs(10);

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// What only its thread works with, and what there is to do with it.
pub(super) struct Disk<T> {
    state: Mutex<T>,
    work: Mutex<Work<T>>,
    /// There is something to do.
    begun: Condvar,
}

struct Work<T> {
    jobs: VecDeque<Job<T>>,
    thread: Thread,
    /// Somebody has waited in vain for what is being done.
    is_late: bool,
    /// Everything is done. Of the worker that uses this now.
    done: Arc<Notify>,
    epoch: Epoch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    Absent,
    Idle,
    Busy,
}

impl<T> Disk<T> {
    pub(super) fn new(state: T) -> Self {
        Self {
            state: Mutex::new(state),
            work: Mutex::new(Work {
                jobs: VecDeque::new(),
                thread: Thread::Absent,
                is_late: false,
                done: Arc::default(),
                epoch: Epoch::now(),
            }),
            begun: Condvar::new(),
        }
    }

    fn work(&self) -> MutexGuard<'_, Work<T>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless something is being done with it.
    pub(super) fn try_state(&self) -> Option<MutexGuard<'_, T>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Another worker goes on with this; the one before is lost, and whoever waited on it is never woken.
    pub(super) fn take_over(&self) {
        let mut work = self.work();
        work.done = Arc::default();
        work.epoch = Epoch::now();
    }

    /// Has something done after all else. Nothing waits for it.
    pub(super) fn submit(self: &Arc<Self>, job: impl FnOnce(&mut T) + Send + 'static)
    where
        T: Send + 'static,
    {
        let mut work = self.work();
        work.jobs.push_back(Box::new(job));
        match work.thread {
            Thread::Busy => {}
            Thread::Idle => {
                work.thread = Thread::Busy;
                self.begun.notify_one();
            }
            Thread::Absent => {
                work.thread = Thread::Busy;
                drop(work);
                let disk = Arc::clone(self);
                // Where there is no thread to be had, it is done here.
                if worker::beside(move || disk.run(LINGER)).is_err() {
                    self.run(Duration::ZERO);
                }
            }
        }
    }

    /// Whether something takes too long: it is no use to wait for it.
    pub(super) fn is_stuck(&self) -> bool {
        self.work().is_late
    }

    /// Whether all is done, after `patience` at the latest.
    pub(super) async fn is_done_within(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let done = Arc::clone(&self.work().done);
        loop {
            // What is told from here on is heard.
            let told = done.notified();
            if self.work().thread != Thread::Busy {
                return true;
            }
            tokio::select! {
                () = told => {}
                () = sleep_until(end) => {
                    let mut work = self.work();
                    work.is_late |= work.thread == Thread::Busy;
                    return !work.is_late;
                }
            }
        }
    }

    fn run(&self, linger: Duration) {
        let ending = Ending(self);
        loop {
            let Some(job) = self.next(linger) else {
                break;
            };
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            job(&mut state);
        }
        drop(ending);
    }

    /// The next thing to do. None where there was nothing for so long.
    fn next(&self, linger: Duration) -> Option<Job<T>> {
        let mut work = self.work();
        if let Some(job) = work.jobs.pop_front() {
            return Some(job);
        }
        work.thread = Thread::Idle;
        work.is_late = false;
        drop(work);
        self.tell();
        let is_idle = |work: &mut Work<T>| work.jobs.is_empty();
        let waited = self.begun.wait_timeout_while(self.work(), linger, is_idle);
        let mut work = waited.unwrap_or_else(PoisonError::into_inner).0;
        let job = work.jobs.pop_front();
        work.thread = match job {
            Some(_) => Thread::Busy,
            None => Thread::Absent,
        };
        job
    }

    /// Wakes whoever waits until all is done, with the care with which the worker is always woken.
    fn tell(&self) {
        let (done, epoch) = {
            let work = self.work();
            (Arc::clone(&work.done), work.epoch)
        };
        worker::notice_loss();
        if epoch.is_now() {
            worker::wake(|| done.notify_waiters());
        }
    }
}

/// Whatever ends the thread, the next job starts another.
struct Ending<'a, T>(&'a Disk<T>);

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut work = self.0.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.thread = Thread::Absent;
            work.is_late = false;
            drop(work);
            self.0.tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn block_on<R>(future: impl Future<Output = R>) -> R {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn all_is_done_in_order_by_a_thread_that_stays_for_a_while() {
        let disk = Arc::new(Disk::new(Vec::new()));
        block_on(async {
            for round in 0..20 {
                for number in 0..5 {
                    disk.submit(move |done: &mut Vec<_>| done.push((round, number)));
                }
                assert!(disk.is_done_within(LONG).await);
            }
        });
        let done = disk.try_state().unwrap().clone();
        assert!(done.len() == 100 && done.is_sorted());
    }

    #[test]
    fn whoever_waits_goes_on_when_it_takes_too_long_and_hears_when_it_is_over() {
        let disk = Arc::new(Disk::new(0));
        let (answer, hangs) = sync_channel::<()>(1);
        disk.submit(move |_| hangs.recv().unwrap());
        disk.submit(|done| *done += 1);
        block_on(async {
            assert!(!disk.is_stuck());
            assert!(!disk.is_done_within(Duration::from_millis(20)).await);
            assert!(disk.is_stuck() && disk.try_state().is_none());
            // What is to be done in any case is done then.
            disk.submit(|done| *done += 1);
            answer.send(()).unwrap();
            assert!(disk.is_done_within(LONG).await);
            assert!(!disk.is_stuck());
        });
        assert_eq!(*disk.try_state().unwrap(), 2);
    }

    #[test]
    fn a_job_that_panics_takes_no_other_with_it() {
        let disk = Arc::new(Disk::new(0));
        block_on(async {
            disk.submit(|_| std::panic::resume_unwind(Box::new("on purpose")));
            assert!(disk.is_done_within(LONG).await);
            disk.submit(|done| *done += 1);
            assert!(disk.is_done_within(LONG).await);
        });
        assert_eq!(*disk.try_state().unwrap(), 1);
    }
}
