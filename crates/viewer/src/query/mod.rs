//! The query language, the same in the page, on the command line and for machines: terms with a
//! field, an operator and a value, free text, `and`, `or`, `not`, brackets. `docs/viewer.md` has
//! the whole of it.

mod fields;
mod parse;

use std::fmt;

pub(crate) use fields::{Field, FieldKind, WORDS, known_fields};
pub(crate) use fields::{KINDS, METRIC_KINDS, SEVERITIES, STATUSES};
pub(crate) use parse::{duration, parse};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// What an empty query means.
    All,
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// A text anywhere in the record, in lower case.
    Text(String),
    Term(Term),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) field: Field,
    pub(crate) operator: Operator,
    pub(crate) value: Literal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `:`, equal whatever the case, `*` for any characters.
    Is,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `~`, contains, whatever the case.
    Contains,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        // Longer ones first, as they are looked for in this order.
        ("!=", Self::NotEqual),
        (">=", Self::GreaterOrEqual),
        ("<=", Self::LessOrEqual),
        (":", Self::Is),
        ("=", Self::Equal),
        ("~", Self::Contains),
        (">", Self::Greater),
        ("<", Self::Less),
    ];

    /// Whether two things in this order fit.
    pub(crate) fn orders(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Is | Self::Equal | Self::Contains => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// The value of a term as it was written, and what it is where the field wants a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal {
    pub(crate) text: String,
    /// Of numbers, durations (in nanoseconds), kinds, severities.
    pub(crate) number: Option<f64>,
}

/// Why a query cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryError {
    pub(crate) message: String,
    /// In characters.
    pub(crate) position: usize,
    pub(crate) length: usize,
    /// What would be right there.
    pub(crate) expected: Vec<String>,
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} (character {})",
            self.message,
            self.position + 1
        )
    }
}

impl Expression {
    /// Whether it asks for something that a trace as a whole has.
    pub(crate) fn is_about_traces(&self) -> bool {
        match self {
            Self::All | Self::Text(_) => false,
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::is_about_traces),
            Self::Not(part) => part.is_about_traces(),
            Self::Term(term) => term.field.is_of_trace(),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, other) | (other, Self::All) => other,
            (one, other) => Self::And(vec![one, other]),
        }
    }
}

/// A term as it is written, with quotes where they are needed.
pub(crate) fn term(field: &str, operator: &str, value: &str) -> String {
    let is_plain = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || more.contains(it))
            && !text.starts_with('-')
            && !WORDS.contains(&text.to_ascii_lowercase().as_str())
    };
    let quoted = |text: &str, more: &str| {
        if is_plain(text, more) {
            text.to_owned()
        } else {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
    };
    format!(
        "{}{operator}{}",
        quoted(field, "._-/@"),
        quoted(value, "._-/@")
    )
}
