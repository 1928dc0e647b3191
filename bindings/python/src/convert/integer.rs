use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::boundary::invalid;
use crate::convert::show;

/// An LSN, sequence or count: an `int` from 0 to 2⁶⁴−1.
pub(crate) struct Unsigned(pub(crate) u64);

/// An `int` of 64 bits with a sign.
pub(crate) struct Signed(pub(crate) i64);

impl FromPyObject<'_, '_> for Unsigned {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        within(object, "from 0 to 2**64 - 1").map(Unsigned)
    }
}

impl FromPyObject<'_, '_> for Signed {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        within(object, "from -2**63 to 2**63 - 1").map(Signed)
    }
}

fn within<'a, 'py, T: FromPyObject<'a, 'py, Error = PyErr>>(
    object: Borrowed<'a, 'py, PyAny>,
    range: &str,
) -> PyResult<T> {
    let py = object.py();
    // A bool is an int to Python, but never meant as one here.
    if object.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!("expected an int, not {}", show(&object))));
    }
    object.extract::<T>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(py) {
            invalid(py, format!("{} is not an integer {range}", show(&object)))
        } else {
            error
        }
    })
}
