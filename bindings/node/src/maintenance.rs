//! Waiting for entries, removing them, and checking what is there.

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Object, Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::log::ChangeLog;
use crate::output::{Count, Moment, Nanoseconds};
use crate::task::{Background, background, on_its_own_thread};

/// The record of something that a log no longer holds, kept for as long as the log.
#[napi(object, object_from_js = false)]
pub struct Removal {
    /// Why it was removed.
    #[napi(ts_type = "RemovalReason")]
    pub reason: &'static str,
    /// When, by the log's time, rounded down to milliseconds.
    #[napi(ts_type = "Date")]
    pub at: Moment,
    /// When, by the log's time, in nanoseconds since 1970: exact.
    #[napi(ts_type = "bigint")]
    pub at_ns: Nanoseconds,
    /// LSN of the first entry removed.
    pub first_lsn: u64,
    /// LSN of the last entry removed. Age and bytes remove all between; compaction some.
    pub last_lsn: u64,
    /// How many entries were removed.
    #[napi(ts_type = "number")]
    pub entries: Count,
    /// By how many bytes that made the log's files shorter.
    #[napi(ts_type = "number")]
    pub bytes: Count,
    /// The rule that was applied, in words.
    pub detail: String,
}

impl From<causelog::Removal> for Removal {
    fn from(removal: causelog::Removal) -> Self {
        Removal {
            reason: removal.reason.name(),
            at: Moment(removal.at),
            at_ns: Nanoseconds(removal.at),
            first_lsn: removal.first_lsn,
            last_lsn: removal.last_lsn,
            entries: Count(removal.entries),
            bytes: Count(removal.bytes),
            detail: removal.detail,
        }
    }
}

fn removals(removals: Vec<causelog::Removal>) -> Vec<Removal> {
    removals.into_iter().map(Removal::from).collect()
}

/// What `ChangeLog.compress` has done.
#[napi(object, object_from_js = false)]
pub struct CompressionReport {
    /// Segments that are compressed now and were not before.
    #[napi(ts_type = "number")]
    pub segments: Count,
    /// Bytes that the files of those segments took before.
    #[napi(ts_type = "number")]
    pub bytes_before: Count,
    /// Bytes that they take now.
    #[napi(ts_type = "number")]
    pub bytes_after: Count,
}

impl From<causelog::CompressionReport> for CompressionReport {
    fn from(report: causelog::CompressionReport) -> Self {
        CompressionReport {
            segments: Count(report.segments),
            bytes_before: Count(report.bytes_before),
            bytes_after: Count(report.bytes_after),
        }
    }
}

/// Something that is damaged.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Finding {
    /// Name of the file.
    pub file: String,
    /// Where in it, in bytes; `null` where that cannot be told.
    #[napi(ts_type = "number")]
    pub offset: Option<Count>,
    /// What is wrong, in words.
    pub message: String,
}

fn findings(findings: Vec<causelog::Finding>) -> Vec<Finding> {
    let finding = |finding: causelog::Finding| Finding {
        file: finding.file,
        offset: finding.offset.map(Count),
        message: finding.message,
    };
    findings.into_iter().map(finding).collect()
}

/// What `ChangeLog.verify` found.
#[napi]
pub struct VerifyReport {
    report: causelog::VerifyReport,
}

impl From<causelog::VerifyReport> for VerifyReport {
    fn from(report: causelog::VerifyReport) -> Self {
        VerifyReport { report }
    }
}

#[napi]
impl VerifyReport {
    /// Segments that were read.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn segments(&self) -> Count {
        Count(self.report.segments)
    }

    /// Transactions that are intact.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn transactions(&self) -> Count {
        Count(self.report.transactions)
    }

    /// Their entries, those that were removed left out.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn entries(&self) -> Count {
        Count(self.report.entries)
    }

    /// Bytes that were read and checked.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn bytes(&self) -> Count {
        Count(self.report.bytes)
    }

    /// What is damaged, in the order in which it was found.
    #[napi(getter, catch_unwind)]
    pub fn findings(&self) -> Vec<Finding> {
        findings(self.report.findings.clone())
    }

    /// Whether nothing is damaged.
    #[napi(getter, catch_unwind)]
    pub fn is_intact(&self) -> bool {
        self.report.is_intact()
    }

    /// Does nothing when nothing is damaged; otherwise throws `CORRUPT` with the first finding.
    #[napi(catch_unwind)]
    pub fn check(&self) -> Result<(), Code> {
        self.report.check().map_err(thrown)
    }
}

/// What `ChangeLog.salvage` has copied, and what it could not.
#[napi(object, object_from_js = false)]
pub struct SalvageReport {
    /// Transactions that were copied.
    #[napi(ts_type = "number")]
    pub transactions: Count,
    /// Their entries.
    #[napi(ts_type = "number")]
    pub entries: Count,
    /// Transactions that are intact and were left out all the same, because something that they depend on is lost.
    #[napi(ts_type = "number")]
    pub skipped_transactions: Count,
    /// What is damaged.
    pub findings: Vec<Finding>,
}

impl From<causelog::SalvageReport> for SalvageReport {
    fn from(report: causelog::SalvageReport) -> Self {
        SalvageReport {
            transactions: Count(report.transactions),
            entries: Count(report.entries),
            skipped_transactions: Count(report.skipped_transactions),
            findings: findings(report.findings),
        }
    }
}

fn lsn_and_timeout(lsn: Unknown<'_>, timeout: Unknown<'_>) -> causelog::Result<(u64, Duration)> {
    Ok((Argument::new("lsn", lsn).counter()?, Argument::new("timeout", timeout).milliseconds()?))
}

fn directories(from: Unknown<'_>, to: Unknown<'_>) -> causelog::Result<(String, String)> {
    Ok((Argument::new("from", from).directory()?, Argument::new("to", to).directory()?))
}

#[napi]
impl ChangeLog {
    /// Waits until the log holds an entry after `lsn`, for at most `timeout` milliseconds, and returns the LSN of its
    /// last one. Nothing else happens on this thread meanwhile, so the entry must come from another one: use `wait`
    /// unless that is meant.
    ///
    /// A log opened for reading only waits for the writer, whichever process that is in.
    ///
    /// Throws `TIMEOUT` when none came in time, `CLOSED`, also when the log is closed meanwhile.
    #[napi(catch_unwind, ts_args_type = "lsn: bigint | number, timeout: number")]
    pub fn wait_sync(&self, lsn: Unknown<'_>, timeout: Unknown<'_>) -> Result<u64, Code> {
        let (lsn, timeout) = lsn_and_timeout(lsn, timeout).map_err(thrown)?;
        self.log.wait(lsn, timeout).map_err(thrown)
    }

    /// Fulfilled with the LSN of the log's last entry once it holds one after `lsn`; otherwise as `waitSync`. Each
    /// call that waits has a thread of its own, and keeps the process running.
    #[napi(
        catch_unwind,
        ts_args_type = "lsn: bigint | number, timeout: number",
        ts_return_type = "Promise<bigint>"
    )]
    pub fn wait<'env>(
        &self,
        env: &'env Env,
        lsn: Unknown<'_>,
        timeout: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        let (lsn, timeout) = lsn_and_timeout(lsn, timeout).map_err(thrown)?;
        let log = self.log.clone();
        on_its_own_thread(env, move || log.wait(lsn, timeout)).map_err(thrown)
    }

    /// Does what is due at `now`: the sync of the durability `'interval'`. Call it every so often when no appends come;
    /// appends do it by themselves.
    ///
    /// Throws as `syncSync`.
    #[napi(catch_unwind)]
    pub fn maintain_sync(&self, #[napi(ts_arg_type = "Date | bigint")] now: Unknown<'_>) -> Result<(), Code> {
        let now = Argument::new("now", now).timestamp().map_err(thrown)?;
        self.log.maintain(now).map_err(thrown)
    }

    /// Does what is due at `now` off the main thread; otherwise as `maintainSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn maintain(
        &self,
        #[napi(ts_arg_type = "Date | bigint")] now: Unknown<'_>,
    ) -> Result<AsyncTask<Background<()>>, Code> {
        let now = Argument::new("now", now).timestamp().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.maintain(now)))
    }

    /// What was removed from the log, and why, oldest first.
    ///
    /// Throws `CLOSED`.
    #[napi(catch_unwind)]
    pub fn removals(&self) -> Result<Vec<Removal>, Code> {
        self.log.removals().map(removals).map_err(thrown)
    }

    /// Removes what `policy` no longer keeps, and says what that was: nothing, or one removal for each rule.
    ///
    /// Whoever asks for what was removed gets `TRUNCATED` with the first LSN that remains. `removals`
    /// keeps the record. Cursors that are reading a removed segment go on to its end.
    ///
    /// Throws `IO` or `NO_SPACE` when the record could not be written; nothing is removed then. `READ_ONLY`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn retain_sync(
        &self,
        #[napi(ts_arg_type = "RetentionPolicy")] policy: Unknown<'_>,
    ) -> Result<Vec<Removal>, Code> {
        let policy = Argument::new("policy", policy).retention_policy().map_err(thrown)?;
        self.log.retain(&policy).map(removals).map_err(thrown)
    }

    /// Removes what `policy` no longer keeps, off the main thread; otherwise as `retainSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<Removal>>")]
    pub fn retain(
        &self,
        #[napi(ts_arg_type = "RetentionPolicy")] policy: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Vec<Removal>>>, Code> {
        let policy = Argument::new("policy", policy).retention_policy().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.retain(&policy).map(removals)))
    }

    /// Removes entries that later ones of the same row have replaced, from all segments but the one that is being
    /// written, and says how many; `null` if there were none.
    ///
    /// A row keeps its newest *choke point* and everything after: an entry that every other entry of the row
    /// comes before or after, and that all of `known` have seen. A row without one keeps all. So its state, and how
    /// conflicts about it end, stay what they were; its history gets shorter. Takes memory for each row of these tables.
    ///
    /// Throws `CORRUPT` where the log is damaged; `IO` or `NO_SPACE` when a file could not be written: what was
    /// compacted until then stays so. `READ_ONLY`, `CLOSED`.
    #[napi(
        catch_unwind,
        ts_args_type = "options?: CompactionOptions | null",
        ts_return_type = "Removal | null"
    )]
    pub fn compact_sync(&self, options: Unknown<'_>) -> Result<Option<Removal>, Code> {
        let options = Argument::new("options", options).compaction_options().map_err(thrown)?;
        self.log.compact(&options).map(|removal| removal.map(Removal::from)).map_err(thrown)
    }

    /// Removes entries that later ones have replaced, off the main thread; otherwise as `compactSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "options?: CompactionOptions | null",
        ts_return_type = "Promise<Removal | null>"
    )]
    pub fn compact(&self, options: Unknown<'_>) -> Result<AsyncTask<Background<Option<Removal>>>, Code> {
        let options = Argument::new("options", options).compaction_options().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.compact(&options).map(|removal| removal.map(Removal::from))))
    }

    /// Compresses all segments that are not compressed yet, but the one that is being written and those that would hardly
    /// get shorter.
    ///
    /// They hold what they held: entries, LSNs, clocks and indexes stay, and cursors and views go on. Reading takes somewhat
    /// longer. What compaction rewrites of a compressed segment is compressed again. Nothing else compresses anything:
    /// call this every so often. Others read and append meanwhile; appends wait only while a finished file takes the place
    /// of the old one.
    ///
    /// Throws `CORRUPT` when the header of a segment is damaged; `IO` or `NO_SPACE` when a file could not be written: what
    /// was compressed until then stays so. `READ_ONLY`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn compress_sync(&self) -> Result<CompressionReport, Code> {
        self.log.compress().map(CompressionReport::from).map_err(thrown)
    }

    /// Compresses sealed segments off the main thread; otherwise as `compressSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<CompressionReport>")]
    pub fn compress(&self) -> AsyncTask<Background<CompressionReport>> {
        let log = self.log.clone();
        background(move || log.compress().map(CompressionReport::from))
    }

    /// Reads all files of the log and checks all that can be: checksums, and that what they hold fits together.
    ///
    /// Others may append and read meanwhile. What opening finds damaged is an error of opening; a log that is open is
    /// damaged where nobody has looked. Damage to what is derived, indexes and the checkpoint, loses nothing: remove
    /// the file, and the next opening makes it again.
    ///
    /// Throws `IO` when something cannot be read; `CLOSED`. Damage is not an error but a finding: see `VerifyReport.check`.
    #[napi(catch_unwind)]
    pub fn verify_sync(&self) -> Result<VerifyReport, Code> {
        self.log.verify().map(VerifyReport::from).map_err(thrown)
    }

    /// Reads and checks all files of the log off the main thread; otherwise as `verifySync`.
    #[napi(catch_unwind, ts_return_type = "Promise<VerifyReport>")]
    pub fn verify(&self) -> AsyncTask<Background<VerifyReport>> {
        let log = self.log.clone();
        background(move || log.verify().map(VerifyReport::from))
    }

    /// Copies all that is intact of the log in the directory `from` into a new log in the directory `to`.
    ///
    /// The damaged log is only read. The copy holds each transaction whose past is whole, under its own dot and
    /// clock, in the same order; it has an identity of its own, for other replicas may know more of
    /// the old one. LSNs are given out anew. Where nothing intact follows damage that can be found, the rest of that
    /// segment is lost. Transactions that compaction has removed something of are left out with what depends on them.
    ///
    /// Throws `NOT_FOUND` when `from` holds no segment, `ALREADY_EXISTS` when `to` holds a log, `LOCKED` while somebody
    /// writes `from`, `UNSUPPORTED` when a newer version wrote it, `IO`, `NO_SPACE`.
    #[napi(catch_unwind, ts_args_type = "from: string, to: string")]
    pub fn salvage_sync(from: Unknown<'_>, to: Unknown<'_>) -> Result<SalvageReport, Code> {
        let (from, to) = directories(from, to).map_err(thrown)?;
        causelog::ChangeLog::salvage(from, to).map(SalvageReport::from).map_err(thrown)
    }

    /// Copies all that is intact off the main thread; otherwise as `salvageSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "from: string, to: string",
        ts_return_type = "Promise<SalvageReport>"
    )]
    pub fn salvage(from: Unknown<'_>, to: Unknown<'_>) -> Result<AsyncTask<Background<SalvageReport>>, Code> {
        let (from, to) = directories(from, to).map_err(thrown)?;
        Ok(background(move || causelog::ChangeLog::salvage(from, to).map(SalvageReport::from)))
    }
}
