//! The severity of a log record (specification: logs data model, "SeverityNumber"), for the levels of
//! logging libraries that count in tens: 10 is debug, 20 info, 30 a warning, 40 an error, 50 fatal.

/// `SeverityNumber` of a level; 0 is unspecified. Each of the levels begins a range of four, and what
/// lies between two of them counts up in it.
#[must_use]
pub fn number_of_level(level: i64) -> u8 {
    let (base, above) = match level {
        ..10 => return 0,
        10..20 => (5, level - 10),
        20..30 => (9, level - 20),
        30..40 => (13, level - 30),
        40..50 => (17, level - 40),
        50.. => (21, level - 50),
    };
    base + u8::try_from(above.min(3)).unwrap_or(3)
}

/// The name that the data model has for a level; others keep their own.
#[must_use]
pub fn text_of_level(name: &str) -> &str {
    match name {
        "WARNING" => "WARN",
        "CRITICAL" => "FATAL",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::number_of_level;

    #[test]
    fn levels_become_severities_as_the_data_model_maps_them() {
        let levels = [
            -5, 0, 9, 10, 11, 13, 19, 20, 25, 30, 40, 49, 50, 53, 54, 1000,
        ];
        let expected = [0, 0, 0, 5, 6, 8, 8, 9, 12, 13, 17, 20, 21, 24, 24, 24];
        assert_eq!(levels.map(number_of_level), expected);
    }
}
