use pyo3::exceptions::{PyRecursionError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyMemoryView, PyString};

use crate::boundary::invalid;

/// A payload: bytes-like as it is, anything else as compact JSON.
pub(crate) struct Payload(pub(crate) Vec<u8>);

impl FromPyObject<'_, '_> for Payload {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Payload(bytes.as_bytes().to_vec()));
        }
        match PyMemoryView::from(&object) {
            Ok(view) => {
                let bytes = view.call_method0("tobytes")?.cast_into::<PyBytes>()?;
                Ok(Payload(bytes.as_bytes().to_vec()))
            }
            Err(_) => to_json(&object),
        }
    }
}

fn to_json(object: &Bound<'_, PyAny>) -> PyResult<Payload> {
    static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let json = ENCODE.import(py, "causelog._json", "encode")?.call1((object,));
    let json =
        json.and_then(|json| Ok(Payload(json.cast::<PyString>()?.to_cow()?.into_owned().into_bytes())));
    json.map_err(|error| refused(py, error, "payload cannot be written as JSON"))
}

/// A payload as Python values: `None` if there is none.
pub(crate) fn from_json<'py>(py: Python<'py>, payload: Option<&[u8]>) -> PyResult<Bound<'py, PyAny>> {
    static DECODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let Some(payload) = payload else { return Ok(py.None().into_bound(py)) };
    let text =
        std::str::from_utf8(payload).map_err(|error| invalid(py, format!("payload is not JSON: {error}")))?;
    let value = DECODE.import(py, "causelog._json", "decode")?.call1((text,));
    value.map_err(|error| refused(py, error, "payload is not JSON"))
}

/// What Python's json module says of a bad value is a `ValueError` (NaN, a cycle, a lone
/// surrogate, a syntax error) or a `RecursionError` (nested too deeply): of one class here.
fn refused(py: Python<'_>, error: PyErr, what: &str) -> PyErr {
    if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyRecursionError>(py) {
        let refused = invalid(py, format!("{what}: {}", error.value(py)));
        refused.set_cause(py, Some(error));
        refused
    } else {
        error
    }
}
