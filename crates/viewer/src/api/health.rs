//! What is wrong with telemetry, and what the SDKs say of themselves.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Answered, Context, Parameters, status};
use crate::draw::metrics::instance;
use crate::health::{self, Finding};
use crate::ids::{hex, span_text};
use crate::metrics::Amount;
use crate::otlp::value::{attributes, double, plain};

/// Names of what SDKs measure of themselves (semantic conventions, "OpenTelemetry SDK Metrics"), and
/// of what Oxitel's buffer on disk does.
const OWN: [&str; 2] = ["otel.sdk.", health::BUFFER];

pub(super) fn health(context: &Context, parameters: &Parameters) -> Answered {
    let wanted = parameters.get("service").filter(|it| !it.is_empty());
    let findings = health::findings(&context.store)?;
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let data: Vec<Value> = findings
        .iter()
        .filter(|it| is_wanted(&it.service))
        .map(finding)
        .collect();
    let Answer::Json(told) = status::status(context, parameters)? else {
        return Ok(json!({}).into());
    };
    let state = context.store.lock();
    let names: BTreeSet<Arc<str>> = state.totals.services.keys().cloned().collect();
    let services: Vec<Value> = names
        .iter()
        .filter(|name| is_wanted(name))
        .map(|name| {
            let own: Vec<&Finding> = findings.iter().filter(|it| it.service == *name).collect();
            let seen = state.totals.services.get(name).map_or(0, |it| it.last_seen);
            json!({
                "name": name.as_ref(),
                "score": health::score(&own),
                "findings": own.len(),
                "last_seen_unix_nanos": (seen != 0).then(|| seen.to_string()),
                "sdk": sdk(&state, name),
            })
        })
        .collect();
    let mut own = Vec::new();
    for (key, metric) in state.metrics.iter() {
        if !OWN.iter().any(|it| key.name.starts_with(it)) || !is_wanted(&key.service) {
            continue;
        }
        for series in metric.series() {
            let value = match series.amount() {
                Amount::Number(number) => number,
                Amount::Distribution(values) => {
                    values.sum.unwrap_or(0.0) / values.count.max(1) as f64
                }
            };
            own.push(json!({
                "service": key.service.as_ref(),
                "instance": instance(&series.resource.attributes),
                "name": key.name,
                "unit": key.unit,
                "value": double(value),
                "attributes": attributes(&series.attributes),
                "time_unix_nanos": series.time.to_string(),
            }));
        }
    }
    Ok(json!({
        "format": 1,
        "services": services,
        "data": data,
        "sdk": own,
        "store": told.get("store"),
        "dropped": told.get("dropped"),
    })
    .into())
}

fn finding(it: &Finding) -> Value {
    let example = it
        .example
        .map(|(trace, span)| json!({ "trace_id": hex(&trace), "span_id": span_text(span) }));
    json!({
        "rule": it.rule,
        "severity": it.severity.name(),
        "service": it.service.as_ref(),
        "count": it.count,
        "of": it.of,
        "subject": it.subject,
        "text": it.text,
        "advice": it.advice,
        "query": it.query,
        "example": example,
    })
}

/// The name and version of what a service sends with, as its metrics' resources say.
fn sdk(state: &crate::store::State, service: &str) -> Option<String> {
    let mut of_service = state
        .metrics
        .iter()
        .filter(|(key, _)| key.service.as_ref() == service);
    let series = of_service.find_map(|(_, metric)| metric.series().next())?;
    let attribute = |key: &str| {
        let found = series.resource.attributes.iter().find(|it| it.key == key)?;
        Some(plain(found.value.as_ref()))
    };
    let distribution =
        attribute("telemetry.distro.name").zip(attribute("telemetry.distro.version"));
    let sdk = distribution
        .or_else(|| attribute("telemetry.sdk.name").zip(attribute("telemetry.sdk.version")));
    sdk.map(|(name, version)| format!("{name} {version}"))
}
