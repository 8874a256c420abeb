//! Which amounts an instrument takes (specification: metrics API, "Counter creation" and the following).

use crate::otlp::metric_data::Number;

/// Why an amount cannot be added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Infinite, or not a number: it would stay in the sum for ever.
    NotFinite,
    /// Less than zero, at an instrument that only rises.
    Negative,
}

/// Whether `amount` can be added up.
///
/// # Errors
/// Why it cannot.
#[inline]
pub fn check(amount: Number, may_be_negative: bool) -> Result<(), Refusal> {
    let is_negative = match amount {
        Number::Int(value) => value < 0,
        Number::Double(value) if !value.is_finite() => return Err(Refusal::NotFinite),
        Number::Double(value) => value < 0.0,
    };
    if is_negative && !may_be_negative {
        return Err(Refusal::Negative);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Number, Refusal, check};

    #[test]
    fn an_instrument_that_only_rises_takes_no_negative_amount() {
        for amount in [Number::Int(-1), Number::Double(-0.5)] {
            assert_eq!(check(amount, false), Err(Refusal::Negative));
            assert_eq!(check(amount, true), Ok(()));
        }
        for amount in [Number::Int(0), Number::Double(-0.0), Number::Double(0.5)] {
            assert_eq!(check(amount, false), Ok(()));
        }
    }

    #[test]
    fn no_instrument_takes_an_amount_that_is_not_finite() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = Err(Refusal::NotFinite);
            assert_eq!(check(Number::Double(value), true), refused);
            assert_eq!(check(Number::Double(value), false), refused);
        }
    }
}
