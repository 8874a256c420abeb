//! The parameters of a question.

use super::Problem;
use crate::draw::{DEFAULT_WIDTH, Style};
use crate::otlp::Signal;
use crate::query::{self, Expression, duration};
use crate::search::{Question, Window};
use crate::store::now;

#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, Problem> {
        match self.get(key) {
            None | Some("") => Ok(default),
            Some("1" | "true") => Ok(true),
            Some("0" | "false") => Ok(false),
            Some(_) => Err(Problem::wrong(key, "is 0 or 1")),
        }
    }

    /// A number up to a limit.
    pub(crate) fn number(&self, key: &str, default: usize, most: usize) -> Result<usize, Problem> {
        match self.get(key) {
            None | Some("") => Ok(default),
            Some(text) => match text.parse::<usize>() {
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                _ => Err(Problem::wrong(
                    key,
                    &format!("is a number from 1 to {most}"),
                )),
            },
        }
    }

    /// A list with commas.
    pub(crate) fn list(&self, key: &str) -> Option<Vec<&str>> {
        let parts = self.get(key)?.split(',').map(str::trim);
        Some(parts.filter(|part| !part.is_empty()).collect())
    }

    pub(crate) fn query(&self, key: &str, signal: Signal) -> Result<Expression, Problem> {
        query::parse(signal, self.text(key)).map_err(|error| Problem::of_query(key, &error))
    }

    pub(crate) fn window(&self) -> Result<Window, Problem> {
        Ok(Window {
            from: self.time("from")?.unwrap_or(0),
            to: self.time("to")?.unwrap_or(u64::MAX),
        })
    }

    /// What `q`, `from` and `to` ask for.
    pub(crate) fn question(&self, signal: Signal) -> Result<Question, Problem> {
        Ok(Question::new(
            signal,
            self.query("q", signal)?,
            self.window()?,
        ))
    }

    fn time(&self, key: &str) -> Result<Option<u64>, Problem> {
        let wrong = || {
            Problem::wrong(
                key,
                "is nanoseconds since the epoch, or relative to now, such as -15m",
            )
        };
        match self.text(key) {
            "" => Ok(None),
            "now" => Ok(Some(now())),
            text => match text.strip_prefix('-') {
                Some(ago) => {
                    let ago = duration(ago).ok_or_else(wrong)?;
                    Ok(Some(now().saturating_sub(ago as u64)))
                }
                None => text.parse().map(Some).map_err(|_| wrong()),
            },
        }
    }

    /// A duration in nanoseconds.
    pub(crate) fn duration(&self, key: &str) -> Result<Option<u64>, Problem> {
        match self.text(key) {
            "" => Ok(None),
            text => match duration(text) {
                Some(nanos) if nanos >= 1.0 => Ok(Some(nanos as u64)),
                _ => Err(Problem::wrong(key, "is a duration, such as 10s")),
            },
        }
    }

    pub(crate) fn style(&self) -> Result<Style, Problem> {
        Ok(Style {
            width: self.number("width", DEFAULT_WIDTH, 10_000)?,
            colour: self.flag("colour", false)?,
            unicode: self.flag("unicode", true)?,
            details: self.flag("details", true)?,
            all: self.flag("all", false)?,
        })
    }
}
