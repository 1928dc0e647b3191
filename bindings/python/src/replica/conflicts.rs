//! Conflicts: asked for, resolved again, resolved by other rules.

use causelog::{ConflictClass, ConflictQuery, WhatIf as Core};
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::conflict::registry::ResolverRegistry;
use crate::conflict::report::ConflictReport;
use crate::convert::integer::Unsigned;
use crate::convert::row_id::RowIdArgument;
use crate::convert::text::Text;
use crate::names::ByName;
use crate::replica::Replica;

/// A conflict, and how other rules would have decided it.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct WhatIf {
    core: Core,
}

#[pymethods]
impl WhatIf {
    /// How it was decided.
    #[getter]
    fn decided(&self) -> ConflictReport {
        ConflictReport::new(self.core.decided.clone())
    }

    /// How it would have been.
    #[getter]
    fn would_be(&self) -> ConflictReport {
        ConflictReport::new(self.core.would_be.clone())
    }

    /// Whether the row would have had another value.
    fn differs(&self) -> bool {
        self.core.differs()
    }

    fn __eq__(&self, other: &Bound<'_, WhatIf>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let differs = if self.core.differs() { "another value" } else { "the same value" };
        format!("<WhatIf {}: {differs}>", self.core.decided.id())
    }
}

/// Which conflicts are asked for.
fn query(
    table: Option<Text>,
    row_id: Option<RowIdArgument>,
    conflict_class: Option<ByName<ConflictClass>>,
    settled: Option<bool>,
    since: Unsigned,
    limit: Option<Unsigned>,
) -> ConflictQuery {
    ConflictQuery {
        table: table.map(|table| table.0),
        row_id: row_id.map(|row_id| row_id.0),
        class: conflict_class.map(|class| class.0),
        settled,
        since: since.0,
        limit: limit.map(|limit| limit.0),
    }
}

fn reports(reports: Vec<causelog::ConflictReport<'static>>) -> Vec<ConflictReport> {
    reports.into_iter().map(ConflictReport::new).collect()
}

#[pymethods]
impl Replica {
    /// The conflicts that stand: rows whose heads disagree, by table and row id. They are resolved, or wait
    /// in the ``inbox``.
    ///
    /// Two replicas with the same entries and rules report the same, byte for byte.
    ///
    /// Raises:
    ///     CorruptError, IoError: when the log cannot be read.
    ///     ClosedError: when the replica is closed.
    fn conflicts(&self, py: Python<'_>) -> PyResult<Vec<ConflictReport>> {
        waiting(py, || self.core().conflicts()).map(reports)
    }

    /// The conflicts that an entry ended whose author had seen all of their heads, in the order of those
    /// entries in this log.
    ///
    /// Raises:
    ///     What ``conflicts`` raises.
    fn settled_conflicts(&self, py: Python<'_>) -> PyResult<Vec<ConflictReport>> {
        waiting(py, || self.core().settled_conflicts()).map(reports)
    }

    /// The conflicts that all conditions allow: first those that stand, by table and row id, then those that
    /// are settled, in the order of the entries that settled them.
    ///
    /// Args:
    ///     table: only those of this table.
    ///     row_id: only those of rows with this id, in whichever table.
    ///     conflict_class: only those of this class.
    ///     settled: only those that are settled, or only those that stand.
    ///     since: of the settled ones only those that an entry after this LSN settled: the last one that was
    ///         handled, or 0.
    ///     limit: at most so many.
    ///
    /// Raises:
    ///     What ``conflicts`` raises.
    ///
    /// >>> import causelog
    /// >>> a, b = causelog.Replica.in_memory(), causelog.Replica.in_memory()
    /// >>> _ = a.insert("orders", 42, "from a"), b.insert("orders", 42, "from b")
    /// >>> _ = causelog.sync(a, b)
    /// >>> len(a.query_conflicts(table="orders", settled=False)), a.query_conflicts(table="stock")
    /// (1, [])
    #[pyo3(
        signature = (
            *, table=None, row_id=None, conflict_class=None, settled=None, since=Unsigned(0), limit=None
        ),
        text_signature = "($self, *, table=None, row_id=None, conflict_class=None, settled=None, since=0, limit=None)"
    )]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn query_conflicts(
        &self,
        py: Python<'_>,
        table: Option<Text>,
        row_id: Option<RowIdArgument>,
        conflict_class: Option<ByName<ConflictClass>>,
        settled: Option<bool>,
        since: Unsigned,
        limit: Option<Unsigned>,
    ) -> PyResult<Vec<ConflictReport>> {
        let query = query(table, row_id, conflict_class, settled, since, limit);
        waiting(py, || self.core().query_conflicts(&query)).map(reports)
    }

    /// Resolve a conflict again, from the log and by the rules that were in force then: a report that this
    /// replica, or one with the same entries, has made comes out the same. The conflict need not stand any
    /// longer.
    ///
    /// Raises:
    ///     NotFoundError: when the log lacks one of the heads, or the registry of the report was never in
    ///         force here.
    ///     InvalidArgumentError: for a report of a plain detector, which knows no rules.
    ///     TruncatedError: when compaction has removed what it takes.
    ///     And what ``conflicts`` raises.
    fn replay(&self, py: Python<'_>, report: &Bound<'_, ConflictReport>) -> PyResult<ConflictReport> {
        let report = report.get().core();
        waiting(py, || self.core().replay(report)).map(ConflictReport::new)
    }

    /// Resolve conflicts by other rules, beside how they were decided. Nothing is changed and nothing is
    /// kept, also of what resolvers answer.
    ///
    /// Args:
    ///     registry: the other rules.
    ///     table, row_id, conflict_class, settled, since, limit: which conflicts, as with
    ///         ``query_conflicts``.
    ///
    /// Raises:
    ///     InvalidArgumentError: as ``ResolverRegistry.validate`` says.
    ///     And what ``conflicts`` raises.
    ///
    /// >>> import causelog
    /// >>> a, b = causelog.Replica.in_memory(), causelog.Replica.in_memory()
    /// >>> _ = a.insert("orders", 42, "first"), b.insert("orders", 42, "second")
    /// >>> _ = causelog.sync(a, b)
    /// >>> [answer] = a.what_if(causelog.ResolverRegistry("first_write_wins"))
    /// >>> answer.differs(), answer.would_be.value_json()
    /// (True, 'first')
    #[pyo3(
        signature = (
            registry, *, table=None, row_id=None, conflict_class=None, settled=None, since=Unsigned(0), limit=None
        ),
        text_signature = "($self, registry, *, table=None, row_id=None, conflict_class=None, settled=None, since=0, limit=None)"
    )]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn what_if(
        &self,
        py: Python<'_>,
        registry: &Bound<'_, ResolverRegistry>,
        table: Option<Text>,
        row_id: Option<RowIdArgument>,
        conflict_class: Option<ByName<ConflictClass>>,
        settled: Option<bool>,
        since: Unsigned,
        limit: Option<Unsigned>,
    ) -> PyResult<Vec<WhatIf>> {
        let registry = registry.get().snapshot();
        let query = query(table, row_id, conflict_class, settled, since, limit);
        let answers = waiting(py, || self.core().what_if(&registry, &query))?;
        Ok(answers.into_iter().map(|core| WhatIf { core }).collect())
    }
}
