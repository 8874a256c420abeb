//! SQL without its literals: each text and number becomes `?`. Names, words, placeholders and comments
//! stay as they are.

/// How a database writes literals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// `"…"` is a text, and not a name.
    pub has_double_quoted_texts: bool,
    /// A backslash escapes in every text, and not in `E'…'` alone.
    pub has_escapes: bool,
}

impl Dialect {
    /// By the name that semantic conventions have for the database.
    #[must_use]
    pub fn of(system: &str) -> Self {
        let is_mysql = matches!(system, "mysql" | "mariadb");
        Self {
            has_double_quoted_texts: is_mysql,
            has_escapes: is_mysql,
        }
    }
}

/// `statement` with `?` in place of its literals. A literal that does not end is one to the end.
#[must_use]
pub fn sanitized(statement: &str, dialect: Dialect) -> String {
    let mut found = String::with_capacity(statement.len());
    let mut rest = statement;
    // What a number may follow: it is no part of a name, and no placeholder (`$1`, `:1`, `@p1`).
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let is_apart = !before.is_some_and(|last| is_of_word(last) || matches!(last, ':' | '@'));
        let length = if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = literal(rest, first, is_apart, dialect) {
            found.push('?');
            before = Some('?');
            rest = rest.get(length..).unwrap_or_default();
            continue;
        } else if matches!(first, '"' | '`') {
            quoted(rest, first, false)
        } else {
            first.len_utf8()
        };
        let (kept, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        found.push_str(kept);
        before = kept.chars().next_back();
        rest = after;
    }
    found
}

/// The length of the literal with which `rest` begins, if it does.
fn literal(rest: &str, first: char, is_apart: bool, dialect: Dialect) -> Option<usize> {
    match first {
        '\'' => Some(quoted(rest, first, dialect.has_escapes)),
        '"' if dialect.has_double_quoted_texts => Some(quoted(rest, first, dialect.has_escapes)),
        '$' if is_apart => dollar_quoted(rest),
        'e' | 'E' | 'x' | 'X' | 'b' | 'B' | 'n' | 'N' if is_apart => {
            let text = rest.get(1..)?;
            let escapes = dialect.has_escapes || matches!(first, 'e' | 'E');
            text.starts_with('\'')
                .then(|| 1 + quoted(text, '\'', escapes))
        }
        '0'..='9' if is_apart => Some(number(rest)),
        '.' if is_apart
            && rest
                .get(1..)?
                .starts_with(|next: char| next.is_ascii_digit()) =>
        {
            Some(number(rest))
        }
        _ => None,
    }
}

const fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '$') || !character.is_ascii()
}

/// The length of a text or name in quotes, in which two quotes are one.
fn quoted(rest: &str, quote: char, has_escapes: bool) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((position, character)) = characters.next() {
        if has_escapes && character == '\\' {
            characters.next();
        } else if character == quote && characters.next_if(|&(_, next)| next == quote).is_none() {
            return position + quote.len_utf8();
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let inner = rest.get(1..)?;
    let end = inner.find('$')?;
    let tag = rest.get(..end + 2)?;
    let is_tag = inner.get(..end)?.chars().all(is_of_word)
        && !inner.starts_with(|first: char| first.is_ascii_digit());
    if !is_tag {
        return None;
    }
    let body = rest.get(tag.len()..)?;
    Some(body.find(tag).map_or(rest.len(), |end| tag.len() * 2 + end))
}

/// The length of a number, with an exponent of either sign.
fn number(rest: &str) -> usize {
    let mut last = ' ';
    for (position, character) in rest.char_indices() {
        let is_sign = matches!(character, '+' | '-') && matches!(last, 'e' | 'E');
        if !(is_of_word(character) || character == '.' || is_sign) {
            return position;
        }
        last = character;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(statement: &str) -> String {
        sanitized(statement, Dialect::default())
    }

    #[test]
    fn texts_and_numbers_are_replaced() {
        assert_eq!(
            plain("SELECT * FROM t WHERE a = 'it''s' AND b=12.5e-3 AND c IN (1, 2,3)"),
            "SELECT * FROM t WHERE a = ? AND b=? AND c IN (?, ?,?)"
        );
        assert_eq!(plain("SELECT -1, .5, 0x1F"), "SELECT -?, ?, ?");
        assert_eq!(
            plain(r"SELECT E'a\'b', X'00', 'c\', 'd'"),
            "SELECT ?, ?, ?, ?"
        );
        assert_eq!(
            plain("SELECT $$it's$$, $t$ a $$ b $t$, 1"),
            "SELECT ?, ?, ?"
        );
    }

    #[test]
    fn names_words_placeholders_and_comments_stay() {
        for statement in [
            "SELECT t1.a2, \"x 1\", `y 2` FROM t1 WHERE a = ? AND b = $1 AND c = :1 AND d = %(e1)s",
            "/* k='v' */ SELECT a -- it's 1\nFROM tä1",
            "SELECT @p1, :name",
        ] {
            assert_eq!(plain(statement), statement);
        }
    }

    #[test]
    fn a_literal_without_an_end_is_one_to_the_end() {
        assert_eq!(plain("SELECT 'secret"), "SELECT ?");
        assert_eq!(plain("SELECT $a$secret"), "SELECT ?");
        assert_eq!(plain("SELECT \"name"), "SELECT \"name");
        assert_eq!(plain("/* open"), "/* open");
    }

    #[test]
    fn a_database_may_have_texts_in_double_quotes_and_escapes() {
        let mysql = Dialect::of("mysql");
        assert_eq!(
            sanitized(r#"SELECT "it\"s", 'a\'b', `c`"#, mysql),
            "SELECT ?, ?, `c`"
        );
    }
}
