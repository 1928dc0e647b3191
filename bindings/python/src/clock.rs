use causelog::{Uuid, VectorClock as Core};
use parking_lot::RwLock;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMapping, PyTuple, PyType};

use crate::boundary::quick;
use crate::convert::dot::DotArgument;
use crate::convert::integer::Unsigned;
use crate::convert::text::Text;
use crate::convert::type_name;
use crate::names::member;

/// What has been seen: for every node the highest sequence of it.
///
/// A node that is not there has sequence 0, and a 0 is never stored, so two clocks that
/// mean the same are equal. Nodes are kept in ascending order. A clock can be changed,
/// so it is not hashable; it may be shared between threads.
///
/// Args:
///     entries: the nodes and their sequences, as a mapping or as pairs in any order;
///         zeros are dropped, and of a node named twice the higher sequence counts.
///
/// >>> import uuid, causelog
/// >>> a, b = uuid.UUID(int=1), uuid.UUID(int=2)
/// >>> first = causelog.VectorClock({a: 1})
/// >>> second = causelog.VectorClock(first.items())   # b has seen a's event ...
/// >>> second.increment(b)                            # ... and made its own
/// 1
/// >>> first.happens_before(second)
/// True
/// >>> first.increment(a)                             # a goes on without having seen it
/// 2
/// >>> first.compare(second)
/// <Causality.CONCURRENT: 'concurrent'>
#[pyclass(module = "causelog", frozen)]
pub(crate) struct VectorClock {
    core: RwLock<Core>,
}

impl VectorClock {
    pub(crate) fn new(core: Core) -> Self {
        VectorClock { core: RwLock::new(core) }
    }

    /// A copy as it is at this moment.
    pub(crate) fn snapshot(&self) -> Core {
        self.core.read().clone()
    }
}

/// The clocks that an iterable gives, each as it is at this moment.
pub(crate) fn clocks(iterable: &Bound<'_, PyAny>) -> PyResult<Vec<Core>> {
    let clocks = iterable.try_iter()?.map(|clock| {
        let clock = clock?;
        let clock = clock.cast::<VectorClock>().map_err(|_| {
            PyTypeError::new_err(format!("expected clocks of type VectorClock, not {}", type_name(&clock)))
        })?;
        Ok(clock.get().snapshot())
    });
    clocks.collect()
}

#[pymethods]
impl VectorClock {
    #[new]
    #[pyo3(signature = (entries=None))]
    fn py_new(py: Python<'_>, entries: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(entries) = entries else { return Ok(Self::new(Core::new())) };
        if let Ok(clock) = entries.cast::<VectorClock>() {
            return Ok(Self::new(clock.get().snapshot()));
        }
        let pairs = match entries.cast::<PyMapping>() {
            Ok(mapping) => mapping.items()?.into_any(),
            Err(_) => entries.clone(),
        };
        let pairs = pairs.try_iter()?.map(|pair| {
            let pair = pair?;
            let wrong = || {
                PyTypeError::new_err(format!("expected pairs of node and sequence, not {}", type_name(&pair)))
            };
            let pair = pair.cast::<PyTuple>().map_err(|_| wrong())?;
            if pair.len() != 2 {
                return Err(wrong());
            }
            let Unsigned(sequence) = pair.get_item(1)?.extract()?;
            Ok((pair.get_item(0)?.extract::<Uuid>()?, sequence))
        });
        let pairs = pairs.collect::<PyResult<Vec<_>>>()?;
        quick(py, || Ok(Self::new(Core::from_entries(pairs))))
    }

    /// Count one more event of ``node`` and return its sequence.
    ///
    /// Raises:
    ///     TooLargeError: when the counter is at its end; the clock stays as it is.
    fn increment(&self, py: Python<'_>, node: Uuid) -> PyResult<u64> {
        quick(py, || self.core.write().increment(node))
    }

    /// Take note that ``node``'s changes up to ``sequence`` have been seen. A lower one changes nothing.
    fn advance(&self, py: Python<'_>, node: Uuid, sequence: Unsigned) -> PyResult<()> {
        quick(py, || {
            self.core.write().advance(node, sequence.0);
            Ok(())
        })
    }

    /// Take in all that ``other`` has seen: become the least clock that is not below either.
    ///
    /// >>> import uuid, causelog
    /// >>> a, b = uuid.UUID(int=1), uuid.UUID(int=2)
    /// >>> clock = causelog.VectorClock({a: 2})
    /// >>> clock.merge(causelog.VectorClock({a: 1, b: 3}))
    /// >>> clock == causelog.VectorClock({a: 2, b: 3})
    /// True
    fn merge(&self, py: Python<'_>, other: &Bound<'_, VectorClock>) -> PyResult<()> {
        // Two locks are never held at once: whichever threads merge which clocks, none waits in a circle.
        let other = other.get().snapshot();
        quick(py, || {
            self.core.write().merge(&other);
            Ok(())
        })
    }

    /// The highest sequence of ``node`` that has been seen; 0 if none.
    fn get(&self, py: Python<'_>, node: Uuid) -> PyResult<u64> {
        quick(py, || Ok(self.core.read().get(node)))
    }

    /// Whether the change with this dot has been seen: one look-up.
    ///
    /// Of two entries ``a`` and ``b``, ``a`` happened before ``b`` exactly when they are not the
    /// same and ``b.vector_clock.covers(a.dot)``.
    fn covers(&self, py: Python<'_>, dot: DotArgument) -> PyResult<bool> {
        quick(py, || Ok(self.core.read().covers(dot.0)))
    }

    /// How this clock stands to ``other``.
    fn compare(&self, py: Python<'_>, other: &Bound<'_, VectorClock>) -> PyResult<Py<PyAny>> {
        let other = other.get().snapshot();
        let causality = quick(py, || Ok(self.core.read().compare(&other)))?;
        member(py, causality)
    }

    /// Whether all that this clock has seen, and less than all, is in ``other``.
    fn happens_before(&self, py: Python<'_>, other: &Bound<'_, VectorClock>) -> PyResult<bool> {
        let other = other.get().snapshot();
        quick(py, || Ok(self.core.read().happens_before(&other)))
    }

    /// Whether each of the two has seen something that the other has not. Equal clocks do not conflict.
    fn conflicts_with(&self, py: Python<'_>, other: &Bound<'_, VectorClock>) -> PyResult<bool> {
        let other = other.get().snapshot();
        quick(py, || Ok(self.core.read().conflicts_with(&other)))
    }

    /// Every node and its sequence, ascending by node.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let clock = self.snapshot();
        PyList::new(py, clock.iter())
    }

    /// The canonical binary form: equal clocks give equal bytes.
    ///
    /// >>> import uuid, causelog
    /// >>> clock = causelog.VectorClock({uuid.UUID(int=1): 300})
    /// >>> causelog.VectorClock.from_bytes(clock.to_bytes()) == clock
    /// True
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &quick(py, || Ok(self.core.read().to_bytes()))?))
    }

    /// The clock that these bytes stand for.
    ///
    /// Raises:
    ///     InvalidArgumentError: for anything but what ``to_bytes`` gives.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, encoded: &[u8]) -> PyResult<Self> {
        quick(py, || Core::from_bytes(encoded)).map(Self::new)
    }

    /// The JSON form: an object of sequences by node, ascending, without spaces.
    ///
    /// >>> import uuid, causelog
    /// >>> causelog.VectorClock({uuid.UUID(int=1): 7}).to_json()
    /// '{"00000000-0000-0000-0000-000000000001":7}'
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.read().to_json()))
    }

    /// The clock of this JSON object, its keys in any order; zeros are dropped.
    ///
    /// Raises:
    ///     InvalidArgumentError: for anything but an object of whole numbers from 0 to 2**64 - 1 by UUID.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: Text) -> PyResult<Self> {
        quick(py, || Core::from_json(&text.0)).map(Self::new)
    }

    /// A clock of its own that stands where this one does now.
    fn copy(&self) -> Self {
        Self::new(self.snapshot())
    }

    fn __copy__(&self) -> Self {
        self.copy()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> Self {
        self.copy()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let class = PyType::new::<VectorClock>(py);
        Ok((class.getattr("from_bytes")?, (self.to_bytes(py)?,)))
    }

    fn __len__(&self) -> usize {
        self.core.read().len()
    }

    fn __eq__(&self, other: &Bound<'_, VectorClock>) -> bool {
        let other = other.get().snapshot();
        *self.core.read() == other
    }

    fn __str__(&self) -> String {
        self.core.read().to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("VectorClock({})", self.items(py)?.repr()?.to_string_lossy()))
    }
}
