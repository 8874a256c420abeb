//! The arguments of a tool, checked against what it takes.

use serde_json::{Map, Value};

use super::tools::{Kind, Tool};

pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// # Errors
    /// Names the argument that is unknown, missing or of another kind, and what would be right.
    pub(super) fn read(tool: &Tool, given: Map<String, Value>) -> Result<Self, String> {
        for (name, value) in &given {
            let Some(known) = tool.arguments.iter().find(|it| it.name == name) else {
                let names: Vec<&str> = tool.arguments.iter().map(|it| it.name).collect();
                return Err(if names.is_empty() {
                    format!("{} takes no arguments, not {name:?}", tool.name)
                } else {
                    format!(
                        "{} has no argument {name:?}; there are {}",
                        tool.name,
                        names.join(", ")
                    )
                });
            };
            let (is_right, wanted) = match known.kind {
                Kind::Text => (value.is_string(), "a text".to_owned()),
                Kind::Flag => (value.is_boolean(), "true or false".to_owned()),
                Kind::Number(most) => (
                    value.as_u64().is_some_and(|it| (1..=most).contains(&it)),
                    format!("a number from 1 to {most}"),
                ),
                Kind::OneOf(words) => (
                    value.as_str().is_some_and(|it| words.contains(&it)),
                    format!("one of {}", words.join(", ")),
                ),
            };
            if !is_right {
                return Err(format!("{name} is {wanted}, not {value}"));
            }
        }
        let mut required = tool.arguments.iter().filter(|it| it.is_required);
        match required.find(|it| !given.contains_key(it.name)) {
            Some(missing) => Err(format!("{} needs {}", tool.name, missing.name)),
            None => Ok(Self(given)),
        }
    }

    /// The text of an argument; empty if it was not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn number(&self, name: &str, default: u64) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or(default)
    }

    /// All of them, with some others in their place.
    pub(super) fn with(&self, changes: &[(&str, Value)]) -> Value {
        let mut all = self.0.clone();
        for (name, value) in changes {
            all.insert((*name).to_owned(), value.clone());
        }
        Value::Object(all)
    }
}
