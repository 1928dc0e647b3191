use causelog::{ConflictClass, ResolverRegistry as Core};
use parking_lot::RwLock;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::boundary::quick;
use crate::conflict::strategy::{self, Strategy};
use crate::convert::text::Text;
use crate::names::ByName;

/// Which strategy decides which conflict: by table and class, else by table, else the default.
///
/// Every replica that is to end in the same state needs the same registry; ``fingerprint`` tells. A
/// strategy is a name, or a dict where it has parameters; see ``ConflictResolution``. A registry can be
/// changed, so it is not hashable; it may be shared between threads. A replica takes a copy of it.
///
/// Args:
///     default: the strategy where no other rule matches. It is not checked before it is used.
///
/// >>> import causelog
/// >>> registry = causelog.ResolverRegistry("last_write_wins")
/// >>> registry.set_table("stock", {"kind": "field_merge", "fields": {"count": "counter"}})
/// >>> registry.set_class("orders", "update_delete", "manual")
/// >>> registry.rule("orders", "update_delete")
/// ('orders/update_delete', <ConflictResolution.MANUAL: 'manual'>)
/// >>> registry.rule("orders", "update_update")
/// ('default', <ConflictResolution.LAST_WRITE_WINS: 'last_write_wins'>)
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ResolverRegistry {
    core: RwLock<Core>,
}

impl ResolverRegistry {
    pub(crate) fn new(core: Core) -> Self {
        ResolverRegistry { core: RwLock::new(core) }
    }

    /// A copy as it is at this moment.
    pub(crate) fn snapshot(&self) -> Core {
        self.core.read().clone()
    }
}

#[pymethods]
impl ResolverRegistry {
    #[new]
    #[pyo3(
        signature = (default=Strategy(causelog::ConflictResolution::LastWriteWins)),
        text_signature = "(default='last_write_wins')"
    )]
    fn py_new(default: Strategy) -> Self {
        Self::new(Core::new(default.0))
    }

    /// The strategy where no other rule matches.
    #[getter]
    fn default_resolution<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        strategy::to_python(py, self.snapshot().default_resolution())
    }

    /// Set the strategy where no other rule matches.
    ///
    /// Raises:
    ///     InvalidArgumentError: as ``validate`` says; the registry stays as it was.
    fn set_default(&self, py: Python<'_>, resolution: Strategy) -> PyResult<()> {
        quick(py, || self.core.write().set_default(resolution.0))
    }

    /// Set the strategy for a table.
    ///
    /// Raises:
    ///     InvalidArgumentError: as ``validate`` says; the registry stays as it was.
    fn set_table(&self, py: Python<'_>, table: Text, resolution: Strategy) -> PyResult<()> {
        quick(py, || self.core.write().set_table(table.0, resolution.0))
    }

    /// Set the strategy for one class of conflicts of a table.
    ///
    /// Raises:
    ///     InvalidArgumentError: as ``validate`` says; the registry stays as it was.
    fn set_class(
        &self,
        py: Python<'_>,
        table: Text,
        conflict_class: ByName<ConflictClass>,
        resolution: Strategy,
    ) -> PyResult<()> {
        quick(py, || self.core.write().set_class(table.0, conflict_class.0, resolution.0))
    }

    /// The rule that matches a conflict, and its strategy.
    ///
    /// Returns:
    ///     ``table/class``, ``table`` or ``default``, as reports name it, and the strategy.
    fn rule<'py>(
        &self,
        py: Python<'py>,
        table: Text,
        conflict_class: ByName<ConflictClass>,
    ) -> PyResult<(String, Bound<'py, PyAny>)> {
        let registry = self.snapshot();
        let (rule, resolution) = registry.rule(&table.0, conflict_class.0);
        Ok((rule.to_string(), strategy::to_python(py, resolution)?))
    }

    /// Check whether replicas that use this registry end in the same state.
    ///
    /// Raises:
    ///     InvalidArgumentError: with the rule and the reason: for a strategy that
    ///         ``ConflictResolution.validate`` refuses, an empty table name, a class that cannot arise, and a
    ///         table that merges fields in some conflicts and not in all, because the history of its rows
    ///         would then depend on which conflicts it met.
    ///
    /// >>> import causelog
    /// >>> causelog.ResolverRegistry({"kind": "custom", "name": "", "version": 1}).validate()
    /// Traceback (most recent call last):
    ///     ...
    /// causelog.errors.InvalidArgumentError: default: resolution {"kind":"custom","name":"","version":1}: a custom resolver needs a name
    fn validate(&self, py: Python<'_>) -> PyResult<()> {
        quick(py, || self.core.read().validate())
    }

    /// Every custom resolver that it names, with its version.
    fn custom_resolvers(&self, py: Python<'_>) -> PyResult<Vec<(String, u32)>> {
        quick(py, || Ok(self.core.read().custom_resolvers()))
    }

    /// 16 bytes in hexadecimal that are the same for equal registries only: a hash of ``to_json``.
    fn fingerprint(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.read().fingerprint()))
    }

    /// The registry as one line of JSON, the same for equal registries.
    ///
    /// >>> import causelog
    /// >>> causelog.ResolverRegistry("manual").to_json()
    /// '{"default":"manual","tables":{}}'
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.read().to_json()))
    }

    /// The registry that this JSON says.
    ///
    /// Raises:
    ///     InvalidArgumentError: when it is not what ``to_json`` gives, or as ``validate`` says.
    ///
    /// >>> import causelog
    /// >>> text = '{"default":"last_write_wins","tables":{"stock":{"classes":{"update_delete":"manual"}}}}'
    /// >>> causelog.ResolverRegistry.from_json(text).to_json() == text
    /// True
    #[staticmethod]
    fn from_json(py: Python<'_>, text: Text) -> PyResult<Self> {
        quick(py, || Core::from_json(&text.0)).map(Self::new)
    }

    /// A registry of its own with the rules that this one has now.
    fn copy(&self) -> Self {
        Self::new(self.snapshot())
    }

    fn __copy__(&self) -> Self {
        self.copy()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> Self {
        self.copy()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let class = PyType::new::<ResolverRegistry>(py);
        Ok((class.getattr("from_json")?, (self.to_json(py)?,)))
    }

    fn __eq__(&self, other: &Bound<'_, ResolverRegistry>) -> bool {
        // Two locks are never held at once: whichever threads compare which, none waits in a circle.
        let other = other.get().snapshot();
        *self.core.read() == other
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ResolverRegistry {}>", self.to_json(py)?))
    }
}
