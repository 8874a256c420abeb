//! Metrics as they stand: what all series of each have come to, and every series.

use serde_json::{Map, Value, json};

use super::{Answered, Context, Parameters};
use crate::draw::metrics::instance;
use crate::metrics::{Amount, Distribution, Kind, Series};
use crate::otlp::value::{attributes, double};

pub(super) fn now(context: &Context, parameters: &Parameters) -> Answered {
    let wanted = |key: &str, value: &str| parameters.get(key).is_none_or(|asked| asked == value);
    let state = context.store.lock();
    let metrics: Vec<Value> = state
        .metrics
        .iter()
        .filter(|(key, _)| wanted("service", &key.service) && wanted("name", &key.name))
        .map(|(key, metric)| {
            let mut told = Map::new();
            // Adding up the last values of a gauge would mean nothing.
            if let Some(total) = metric.total().filter(|_| key.kind != Kind::Gauge) {
                tell(&total, &mut told);
            }
            if key.kind == Kind::Counter {
                told.insert("rate_per_second".into(), json!(metric.rate_per_second()));
            }
            told.insert("service".into(), json!(key.service.as_ref()));
            told.insert("scope".into(), json!(key.scope.as_ref()));
            told.insert("name".into(), json!(key.name));
            told.insert("unit".into(), json!(key.unit));
            told.insert("description".into(), json!(metric.description));
            told.insert("kind".into(), json!(key.kind.name()));
            let all: Vec<Value> = metric.series().map(series).collect();
            told.insert("series".into(), all.into());
            Value::Object(told)
        })
        .collect();
    Ok(json!({ "format": 1, "data": metrics }).into())
}

fn series(series: &Series) -> Value {
    let mut told = Map::new();
    tell(&series.amount(), &mut told);
    told.insert("attributes".into(), attributes(&series.attributes));
    told.insert(
        "instance".into(),
        json!(instance(&series.resource.attributes)),
    );
    told.insert("time_unix_nanos".into(), json!(series.time.to_string()));
    Value::Object(told)
}

fn tell(amount: &Amount, told: &mut Map<String, Value>) {
    match amount {
        Amount::Number(number) => {
            told.insert("value".into(), whole(*number));
        }
        Amount::Distribution(values) => {
            told.insert("count".into(), json!(values.count));
            told.insert("sum".into(), json!(values.sum));
            told.insert("min".into(), json!(values.extremes.map(|it| it.0)));
            told.insert("max".into(), json!(values.extremes.map(|it| it.1)));
            quantiles(values, told);
        }
    }
}

fn quantiles(values: &Distribution, told: &mut Map<String, Value>) {
    for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        told.insert(name.into(), json!(values.quantile(quantile)));
    }
}

/// Without a fraction where there is none.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        json!(number as i64)
    } else {
        double(number)
    }
}
