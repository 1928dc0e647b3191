use causelog::{Dot, Uuid};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};

use crate::boundary::quick;
use crate::convert::integer::Unsigned;
use crate::convert::text::Text;
use crate::convert::type_name;

/// A dot: a `causelog.Dot`, or any tuple of a node and a sequence.
pub(crate) struct DotArgument(pub(crate) Dot);

impl FromPyObject<'_, '_> for DotArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wrong =
            || PyTypeError::new_err(format!("expected a Dot (node, sequence), not {}", type_name(&object)));
        let tuple = object.cast::<PyTuple>().map_err(|_| wrong())?;
        if tuple.len() != 2 {
            return Err(wrong());
        }
        let node: Uuid = tuple.get_item(0)?.extract()?;
        let Unsigned(sequence) = tuple.get_item(1)?.extract()?;
        Ok(DotArgument(Dot::new(node, sequence)))
    }
}

/// The dots that an iterable gives.
pub(crate) fn dots(iterable: &Bound<'_, PyAny>) -> PyResult<Vec<Dot>> {
    iterable.try_iter()?.map(|dot| Ok(dot?.extract::<DotArgument>()?.0)).collect()
}

/// A dot as a `causelog.Dot`.
pub(crate) fn to_python(py: Python<'_>, dot: Dot) -> PyResult<Bound<'_, PyAny>> {
    static DOT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    DOT.import(py, "causelog.dot", "Dot")?.call1((dot.node, dot.sequence))
}

/// Dots as a tuple.
pub(crate) fn tuple<'py>(py: Python<'py>, dots: &[Dot]) -> PyResult<Bound<'py, PyTuple>> {
    let dots = dots.iter().map(|dot| to_python(py, *dot));
    PyTuple::new(py, dots.collect::<PyResult<Vec<_>>>()?)
}

/// Read a dot from its text, ``node:sequence``.
#[pyfunction]
#[pyo3(name = "_parse_dot")]
pub(crate) fn parse_dot<'py>(py: Python<'py>, text: Text) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, quick(py, || text.0.parse())?)
}
