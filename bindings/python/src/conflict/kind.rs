//! The functions beneath the methods of the enumerations `ConflictType` and `ConflictClass`.

use causelog::{ChangeOperation, ConflictClass, ConflictType};
use pyo3::prelude::*;

use crate::boundary::quick;
use crate::names::{ByName, member};

/// The shape of a local and a remote operation.
#[pyfunction]
#[pyo3(name = "_conflict_type_of")]
pub(crate) fn conflict_type_of(
    py: Python<'_>,
    local: ByName<ChangeOperation>,
    remote: ByName<ChangeOperation>,
) -> PyResult<Py<PyAny>> {
    member(py, quick(py, || Ok(ConflictType::of(local.0, remote.0)))?)
}

/// The shape that the other side sees.
#[pyfunction]
#[pyo3(name = "_conflict_type_mirror")]
pub(crate) fn conflict_type_mirror(py: Python<'_>, shape: ByName<ConflictType>) -> PyResult<Py<PyAny>> {
    member(py, quick(py, || Ok(shape.0.mirror()))?)
}

/// The class, which is the same from both sides.
#[pyfunction]
#[pyo3(name = "_conflict_type_class")]
pub(crate) fn conflict_type_class(py: Python<'_>, shape: ByName<ConflictType>) -> PyResult<Py<PyAny>> {
    member(py, quick(py, || Ok(shape.0.class()))?)
}

/// The local and the remote operation.
#[pyfunction]
#[pyo3(name = "_conflict_type_operations")]
pub(crate) fn conflict_type_operations(
    py: Python<'_>,
    shape: ByName<ConflictType>,
) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let (local, remote) = quick(py, || Ok(shape.0.operations()))?;
    Ok((member(py, local)?, member(py, remote)?))
}

/// The class of heads with these operations; None if there are none.
#[pyfunction]
#[pyo3(name = "_conflict_class_of")]
pub(crate) fn conflict_class_of(
    py: Python<'_>,
    operations: &Bound<'_, PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    let operations =
        operations.try_iter()?.map(|operation| Ok(operation?.extract::<ByName<ChangeOperation>>()?.0));
    let operations = operations.collect::<PyResult<Vec<_>>>()?;
    quick(py, || Ok(ConflictClass::of(operations)))?.map(|class| member(py, class)).transpose()
}
