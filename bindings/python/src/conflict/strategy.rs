//! Strategies on their way between Python and the core: text or a mapping goes in, a member of
//! the enumeration or a dict comes out.

use causelog::ConflictResolution as Core;
use pyo3::exceptions::{PyRecursionError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyMapping, PyString, PyType};

use crate::boundary::{invalid, quick};
use crate::convert::text::Text;
use crate::convert::{payload, type_name};

/// A strategy: its name, its JSON, or a mapping of what that JSON says.
pub(crate) struct Strategy(pub(crate) Core);

impl FromPyObject<'_, '_> for Strategy {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let text = if object.is_instance_of::<PyString>() {
            object.extract::<Text>()?.0
        } else if object.cast::<PyMapping>().is_ok() {
            encode(&object)?
        } else {
            let found = type_name(&object);
            return Err(PyTypeError::new_err(format!("a strategy is a str or a mapping, not {found}")));
        };
        quick(py, || text.parse()).map(Strategy)
    }
}

fn encode(mapping: &Bound<'_, PyAny>) -> PyResult<String> {
    static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = mapping.py();
    let encoded = ENCODE.import(py, "causelog._json", "encode_strategy")?.call1((mapping,));
    match encoded.and_then(|json| json.extract::<Text>()) {
        Ok(json) => Ok(json.0),
        Err(error)
            if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyRecursionError>(py) =>
        {
            let refused = invalid(py, format!("not a conflict resolution: {}", error.value(py)));
            refused.set_cause(py, Some(error));
            Err(refused)
        }
        Err(error) => Err(error),
    }
}

/// The strategy as Python knows it: the member of its name where it has no parameters, else a new dict.
pub(crate) fn to_python<'py>(py: Python<'py>, strategy: &Core) -> PyResult<Bound<'py, PyAny>> {
    let text = quick(py, || Ok(strategy.to_string()))?;
    if text.starts_with('{') { payload::from_json(py, Some(text.as_bytes())) } else { kind_member(py, &text) }
}

fn kind_member<'py>(py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyAny>> {
    static KINDS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    KINDS.import(py, "causelog.enums", "ConflictResolution")?.call1((kind,))
}

/// The kind of a strategy.
#[pyfunction]
#[pyo3(name = "_strategy_kind")]
pub(crate) fn strategy_kind(py: Python<'_>, strategy: Strategy) -> PyResult<Bound<'_, PyAny>> {
    kind_member(py, strategy.0.kind())
}

/// The one text of a strategy.
#[pyfunction]
#[pyo3(name = "_strategy_text")]
pub(crate) fn strategy_text(py: Python<'_>, strategy: Strategy) -> PyResult<String> {
    quick(py, || Ok(strategy.0.to_string()))
}

/// A strategy in the form in which it is given back.
#[pyfunction]
#[pyo3(name = "_strategy_parse")]
pub(crate) fn strategy_parse(py: Python<'_>, strategy: Strategy) -> PyResult<Bound<'_, PyAny>> {
    to_python(py, &strategy.0)
}

/// What a strategy hands over to.
#[pyfunction]
#[pyo3(name = "_strategy_fallback")]
pub(crate) fn strategy_fallback(py: Python<'_>, strategy: Strategy) -> PyResult<Option<Bound<'_, PyAny>>> {
    strategy.0.fallback().map(|fallback| to_python(py, fallback)).transpose()
}

/// Whether a strategy makes sense by itself.
#[pyfunction]
#[pyo3(name = "_strategy_validate")]
pub(crate) fn strategy_validate(py: Python<'_>, strategy: Strategy) -> PyResult<()> {
    quick(py, || strategy.0.validate())
}
