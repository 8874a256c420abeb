//! Counts that Python code gives: what is larger than any count, infinite, or not a number at all
//! is the largest there is.

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;

/// A count as an argument, or as an attribute of an object of settings.
pub(crate) struct Count(pub(crate) usize);

impl<'py> FromPyObject<'_, 'py> for Count {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let error = match object.extract() {
            Ok(count) => return Ok(Self(count)),
            Err(error) => error,
        };
        if error.is_instance_of::<PyOverflowError>(object.py()) {
            return Ok(Self(if object.lt(0)? { 0 } else { usize::MAX }));
        }
        match object.extract() {
            Ok(number) => Ok(Self(whole(number))),
            Err(_) => Err(error),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast keeps to the bounds, which is what is wanted"
)]
fn whole(number: f64) -> usize {
    if number.is_nan() {
        usize::MAX
    } else {
        number as usize
    }
}

/// What an object of settings says about a limit; `None` is no limit.
pub(crate) fn limit(settings: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<usize>> {
    let limit: Option<Count> = settings.getattr(name)?.extract()?;
    Ok(limit.map(|limit| limit.0))
}
