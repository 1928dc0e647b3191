//! Vector clocks and hybrid logical clocks.

use std::cell::RefCell;
use std::sync::Arc;

use causelog::ChangeEntry;
use napi::bindgen_prelude::{Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::{Bytes, Nanoseconds};

/// What has been seen: for every node the highest sequence of it.
///
/// A node that is not there has sequence 0, and a 0 is never stored, so two clocks
/// that mean the same are equal. Nodes come in ascending order everywhere.
///
/// ```js
/// const clock = new VectorClock([[a, 1n]]);
/// const later = clock.clone();
/// later.increment(b);
/// clock.compare(later); // 'before'
/// ```
#[napi]
pub struct VectorClock {
    /// The entry whose clock this is until somebody changes it: clocks of thousands
    /// of nodes are not copied for being looked at.
    entry: Option<Arc<ChangeEntry>>,
    own: RefCell<Option<causelog::VectorClock>>,
}

impl From<causelog::VectorClock> for VectorClock {
    fn from(clock: causelog::VectorClock) -> Self {
        VectorClock { entry: None, own: RefCell::new(Some(clock)) }
    }
}

impl VectorClock {
    pub(crate) fn of(entry: &Arc<ChangeEntry>) -> Self {
        VectorClock { entry: Some(entry.clone()), own: RefCell::new(None) }
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&causelog::VectorClock) -> T) -> T {
        match (&*self.own.borrow(), &self.entry) {
            (Some(clock), _) => read(clock),
            (None, Some(entry)) => read(&entry.vector_clock),
            (None, None) => read(&causelog::VectorClock::new()),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut causelog::VectorClock) -> T) -> T {
        let copied = || self.entry.as_ref().map(|entry| entry.vector_clock.clone()).unwrap_or_default();
        change(self.own.borrow_mut().get_or_insert_with(copied))
    }
}

impl Argument<'_> {
    /// A copy of the clock that this value must be.
    pub(crate) fn clock(&self) -> causelog::Result<causelog::VectorClock> {
        Ok(self.instance::<VectorClock>("VectorClock")?.read(Clone::clone))
    }

    fn clock_entry(&self) -> causelog::Result<(causelog::NodeId, u64)> {
        let refuse = || self.refuse("a pair of node and sequence");
        let [node, sequence] = self.pair()?.ok_or_else(refuse)?;
        Ok((node.node()?, sequence.counter()?))
    }
}

#[napi]
impl VectorClock {
    /// A clock of these nodes and sequences: pairs in any order, as an iterable (a
    /// `Map`, another clock) or an object. Zeros are dropped; of a node named twice
    /// the higher sequence counts. Without an argument, the clock of someone who has seen nothing.
    #[napi(
        constructor,
        catch_unwind,
        ts_args_type = "entries?: Iterable<readonly [node: string, sequence: bigint | number]> | Readonly<Record<string, bigint | number>> | null"
    )]
    pub fn new(entries: Unknown<'_>) -> Result<Self, Code> {
        let entries = Argument::new("entries", entries);
        let entries = entries
            .optional(|entries| entries.list("an iterable of pairs or an object", Argument::clock_entry))
            .map_err(thrown)?;
        Ok(causelog::VectorClock::from_entries(entries.unwrap_or_default()).into())
    }

    /// The clock of this canonical binary form.
    ///
    /// Throws `INVALID_ARGUMENT` for anything but what `toBytes` gives.
    #[napi(catch_unwind)]
    pub fn from_bytes(#[napi(ts_arg_type = "Uint8Array")] bytes: Unknown<'_>) -> Result<VectorClock, Code> {
        let bytes = Argument::new("bytes", bytes).bytes().map_err(thrown)?;
        causelog::VectorClock::from_bytes(&bytes).map(VectorClock::from).map_err(thrown)
    }

    /// The clock of this JSON object, its keys in any order; zeros are dropped.
    ///
    /// Throws `INVALID_ARGUMENT` for anything but an object of whole numbers from 0 to 2⁶⁴−1 by UUID.
    #[napi(catch_unwind)]
    pub fn from_json(#[napi(ts_arg_type = "string")] text: Unknown<'_>) -> Result<VectorClock, Code> {
        let text = Argument::new("text", text).text().map_err(thrown)?;
        causelog::VectorClock::from_json(&text).map(VectorClock::from).map_err(thrown)
    }

    /// Counts one more event of `node` and returns its sequence.
    ///
    /// Throws `TOO_LARGE` when the counter is at its end; the clock stays as it is.
    #[napi(catch_unwind)]
    pub fn increment(&self, #[napi(ts_arg_type = "string")] node: Unknown<'_>) -> Result<u64, Code> {
        let node = Argument::new("node", node).node().map_err(thrown)?;
        self.change(|clock| clock.increment(node)).map_err(thrown)
    }

    /// Takes note that `node`'s changes up to `sequence` have been seen. A lower sequence changes nothing.
    #[napi(catch_unwind)]
    pub fn advance(
        &self,
        #[napi(ts_arg_type = "string")] node: Unknown<'_>,
        #[napi(ts_arg_type = "bigint | number")] sequence: Unknown<'_>,
    ) -> Result<(), Code> {
        let node = Argument::new("node", node).node().map_err(thrown)?;
        let sequence = Argument::new("sequence", sequence).counter().map_err(thrown)?;
        self.change(|clock| clock.advance(node, sequence));
        Ok(())
    }

    /// Takes in all that `other` has seen: the least clock that is not below either.
    #[napi(catch_unwind)]
    pub fn merge(&self, #[napi(ts_arg_type = "VectorClock")] other: Unknown<'_>) -> Result<(), Code> {
        let other = Argument::new("other", other).clock().map_err(thrown)?;
        self.change(|clock| clock.merge(&other));
        Ok(())
    }

    /// The highest sequence of `node` that has been seen; `0n` if none.
    #[napi(catch_unwind)]
    pub fn get(&self, #[napi(ts_arg_type = "string")] node: Unknown<'_>) -> Result<u64, Code> {
        let node = Argument::new("node", node).node().map_err(thrown)?;
        Ok(self.read(|clock| clock.get(node)))
    }

    /// Whether the change with this dot has been seen: one look-up.
    ///
    /// Of two entries `a` and `b`, `a` happened before `b` exactly when they are not
    /// the same and `b.vectorClock.covers(a.dot)`.
    #[napi(catch_unwind)]
    pub fn covers(&self, #[napi(ts_arg_type = "DotLike")] dot: Unknown<'_>) -> Result<bool, Code> {
        let dot = Argument::new("dot", dot).dot().map_err(thrown)?;
        Ok(self.read(|clock| clock.covers(dot)))
    }

    /// How this clock stands to `other`.
    #[napi(catch_unwind, ts_return_type = "Causality")]
    pub fn compare(
        &self,
        #[napi(ts_arg_type = "VectorClock")] other: Unknown<'_>,
    ) -> Result<&'static str, Code> {
        self.against(other, |clock, other| clock.compare(other).name())
    }

    /// Whether all that this clock has seen, and less than all, is in `other`.
    #[napi(catch_unwind)]
    pub fn happens_before(
        &self,
        #[napi(ts_arg_type = "VectorClock")] other: Unknown<'_>,
    ) -> Result<bool, Code> {
        self.against(other, causelog::VectorClock::happens_before)
    }

    /// Whether each of the two has seen something that the other has not. Equal clocks do not conflict.
    #[napi(catch_unwind)]
    pub fn conflicts_with(
        &self,
        #[napi(ts_arg_type = "VectorClock")] other: Unknown<'_>,
    ) -> Result<bool, Code> {
        self.against(other, causelog::VectorClock::conflicts_with)
    }

    /// Whether both have seen the same.
    #[napi(catch_unwind)]
    pub fn equals(&self, #[napi(ts_arg_type = "VectorClock")] other: Unknown<'_>) -> Result<bool, Code> {
        self.against(other, |clock, other| clock == other)
    }

    fn against<T>(
        &self,
        other: Unknown<'_>,
        answer: impl FnOnce(&causelog::VectorClock, &causelog::VectorClock) -> T,
    ) -> Result<T, Code> {
        let other = Argument::new("other", other);
        let other = other.instance::<VectorClock>("VectorClock").map_err(thrown)?;
        Ok(self.read(|clock| other.read(|other| answer(clock, other))))
    }

    /// A clock of the same content that can be changed on its own.
    #[napi(catch_unwind, js_name = "clone")]
    pub fn copy(&self) -> VectorClock {
        self.read(Clone::clone).into()
    }

    /// How many nodes have been seen.
    #[napi(getter, catch_unwind)]
    pub fn size(&self) -> u32 {
        self.read(|clock| clock.len()) as u32
    }

    /// Every node and its sequence, ascending by node.
    #[napi(catch_unwind, ts_return_type = "Array<[node: string, sequence: bigint]>")]
    pub fn entries(&self) -> Vec<(String, u64)> {
        self.read(|clock| clock.iter().map(|(node, sequence)| (node.to_string(), sequence)).collect())
    }

    /// The canonical binary form: equal clocks give equal bytes.
    #[napi(catch_unwind, ts_return_type = "Buffer")]
    pub fn to_bytes(&self) -> Bytes {
        Bytes(self.read(causelog::VectorClock::to_bytes))
    }

    /// The JSON form as text: an object of exact sequences by node, ascending, without spaces.
    #[napi(catch_unwind)]
    pub fn to_json(&self) -> String {
        self.read(causelog::VectorClock::to_json)
    }

    /// The clock for people: `{node: sequence, …}`, ascending by node.
    #[napi(catch_unwind, js_name = "toString")]
    pub fn text(&self) -> String {
        self.read(ToString::to_string)
    }
}

/// A hybrid logical clock: it follows the wall clock, never goes back, and never
/// falls behind a timestamp that it has seen. Its timestamps are nanoseconds since 1970.
#[napi]
pub struct HybridLogicalClock {
    clock: RefCell<causelog::HybridLogicalClock>,
}

#[napi]
impl HybridLogicalClock {
    /// A clock that has seen nothing.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default)] // JavaScript has no `Default`
    pub fn new() -> Self {
        HybridLogicalClock { clock: RefCell::new(causelog::HybridLogicalClock::new()) }
    }

    /// The latest timestamp given out or seen; `null` before the first.
    #[napi(getter, catch_unwind, ts_return_type = "bigint | null")]
    pub fn last(&self) -> Option<Nanoseconds> {
        self.clock.borrow().last().map(Nanoseconds)
    }

    /// The timestamp of a local event that happens when the wall clock shows `now`: the later of `now` and `last + 1n`.
    ///
    /// Throws `TOO_LARGE` when the clock stands at the end of its range.
    #[napi(catch_unwind, ts_return_type = "bigint")]
    pub fn tick(&self, #[napi(ts_arg_type = "Date | bigint")] now: Unknown<'_>) -> Result<Nanoseconds, Code> {
        let now = Argument::new("now", now).timestamp().map_err(thrown)?;
        self.clock.borrow_mut().tick(now).map(Nanoseconds).map_err(thrown)
    }

    /// Takes note of a remote event's timestamp.
    #[napi(catch_unwind)]
    pub fn observe(&self, #[napi(ts_arg_type = "Date | bigint")] remote: Unknown<'_>) -> Result<(), Code> {
        let remote = Argument::new("remote", remote).timestamp().map_err(thrown)?;
        self.clock.borrow_mut().observe(remote);
        Ok(())
    }
}
