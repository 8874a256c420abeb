//! What lies in the directory of a buffer, for `oxitel doctor`.

use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use telemetry::export::spool::{Listed, ListedKind, list};

/// The files of the buffer in `directory`, the oldest `most` of them one by one. Locks and changes nothing.
/// OSError where the directory cannot be read.
#[pyfunction]
pub(crate) fn buffer_files(
    py: Python<'_>,
    directory: PathBuf,
    most: usize,
) -> PyResult<Bound<'_, PyDict>> {
    let listing = py.detach(|| list(&directory, most))?;
    let files = listing.files.iter().map(|file| file_of(py, file));
    let dict = PyDict::new(py);
    dict.set_item(
        "files",
        PyList::new(py, files.collect::<PyResult<Vec<_>>>()?)?,
    )?;
    dict.set_item("count", listing.count)?;
    dict.set_item("bytes", listing.bytes)?;
    dict.set_item("strangers", listing.strangers)?;
    Ok(dict)
}

fn file_of<'py>(py: Python<'py>, file: &Listed) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("path", file.path.to_string_lossy())?;
    dict.set_item("bytes", file.bytes)?;
    let modified = file
        .modified
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    dict.set_item("modified_unix", modified.map(|at| at.as_secs_f64()))?;
    match &file.kind {
        ListedKind::Newer => dict.set_item("kind", "newer")?,
        ListedKind::Damaged => dict.set_item("kind", "damaged")?,
        ListedKind::Segment {
            created_unix_millis,
            signal,
            service,
            destination,
            host,
            process_id,
            is_owned,
        } => {
            dict.set_item("kind", "segment")?;
            dict.set_item("created_unix", *created_unix_millis as f64 / 1000.0)?;
            dict.set_item("signal", signal)?;
            dict.set_item("service", service)?;
            dict.set_item("destination", destination)?;
            dict.set_item("host", host)?;
            dict.set_item("pid", process_id)?;
            dict.set_item("is_owned", is_owned)?;
        }
    }
    Ok(dict)
}
