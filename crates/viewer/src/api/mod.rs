//! The JSON API (`web/API.md`): what is asked over HTTP becomes a question to the store, and its
//! answer JSON. Questions are answered away from the network's thread, a few at once.

mod changes;
mod compare;
mod export;
mod health;
mod live;
mod logs;
mod metrics;
mod now;
mod parameters;
mod problem;
mod query;
mod runs;
mod services;
mod span;
mod sql;
mod status;
mod trace;
mod traces;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::extract::{Query, RawPathParams, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use http::{StatusCode, header};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};

pub(crate) use parameters::Parameters;
pub(crate) use problem::{Problem, explained};

use crate::store::{Intake, Store};

/// Questions answered at once; further ones wait.
const MAX_QUESTIONS: usize = 8;
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What answers need.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    /// Without it nothing can be changed.
    pub(crate) intake: Option<Intake>,
    pub(crate) grpc_address: Option<SocketAddr>,
    pub(crate) http_address: Option<SocketAddr>,
    /// Told when somebody asks the viewer to end.
    pub(crate) stopping: Arc<Notify>,
    questions: Arc<Semaphore>,
    listeners: Arc<AtomicUsize>,
}

impl Context {
    pub(crate) fn new(store: Store, intake: Option<Intake>) -> Self {
        Self {
            store,
            intake,
            grpc_address: None,
            http_address: None,
            stopping: Arc::default(),
            questions: Arc::new(Semaphore::new(MAX_QUESTIONS)),
            listeners: Arc::default(),
        }
    }

    /// Answers a question in a thread of its own.
    pub(crate) async fn ask(&self, path: &str, pairs: Vec<(String, String)>) -> Answered {
        let (context, path) = (self.clone(), path.to_owned());
        self.apart(move || answer(&context, &path, pairs)).await
    }

    /// Gives this moment a name.
    pub(crate) async fn mark(&self, name: &str) -> Result<Value, Problem> {
        let intake = self.intake.as_ref().ok_or_else(Problem::ending)?;
        changes::mark(intake, name).await
    }

    async fn apart<A: Send + 'static>(
        &self,
        answer: impl FnOnce() -> Result<A, Problem> + Send + 'static,
    ) -> Result<A, Problem> {
        let permit = Arc::clone(&self.questions).acquire_owned().await;
        let permit = permit.map_err(|_| Problem::ending())?;
        let answered = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            answer()
        });
        answered.await.unwrap_or_else(|_| {
            let message = "the question could not be answered";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, message))
        })
    }
}

/// An answer: JSON, or a text for a terminal.
pub(crate) enum Answer {
    Json(Value),
    Text(String),
}

pub(crate) type Answered = Result<Answer, Problem>;

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

type Ask = fn(&Context, &Parameters) -> Answered;

const QUESTIONS: &[(&str, Ask)] = &[
    ("/api/status", status::status),
    ("/api/totals", status::totals),
    ("/api/traces", traces::list),
    ("/api/traces/facets", traces::facets),
    ("/api/traces/heatmap", traces::heatmap),
    ("/api/traces/shares", traces::shares),
    ("/api/traces/{id}", trace::columns),
    ("/api/traces/{id}/spans/{span}", span::whole),
    ("/api/traces/{id}/matches", trace::matches),
    ("/api/traces/{id}/logs", trace::logs),
    ("/api/traces/{id}/otlp", export::trace),
    ("/api/waterfall", trace::waterfall),
    ("/api/logs", logs::list),
    ("/api/logs/facets", logs::facets),
    ("/api/logs/patterns", logs::patterns),
    ("/api/logs/histogram", logs::histogram),
    ("/api/metrics", metrics::list),
    ("/api/metrics/series", metrics::series),
    ("/api/metrics/now", now::now),
    ("/api/metrics-table", metrics::table),
    ("/api/services", services::services),
    ("/api/runs", runs::list),
    ("/api/health", health::health),
    ("/api/compare", compare::compare),
    ("/api/query", query::check),
    ("/api/query/completions", query::completions),
    ("/api/sql", sql::run),
    ("/api/sql/schema", sql::schema),
    ("/api/snapshots", changes::snapshots),
    ("/api/export", export::everything),
];

pub(crate) fn router(context: Context) -> Router {
    let mut router = Router::new();
    for (path, ask) in QUESTIONS {
        let mut answers: MethodRouter<Context> = get(question(*ask));
        match *path {
            "/api/snapshots" => answers = answers.post(changes::snapshot),
            "/api/traces/{id}" => answers = get(question(trace::columns_written)),
            "/api/export" => answers = get(export::streamed),
            _ => {}
        }
        router = router.route(path, answers);
    }
    router
        .route("/api/live", get(live::live))
        .route("/api/pins", post(changes::pin))
        .route("/api/clear", post(changes::clear))
        .route("/api/import", post(changes::import))
        .route("/api/stop", post(changes::stop))
        .fallback(|| async {
            Problem::not_found("there is no such question; web/API.md lists them")
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .with_state(context)
}

type Pairs = Query<Vec<(String, String)>>;
type Answering = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// Has a question answered in a thread of its own.
fn question<A: IntoResponse + Send + 'static>(
    ask: fn(&Context, &Parameters) -> Result<A, Problem>,
) -> impl Fn(State<Context>, RawPathParams, Pairs) -> Answering + Clone {
    move |State(context), path, Query(pairs)| {
        Box::pin(async move {
            let mut pairs = pairs;
            let path = path.iter();
            pairs.extend(path.map(|(key, value)| (key.to_owned(), value.to_owned())));
            let asked = context.clone();
            let answered = context.apart(move || ask(&asked, &Parameters::new(pairs)));
            match answered.await {
                Ok(answer) => answer.into_response(),
                Err(problem) => problem.into_response(),
            }
        })
    }
}

/// Answers a question without a network: for the command line where no viewer runs.
pub(crate) fn answer(context: &Context, path: &str, pairs: Vec<(String, String)>) -> Answered {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |pattern: &str| -> Option<Vec<(String, String)>> {
        let wanted: Vec<&str> = pattern.split('/').collect();
        if wanted.len() != parts.len() {
            return None;
        }
        let mut found = Vec::new();
        for (wanted, part) in wanted.iter().zip(&parts) {
            match wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                Some(name) => found.push((name.to_owned(), (*part).to_owned())),
                None if wanted == part => {}
                None => return None,
            }
        }
        Some(found)
    };
    for (pattern, ask) in QUESTIONS {
        if let Some(found) = fits(pattern) {
            let pairs = pairs.into_iter().chain(found).collect();
            return ask(context, &Parameters::new(pairs));
        }
    }
    Err(Problem::not_found("there is no such question"))
}

/// Bytes as they are sent.
pub(crate) struct Written {
    bytes: Vec<u8>,
    content_type: &'static str,
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, self.content_type)], self.bytes).into_response()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(value) => {
                ([(header::CONTENT_TYPE, JSON)], value.to_string()).into_response()
            }
            Self::Text(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        }
    }
}
