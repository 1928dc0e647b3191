use std::collections::VecDeque;
use std::sync::Arc;

use causelog::{
    ChangeEntry as CoreEntry, Cursor as CoreCursor, Error, Result, Transaction as CoreTransaction,
    TransactionCursor as CoreTransactionCursor,
};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::change::Transaction;
use crate::entry::ChangeEntry;
use crate::handle::Handle;

/// Releasing the interpreter lock for every item would cost more than reading it, so
/// items are fetched in batches: up to so many …
const BATCH_ITEMS: usize = 256;
/// … or until they hold so many bytes, roughly.
const BATCH_BYTES: usize = 1 << 20;

/// Reads ahead from a core cursor.
struct Prefetch<C, T> {
    log: Arc<Handle>,
    state: Mutex<State<C, T>>,
}

struct State<C, T> {
    /// Gone once it has ended, in whatever way.
    source: Option<C>,
    ready: VecDeque<T>,
    /// What ended the source, to be raised after what came before it.
    failure: Option<Error>,
}

trait Weigh {
    /// Roughly the bytes that the item takes.
    fn weight(&self) -> usize;
}

impl Weigh for CoreEntry {
    fn weight(&self) -> usize {
        let payloads = [&self.before, &self.after].into_iter().flatten().map(Vec::len).sum::<usize>();
        payloads + self.vector_clock.len() * 24
    }
}

impl Weigh for CoreTransaction {
    fn weight(&self) -> usize {
        let payloads = self.changes.iter().flat_map(|change| [&change.before, &change.after]);
        payloads.flatten().map(Vec::len).sum::<usize>() + self.changes.len() * 64
    }
}

impl<C: Iterator<Item = Result<T>> + Send, T: Weigh + Send> Prefetch<C, T> {
    fn new(log: Arc<Handle>, source: C) -> Self {
        let state = State { source: Some(source), ready: VecDeque::new(), failure: None };
        Prefetch { log, state: Mutex::new(state) }
    }

    fn next(&self, py: Python<'_>) -> PyResult<Option<T>> {
        // Nobody waits for the interpreter while holding this lock, but whoever
        // holds it may be reading: so only try it before letting other threads run.
        if let Some(mut state) = self.state.try_lock()
            && !self.log.is_closed()
            && let Some(item) = state.ready.pop_front()
        {
            return Ok(Some(item));
        }
        waiting(py, || {
            self.log.check_open()?;
            self.state.lock().next()
        })
    }
}

impl<C: Iterator<Item = Result<T>>, T: Weigh> State<C, T> {
    fn next(&mut self) -> Result<Option<T>> {
        if self.ready.is_empty() {
            self.fill();
        }
        match self.ready.pop_front() {
            Some(item) => Ok(Some(item)),
            None => self.failure.take().map_or(Ok(None), Err),
        }
    }

    fn fill(&mut self) {
        // Taken out while it works, so that after a panic the cursor has ended.
        let Some(mut source) = self.source.take() else { return };
        let mut bytes = 0;
        while self.ready.len() < BATCH_ITEMS && bytes < BATCH_BYTES {
            match source.next() {
                None => return,
                Some(Err(error)) => {
                    self.failure = Some(error);
                    return;
                }
                Some(Ok(item)) => {
                    bytes += item.weight();
                    self.ready.push_back(item);
                }
            }
        }
        self.source = Some(source);
    }
}

/// Entries of a log, read as they are asked for: an iterator.
///
/// A cursor sees the log as it was when the query was made, whatever is appended since,
/// and reads ahead in batches of at most 256 entries or about 1 MiB. It may be shared
/// between threads; each entry goes to one of them. When the log is closed it raises
/// ``ClosedError``; after any error it has ended.
///
/// >>> import causelog
/// >>> log = causelog.ChangeLog.in_memory()
/// >>> _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// >>> [entry.row_id for entry in log.query(table="orders")]
/// [42]
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Cursor {
    entries: Prefetch<CoreCursor, CoreEntry>,
}

impl Cursor {
    pub(crate) fn new(log: Arc<Handle>, source: CoreCursor) -> Self {
        Cursor { entries: Prefetch::new(log, source) }
    }
}

#[pymethods]
impl Cursor {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<ChangeEntry>> {
        Ok(self.entries.next(py)?.map(|core| ChangeEntry { core }))
    }
}

/// Whole transactions of a log in its order, read as they are asked for: an iterator.
///
/// Like a ``Cursor`` it sees the log as it was when it was asked for.
///
/// >>> import causelog
/// >>> here, there = causelog.ChangeLog.in_memory(), causelog.ChangeLog.in_memory()
/// >>> _ = here.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// >>> for transaction in here.transactions(there.frontier()):
/// ...     _ = there.append_remote(transaction)
/// >>> there.frontier() == here.frontier()
/// True
#[pyclass(module = "causelog", frozen)]
pub(crate) struct TransactionCursor {
    transactions: Prefetch<CoreTransactionCursor, CoreTransaction>,
}

impl TransactionCursor {
    pub(crate) fn new(log: Arc<Handle>, source: CoreTransactionCursor) -> Self {
        TransactionCursor { transactions: Prefetch::new(log, source) }
    }
}

#[pymethods]
impl TransactionCursor {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Transaction>> {
        Ok(self.transactions.next(py)?.map(|core| Transaction { core }))
    }
}
