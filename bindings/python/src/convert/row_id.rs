use causelog::{RowId, RowIdPart, Uuid};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyString, PyTuple};

use crate::boundary::quick;
use crate::convert::integer::Signed;
use crate::convert::text::Text;
use crate::convert::type_name;

/// A row id: `int`, `str`, `bytes`, `uuid.UUID`, or a tuple of these.
pub(crate) struct RowIdArgument(pub(crate) RowId);

impl FromPyObject<'_, '_> for RowIdArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Ok(tuple) = object.cast::<PyTuple>() else {
            return Ok(RowIdArgument(RowId::Scalar(part(&object)?)));
        };
        let parts = tuple.iter().map(|element| part(&element)).collect::<PyResult<Vec<_>>>()?;
        quick(object.py(), || RowId::tuple(parts)).map(RowIdArgument)
    }
}

fn part(object: &Bound<'_, PyAny>) -> PyResult<RowIdPart> {
    if object.is_instance_of::<PyString>() {
        return object.extract().map(|Text(text)| RowIdPart::Text(text));
    }
    if let Ok(value) = object.cast::<PyBytes>() {
        return Ok(RowIdPart::Bytes(value.as_bytes().to_vec()));
    }
    if object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>() {
        return object.extract().map(|Signed(value)| RowIdPart::Integer(value));
    }
    object.extract::<Uuid>().map(RowIdPart::Uuid).map_err(|_| {
        let message =
            format!("a row id is an int, str, bytes, UUID, or a tuple of these, not {}", type_name(object));
        PyTypeError::new_err(message)
    })
}

/// The row id as Python knows it.
pub(crate) fn to_python<'py>(py: Python<'py>, row_id: &RowId) -> PyResult<Bound<'py, PyAny>> {
    match row_id {
        RowId::Scalar(part) => part_to_python(py, part),
        RowId::Tuple(parts) => {
            let parts = parts.iter().map(|part| part_to_python(py, part)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyTuple::new(py, parts)?.into_any())
        }
    }
}

fn part_to_python<'py>(py: Python<'py>, part: &RowIdPart) -> PyResult<Bound<'py, PyAny>> {
    Ok(match part {
        RowIdPart::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        RowIdPart::Text(text) => PyString::new(py, text).into_any(),
        RowIdPart::Integer(value) => value.into_pyobject(py)?.into_any(),
        RowIdPart::Uuid(uuid) => uuid.into_pyobject(py)?,
    })
}

/// Return the bytes that stand for a row id in a log.
///
/// Their order is the natural order of the values: integers by value, text and bytes by
/// their bytes, tuples element by element.
///
/// Raises:
///     TypeError: if it is no int, str, bytes, UUID, or tuple of these.
///     InvalidArgumentError: if it is an empty tuple, or an int beyond 64 bits.
///
/// >>> import causelog
/// >>> causelog.encode_row_id(42) < causelog.encode_row_id(43)
/// True
/// >>> causelog.decode_row_id(causelog.encode_row_id((42, "line")))
/// (42, 'line')
#[pyfunction]
pub(crate) fn encode_row_id<'py>(py: Python<'py>, row_id: RowIdArgument) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &quick(py, || Ok(row_id.0.encode()))?))
}

/// Return the row id that these bytes stand for.
///
/// Raises:
///     InvalidArgumentError: if they are not what ``encode_row_id`` gives.
///
/// >>> import causelog
/// >>> causelog.decode_row_id(b"\x02abc\x00")
/// 'abc'
#[pyfunction]
pub(crate) fn decode_row_id<'py>(py: Python<'py>, encoded: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &quick(py, || RowId::decode(encoded))?)
}
