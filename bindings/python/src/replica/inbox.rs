//! Rows about which somebody has to decide.

use causelog::{Claim as CoreClaim, InboxItem as CoreItem};
use pyo3::prelude::*;
use pyo3::types::PyDateTime;

use crate::appended::Appended;
use crate::boundary::waiting;
use crate::conflict::custom::ResolverDecision;
use crate::conflict::report::ConflictReport;
use crate::convert::dot;
use crate::convert::metadata::MetadataArgument;
use crate::convert::moment::to_datetime;
use crate::convert::row_id::RowIdArgument;
use crate::convert::text::Text;
use crate::names::member;
use crate::replica::Replica;

/// A row about which somebody has to decide.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct InboxItem {
    core: CoreItem,
}

#[pymethods]
impl InboxItem {
    /// The conflict between its heads, with the provisional value. It grows when another head arrives.
    #[getter]
    fn report(&self) -> ConflictReport {
        ConflictReport::new(self.core.report.clone())
    }

    /// Whether a person decides, ``pending``, or a resolver that is missing or has failed, ``unresolved``.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.state)
    }

    /// Who has taken it up, here; None if nobody has.
    #[getter]
    fn claim(&self) -> Option<Claim> {
        self.core.claim.clone().map(|core| Claim { core })
    }

    /// What the resolver failed with, if it did since the replica was opened.
    #[getter]
    fn failure(&self) -> Option<&str> {
        self.core.failure.as_deref()
    }

    fn __eq__(&self, other: &Bound<'_, InboxItem>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let CoreItem { report, state, .. } = &self.core;
        format!("<InboxItem {:?} {}: {state}>", report.table, report.row_id)
    }
}

/// Who has taken up an item of the inbox.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Claim {
    core: CoreClaim,
}

#[pymethods]
impl Claim {
    /// A name, of a person or a job.
    #[getter]
    fn by(&self) -> &str {
        &self.core.by
    }

    /// When, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.at)
    }

    /// When, in nanoseconds since the Unix epoch.
    #[getter]
    fn at_ns(&self) -> i64 {
        self.core.at.nanoseconds()
    }

    fn __eq__(&self, other: &Bound<'_, Claim>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<Claim by {:?} at {}>", self.core.by, self.core.at)
    }
}

#[pymethods]
impl Replica {
    /// The rows about which somebody has to decide, by table and row id: one item a row. They follow from
    /// the log, and so does what is in the inbox after a crash; claims are kept durably beside it.
    ///
    /// An item is closed by ``resolve``, by any write that expects its heads, or by such a write of another
    /// replica.
    ///
    /// Raises:
    ///     What ``conflicts`` raises.
    ///
    /// >>> import causelog
    /// >>> manual = causelog.ResolverRegistry("manual")
    /// >>> a, b = causelog.Replica.in_memory(registry=manual), causelog.Replica.in_memory(registry=manual)
    /// >>> _ = a.insert("orders", 42, "from a"), b.insert("orders", 42, "from b")
    /// >>> _ = causelog.sync(a, b)
    /// >>> [item] = a.inbox()
    /// >>> a.claim("orders", 42, "alice").by
    /// 'alice'
    /// >>> heads = [head.dot for head in item.report.heads]
    /// >>> _ = a.resolve("orders", 42, causelog.ResolverDecision.head(heads[0]), heads)
    /// >>> _ = causelog.sync(a, b)
    /// >>> a.inbox(), b.inbox(), b.get("orders", 42).value_json()
    /// ([], [], 'from a')
    fn inbox(&self, py: Python<'_>) -> PyResult<Vec<InboxItem>> {
        let items = waiting(py, || self.core().inbox())?;
        Ok(items.into_iter().map(|core| InboxItem { core }).collect())
    }

    /// Take up an item of the inbox for somebody, so that others who look see it. It stays when the item
    /// grows, and is known here alone.
    ///
    /// Raises:
    ///     NotFoundError: when the row is not in the inbox.
    ///     AlreadyExistsError: when somebody else has taken it up.
    ///     InvalidArgumentError: for an empty name.
    ///     NoSpaceError, IoError: when it cannot be stored.
    ///     ClosedError: when the replica is closed.
    fn claim(&self, py: Python<'_>, table: Text, row_id: RowIdArgument, by: Text) -> PyResult<Claim> {
        waiting(py, || self.core().claim(&table.0, row_id.0, &by.0)).map(|core| Claim { core })
    }

    /// Give up the claim on an item, whoever has it. Without one this does nothing.
    ///
    /// Raises:
    ///     NotFoundError: when the row is not in the inbox.
    ///     NoSpaceError, IoError: when it cannot be stored.
    ///     ClosedError: when the replica is closed.
    fn release(&self, py: Python<'_>, table: Text, row_id: RowIdArgument) -> PyResult<()> {
        waiting(py, || self.core().release(&table.0, row_id.0))
    }

    /// Decide about a row with several heads, whether it waits in the inbox or not: an ordinary change that
    /// covers ``heads``, those that whoever decides has seen.
    ///
    /// Two people who decide on two replicas make a new conflict, which is resolved like any other.
    ///
    /// Args:
    ///     table: the table's name.
    ///     row_id: the row within the table.
    ///     decision: what becomes of the row.
    ///     heads: the dots of its heads, in any order.
    ///     metadata: small strings for an audit: who, why.
    ///
    /// Raises:
    ///     NotFoundError: when the row has not several heads.
    ///     VersionMismatchError: when it has others than ``heads``.
    ///     InvalidArgumentError: for a head that is none and for ``ResolverDecision.defer``.
    ///     And what ``write`` raises.
    #[pyo3(signature = (table, row_id, decision, heads, *, metadata=None))]
    #[allow(clippy::too_many_arguments)] // one of them is the interpreter
    fn resolve(
        &self,
        py: Python<'_>,
        table: Text,
        row_id: RowIdArgument,
        decision: &Bound<'_, ResolverDecision>,
        heads: &Bound<'_, PyAny>,
        metadata: Option<MetadataArgument>,
    ) -> PyResult<Appended> {
        let (decision, heads) = (decision.get().core.clone(), dot::dots(heads)?);
        let metadata = metadata.unwrap_or_default().0;
        waiting(py, || self.core().resolve_with(&table.0, row_id.0, decision, &heads, metadata))
            .map(Appended::new)
    }
}
