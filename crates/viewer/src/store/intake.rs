//! The way to the writer, which works in a thread of its own: what waits there is taken in
//! together, so that one write to the file serves many requests.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::writer::{Outcome, Writer};
use super::{Arrival, Refused, Store, now};
use crate::ids::TraceId;
use crate::otlp::Signal;

/// Requests that wait for the writer.
const QUEUE: usize = 16;
/// Requests that are written together: as many, or as many bytes.
const MAX_TOGETHER: usize = 64;
const MAX_BYTES_TOGETHER: usize = 4 * 1024 * 1024;
/// Requests that are unfolded and looked through at once.
const MAX_CHECKED: usize = 4;
const TICK: Duration = Duration::from_secs(15);

enum Job {
    Take(Arrival, oneshot::Sender<Outcome>),
    Pin(TraceId, bool, oneshot::Sender<()>),
    Mark(String, oneshot::Sender<u64>),
    Clear(Option<String>, oneshot::Sender<[u64; 3]>),
    /// Time has passed.
    Tick,
}

#[derive(Clone, Debug)]
pub(crate) struct Intake {
    jobs: mpsc::Sender<Job>,
    checks: std::sync::Arc<Semaphore>,
}

/// The writer is gone: the program ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending;

impl Intake {
    /// Has the writer work for as long as there is an intake. Within a runtime only.
    pub(crate) fn start(writer: Writer) -> Self {
        let (jobs, mut waiting) = mpsc::channel(QUEUE);
        let store = writer.store.clone();
        tokio::task::spawn_blocking(move || work(writer, &mut waiting));
        tokio::spawn(rest(store, jobs.downgrade()));
        Self {
            jobs,
            checks: std::sync::Arc::new(Semaphore::new(MAX_CHECKED)),
        }
    }

    /// Takes in what `unfold` gives: a request as protobuf. Answers when a crash of the program
    /// can no longer lose it.
    pub(crate) async fn take<E>(
        &self,
        signal: Signal,
        unfold: impl FnOnce() -> Result<Bytes, E> + Send + 'static,
    ) -> Result<Result<Outcome, Refused>, E>
    where
        E: From<Ending> + Send + 'static,
    {
        let checked = {
            let _permit = self.checks.acquire().await.map_err(|_| Ending)?;
            let check = move || unfold().map(|request| Arrival::new(signal, &request));
            tokio::task::spawn_blocking(check)
                .await
                .map_err(|_| Ending)?
        };
        let arrival = match checked? {
            Ok(arrival) => arrival,
            Err(refused) => return Ok(Err(refused)),
        };
        let outcome = self.ask(|reply| Job::Take(arrival, reply)).await?;
        Ok(Ok(outcome))
    }

    pub(crate) async fn pin(&self, trace: TraceId, is_pinned: bool) -> Result<(), Ending> {
        self.ask(|reply| Job::Pin(trace, is_pinned, reply)).await
    }

    /// Remembers this moment by a name; gives it.
    pub(crate) async fn mark(&self, name: String) -> Result<u64, Ending> {
        self.ask(|reply| Job::Mark(name, reply)).await
    }

    /// Gives how many records of each signal went.
    pub(crate) async fn clear(&self, service: Option<String>) -> Result<[u64; 3], Ending> {
        self.ask(|reply| Job::Clear(service, reply)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Ending> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| Ending)?;
        answer.await.map_err(|_| Ending)
    }
}

fn work(mut writer: Writer, jobs: &mut mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        let mut arrivals = Vec::new();
        let mut replies = Vec::new();
        let mut bytes = 0;
        let mut next = Some(job);
        let mut other = None;
        while let Some(job) = next {
            let Job::Take(arrival, reply) = job else {
                other = Some(job);
                break;
            };
            bytes += arrival.bytes;
            arrivals.push(arrival);
            replies.push(reply);
            let has_room = arrivals.len() < MAX_TOGETHER && bytes < MAX_BYTES_TOGETHER;
            next = has_room.then(|| jobs.try_recv().ok()).flatten();
        }
        if !arrivals.is_empty() {
            let outcomes = writer.take(&arrivals, now());
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // Who asked may be gone; what was taken in stays.
                let _ = reply.send(outcome);
            }
        }
        match other {
            Some(Job::Pin(trace, is_pinned, reply)) => {
                writer.pin(trace, is_pinned);
                let _ = reply.send(());
            }
            Some(Job::Mark(name, reply)) => {
                let moment = now();
                writer.mark(&name, moment);
                let _ = reply.send(moment);
            }
            Some(Job::Clear(service, reply)) => {
                let _ = reply.send(writer.clear(service.as_deref()));
            }
            Some(Job::Tick) => writer.tick(now()),
            Some(Job::Take(..)) | None => {}
        }
    }
}

/// Gives memory back while nobody asks for anything, and has old records let go.
async fn rest(store: Store, jobs: mpsc::WeakSender<Job>) {
    let mut last = store.uses();
    loop {
        tokio::time::sleep(TICK).await;
        let Some(jobs) = jobs.upgrade() else {
            return;
        };
        // A writer that is busy looks after itself.
        let _ = jobs.try_send(Job::Tick);
        let uses = store.uses();
        if uses == last {
            store.rest();
        }
        last = uses;
    }
}
