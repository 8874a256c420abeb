//! The connections of one exporter, made when needed. Requests under way at the same time share one
//! (HTTP/2) or have one each (HTTP/1.1), so that no export waits for the answer to another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ClientConfig;
use tokio::time::Instant;

use super::ConfigError;
use super::answer::{Reason, Trouble, TroubleKind};
use super::connect::{Route, connect};
use super::grpc;
use super::link::{self, Driver, Link};
use crate::otlp::signal::Protocol;

/// How many connections are kept for later requests: more than one only after exports that ran at
/// the same time.
const MAX_KEPT: usize = 4;

#[derive(Default)]
pub(crate) struct Line {
    /// HTTP/1.1: those that nobody uses now. HTTP/2: the one that is shared.
    kept: Mutex<Vec<Link>>,
    /// Held while a connection that is to be shared is made.
    opening: tokio::sync::Mutex<()>,
    tls: Mutex<Option<Arc<ClientConfig>>>,
}

/// A connection for one request. Unless it is kept, and a timeout does not keep it, no later
/// request goes over it.
pub(crate) struct Lease<'a> {
    pub(crate) link: Link,
    ticket: Ticket<'a>,
}

struct Ticket<'a> {
    line: &'a Line,
    driver: Arc<Driver>,
    is_good: bool,
}

impl Line {
    /// The connection that is there, or a new one.
    pub(crate) async fn lease(
        &self,
        route: &Route,
        deadline: Instant,
    ) -> Result<Lease<'_>, Trouble> {
        if let Some(lease) = self.kept().await {
            return Ok(lease);
        }
        let _opening = match route.protocol {
            Protocol::HttpProtobuf => None,
            Protocol::Grpc => {
                let opening = self.opening.lock().await;
                // Somebody else may have made it meanwhile.
                if let Some(lease) = self.kept().await {
                    return Ok(lease);
                }
                Some(opening)
            }
        };
        let link = self.open(route, deadline).await?;
        if let Some(shared) = link.share() {
            self.lock().push(shared);
        }
        Ok(self.leased(link))
    }

    /// Closes what is kept: one of these connections has turned out to be dead.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    async fn kept(&self) -> Option<Lease<'_>> {
        loop {
            let mut lease = self.leased(self.take()?);
            if lease.link.is_ready().await {
                return Some(lease);
            }
        }
    }

    fn take(&self) -> Option<Link> {
        let mut kept = self.lock();
        kept.last().and_then(Link::share).or_else(|| kept.pop())
    }

    fn leased(&self, link: Link) -> Lease<'_> {
        let driver = Arc::clone(&link.driver);
        Lease {
            link,
            ticket: Ticket {
                line: self,
                driver,
                is_good: false,
            },
        }
    }

    async fn open(&self, route: &Route, deadline: Instant) -> Result<Link, Trouble> {
        let trouble = |kind, text: String| Trouble {
            kind,
            reason: match route.protocol {
                Protocol::Grpc => grpc::unavailable(&text),
                Protocol::HttpProtobuf => Reason::text(text),
            },
            asked: None,
        };
        let tls = self
            .tls(route)
            .map_err(|error| trouble(TroubleKind::Unconnected, error.to_string()))?;
        let stream = connect(route, tls, deadline).await.map_err(|error| {
            let kind = match error.refused {
                true => TroubleKind::Nobody,
                false => TroubleKind::Unconnected,
            };
            trouble(kind, error.reason)
        })?;
        Link::open(stream, route.protocol)
            .await
            .map_err(|error| trouble(TroubleKind::Unconnected, link::describe(&error)))
    }

    /// Made once: reading the system's certificates takes a while.
    fn tls(&self, route: &Route) -> Result<Option<Arc<ClientConfig>>, ConfigError> {
        let Some(identity) = &route.identity else {
            return Ok(None);
        };
        let mut tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if tls.is_none() {
            *tls = Some(identity.client_config()?.into());
        }
        Ok(tls.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Link>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// Leaves the connection to later requests.
    pub(crate) fn keep(self) {
        let Self { link, mut ticket } = self;
        ticket.is_good = true;
        let mut kept = ticket.line.lock();
        // One that is shared is there already.
        if link.share().is_none() && kept.len() < MAX_KEPT {
            kept.push(link);
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.is_good {
            let mut kept = self.line.lock();
            kept.retain(|link| !Arc::ptr_eq(&link.driver, &self.driver));
        }
    }
}
