//! Reading from a log, batch by batch.

use std::sync::{Arc, Mutex, MutexGuard};

use causelog::{Change, ErrorCode, Transaction};
use napi::bindgen_prelude::{AsyncTask, Result};
use napi_derive::napi;

use crate::entry::{self, Batch};
use crate::error::{Code, thrown};
use crate::task::{Background, background};
use crate::transaction::TransactionObject;

/// A batch ends at so many items, or when those in it take so many bytes: a crossing
/// to JavaScript is paid once for many of them, and memory stays bounded.
const BATCH_ITEMS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// A cursor of the log, shared with the background work that reads from it.
struct Source<C> {
    state: Arc<Mutex<State<C>>>,
}

struct State<C> {
    /// None once everything was read, or the reader has had enough.
    cursor: Option<C>,
    /// A failure that follows items which were handed out before it.
    failure: Option<causelog::Error>,
}

impl<C> Clone for Source<C> {
    fn clone(&self) -> Self {
        Source { state: self.state.clone() }
    }
}

impl<C> Source<C> {
    fn new(cursor: C) -> Self {
        let state = State { cursor: Some(cursor), failure: None };
        Source { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> causelog::Result<MutexGuard<'_, State<C>>> {
        let broken = |_| causelog::Error::new(ErrorCode::Closed, "an internal failure closed the cursor");
        self.state.lock().map_err(broken)
    }

    fn close(&self) -> causelog::Result<()> {
        let mut state = self.lock()?;
        state.cursor = None;
        state.failure = None;
        Ok(())
    }

    /// The next items; none at the end.
    fn read<T>(&self, weight: fn(&T) -> usize) -> causelog::Result<Vec<T>>
    where
        C: Iterator<Item = causelog::Result<T>>,
    {
        let mut state = self.lock()?;
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        let Some(cursor) = &mut state.cursor else { return Ok(Vec::new()) };
        let (mut items, mut bytes) = (Vec::new(), 0);
        let ended = loop {
            if items.len() == BATCH_ITEMS || bytes >= BATCH_BYTES {
                return Ok(items);
            }
            match cursor.next() {
                Some(Ok(item)) => {
                    bytes += weight(&item);
                    items.push(item);
                }
                Some(Err(failure)) => break Some(failure),
                None => break None,
            }
        };
        state.cursor = None;
        match ended {
            Some(failure) if items.is_empty() => Err(failure),
            failure => {
                state.failure = failure;
                Ok(items)
            }
        }
    }
}

/// Entries of a log, read as they are asked for: an iterator and an async iterator,
/// for one reader.
///
/// A cursor sees the log as it was when the query was made, whatever is appended
/// since. It reads ahead by up to 256 entries, which it still hands out when the log has
/// been closed meanwhile. Leaving a loop over it early closes it. `for await` reads off the
/// main thread.
///
/// ```js
/// for (const entry of log.query({ table: 'orders' })) console.log(entry.lsn, entry.operation);
/// for await (const entry of log.query({ since: 10n })) console.log(entry.afterJson());
/// ```
#[napi]
pub struct Cursor {
    source: Source<causelog::Cursor>,
}

impl From<causelog::Cursor> for Cursor {
    fn from(cursor: causelog::Cursor) -> Self {
        Cursor { source: Source::new(cursor) }
    }
}

#[napi]
impl Cursor {
    /// The next entries: what `index.js` iterates over.
    #[napi(catch_unwind, skip_typescript)]
    pub fn read_sync(&self) -> Result<Batch, Code> {
        self.source.read(entry::weight).map(Batch).map_err(thrown)
    }

    /// The next entries, read off the main thread.
    #[napi(catch_unwind, skip_typescript)]
    pub fn read(&self) -> AsyncTask<Background<Batch>> {
        let source = self.source.clone();
        background(move || source.read(entry::weight).map(Batch))
    }

    /// Ends the reading and lets go of what it holds. Closing again does nothing.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<(), Code> {
        self.source.close().map_err(thrown)
    }
}

/// Whole transactions of a log in its order: what another log lacks. It is iterated
/// as a `Cursor` is.
#[napi]
pub struct TransactionCursor {
    source: Source<causelog::TransactionCursor>,
}

impl From<causelog::TransactionCursor> for TransactionCursor {
    fn from(cursor: causelog::TransactionCursor) -> Self {
        TransactionCursor { source: Source::new(cursor) }
    }
}

/// Bytes that a transaction takes, roughly.
fn weight(transaction: &Transaction) -> usize {
    let payload = |payload: &Option<Vec<u8>>| payload.as_ref().map_or(0, Vec::len);
    let change = |change: &Change| size_of_val(change) + payload(&change.before) + payload(&change.after);
    transaction.changes.iter().map(change).sum()
}

fn objects(transactions: Vec<Transaction>) -> Vec<TransactionObject> {
    transactions.into_iter().map(TransactionObject::from).collect()
}

#[napi]
impl TransactionCursor {
    /// The next transactions: what `index.js` iterates over.
    #[napi(catch_unwind, skip_typescript)]
    pub fn read_sync(&self) -> Result<Vec<TransactionObject>, Code> {
        self.source.read(weight).map(objects).map_err(thrown)
    }

    /// The next transactions, read off the main thread.
    #[napi(catch_unwind, skip_typescript)]
    pub fn read(&self) -> AsyncTask<Background<Vec<TransactionObject>>> {
        let source = self.source.clone();
        background(move || source.read(weight).map(objects))
    }

    /// Ends the reading and lets go of what it holds. Closing again does nothing.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<(), Code> {
        self.source.close().map_err(thrown)
    }
}
