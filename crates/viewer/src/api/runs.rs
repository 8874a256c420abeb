//! The runs of services.

use serde_json::{Value, json};

use super::traces::envelope;
use super::{Answered, Context, Parameters};
use crate::otlp::Signal;
use crate::search::runs::{self, Identity, Run, attribute};

pub(super) fn list(context: &Context, parameters: &Parameters) -> Answered {
    let limit = parameters.number("limit", 100, 1_000)?;
    let question = parameters.question(Signal::Traces)?;
    let found = runs::runs(&context.store, &question)?;
    let data: Vec<Value> = found.iter().take(limit).map(one).collect();
    Ok(envelope(parameters, found.len(), data).into())
}

fn one(run: &Run) -> Value {
    let mut told = identity(&run.identity);
    if let Some(fields) = told.as_object_mut() {
        let of_resource = |key| json!(attribute(&run.head, key));
        for (name, value) in [
            ("number", json!(run.number)),
            ("version", of_resource("service.version")),
            ("environment", of_resource("deployment.environment.name")),
            ("pid", of_resource("process.pid")),
            ("host", of_resource("host.name")),
            ("first_unix_nanos", json!(run.first.to_string())),
            ("last_unix_nanos", json!(run.last.to_string())),
            ("traces", json!(run.traces.len())),
            ("spans", json!(run.spans)),
            ("errors", json!(run.errors)),
            ("p50_nanos", json!(run.quantile(0.5))),
            ("p95_nanos", json!(run.quantile(0.95))),
        ] {
            fields.insert(name.to_owned(), value);
        }
    }
    told
}

pub(super) fn identity(identity: &Identity) -> Value {
    json!({
        "service": identity.service.as_ref(),
        "attribute": identity.instance.as_ref().map(|it| it.0),
        "instance": identity.instance.as_ref().map(|it| &it.1),
        "query": identity.query(),
    })
}
