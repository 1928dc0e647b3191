use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use causelog_core::{ConflictResolution, Error, ErrorCode, Result};

use crate::enumeration::UNKNOWN;
use crate::error::causelog_error;
use crate::guard::{compute, guard};
use crate::input::required;
use crate::status::causelog_status;
use crate::text::causelog_text;

/// The kinds of strategies by which conflicts are decided.
///
/// A strategy is passed as text: its name, such as `last_write_wins`, or a JSON object where it
/// has parameters, such as `{"kind":"delete_wins","fallback":"first_write_wins"}`. Every strategy
/// is a function of the row's entries alone: whoever holds the same entries decides alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_resolution_kind {
    /// No kind.
    CAUSELOG_RESOLUTION_KIND_NONE = 0,
    /// `"last_write_wins"`: the latest entry wins. A replica counts an entry as later than all that
    /// its author had seen of the row, whatever the wall clocks said; the plain detector, which
    /// knows no history, goes by the timestamp. Of equal ones that of the higher node id wins, and
    /// last that with the higher payload hash.
    CAUSELOG_RESOLUTION_KIND_LAST_WRITE_WINS = 1,
    /// `"first_write_wins"`: of two entries the one wins whose past, with itself, holds the earliest
    /// entry that the other's does not. So who was first may go on editing the row.
    CAUSELOG_RESOLUTION_KIND_FIRST_WRITE_WINS = 2,
    /// `{"kind":"node_priority","order":[...]}`: the entry of the node that comes first in this list
    /// wins. Nodes that are not listed come last; among those, and between entries of one node, the
    /// latest wins.
    CAUSELOG_RESOLUTION_KIND_NODE_PRIORITY = 3,
    /// `"vector_clock_causal"`, or `{"kind":"vector_clock_causal","fallback":...}`: an entry that has
    /// seen all others wins. Between concurrent ones the fallback decides; without one nobody does,
    /// and the conflict waits for somebody to decide.
    CAUSELOG_RESOLUTION_KIND_VECTOR_CLOCK_CAUSAL = 4,
    /// `{"kind":"delete_wins","fallback":...}`: a delete wins over entries that leave the row alive.
    /// What is left is resolved by the fallback.
    CAUSELOG_RESOLUTION_KIND_DELETE_WINS = 5,
    /// `{"kind":"update_wins","fallback":...}`: entries that leave the row alive win over deletes.
    /// What is left is resolved by the fallback.
    CAUSELOG_RESOLUTION_KIND_UPDATE_WINS = 6,
    /// `{"kind":"field_merge","liveness":...,"fields":{...}}`: the row, a JSON object, is merged field
    /// by field. `liveness` says whether it is there when one side deleted it and another did not:
    /// `last_write_wins`, `delete_wins` or `update_wins`. `fields` names what decides between
    /// concurrent changes of a field: `last_write_wins`, which those have that are not named, `max`,
    /// `min`, `set`, whose array holds what somebody put in and nobody took out who had seen it, or
    /// `counter`, to whose 64-bit integer everybody's additions are added up. Rows that are no JSON
    /// objects are resolved as by `last_write_wins`.
    CAUSELOG_RESOLUTION_KIND_FIELD_MERGE = 7,
    /// `"manual"`: nobody wins until somebody decides. Until then the row has the value of the latest
    /// entry.
    CAUSELOG_RESOLUTION_KIND_MANUAL = 8,
    /// `{"kind":"custom","name":...,"version":...}`: a `causelog_resolver` of the program decides.
    CAUSELOG_RESOLUTION_KIND_CUSTOM = 9,
}

impl causelog_resolution_kind {
    const TABLE: [(causelog_resolution_kind, &'static CStr); 9] = [
        (Self::CAUSELOG_RESOLUTION_KIND_LAST_WRITE_WINS, c"last_write_wins"),
        (Self::CAUSELOG_RESOLUTION_KIND_FIRST_WRITE_WINS, c"first_write_wins"),
        (Self::CAUSELOG_RESOLUTION_KIND_NODE_PRIORITY, c"node_priority"),
        (Self::CAUSELOG_RESOLUTION_KIND_VECTOR_CLOCK_CAUSAL, c"vector_clock_causal"),
        (Self::CAUSELOG_RESOLUTION_KIND_DELETE_WINS, c"delete_wins"),
        (Self::CAUSELOG_RESOLUTION_KIND_UPDATE_WINS, c"update_wins"),
        (Self::CAUSELOG_RESOLUTION_KIND_FIELD_MERGE, c"field_merge"),
        (Self::CAUSELOG_RESOLUTION_KIND_MANUAL, c"manual"),
        (Self::CAUSELOG_RESOLUTION_KIND_CUSTOM, c"custom"),
    ];

    fn of(resolution: &ConflictResolution) -> Result<causelog_resolution_kind> {
        let name = resolution.kind();
        let known = Self::TABLE.iter().find(|(_, known)| known.to_bytes() == name.as_bytes());
        known
            .map(|(kind, _)| *kind)
            .ok_or_else(|| Error::new(ErrorCode::Internal, format!("resolution {name} has no number in C")))
    }
}

/// The strategy that a text says.
///
/// # Safety
/// The text is there.
pub(crate) unsafe fn read_resolution(text: causelog_text, name: &str) -> Result<ConflictResolution> {
    // SAFETY: the caller vouches for it.
    unsafe { text.read(name)? }.parse()
}

/// The name of a kind, such as `"delete_wins"`; `"unknown"` of anything else. NUL-terminated,
/// never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_resolution_kind_name(kind: i32) -> *const c_char {
    compute(UNKNOWN.as_ptr(), || {
        let known = causelog_resolution_kind::TABLE.iter().find(|(known, _)| *known as i32 == kind);
        known.map_or(UNKNOWN.as_ptr(), |(_, name)| name.as_ptr())
    })
}

/// The kind of the strategy that the text `resolution` says.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when it is no strategy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_resolution_kind_of(
    resolution: causelog_text,
    kind: Option<&mut MaybeUninit<causelog_resolution_kind>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let resolution = unsafe { read_resolution(resolution, "resolution")? };
        required(kind, "kind")?.write(causelog_resolution_kind::of(&resolution)?);
        Ok(())
    })
}

/// Whether the strategy that the text `resolution` says makes sense by itself.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT`, saying why, when it is no strategy, lists a node twice,
/// has a fallback that could never be asked or that contradicts what it is the fallback of, or is
/// custom without a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_resolution_validate(
    resolution: causelog_text,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        unsafe { read_resolution(resolution, "resolution")? }.validate()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_the_core() {
        assert_eq!(causelog_resolution_kind::TABLE.len(), ConflictResolution::KINDS.len());
        for (number, (name, (kind, known))) in
            (1..).zip(ConflictResolution::KINDS.into_iter().zip(causelog_resolution_kind::TABLE))
        {
            assert_eq!(name, known.to_str().unwrap());
            assert_eq!(kind as i32, number);
            assert!(format!("{kind:?}").ends_with(&name.to_uppercase()));
        }
        for resolution in [ConflictResolution::Manual, ConflictResolution::LastWriteWins] {
            assert!(
                format!("{:?}", causelog_resolution_kind::of(&resolution).unwrap())
                    .ends_with(&resolution.kind().to_uppercase())
            );
        }
    }
}
