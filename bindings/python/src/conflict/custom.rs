//! The application's functions that decide conflicts: what they are asked, what they answer, and calling them.

use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::{
    ConflictClass, ConflictResolver, Error, ErrorCode, ResolverDecision as CoreDecision, Result,
    RowConflict as CoreConflict,
};
use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::boundary::invalid;
use crate::convert::dot::{self, DotArgument};
use crate::convert::integer::Unsigned;
use crate::convert::payload::{Payload, from_json};
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::text::Text;
use crate::convert::type_name;
use crate::entry;
use crate::names::{ByName, member};

/// What a custom resolver is asked to decide.
///
/// A replica makes it; a program makes one by keyword arguments to try its resolver out.
///
/// Args:
///     table: the table.
///     row_id: the row.
///     conflict_class: what the heads did to the row, taken together.
///     heads: the entries that no other has seen.
///     ancestor_is_live: whether the row was there before the heads parted.
///     ancestor: the row's payload before the heads parted.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct RowConflict {
    core: CoreConflict,
}

#[pymethods]
impl RowConflict {
    #[new]
    #[pyo3(signature = (*, table, row_id, conflict_class, heads, ancestor_is_live=false, ancestor=None))]
    fn py_new(
        table: Text,
        row_id: RowIdArgument,
        conflict_class: ByName<ConflictClass>,
        heads: &Bound<'_, PyAny>,
        ancestor_is_live: bool,
        ancestor: Option<Payload>,
    ) -> PyResult<Self> {
        let heads = entry::entries(heads)?.iter().map(|entry| entry.get().core.clone()).collect();
        let core = CoreConflict {
            table: table.0,
            row_id: row_id.0,
            class: conflict_class.0,
            heads,
            ancestor_is_live,
            ancestor: ancestor.map(|payload| payload.0),
        };
        Ok(RowConflict { core })
    }

    /// The table.
    #[getter]
    fn table(&self) -> &str {
        &self.core.table
    }

    /// The row.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, &self.core.row_id)
    }

    /// What the heads did to the row, taken together.
    #[getter]
    fn conflict_class(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.class)
    }

    /// The entries that no other has seen. Their order says nothing: a resolver must answer alike for any.
    #[getter]
    fn heads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        entry::tuple(py, &self.core.heads)
    }

    /// Whether the row was there before the heads parted.
    #[getter]
    fn ancestor_is_live(&self) -> bool {
        self.core.ancestor_is_live
    }

    /// The row's payload before the heads parted; None if it was not there, or has none.
    #[getter]
    fn ancestor<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.ancestor.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The payload before the heads parted, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn ancestor_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.ancestor.as_deref())
    }

    fn __eq__(&self, other: &Bound<'_, RowConflict>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let CoreConflict { table, row_id, class, heads, .. } = &self.core;
        format!("<RowConflict {class} on {table:?} {row_id} between {} heads>", heads.len())
    }
}

/// What a custom resolver decides, or somebody about an item of the inbox.
///
/// ``head``, ``value``, ``delete`` and ``defer`` make one.
///
/// >>> import causelog
/// >>> def most(conflict):
/// ...     quantities = [head.after_json()["qty"] for head in conflict.heads if head.after is not None]
/// ...     return causelog.ResolverDecision.value({"qty": max(quantities)})
/// >>> causelog.ResolverDecision.value({"qty": 2}).payload
/// b'{"qty":2}'
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ResolverDecision {
    pub(crate) core: CoreDecision,
}

#[pymethods]
impl ResolverDecision {
    /// The head with this dot wins.
    #[staticmethod]
    fn head(dot: DotArgument) -> Self {
        ResolverDecision { core: CoreDecision::Head(dot.0) }
    }

    /// The row takes this payload, which no entry need carry.
    ///
    /// Raises:
    ///     InvalidArgumentError: for None: a row that is to be gone is decided by ``delete``.
    #[staticmethod]
    #[pyo3(signature = (payload, /))]
    fn value(py: Python<'_>, payload: Option<Payload>) -> PyResult<Self> {
        let payload = payload.ok_or_else(|| {
            invalid(py, "a decision for None: a row that is to be gone is decided by delete()")
        })?;
        Ok(ResolverDecision { core: CoreDecision::Value(payload.0) })
    }

    /// The row is deleted.
    #[staticmethod]
    fn delete() -> Self {
        ResolverDecision { core: CoreDecision::Delete }
    }

    /// Somebody is to decide: the conflict goes to the inbox.
    #[staticmethod]
    fn defer() -> Self {
        ResolverDecision { core: CoreDecision::Defer }
    }

    /// ``"head"``, ``"value"``, ``"delete"`` or ``"defer"``.
    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match self.core {
            CoreDecision::Head(_) => "head",
            CoreDecision::Value(_) => "value",
            CoreDecision::Delete => "delete",
            CoreDecision::Defer => "defer",
            _ => return Err(invalid(py, "a decision of a kind that this module does not know")),
        })
    }

    /// The dot of the head that wins; None for any other decision.
    #[getter]
    fn dot<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.core {
            CoreDecision::Head(dot) => dot::to_python(py, dot).map(Some),
            _ => Ok(None),
        }
    }

    /// The payload that the row takes; None for any other decision.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &self.core {
            CoreDecision::Value(payload) => Some(PyBytes::new(py, payload)),
            _ => None,
        }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let class = PyType::new::<ResolverDecision>(py);
        let arguments = match &self.core {
            CoreDecision::Head(_) => PyTuple::new(py, [self.dot(py)?])?,
            CoreDecision::Value(_) => PyTuple::new(py, [self.payload(py)])?,
            _ => PyTuple::empty(py),
        };
        Ok((class.getattr(self.kind(py)?)?, arguments))
    }

    fn __eq__(&self, other: &Bound<'_, ResolverDecision>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match &self.core {
            CoreDecision::Head(dot) => dot.hash(&mut hasher),
            CoreDecision::Value(payload) => payload.hash(&mut hasher),
            other => std::mem::discriminant(other).hash(&mut hasher),
        }
        hasher.finish()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let kind = self.kind(py)?;
        Ok(match &self.core {
            CoreDecision::Head(dot) => format!("<ResolverDecision {kind} {dot}>"),
            CoreDecision::Value(payload) => format!("<ResolverDecision {kind} of {} bytes>", payload.len()),
            _ => format!("<ResolverDecision {kind}>"),
        })
    }
}

/// A Python callable that decides conflicts.
pub(crate) struct PyResolver {
    /// Gone once the collector has found that nobody can reach its replica any more. Locked only by who holds the
    /// interpreter, and never while Python code runs.
    callable: Mutex<Option<Py<PyAny>>>,
}

impl PyResolver {
    pub(crate) fn new(callable: Bound<'_, PyAny>) -> PyResult<Self> {
        if !callable.is_callable() {
            let found = type_name(&callable);
            return Err(PyTypeError::new_err(format!("a resolver is a callable, not {found}")));
        }
        Ok(PyResolver { callable: Mutex::new(Some(callable.unbind())) })
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self.callable.try_lock() {
            Some(callable) => visit.call(&*callable),
            None => Ok(()),
        }
    }

    /// Lets go of the callable; the caller drops it.
    pub(crate) fn take(&self) -> Option<Py<PyAny>> {
        self.callable.lock().take()
    }

    fn call(&self, py: Python<'_>, conflict: &CoreConflict) -> PyResult<CoreDecision> {
        let callable = self.callable.lock().as_ref().map(|callable| callable.clone_ref(py));
        let Some(callable) = callable else { return Err(PyTypeError::new_err("the resolver is gone")) };
        let decision = callable.bind(py).call1((RowConflict { core: conflict.clone() },))?;
        match decision.cast::<ResolverDecision>() {
            Ok(decision) => Ok(decision.get().core.clone()),
            Err(_) => {
                let found = type_name(&decision);
                Err(PyTypeError::new_err(format!("a resolver returns a ResolverDecision, not {found}")))
            }
        }
    }
}

impl ConflictResolver for PyResolver {
    fn resolve(&self, conflict: &CoreConflict) -> Result<CoreDecision> {
        let failed = |message: String| Error::new(ErrorCode::ResolverFailed, message);
        // The core holds no lock here, so that waiting for the interpreter holds nobody up.
        let called = Python::try_attach(|py| {
            self.call(py, conflict).map_err(|error| {
                let failure = failed(describe(py, &error));
                if error.is_instance_of::<PyKeyboardInterrupt>(py) {
                    // Who pressed Ctrl-C meant the program, not this decision: it comes again after the call. Whatever
                    // Python does next in this thread may raise it, so nothing may come after this.
                    drop(py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main")));
                }
                failure
            })
        });
        called.unwrap_or_else(|| Err(failed("the interpreter is shutting down".to_owned())))
    }
}

/// An exception as its class and what it says.
fn describe(py: Python<'_>, error: &PyErr) -> String {
    let class = type_name(error.value(py).as_any());
    match error.value(py).str() {
        Ok(text) if text.len().is_ok_and(|length| length > 0) => {
            format!("{class}: {}", text.to_string_lossy())
        }
        _ => class,
    }
}

/// The callables that a mapping from names and versions gives.
pub(crate) fn resolvers(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<(String, u32, PyResolver)>> {
    let wrong = |object: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "resolvers are a mapping from (name, version) to callables, not with {}",
            type_name(object)
        ))
    };
    let mapping = mapping.cast::<PyMapping>().map_err(|_| wrong(mapping))?;
    let mut found = Vec::new();
    for item in mapping.items()? {
        let item = item.cast_into::<PyTuple>()?;
        let (key, resolver) = (item.get_item(0)?, item.get_item(1)?);
        let pair = key.cast::<PyTuple>().map_err(|_| wrong(&key))?;
        if pair.len() != 2 {
            return Err(wrong(&key));
        }
        let Text(name) = pair.get_item(0)?.extract()?;
        let Version(version) = pair.get_item(1)?.extract()?;
        found.push((name, version, PyResolver::new(resolver)?));
    }
    Ok(found)
}

/// The version of a resolver: an `int` from 0 to 2³²−1.
pub(crate) struct Version(pub(crate) u32);

impl FromPyObject<'_, '_> for Version {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Unsigned(value) = object.extract()?;
        let version = u32::try_from(value);
        version
            .map(Version)
            .map_err(|_| invalid(object.py(), format!("{value} is not a version from 0 to 2**32 - 1")))
    }
}
