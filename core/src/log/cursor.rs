use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::change::ChangeEntry;
use crate::error::{Error, Result};
use crate::id::Dot;
use crate::log::change_log::Inner;
use crate::log::entry::{EntryClocks, EntryRef, Source};
use crate::log::frame::{FrameChange, Located, TableNumber};
use crate::log::index_file::row_hash;
use crate::log::places::{SegmentView, truncated};
use crate::log::query::QueryOptions;
use crate::log::scan::{Current, Scan};
use crate::time::Timestamp;

/// Entries of a log, read as they are asked for.
///
/// A cursor sees the log as it was when the query was made, whatever is appended
/// since, and holds one block of it in memory. It never keeps a writer waiting. After an error it has ended.
/// As an iterator it gives entries to keep; [`Cursor::next_entry`] lends them, which costs less. It may be sent to
/// another thread; one thread at a time reads from it. It keeps its log open.
pub struct Cursor {
    log: Arc<Inner>,
    options: QueryOptions,
    row_id: Option<Vec<u8>>,
    /// The LSNs to look through, both inclusive; none if the first is the higher.
    first: u64,
    last: u64,
    remaining: u64,
    /// The segment to read after the one at hand; `None` if there is none.
    next_segment: Option<u64>,
    segment: Option<InSegment>,
    current: Option<Current>,
    /// Whether each change of the current transaction is wanted, and in the order in which they lie there.
    every: bool,
    /// Changes of the current transaction in reverse, when reading backwards.
    matches: Vec<(Located, u32)>,
    clocks: Mutex<EntryClocks>,
}

/// A segment and the query's conditions in its own terms.
struct InSegment {
    scan: Scan,
    tables: Option<SmallVec<[TableNumber; 2]>>,
    /// Of a query for rows: the LSNs that may be theirs, in the order to hand out.
    lsns: Option<VecDeque<u64>>,
}

fn lost() -> Error {
    Error::internal("a cursor lost its place")
}

/// The entry that is change number `number` of the transaction.
fn entry<'a>(
    log: &'a Arc<Inner>,
    clocks: &'a Mutex<EntryClocks>,
    segment: &'a InSegment,
    current: &Current,
    change: FrameChange<'a>,
    number: u32,
) -> Result<EntryRef<'a>> {
    Ok(EntryRef {
        lsn: current.first_lsn + u64::from(number),
        node: current.id,
        sequence: current.previous + 1 + u64::from(number),
        timestamp: Timestamp::from_nanoseconds(current.timestamp),
        transaction: Dot::new(current.id, current.sequence),
        table: segment.scan.table(current, &change)?,
        operation: change.operation,
        before: change.before,
        after: change.after,
        verdict: change.verdict,
        change,
        source: Source {
            log,
            view: &segment.scan.view,
            offset: current.offset,
            first_lsn: current.first_lsn,
            change_count: current.change_count,
            author: current.author,
            clocks,
        },
    })
}

impl Cursor {
    pub(super) fn new(log: Arc<Inner>, options: QueryOptions) -> Result<Self> {
        // Where a transaction lies says itself whether it was removed.
        let place = match options.transaction {
            None => None,
            Some(dot) => {
                let node = log.nodes.read().index(dot.node);
                let place = node.map(|node| log.locate(node, dot.sequence)).transpose()?.flatten();
                let place = place.filter(|place| place.sequence == dot.sequence && place.change_count > 0);
                Some(place.map_or((1, 0), |place| {
                    (place.first_lsn, place.first_lsn + u64::from(place.change_count) - 1)
                }))
            }
        };
        let state = log.state.read();
        let (lowest, end) = (state.first_lsn(), state.next_lsn);
        // Whoever has entries up to one that was removed would miss some without knowing.
        let short = match place {
            None => !options.reverse && options.since.saturating_add(1) < lowest,
            Some((first, last)) => first <= last && first < lowest,
        };
        if short {
            return Err(truncated(&log.place, lowest));
        }
        let mut first = options.since.saturating_add(1);
        let mut last = options.until.map_or(end - 1, |until| until.min(end - 1));
        if let Some(place) = place {
            (first, last) = if place.0 > place.1 { place } else { (first.max(place.0), last.min(place.1)) };
        }
        let start = if options.reverse { last } else { first };
        let next_segment = (first <= last).then(|| state.segment_of(start));
        drop(state);
        Ok(Cursor {
            row_id: options.row_id.as_ref().map(|row_id| row_id.encode()),
            remaining: options.limit.unwrap_or(u64::MAX),
            log,
            options,
            first,
            last,
            next_segment,
            segment: None,
            current: None,
            every: false,
            matches: Vec::new(),
            clocks: Mutex::default(),
        })
    }

    /// The next entry, lent until the cursor is asked for another; `None` after the last.
    ///
    /// # Errors
    /// `CORRUPT` with segment and offset where the log is damaged, `TRUNCATED` when what comes next was removed
    /// meanwhile, `IO`, `CLOSED`. The cursor has then ended.
    pub fn next_entry(&mut self) -> Result<Option<EntryRef<'_>>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        match self.next_is_wanted() {
            Ok(true) => return self.lend_next(),
            Ok(false) => {}
            Err(error) => {
                self.remaining = 0;
                return Err(error);
            }
        }
        match self.find() {
            Ok(Some((found, number))) => {
                self.remaining -= 1;
                self.lend(&found, number).map(Some)
            }
            Ok(None) => {
                self.remaining = 0;
                Ok(None)
            }
            Err(error) => {
                self.remaining = 0;
                Err(error)
            }
        }
    }

    fn lend(&self, found: &Located, number: u32) -> Result<EntryRef<'_>> {
        let segment = self.segment.as_ref().ok_or_else(lost)?;
        let current = self.current.as_ref().ok_or_else(lost)?;
        let change = segment.scan.change(current, found);
        entry(&self.log, &self.clocks, segment, current, change, number)
    }

    /// Whether what is wanted next is the current transaction's next change, as nearly always where every one is wanted.
    /// Goes on to the next transaction when this one is through.
    fn next_is_wanted(&mut self) -> Result<bool> {
        while self.every && !self.log.is_closed() {
            let Some((segment, current)) = self.segment.as_ref().zip(self.current.as_ref()) else { break };
            if segment.scan.has_change(current) {
                return Ok(true);
            }
            // Of what was removed a gap is left.
            if !current.is_through() || !self.next_transaction()? {
                break;
            }
        }
        Ok(false)
    }

    /// The next change of the current transaction, where every one is wanted: it need not be found twice.
    fn lend_next(&mut self) -> Result<Option<EntryRef<'_>>> {
        let segment = self.segment.as_ref().ok_or_else(lost)?;
        let current = self.current.as_mut().ok_or_else(lost)?;
        match segment.scan.take_change(current) {
            Ok((change, number)) => {
                self.remaining -= 1;
                entry(&self.log, &self.clocks, segment, current, change, number).map(Some)
            }
            Err(error) => {
                self.remaining = 0;
                Err(error)
            }
        }
    }

    /// Where the next wanted change is.
    fn find(&mut self) -> Result<Option<(Located, u32)>> {
        if self.log.is_closed() {
            self.log.check_open()?;
        }
        loop {
            if let Some(found) = self.find_in_transaction()? {
                return Ok(Some(found));
            }
            if !self.next_transaction()? {
                let lowest = self.log.state.read().first_lsn();
                let short = self.options.reverse
                    && self.options.transaction.is_none()
                    && self.options.since.saturating_add(1) < lowest;
                return if short { Err(truncated(&self.log.place, lowest)) } else { Ok(None) };
            }
        }
    }

    fn find_in_transaction(&mut self) -> Result<Option<(Located, u32)>> {
        if self.options.reverse {
            return Ok(self.matches.pop());
        }
        let (Some(current), Some(segment)) = (&mut self.current, &self.segment) else { return Ok(None) };
        let conditions = Conditions {
            options: &self.options,
            row_id: self.row_id.as_deref(),
            tables: segment.tables.as_deref(),
            first: self.first,
            last: self.last,
        };
        let (first_lsn, id, previous) = (current.first_lsn, current.id, current.previous);
        segment.scan.next_change(current, |change, number| {
            conditions.take(
                change,
                first_lsn + u64::from(number),
                Dot::new(id, previous + 1 + u64::from(number)),
            )
        })
    }

    /// Goes on to the next transaction that can have wanted changes.
    fn next_transaction(&mut self) -> Result<bool> {
        loop {
            let Some(segment) = &mut self.segment else {
                self.log.check_open()?;
                if !self.next_segment()? {
                    return Ok(false);
                }
                continue;
            };
            let found = match &mut segment.lsns {
                Some(lsns) => match lsns.pop_front() {
                    None => None,
                    Some(lsn) => {
                        let found = segment.scan.holding(&self.log, lsn)?;
                        // The same transaction is looked through once.
                        let end =
                            found.as_ref().map(|it| it.first_lsn..it.first_lsn + u64::from(it.change_count));
                        while lsns.front().zip(end.as_ref()).is_some_and(|(lsn, range)| range.contains(lsn)) {
                            lsns.pop_front();
                        }
                        found
                    }
                },
                None if self.options.reverse => segment.scan.backward(&self.log)?,
                None => segment.scan.forward()?,
            };
            let beyond = |current: &Current| {
                if self.options.reverse {
                    current.first_lsn + u64::from(current.change_count) <= self.first
                } else {
                    current.first_lsn > self.last
                }
            };
            let Some(current) = found.filter(|current| !beyond(current)) else {
                (self.segment, self.current) = (None, None);
                continue;
            };
            let options = &self.options;
            let timestamp = Timestamp::from_nanoseconds(current.timestamp);
            let wanted = current.change_count > 0
                && options.node.is_none_or(|node| node == current.id)
                && options.since_time.is_none_or(|since| timestamp > since)
                && options.until_time.is_none_or(|until| timestamp <= until);
            if !wanted {
                continue;
            }
            let last = current.first_lsn + u64::from(current.change_count - 1);
            self.every = options.wants_every_change() && current.first_lsn >= self.first && last <= self.last;
            self.current = Some(current);
            if self.options.reverse {
                self.match_all()?;
            }
            return Ok(true);
        }
    }

    /// Finds all wanted changes of the current transaction, to hand them out from the last.
    fn match_all(&mut self) -> Result<()> {
        let reverse = std::mem::replace(&mut self.options.reverse, false);
        let mut outcome = Ok(());
        loop {
            match self.find_in_transaction() {
                Ok(Some(found)) => self.matches.push(found),
                Ok(None) => break,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        self.options.reverse = reverse;
        outcome
    }

    fn next_segment(&mut self) -> Result<bool> {
        let Some(number) = self.next_segment.take() else { return Ok(false) };
        let reverse = self.options.reverse;
        let Some(view) = self.log.segment(number)? else { return Ok(false) };
        let more = if reverse { view.first_lsn() > self.first } else { view.next_lsn <= self.last };
        self.next_segment = more.then(|| if reverse { number - 1 } else { number + 1 });
        self.segment = self.enter(view)?;
        Ok(true)
    }

    /// The query in this segment's terms; `None` if nothing in it can be wanted.
    fn enter(&self, view: SegmentView) -> Result<Option<InSegment>> {
        let options = &self.options;
        let dictionary = view.dictionary.clone();
        if !self.log.may_have(&view, options.since_time, options.until_time) {
            return Ok(None);
        }
        let writes = |node| dictionary.nodes().iter().any(|(_, id)| *id == node);
        if !options.node.is_none_or(writes) {
            return Ok(None);
        }
        let mut tables = None;
        if !options.tables.is_empty() {
            let numbers: SmallVec<[TableNumber; 2]> =
                options.tables.iter().filter_map(|table| dictionary.table_number(table)).collect();
            if numbers.is_empty() {
                return Ok(None);
            }
            tables = Some(numbers);
        }
        let mut lsns = None;
        if let Some(row_id) = &self.row_id {
            let salt = view.open.header.base.salt;
            let all = 0..dictionary.tables().len() as TableNumber;
            let mut found = Vec::new();
            for number in all.filter(|number| tables.as_ref().is_none_or(|tables| tables.contains(number))) {
                found.extend(self.log.row_lsns(&view, row_hash(salt, number, row_id))?);
            }
            found.sort_unstable();
            found.dedup();
            found.retain(|lsn| (self.first..=self.last).contains(lsn));
            if options.reverse {
                found.reverse();
            }
            lsns = Some(VecDeque::from(found));
        }
        let mut scan = Scan::new(view);
        if lsns.is_none() {
            if options.reverse {
                scan.seek_back(&self.log, self.last)?;
            } else {
                scan.seek(&self.log, self.first - 1)?;
            }
        }
        Ok(Some(InSegment { scan, tables, lsns }))
    }
}

/// What a change has to be to be wanted.
struct Conditions<'a> {
    options: &'a QueryOptions,
    row_id: Option<&'a [u8]>,
    tables: Option<&'a [TableNumber]>,
    first: u64,
    last: u64,
}

impl Conditions<'_> {
    fn take(&self, change: &FrameChange<'_>, lsn: u64, dot: Dot) -> bool {
        lsn >= self.first
            && lsn <= self.last
            && self.options.operation.is_none_or(|operation| operation == change.operation)
            && self.tables.is_none_or(|tables| tables.contains(&change.table))
            && self.row_id.is_none_or(|row_id| row_id == change.row_id)
            && self.options.unseen_by.as_ref().is_none_or(|clock| !clock.covers(dot))
    }
}

impl Iterator for Cursor {
    type Item = Result<ChangeEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.next_entry().and_then(|entry| entry.map(|entry| entry.to_entry()).transpose());
        if entry.is_err() {
            self.remaining = 0;
        }
        entry.transpose()
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor").field("query", &self.options).finish_non_exhaustive()
    }
}

impl Inner {
    /// Whether a segment can have transactions stamped after `since` and up to `until`, as far as is known without reading it.
    fn may_have(&self, view: &SegmentView, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        if since.is_none() && until.is_none() {
            return true;
        }
        let state = self.state.read();
        let Some(sealed) = state.sealed(view.number()) else { return true };
        let (oldest, newest) = (sealed.summary.oldest, sealed.summary.newest);
        oldest.is_some_and(|oldest| until.is_none_or(|until| oldest <= until.nanoseconds()))
            && newest.is_some_and(|newest| since.is_none_or(|since| newest > since.nanoseconds()))
    }
}
