//! How many connections there are, and which go when there are too many: nobody keeps others out
//! by doing nothing, or by doing it slowly.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Connections served at once.
const MAX_CONNECTIONS: usize = 256;
/// How long a connection may be without a request, the first of them and any further one.
const FIRST_REQUEST: Duration = Duration::from_secs(20);
const NEXT_REQUEST: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Connections {
    all: Mutex<Vec<Weak<Connection>>>,
    epoch: Instant,
}

#[derive(Debug)]
pub(super) struct Connection {
    epoch: Instant,
    /// Milliseconds after the epoch: opened, or the last request's begin or end.
    last: AtomicU64,
    requests: AtomicUsize,
    has_asked: AtomicBool,
    close: Notify,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            all: Mutex::default(),
            epoch: Instant::now(),
        }
    }

    /// One more; if there are too many, another one goes: one that asks for nothing, the longest
    /// silent first, else the one whose request takes longest.
    pub(super) fn open(&self) -> Arc<Connection> {
        let connection = Arc::new(Connection {
            epoch: self.epoch,
            last: AtomicU64::new(self.epoch.elapsed().as_millis() as u64),
            requests: AtomicUsize::new(0),
            has_asked: AtomicBool::new(false),
            close: Notify::new(),
        });
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| it.strong_count() > 0);
        if all.len() >= MAX_CONNECTIONS {
            let open = all.iter().enumerate();
            let open = open.filter_map(|(position, it)| Some((position, it.upgrade()?)));
            let rank = |it: &Connection| {
                let is_busy = it.requests.load(Ordering::Relaxed) > 0;
                let last = it.last.load(Ordering::Relaxed);
                (is_busy, it.has_asked.load(Ordering::Relaxed), last)
            };
            if let Some((position, victim)) = open.min_by_key(|(_, it)| rank(it)) {
                victim.close.notify_one();
                all.remove(position);
            }
        }
        all.push(Arc::downgrade(&connection));
        connection
    }
}

impl Connection {
    /// Counts a request for as long as what this gives is kept.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.touch();
        self.has_asked.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn touch(&self) {
        let now = self.epoch.elapsed().as_millis() as u64;
        self.last.store(now, Ordering::Relaxed);
    }

    /// Ends when the connection is to be closed.
    pub(super) async fn closed(&self) {
        loop {
            tokio::select! {
                () = self.close.notified() => return,
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let silent = self.epoch.elapsed().saturating_sub(last);
            let limit = if self.has_asked.load(Ordering::Relaxed) {
                NEXT_REQUEST
            } else {
                FIRST_REQUEST
            };
            if self.requests.load(Ordering::Relaxed) == 0 && silent > limit {
                return;
            }
        }
    }
}

pub(super) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_nothing_makes_room_first_and_then_who_takes_longest() {
        let connections = Connections::new();
        let silent = connections.open();
        let slow = connections.open();
        let _busy = slow.busy();
        let others: Vec<_> = (2..MAX_CONNECTIONS).map(|_| connections.open()).collect();
        let busy: Vec<_> = others.iter().map(Connection::busy).collect();
        let _new = connections.open().busy();
        silent.closed().await;
        let _newer = connections.open();
        let _newest = connections.open();
        tokio::time::timeout(Duration::from_secs(1), slow.closed())
            .await
            .expect("the slow one goes when nobody is idle");
        drop(busy);
    }
}
