//! The Model Context Protocol: what a program that reads on somebody's behalf can ask. Its tools are
//! the JSON API's questions, with answers that say first what they come to, stay under 16 KB, name
//! what to ask next, and leave out what is secret.

mod arguments;
mod fit;
mod outline;
mod protocol;
mod questions;
mod texts;
mod tools;
mod transport;

use std::pin::Pin;

use serde_json::Value;

use crate::api::{Answer, Context, Problem, explained};
pub(crate) use transport::{over_standard_io, router};

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, String>> + Send + 'a>>;
pub(crate) type Pairs = Vec<(String, String)>;

/// Who has the telemetry: this process, or a viewer that runs elsewhere.
pub(crate) trait Source: Send + Sync {
    /// The answer to a question of the JSON API, or what is wrong with it.
    fn ask<'a>(&'a self, path: &'a str, pairs: Pairs) -> Answering<'a>;
    /// Gives this moment a name.
    fn mark<'a>(&'a self, name: &'a str) -> Answering<'a>;
}

impl Source for Context {
    fn ask<'a>(&'a self, path: &'a str, pairs: Pairs) -> Answering<'a> {
        Box::pin(async move {
            match Self::ask(self, path, pairs).await {
                Ok(Answer::Json(value)) => Ok(value),
                Ok(Answer::Text(text)) => Ok(Value::String(text)),
                Err(problem) => Err(explained(&problem.json())),
            }
        })
    }

    fn mark<'a>(&'a self, name: &'a str) -> Answering<'a> {
        Box::pin(async move {
            let marked = Self::mark(self, name).await;
            marked.map_err(|problem: Problem| explained(&problem.json()))
        })
    }
}
