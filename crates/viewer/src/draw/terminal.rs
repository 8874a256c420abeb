//! What the terminal can show: its width, colours, characters beyond ASCII.
//! The one file of the program that reads the environment.

use std::io::IsTerminal;

use crate::draw::DEFAULT_WIDTH;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set or TERM is "dumb".
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) is_terminal: bool,
    pub(crate) width: usize,
    pub(crate) colour: bool,
    pub(crate) unicode: bool,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the viewer is a program of its own: these variables describe its terminal and its user's home"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Terminal {
    /// Looks at standard output. COLUMNS is used where it is not a terminal.
    pub(crate) fn of_standard_output(colour: Colour) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let width = terminal_size::terminal_size()
            .map(|(width, _)| usize::from(width.0))
            .filter(|width| is_terminal && *width > 0)
            .or_else(|| variable("COLUMNS")?.parse().ok())
            .unwrap_or(DEFAULT_WIDTH);
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                is_terminal
                    && variable("NO_COLOR").is_none()
                    && variable("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            is_terminal,
            width,
            colour,
            unicode: is_utf8(variable),
        }
    }
}

/// The first of these that is set decides, as in POSIX. Where none is, most terminals of today
/// still show UTF-8; only an explicit "C" or "POSIX" or another encoding speaks against it.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(variable)
        .is_none_or(|locale| {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_variable_set_decides() {
        let with = |all: Option<&str>, lang: Option<&str>| {
            is_utf8(|name| match name {
                "LC_ALL" => all.map(str::to_owned),
                "LANG" => lang.map(str::to_owned),
                _ => None,
            })
        };
        assert!(with(None, None));
        assert!(with(None, Some("de_CH.UTF-8")));
        assert!(with(Some("C.utf8"), Some("C")));
        assert!(!with(Some("C"), Some("de_CH.UTF-8")));
        assert!(!with(None, Some("de_CH.ISO-8859-1")));
    }
}
