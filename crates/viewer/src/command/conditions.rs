//! Conditions that a script fails on: `p95>+20%,errors>0` for comparisons, `warning` for health.

use serde_json::Value;

use crate::query::duration;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conditions(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// A finding of this severity or a worse one: 0 error, 1 warning, 2 info.
    Severity(usize),
    /// What a comparison came to.
    Verdict(String),
    /// Something of the second side that is more than a limit.
    More {
        what: What,
        limit: Limit,
        text: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    P50,
    P95,
    Errors,
    Spans,
    Traces,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    /// More than the first side by this part.
    Part(f64),
    /// More than the first side by this much.
    By(f64),
    Absolute(f64),
}

const SEVERITIES: [&str; 3] = ["error", "warning", "info"];

impl Conditions {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(|part| one(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Those that hold although they should not, in words.
    pub(super) fn broken(&self, answer: &Value) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|condition| condition.broken(answer))
            .collect()
    }
}

fn one(text: &str) -> Result<Condition, String> {
    if let Some(severity) = SEVERITIES.iter().position(|it| *it == text) {
        return Ok(Condition::Severity(severity));
    }
    if text == "worse" {
        return Ok(Condition::Verdict(text.to_owned()));
    }
    let wrong = || {
        format!(
            "{text:?} is no condition: p50, p95, errors, spans or traces, then > and a limit such as \
             +20%, +5ms, 3 or 200ms; or worse, or a severity of findings (error, warning, info)"
        )
    };
    let (what, limit) = text.split_once('>').ok_or_else(wrong)?;
    let what = match what.trim() {
        "p50" => What::P50,
        "p95" => What::P95,
        "errors" => What::Errors,
        "spans" => What::Spans,
        "traces" => What::Traces,
        _ => return Err(wrong()),
    };
    let limit = limit.trim();
    let amount = |text: &str| duration(text).or_else(|| text.parse::<f64>().ok());
    let limit = match limit.strip_prefix('+') {
        Some(more) => match more.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(|it: f64| Limit::Part(it / 100.0)),
            None => amount(more).map(Limit::By),
        },
        None => amount(limit).map(Limit::Absolute),
    };
    let limit = limit.ok_or_else(wrong)?;
    Ok(Condition::More {
        what,
        limit,
        text: text.to_owned(),
    })
}

impl Condition {
    fn broken(&self, answer: &Value) -> Option<String> {
        match self {
            Self::Severity(worst) => {
                let findings = answer.get("data")?.as_array()?;
                let rank = |it: &Value| {
                    let severity = it.get("severity")?.as_str()?;
                    SEVERITIES.iter().position(|known| *known == severity)
                };
                let bad = findings
                    .iter()
                    .filter(|it| rank(it).is_some_and(|it| it <= *worst));
                let count = bad.count();
                (count > 0).then(|| {
                    format!(
                        "{} of this severity or worse",
                        crate::text::counted(count as u64, "finding")
                    )
                })
            }
            Self::Verdict(verdict) => {
                let said = answer.get("verdict")?.as_str()?;
                (said == verdict).then(|| format!("the second is {said}"))
            }
            Self::More { what, limit, text } => {
                let key = match what {
                    What::P50 => "p50_nanos",
                    What::P95 => "p95_nanos",
                    What::Errors => "errors",
                    What::Spans => "mean_spans",
                    What::Traces => "traces",
                };
                let side = |side: &str| answer.get(side)?.get(key)?.as_f64();
                let (a, b) = (side("a")?, side("b")?);
                let most = match limit {
                    Limit::Part(part) => a * (1.0 + part),
                    Limit::By(more) => a + more,
                    Limit::Absolute(most) => *most,
                };
                (b > most).then(|| format!("{text} holds: {key} {a} and {b}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_hold_or_do_not() {
        let answer = json!({
            "verdict": "worse",
            "a": { "p95_nanos": 40_000_000, "errors": 0, "mean_spans": 8.0 },
            "b": { "p95_nanos": 96_000_000, "errors": 2, "mean_spans": 20.0 },
            "data": [{ "severity": "warning" }],
        });
        for (condition, holds) in [
            ("p95>+20%", true),
            ("p95>+200%", false),
            ("p95>+50ms", true),
            ("p95>100ms", false),
            ("errors>0", true),
            ("errors>2", false),
            ("spans>+11", true),
            ("worse", true),
            ("warning", true),
            ("error", false),
            ("info", true),
        ] {
            let conditions = Conditions::parse(condition).expect(condition);
            assert_eq!(!conditions.broken(&answer).is_empty(), holds, "{condition}");
        }
        assert_eq!(
            Conditions::parse("p95>+20%,errors>0")
                .expect("two")
                .broken(&answer)
                .len(),
            2
        );
        for wrong in ["p95", "p95<5", "p96>1", "p95>fast", ""] {
            assert!(Conditions::parse(wrong).is_err(), "{wrong}");
        }
    }
}
