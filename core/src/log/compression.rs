//! Sealed segments put in fewer bytes, on request.

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::{ChangeLog, Inner};
use crate::log::compressed;
use crate::log::format::{self, SegmentSummary};
use crate::log::segment::{OpenSegment, Sealed};
use crate::log::writer::Writer;

/// What [`ChangeLog::compress`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompressionReport {
    /// Segments that are compressed now and were not before.
    pub segments: u64,
    /// Bytes that the files of those segments took before.
    pub bytes_before: u64,
    /// Bytes that they take now.
    pub bytes_after: u64,
}

impl ChangeLog {
    /// Compresses all segments that are not compressed yet, but the one that is being written and those that would not
    /// get shorter by a sixteenth at least.
    ///
    /// They hold what they held, byte for byte: entries, LSNs, clocks and indexes stay, and cursors and views go on. Reading
    /// takes somewhat longer; docs/operations.md says how much. What compaction rewrites of a compressed segment is
    /// compressed again. Nothing else compresses anything: call this every so often, as [`ChangeLog::compact`].
    ///
    /// Others read and append meanwhile; appends wait only while a finished file takes the place of the old one. One call
    /// works at a time, another waits for it and does what it has left. Segments that would not get shorter are tried
    /// again by each call. The space of an old file is free once nobody reads it any more: cursors that are in the middle of
    /// it, and handles in other processes until they are asked something.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions};
    /// let log = ChangeLog::in_memory(LogOptions { segment_bytes: 4096, ..Default::default() })?;
    /// for row in 0..200 {
    ///     log.append(Change::insert("orders", row, "{\"status\":\"new\",\"customer\":\"alice\"}"))?;
    /// }
    /// let before = log.stats()?.bytes;
    /// let report = log.compress()?;
    /// assert!(report.segments > 1 && report.bytes_after < report.bytes_before);
    /// assert_eq!(log.stats()?.bytes, before - report.bytes_before + report.bytes_after);
    /// assert_eq!(log.stats()?.entries, 200);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `CORRUPT` when the header of a segment is damaged; `IO` or `NO_SPACE` when a file could not be written: what was
    /// compressed until then stays so. `READ_ONLY`, `CLOSED`.
    pub fn compress(&self) -> Result<CompressionReport> {
        let log = &*self.inner;
        log.check_writable()?;
        let _one_at_a_time = log.compressing.lock();
        let mut report = CompressionReport::default();
        let outcome = log.compress_all(&mut report);
        if report.segments > 0 {
            // Readers in other processes take over what the segments come to, and let go of the old files.
            log.write(|_| {
                log.ends.set_compressed(2 * log.state.read().manifest.removals.len() as u64);
                Ok(())
            })?;
        }
        outcome.map(|()| report)
    }
}

impl Inner {
    fn compress_all(&self, report: &mut CompressionReport) -> Result<()> {
        let mut next = 0;
        while let Some(sealed) = self.sealed_from(next) {
            next = sealed.summary.number + 1;
            if let Some(bytes) = self.compress_segment(&sealed)? {
                report.segments += 1;
                report.bytes_before += sealed.summary.bytes;
                report.bytes_after += bytes;
            }
        }
        Ok(())
    }

    /// The first sealed segment with this number or a higher one.
    fn sealed_from(&self, number: u64) -> Option<Arc<Sealed>> {
        let state = self.state.read();
        let at = state.sealed.partition_point(|sealed| sealed.summary.number < number);
        state.sealed.get(at).cloned()
    }

    /// Compresses a segment, and says how many bytes it takes now; nothing if it is as before.
    fn compress_segment(&self, sealed: &Arc<Sealed>) -> Result<Option<u64>> {
        self.check_open()?;
        let number = sealed.summary.number;
        let segment = match OpenSegment::open(&*self.storage, number, self.identity.log) {
            Ok(segment) => segment,
            // Retention was here first.
            Err(error)
                if error.code() == ErrorCode::NotFound && self.state.read().sealed(number).is_none() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if segment.compressed.is_some() {
            return Ok(None);
        }
        let written = self.write_compressed(&segment);
        let replaced = match written {
            Ok(Some(_)) => self.write(|writing| {
                // The checkpoint says where the log ends on the disk.
                writing.settle()?;
                self.put_compressed(&mut writing.writer, sealed)
            }),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        if !matches!(replaced, Ok(Some(_))) {
            // Best effort; opening does it as well. Whoever is not the writer any more must leave it to others.
            let _ = self.write(|_| self.storage.remove(&format::compressed_file(number)));
        }
        replaced
    }

    /// Writes the segment compressed beside itself. Nobody has to wait for that.
    fn write_compressed(&self, segment: &OpenSegment) -> Result<Option<u64>> {
        let temporary = format::compressed_file(segment.header.number);
        let file = self.write(|_| {
            let _ = self.storage.remove(&temporary);
            self.storage.create(&temporary)
        })?;
        let read = |at: u64, block: &mut [u8]| {
            self.check_open()?;
            segment.file.read_at(at, block)
        };
        let written = compressed::write(&segment.header, segment.file.length()?, read, &*file)?;
        if written.is_some() {
            file.sync()?;
        }
        Ok(written)
    }

    /// Puts what was written in the place of the segment, unless that has become another one meanwhile.
    fn put_compressed(&self, writer: &mut Writer, sealed: &Arc<Sealed>) -> Result<Option<u64>> {
        let number = sealed.summary.number;
        // It was known before its file was opened, so one that is still known is the one that was read.
        if !self.state.read().sealed(number).is_some_and(|known| Arc::ptr_eq(known, sealed)) {
            return Ok(None);
        }
        // None may say how long the segment is that is no longer so. The index fits both files, so whoever opens them
        // now has two that belong together.
        self.remove_checkpoint()?;
        let renamed = self.storage.rename(&format::compressed_file(number), &format::segment_file(number));
        self.segments.forget(number);
        // A failure leaves one or the other.
        let found = OpenSegment::open(&*self.storage, number, self.identity.log)?;
        let bytes = found.bytes(found.file.length()?);
        {
            let mut state = self.state.write();
            let first = state.first_segment();
            let all = Arc::make_mut(&mut state.sealed);
            let place = number.checked_sub(first).and_then(|at| all.get_mut(usize::try_from(at).ok()?));
            let place = place.ok_or_else(|| Error::internal(format!("segment {number} is not sealed")))?;
            *place = place.with(SegmentSummary { bytes, ..place.summary.clone() });
        }
        renamed?;
        self.write_checkpoint(writer)?;
        Ok(Some(bytes))
    }
}
