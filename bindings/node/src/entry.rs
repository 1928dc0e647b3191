//! Entries of a log.

use std::sync::Arc;

use causelog::Verdict;
use napi::Env;
use napi::bindgen_prelude::{ObjectFinalize, Result, ToNapiValue, TypeName, Unknown};
use napi::{ValueType, sys};
use napi_derive::napi;

use crate::clock::VectorClock;
use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::{Bytes, Dot, Moment, Nanoseconds, Record, value_type};
use crate::row::Row;

/// One change as a log holds it. Its fields are decoded when they are asked for, and
/// it stays readable after its log is closed.
#[napi(custom_finalize)]
pub struct ChangeEntry {
    entry: Arc<causelog::ChangeEntry>,
    /// Bytes outside the JavaScript heap that V8 was told of on this object's account.
    declared: i64,
}

impl ObjectFinalize for ChangeEntry {
    fn finalize(self, env: Env) -> napi::Result<()> {
        if self.declared > 0 {
            env.adjust_external_memory(-self.declared)?;
        }
        Ok(())
    }
}

impl From<Arc<causelog::ChangeEntry>> for ChangeEntry {
    fn from(entry: Arc<causelog::ChangeEntry>) -> Self {
        ChangeEntry { entry, declared: 0 }
    }
}

/// Bytes that an entry takes, roughly.
pub(crate) fn weight(entry: &causelog::ChangeEntry) -> usize {
    let payload = |payload: &Option<Vec<u8>>| payload.as_ref().map_or(0, Vec::len);
    size_of_val(entry) + payload(&entry.before) + payload(&entry.after) + entry.vector_clock.len() * 24
}

/// Entries fresh from a log. V8 hears of their size, so that it collects them in time
/// though each is only a small object to it.
pub struct Batch(pub(crate) Vec<causelog::ChangeEntry>);

value_type!(Batch, Object);

impl ToNapiValue for Batch {
    unsafe fn to_napi_value(env: sys::napi_env, batch: Self) -> napi::Result<sys::napi_value> {
        let entries = batch.0.into_iter().map(|entry| {
            let declared = weight(&entry) as i64;
            ChangeEntry { entry: Arc::new(entry), declared }
        });
        let entries: Vec<ChangeEntry> = entries.collect();
        Env::from_raw(env).adjust_external_memory(entries.iter().map(|entry| entry.declared).sum())?;
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, entries) }
    }
}

impl Argument<'_> {
    pub(crate) fn entry(&self) -> causelog::Result<Arc<causelog::ChangeEntry>> {
        Ok(self.instance::<ChangeEntry>("ChangeEntry")?.entry.clone())
    }

    /// The fields of an entry whose payloads are bytes already.
    fn entry_fields(&self) -> causelog::Result<causelog::ChangeEntry> {
        let change = self.change()?;
        let (node, sequence) = (self.member("node")?.node()?, self.member("sequence")?.counter()?);
        let transaction = self.member("transaction")?.optional(Argument::dot)?;
        let verdict = self.member("verdict")?;
        Ok(causelog::ChangeEntry {
            lsn: self.member("lsn")?.optional(Argument::counter)?.unwrap_or(0),
            node,
            sequence,
            vector_clock: self.member("vectorClock")?.clock()?,
            timestamp: self.moment()?,
            transaction: transaction.unwrap_or(causelog::Dot::new(node, sequence)),
            table: change.table,
            row_id: change.row_id,
            operation: change.operation,
            before: change.before,
            after: change.after,
            verdict: verdict.optional(|verdict| verdict.one_of(&Verdict::ALL, Verdict::name))?,
            metadata: change.metadata,
        })
    }
}

#[napi]
impl ChangeEntry {
    /// An entry of these fields, for use with a `ConflictDetector` without a log.
    #[napi(constructor, catch_unwind)]
    pub fn new(#[napi(ts_arg_type = "ChangeEntryFields")] fields: Unknown<'_>) -> Result<Self, Code> {
        let entry = Argument::new("fields", fields).entry_fields().map_err(thrown)?;
        Ok(Arc::new(entry).into())
    }

    /// Its position in this log, from `1n` without gaps. Local: never compare it with another log's.
    #[napi(getter, catch_unwind)]
    pub fn lsn(&self) -> u64 {
        self.entry.lsn
    }

    /// UUID of the node that made the change.
    #[napi(getter, catch_unwind)]
    pub fn node(&self) -> String {
        self.entry.node.to_string()
    }

    /// Which of that node's changes it is, from `1n`.
    #[napi(getter, catch_unwind)]
    pub fn sequence(&self) -> u64 {
        self.entry.sequence
    }

    /// The identity of the change: its node and sequence.
    #[napi(getter, catch_unwind)]
    pub fn dot(&self) -> Dot {
        self.entry.dot().into()
    }

    /// What the author had seen when making the change, and the change itself. A new
    /// object every time: changing it changes nothing here.
    #[napi(getter, catch_unwind)]
    pub fn vector_clock(&self) -> VectorClock {
        VectorClock::of(&self.entry)
    }

    /// When the change was made, by its author's hybrid logical clock, rounded down to milliseconds.
    #[napi(getter, catch_unwind, ts_return_type = "Date")]
    pub fn timestamp(&self) -> Moment {
        Moment(self.entry.timestamp)
    }

    /// When the change was made, in nanoseconds since 1970: exact.
    #[napi(getter, catch_unwind, ts_return_type = "bigint")]
    pub fn timestamp_ns(&self) -> Nanoseconds {
        Nanoseconds(self.entry.timestamp)
    }

    /// The name of the transaction it belongs to: the dot of that transaction's last change.
    #[napi(getter, catch_unwind)]
    pub fn transaction(&self) -> Dot {
        self.entry.transaction.into()
    }

    /// The table's name.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.entry.table.clone()
    }

    /// The row within the table, as it was given: an integer beyond the safe ones comes as a bigint.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.entry.row_id.clone())
    }

    /// What happened to the row.
    #[napi(getter, catch_unwind, ts_return_type = "ChangeOperation")]
    pub fn operation(&self) -> &'static str {
        self.entry.operation.name()
    }

    /// The row's payload before the change, as its author saw it, in a `Buffer` of its own; `null` if there is none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn before(&self) -> Option<Bytes> {
        self.entry.before.clone().map(Bytes)
    }

    /// The row's payload after the change, in a `Buffer` of its own; `null` if there is none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn after(&self) -> Option<Bytes> {
        self.entry.after.clone().map(Bytes)
    }

    /// What the entry did to the row on arrival; `null` if nobody has judged it.
    #[napi(getter, catch_unwind, ts_return_type = "Verdict | null")]
    pub fn verdict(&self) -> Option<&'static str> {
        self.entry.verdict.map(Verdict::name)
    }

    /// Small strings for an audit: who, why.
    #[napi(getter, catch_unwind, ts_return_type = "Record<string, string>")]
    pub fn metadata(&self) -> Record<String> {
        self.entry.metadata.clone().into()
    }

    /// Whether the author of `other`, another entry, had seen this one.
    #[napi(catch_unwind)]
    pub fn happens_before(
        &self,
        #[napi(ts_arg_type = "ChangeEntry")] other: Unknown<'_>,
    ) -> Result<bool, Code> {
        let other = Argument::new("other", other).entry().map_err(thrown)?;
        Ok(self.entry.happens_before(&other))
    }

    /// The first 16 bytes of the BLAKE3 hash of `after`: the last resort when a winner
    /// must be picked. Two entries without `after` hash alike.
    #[napi(catch_unwind, ts_return_type = "Buffer")]
    pub fn payload_hash(&self) -> Bytes {
        Bytes(self.entry.payload_hash().to_vec())
    }
}
