//! What an SQL statement says of itself: the word of its operation.

/// The first word of a statement after the comments (`/* … */`, `-- …`) before it; empty if there is none.
#[must_use]
pub fn operation(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/")
        } else if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n')
        } else {
            break;
        };
        match after {
            Some((_, after)) => rest = after.trim_start(),
            None => return "",
        }
    }
    rest.split(char::is_whitespace).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_is_the_first_word() {
        assert_eq!(operation("SELECT 1"), "SELECT");
        assert_eq!(operation("  insert\ninto t"), "insert");
        assert_eq!(operation("COMMIT"), "COMMIT");
    }

    #[test]
    fn comments_before_it_are_no_words() {
        assert_eq!(operation("/* a */ /*b*/UPDATE t"), "UPDATE");
        assert_eq!(operation("-- a\n  /* b\n */ --c\nDELETE"), "DELETE");
    }

    #[test]
    fn a_statement_may_have_no_word_at_all() {
        assert_eq!(operation(""), "");
        assert_eq!(operation(" \n"), "");
        assert_eq!(operation("/* nothing */"), "");
        assert_eq!(operation("/* open"), "");
        assert_eq!(operation("-- open"), "");
    }
}
