//! Reads a query. Whatever is written is an answer: an expression, or the place where it stops
//! making sense and what would be right there.

use super::fields::{FieldKind, WORDS, resolve};
use super::{Expression, Literal, Operator, QueryError, Term};
use crate::otlp::Signal;

/// Characters of a query.
const MAX_LENGTH: usize = 4_000;
/// Brackets and negations within one another.
const MAX_DEPTH: usize = 40;

/// # Errors
/// Says where the query cannot be read.
pub(crate) fn parse(signal: Signal, text: &str) -> Result<Expression, QueryError> {
    let mut parser = Parser {
        signal,
        characters: text.chars().collect(),
        position: 0,
        depth: 0,
    };
    if parser.characters.len() > MAX_LENGTH {
        let message = format!("a query has at most {MAX_LENGTH} characters");
        return Err(parser.error(MAX_LENGTH, 1, message, &[]));
    }
    parser.space();
    if parser.peek().is_none() {
        return Ok(Expression::All);
    }
    let expression = parser.alternatives()?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.error(
            parser.position,
            1,
            "this bracket was never opened".to_owned(),
            &[],
        )),
    }
}

struct Parser {
    signal: Signal,
    characters: Vec<char>,
    position: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    fn error(
        &self,
        position: usize,
        length: usize,
        message: String,
        expected: &[&str],
    ) -> QueryError {
        QueryError {
            message,
            position,
            length: length.max(1),
            expected: expected.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    /// Takes a word of the language, if it stands here by itself.
    fn word(&mut self, word: &str) -> bool {
        let end = self.position + word.len();
        let here = self.characters.get(self.position..end);
        let is_here =
            here.is_some_and(|here| here.iter().collect::<String>().eq_ignore_ascii_case(word));
        let next = self.characters.get(end);
        let is_whole = next.is_none_or(|next| next.is_whitespace() || "()".contains(*next));
        if is_here && is_whole {
            self.position = end;
            self.space();
        }
        is_here && is_whole
    }

    fn alternatives(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.conjunction()?];
        while self.word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Expression::Or(parts),
        })
    }

    fn conjunction(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.negation()?];
        loop {
            let is_joined = self.word("and");
            let before = self.position;
            let is_or = self.word("or");
            self.position = before;
            match self.peek() {
                None | Some(')') if !is_joined => break,
                _ if is_or && !is_joined => break,
                _ => parts.push(self.negation()?),
            }
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Expression::And(parts),
        })
    }

    fn negation(&mut self) -> Result<Expression, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} brackets within one another");
            return Err(self.error(self.position, 1, message, &[]));
        }
        let is_negated = if self.peek() == Some('-') {
            self.position += 1;
            true
        } else {
            self.word("not")
        };
        let found = if is_negated {
            self.negation().map(|part| Expression::Not(Box::new(part)))
        } else if self.peek() == Some('(') {
            self.brackets()
        } else {
            self.term()
        };
        self.depth -= 1;
        self.space();
        found
    }

    fn brackets(&mut self) -> Result<Expression, QueryError> {
        let opened = self.position;
        self.position += 1;
        self.space();
        let inner = self.alternatives()?;
        if self.peek() != Some(')') {
            let message = "this bracket is never closed".to_owned();
            return Err(self.error(opened, 1, message, &[")"]));
        }
        self.position += 1;
        Ok(inner)
    }

    fn term(&mut self) -> Result<Expression, QueryError> {
        let start = self.position;
        for word in WORDS {
            if self.word(word) {
                let message = format!("there is nothing to the left or right of {word:?}");
                self.position = start;
                return Err(self.error(start, word.len(), message, &["a term", "a text"]));
            }
        }
        let is_quoted = self.peek() == Some('"');
        let text = if is_quoted {
            self.quoted()?
        } else {
            self.bare(true)
        };
        if let Some(operator) = self.operator() {
            if text.is_empty() {
                let message = "a field is missing before the operator".to_owned();
                let known = ["service", "name", "duration"];
                return Err(self.error(start, 1, message, &known));
            }
            return self.value(&text, operator);
        }
        if text.is_empty() && !is_quoted {
            let message = match self.peek() {
                None => "the query ends where a term is due".to_owned(),
                Some(character) => format!("{character:?} does not begin a term"),
            };
            return Err(self.error(self.position, 1, message, &["a field", "a text"]));
        }
        Ok(Expression::Text(text.to_ascii_lowercase()))
    }

    fn operator(&mut self) -> Option<Operator> {
        let here = self.characters.get(self.position..).unwrap_or_default();
        let found = Operator::ALL.into_iter().find(|(written, _)| {
            let mut rest = here.iter();
            written.chars().all(|it| rest.next() == Some(&it))
        })?;
        self.position += found.0.len();
        Some(found.1)
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let opened = self.position;
        self.position += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.position += 1;
            match character {
                '"' => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.position += 1;
                }
                other => text.push(other),
            }
        }
        Err(self.error(opened, 1, "this quote is never closed".to_owned(), &["\""]))
    }

    /// A text without quotes; before an operator it ends there.
    fn bare(&mut self, is_field: bool) -> String {
        let mut text = String::new();
        while let Some(character) = self.peek() {
            if character.is_whitespace() || "()\"".contains(character) {
                break;
            }
            if is_field && ":=~<>".contains(character) {
                break;
            }
            if is_field && character == '!' && self.characters.get(self.position + 1) == Some(&'=')
            {
                break;
            }
            text.push(character);
            self.position += 1;
        }
        text
    }

    fn value(&mut self, field: &str, operator: Operator) -> Result<Expression, QueryError> {
        let start = self.position;
        let text = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.bare(false)
        };
        let is_quoted = self.characters.get(start) == Some(&'"');
        let length = self.position - start;
        let (resolved, kind) = resolve(self.signal, field);
        let wrong =
            |message: String, expected: &[&str]| Err(self.error(start, length, message, expected));
        if text.is_empty() && !is_quoted {
            let expected: &[&str] = match kind {
                FieldKind::Word(words) => words,
                FieldKind::Duration => &["200ms", "1.5s"],
                FieldKind::Number => &["1"],
                FieldKind::Text => &["a text"],
            };
            return wrong(format!("a value for {field} is missing"), expected);
        }
        let number = match kind {
            FieldKind::Text => text.parse::<f64>().ok(),
            FieldKind::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Some(number),
                _ => return wrong(format!("{field} is compared with a number"), &["1", "100"]),
            },
            FieldKind::Duration => match duration(&text) {
                Some(nanos) => Some(nanos),
                None => {
                    let message = format!("{field} is compared with a duration");
                    return wrong(message, &["200ms", "1.5s", "2m"]);
                }
            },
            FieldKind::Word(words) => {
                let is_same = |word: &&str| word.eq_ignore_ascii_case(&text);
                match words.iter().position(is_same) {
                    Some(number) => Some(number as f64),
                    None => {
                        let message = format!("{text:?} is no {field}");
                        return wrong(message, words);
                    }
                }
            }
        };
        Ok(Expression::Term(Term {
            field: resolved,
            operator,
            value: Literal { text, number },
        }))
    }
}

/// A duration in nanoseconds: `200ms`, `1.5s`, `2m`, `1h`, `10us`, `7d`.
pub(crate) fn duration(text: &str) -> Option<f64> {
    let units = [
        ("ns", 1.0),
        ("us", 1e3),
        ("µs", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("m", 60e9),
        ("h", 3_600e9),
        ("d", 86_400e9),
    ];
    let (number, factor) = units
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let number: f64 = number.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::super::Field;
    use super::*;

    fn read(text: &str) -> Result<Expression, QueryError> {
        parse(Signal::Traces, text)
    }

    fn text(text: &str) -> Expression {
        Expression::Text(text.to_owned())
    }

    #[test]
    fn terms_stand_side_by_side_and_bind_tighter_than_or() {
        assert_eq!(read("  "), Ok(Expression::All));
        assert_eq!(read("Sold"), Ok(text("sold")));
        let expected = Expression::Or(vec![
            Expression::And(vec![text("a"), text("b c")]),
            Expression::Not(Box::new(Expression::Or(vec![text("d"), text("e")]))),
        ]);
        assert_eq!(read("a \"b c\" or -(d OR e)"), Ok(expected.clone()));
        assert_eq!(read("(a and \"b c\") or not (d or e)"), Ok(expected));
        assert_eq!(read("order"), Ok(text("order")));
    }

    #[test]
    fn values_are_read_as_their_field_wants_them() {
        let Ok(Expression::And(terms)) =
            read("duration>=1.5ms status:ERROR spans>10 resource.host.name!=a:b http.status=200")
        else {
            panic!("five terms");
        };
        let numbers: Vec<_> = terms
            .iter()
            .map(|it| match it {
                Expression::Term(term) => term.value.number,
                _ => panic!("a term"),
            })
            .collect();
        assert_eq!(
            numbers,
            [Some(1_500_000.0), Some(2.0), Some(10.0), None, Some(200.0)]
        );
        let Expression::Term(host) = &terms[3] else {
            panic!("a term");
        };
        assert_eq!(host.operator, Operator::NotEqual);
        assert_eq!(host.value.text, "a:b");
        assert!(matches!(&host.field, Field::Attribute(_, key) if key == "host.name"));
    }

    #[test]
    fn what_cannot_be_read_says_where_and_what_would_be_right() {
        for (query, position, expected) in [
            ("duration>fast", 9, "200ms"),
            ("a status:eror", 9, "error"),
            ("service:", 8, "a text"),
            ("(a or b", 0, ")"),
            ("a)", 1, ""),
            ("a or", 4, "a field"),
            ("or a", 0, "a term"),
            (":x", 0, "service"),
            ("name:\"x", 5, "\""),
            ("spans>many", 6, "1"),
            ("-", 1, "a field"),
        ] {
            let error = read(query).expect_err(query);
            assert_eq!(error.position, position, "{query}: {error}");
            let is_expected = expected.is_empty() || error.expected.iter().any(|it| it == expected);
            assert!(is_expected, "{query}: {error:?}");
        }
        assert!(read(&"(".repeat(3_000)).is_err());
        assert!(read(&"-".repeat(3_000)).is_err());
        assert!(read(&"a".repeat(5_000)).is_err());
    }

    #[test]
    fn terms_that_are_written_are_read_again() {
        for value in [
            "plain",
            "two words",
            "or",
            "-x",
            "a\"b\\c",
            "",
            "é*(",
            "a:b",
        ] {
            let written = super::super::term("http.route", "=", value);
            let Ok(Expression::Term(term)) = read(&written) else {
                panic!("{written}");
            };
            assert_eq!(term.value.text, value, "{written}");
        }
    }
}
