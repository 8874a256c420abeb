//! HTTP/2 cuts a request into frames of 16 KiB and wants each written on its own. Gathered here,
//! they leave in one write when the connection has no more to say for now: the system calls cost
//! more than the copy. The tasks of the connection run here too, and end with it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::rt::{Executor, Read, ReadBufCursor, Write};
use tokio::task::JoinSet;

use super::stream::Stream;

/// What may wait to be written; beyond it the connection waits.
const MAX_WAITING: usize = 256 << 10;

/// A connection whose writes wait for the end of the present poll of its task.
pub(super) struct Gathered(Arc<Mutex<Gathering>>);

struct Gathering {
    stream: Stream,
    waiting: Vec<u8>,
    /// How much of `waiting` is written.
    written: usize,
    /// Whether something was added since a task last asked.
    is_touched: bool,
}

impl Gathering {
    fn add(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_touched = true;
        if self.waiting.len() >= MAX_WAITING {
            ready!(self.drain(cx))?;
        }
        let before = self.waiting.len();
        for buffer in buffers {
            self.waiting.extend_from_slice(buffer);
        }
        Poll::Ready(Ok(self.waiting.len() - before))
    }

    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self
            .waiting
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.waiting.clear();
        self.written = 0;
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Gathering> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Gathered {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_read(cx, buffer)
    }
}

impl Write for Gathered {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lock().add(cx, &[io::IoSlice::new(buffer)])
    }

    /// Done by the task's end of poll, with its waker.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathering = self.lock();
        ready!(gathering.drain(cx))?;
        Pin::new(&mut gathering.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().add(cx, buffers)
    }
}

/// Runs the tasks of one connection on the worker.
#[derive(Clone)]
pub(super) struct Tasks {
    set: Arc<Mutex<JoinSet<()>>>,
    gathering: Arc<Mutex<Gathering>>,
}

impl Tasks {
    /// The connection to hand to hyper, and the executor for it.
    pub(super) fn of(stream: Stream) -> (Gathered, Self) {
        let gathering = Arc::new(Mutex::new(Gathering {
            stream,
            waiting: Vec::new(),
            written: 0,
            is_touched: false,
        }));
        let tasks = Self {
            set: Arc::default(),
            gathering: Arc::clone(&gathering),
        };
        (Gathered(gathering), tasks)
    }

    pub(super) fn abort(&self) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.abort_all();
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        let gathering = Arc::clone(&self.gathering);
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn(async move {
            let mut future = std::pin::pin!(future);
            // Of the connection's tasks one alone writes; were others to drain, the socket would
            // wake them in its place.
            let mut is_writer = false;
            std::future::poll_fn(move |cx| {
                let done = future.as_mut().poll(cx).map(drop);
                let mut gathering = gathering.lock().unwrap_or_else(PoisonError::into_inner);
                is_writer |= std::mem::take(&mut gathering.is_touched);
                if is_writer && let Poll::Ready(Err(_)) = gathering.drain(cx) {
                    // The requests at hand learn of it by the end of their connection.
                    return Poll::Ready(());
                }
                done
            })
            .await;
        });
    }
}
