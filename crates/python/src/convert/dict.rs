//! Walking over a dict without counting references to what is only looked at, and taking all of it
//! at once.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::PyDict;

/// Calls `visit`, which must not run Python code, with every key and value until it returns
/// `None`. Half of what the safe iterator costs.
#[inline]
#[expect(unsafe_code, reason = "PyDict_Next has no safe binding")]
pub(crate) fn for_each_borrowed<'py>(
    dict: &Bound<'py, PyDict>,
    mut visit: impl FnMut(&Bound<'py, PyAny>, &Bound<'py, PyAny>) -> Option<()>,
) -> Option<()> {
    with_critical_section(dict, || {
        let py = dict.py();
        let mut position = 0;
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the dict is alive and nobody changes it meanwhile: no Python code runs, and other
        // threads are kept out by the section. The borrowed references do not leave `visit`.
        unsafe {
            while ffi::PyDict_Next(
                dict.as_ptr(),
                &raw mut position,
                &raw mut key,
                &raw mut value,
            ) != 0
            {
                visit(
                    Bound::ref_from_ptr(py, &key),
                    Bound::ref_from_ptr(py, &value),
                )?;
            }
        }
        Some(())
    })
}

/// All keys and values, as they are together at one moment. The safe iterator panics where another
/// thread changes the dict meanwhile, as a free-threaded interpreter lets it.
pub(crate) fn entries<'py>(
    dict: &Bound<'py, PyDict>,
) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    entries_up_to(dict, usize::MAX)
}

/// The first of them, no more than `most`.
pub(crate) fn entries_up_to<'py>(
    dict: &Bound<'py, PyDict>,
    most: usize,
) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    // The entries of a log record get three more.
    let mut entries = Vec::with_capacity(dict.len().min(most) + 3);
    for_each_borrowed(dict, |key, value| {
        (entries.len() < most).then(|| entries.push((key.clone(), value.clone())))
    });
    entries
}
