//! The enumerations: numbers in C, enums in the core. Functions take them as `int32_t`
//! and check them, because C lets any number pass.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use causelog_core::{
    Causality, ChangeOperation, ConflictClass, ConflictType, Durability, Error, ErrorCode, ReasonCode,
    RemovalReason, Result, RowState, Side, Verdict, Winner,
};

use crate::error::causelog_error;
use crate::guard::{compute, guard};
use crate::input::{invalid, required, slice};
use crate::status::causelog_status;
use crate::text::causelog_text;

/// What a change does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_operation {
    /// No operation: in a query, any.
    CAUSELOG_OPERATION_NONE = 0,
    /// The row comes into being; there is no image before it.
    CAUSELOG_OPERATION_INSERT = 1,
    /// The row takes another value.
    CAUSELOG_OPERATION_UPDATE = 2,
    /// The row ends; there is no image after it.
    CAUSELOG_OPERATION_DELETE = 3,
}

/// How two clocks, and so the events that carry them, stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_causality {
    /// The same clock: one and the same event, never a conflict.
    CAUSELOG_CAUSALITY_EQUAL = 1,
    /// The first happened before the second, whose author had seen it.
    CAUSELOG_CAUSALITY_BEFORE = 2,
    /// The first happened after the second.
    CAUSELOG_CAUSALITY_AFTER = 3,
    /// Neither author had seen the other's event. Only this can be a conflict.
    CAUSELOG_CAUSALITY_CONCURRENT = 4,
}

/// What an entry did to its row when it arrived in this log; never changed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_verdict {
    /// Nobody has judged it: it was only recorded.
    CAUSELOG_VERDICT_NONE = 0,
    /// It became the row's value.
    CAUSELOG_VERDICT_APPLIED = 1,
    /// The row's value stayed as it was.
    CAUSELOG_VERDICT_SUPERSEDED = 2,
    /// The row took another value than the entry carries: a merged one, or that of an entry which
    /// this one let win.
    CAUSELOG_VERDICT_MERGED = 3,
}

/// When an append returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_durability {
    /// As `CAUSELOG_DURABILITY_SYNC`.
    CAUSELOG_DURABILITY_DEFAULT = 0,
    /// After the bytes have reached the disk: a loss of power keeps them.
    CAUSELOG_DURABILITY_SYNC = 1,
    /// After the bytes were handed to the operating system: a crash of the process keeps
    /// them, a loss of power may cost the last transactions, each as a whole.
    CAUSELOG_DURABILITY_OS = 2,
    /// As `CAUSELOG_DURABILITY_OS`, but the operating system is asked to put the bytes on the disk
    /// whenever `sync_interval` has passed: by the first append after that, or by
    /// `causelog_log_maintain`, whichever comes first.
    CAUSELOG_DURABILITY_INTERVAL = 3,
}

/// Why entries were removed from a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_removal_reason {
    /// No reason: there is no removal.
    CAUSELOG_REMOVAL_REASON_NONE = 0,
    /// They were older than the log is to keep.
    CAUSELOG_REMOVAL_REASON_AGE = 1,
    /// The log was larger than it is to be.
    CAUSELOG_REMOVAL_REASON_BYTES = 2,
    /// Later entries of the same row had replaced them.
    CAUSELOG_REMOVAL_REASON_COMPACTION = 3,
}

/// The shape of a conflict as one side sees it: the local operation, then the remote one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_conflict_type {
    /// No shape: the report is not of a conflict with two sides.
    CAUSELOG_CONFLICT_TYPE_NONE = 0,
    /// Both inserted the row.
    CAUSELOG_CONFLICT_TYPE_INSERT_INSERT = 1,
    /// Inserted here, updated there.
    CAUSELOG_CONFLICT_TYPE_INSERT_UPDATE = 2,
    /// Inserted here, deleted there.
    CAUSELOG_CONFLICT_TYPE_INSERT_DELETE = 3,
    /// Updated here, inserted there.
    CAUSELOG_CONFLICT_TYPE_UPDATE_INSERT = 4,
    /// Both updated the row.
    CAUSELOG_CONFLICT_TYPE_UPDATE_UPDATE = 5,
    /// Updated here, deleted there.
    CAUSELOG_CONFLICT_TYPE_UPDATE_DELETE = 6,
    /// Deleted here, inserted there.
    CAUSELOG_CONFLICT_TYPE_DELETE_INSERT = 7,
    /// Deleted here, updated there.
    CAUSELOG_CONFLICT_TYPE_DELETE_UPDATE = 8,
    /// Both deleted the row: concurrent, but there is nothing to disagree about.
    CAUSELOG_CONFLICT_TYPE_DELETE_DELETE = 9,
}

/// The kind of a conflict whichever side looks at it, of two heads or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_conflict_class {
    /// No class: there are no operations.
    CAUSELOG_CONFLICT_CLASS_NONE = 0,
    /// Inserts only.
    CAUSELOG_CONFLICT_CLASS_INSERT_INSERT = 1,
    /// Inserts and updates.
    CAUSELOG_CONFLICT_CLASS_INSERT_UPDATE = 2,
    /// Inserts and deletes.
    CAUSELOG_CONFLICT_CLASS_INSERT_DELETE = 3,
    /// Updates only.
    CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE = 4,
    /// Updates, with or without inserts, and deletes.
    CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE = 5,
    /// Deletes only.
    CAUSELOG_CONFLICT_CLASS_DELETE_DELETE = 6,
}

/// Why a conflict came out as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_reason_code {
    /// No reason: there is no report.
    CAUSELOG_REASON_CODE_NONE = 0,
    /// The winner's author had seen all the other entries.
    CAUSELOG_REASON_CODE_CAUSALLY_LATER = 1,
    /// The winner has the latest timestamp.
    CAUSELOG_REASON_CODE_LATER_TIMESTAMP = 2,
    /// Timestamps are equal; the winner has the higher node id.
    CAUSELOG_REASON_CODE_HIGHER_NODE = 3,
    /// Timestamps and nodes are equal; the winner has the higher payload hash.
    CAUSELOG_REASON_CODE_HIGHER_PAYLOAD_HASH = 4,
    /// The entries are concurrent and the strategy does not choose between such.
    CAUSELOG_REASON_CODE_CONCURRENT = 5,
    /// The winner succeeds a later entry than the others do, though its own timestamp, by a
    /// wall clock that ran behind, is not the latest.
    CAUSELOG_REASON_CODE_LATER_SUCCESSION = 6,
    /// The winner's past goes back to the earliest entry that not all have seen.
    CAUSELOG_REASON_CODE_EARLIER_WRITE = 7,
    /// The winner's node comes first in the list.
    CAUSELOG_REASON_CODE_HIGHER_PRIORITY = 8,
    /// Deletes win over live entries; what was left was resolved by the fallback.
    CAUSELOG_REASON_CODE_DELETE_WINS = 9,
    /// Live entries win over deletes; what was left was resolved by the fallback.
    CAUSELOG_REASON_CODE_UPDATE_WINS = 10,
    /// The value was put together field by field.
    CAUSELOG_REASON_CODE_FIELDS_MERGED = 11,
    /// The fields cannot be merged because a payload is no JSON object: the latest entry wins.
    CAUSELOG_REASON_CODE_NOT_AN_OBJECT = 12,
    /// The application's resolver decided.
    CAUSELOG_REASON_CODE_CUSTOM = 13,
    /// The application's resolver left it to somebody to decide.
    CAUSELOG_REASON_CODE_DEFERRED = 14,
    /// The application's resolver is not registered here: the value is that of the latest entry
    /// until it is.
    CAUSELOG_REASON_CODE_RESOLVER_MISSING = 15,
    /// The application's resolver failed: the value is that of the latest entry until somebody
    /// decides.
    CAUSELOG_REASON_CODE_RESOLVER_FAILED = 16,
}

/// One of the two sides of a conflict between two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_side {
    /// No side: nobody won, or the report is not of a conflict with two sides.
    CAUSELOG_SIDE_NONE = 0,
    /// The entry that was here.
    CAUSELOG_SIDE_LOCAL = 1,
    /// The entry that came.
    CAUSELOG_SIDE_REMOTE = 2,
}

/// Who won, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_winner_type {
    /// Nobody: there is no report.
    CAUSELOG_WINNER_TYPE_NONE = 0,
    /// One of the heads.
    CAUSELOG_WINNER_TYPE_HEAD = 1,
    /// None of them alone: the value was put together, or is the resolver's own.
    CAUSELOG_WINNER_TYPE_MERGED = 2,
    /// Nobody yet: somebody has to decide. The value is provisional.
    CAUSELOG_WINNER_TYPE_PENDING = 3,
}

/// How a row's value came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_row_state {
    /// No state: there is no row.
    CAUSELOG_ROW_STATE_NONE = 0,
    /// One entry has seen all others, or the rules have decided between those that have not.
    CAUSELOG_ROW_STATE_RESOLVED = 1,
    /// Somebody has to decide. The value is provisional, and the same everywhere.
    CAUSELOG_ROW_STATE_PENDING = 2,
    /// A function of the application has to decide, and is not registered here or has failed.
    /// The value is provisional, and may be another one on replicas where it has decided.
    CAUSELOG_ROW_STATE_UNRESOLVED = 3,
}

/// Ties a C enumeration to the core's: conversion both ways, and the names.
macro_rules! mirror {
    ($ours:ident of $core:ident, $what:literal { $($variant:ident = $theirs:ident $name:literal,)+ }) => {
        #[allow(dead_code)] // some are only passed, others only returned
        impl $ours {
            const TABLE: &'static [($ours, $core, &'static CStr)] =
                &[$(($ours::$variant, $core::$theirs, $name),)+];

            /// The C value of a core value.
            ///
            /// # Errors
            /// `INTERNAL` when the core has one that this table lacks, which a test rules out.
            pub(crate) fn of(core: $core) -> Result<$ours> {
                let known = Self::TABLE.iter().find(|(_, theirs, _)| *theirs == core);
                known.map(|(ours, ..)| *ours).ok_or_else(|| {
                    Error::new(ErrorCode::Internal, concat!($what, " without a number in C"))
                })
            }

            /// The core value of a number that C passed; `None` of no value.
            fn find(number: i32) -> Option<&'static ($ours, $core, &'static CStr)> {
                Self::TABLE.iter().find(|(ours, ..)| *ours as i32 == number)
            }

            /// The core value of a number that C passed.
            pub(crate) fn read(number: i32, parameter: &str) -> Result<$core> {
                let known = Self::find(number);
                known.map(|(_, theirs, _)| *theirs).ok_or_else(|| {
                    invalid(format!(concat!("{} is {}, which is no ", $what), parameter, number))
                })
            }

            fn name(number: i32) -> *const c_char {
                compute(UNKNOWN.as_ptr(), || {
                    Self::find(number).map_or(UNKNOWN.as_ptr(), |(_, _, name)| name.as_ptr())
                })
            }
        }
    };
}

pub(crate) const UNKNOWN: &CStr = c"unknown";

mirror!(causelog_operation of ChangeOperation, "operation" {
    CAUSELOG_OPERATION_INSERT = Insert c"insert",
    CAUSELOG_OPERATION_UPDATE = Update c"update",
    CAUSELOG_OPERATION_DELETE = Delete c"delete",
});
mirror!(causelog_causality of Causality, "causality" {
    CAUSELOG_CAUSALITY_EQUAL = Equal c"equal",
    CAUSELOG_CAUSALITY_BEFORE = Before c"before",
    CAUSELOG_CAUSALITY_AFTER = After c"after",
    CAUSELOG_CAUSALITY_CONCURRENT = Concurrent c"concurrent",
});
mirror!(causelog_verdict of Verdict, "verdict" {
    CAUSELOG_VERDICT_APPLIED = Applied c"applied",
    CAUSELOG_VERDICT_SUPERSEDED = Superseded c"superseded",
    CAUSELOG_VERDICT_MERGED = Merged c"merged",
});
mirror!(causelog_durability of Durability, "durability" {
    CAUSELOG_DURABILITY_SYNC = Sync c"sync",
    CAUSELOG_DURABILITY_INTERVAL = Interval c"interval",
    CAUSELOG_DURABILITY_OS = Os c"os",
});
mirror!(causelog_removal_reason of RemovalReason, "removal reason" {
    CAUSELOG_REMOVAL_REASON_AGE = Age c"age",
    CAUSELOG_REMOVAL_REASON_BYTES = Bytes c"bytes",
    CAUSELOG_REMOVAL_REASON_COMPACTION = Compaction c"compaction",
});
mirror!(causelog_conflict_type of ConflictType, "conflict type" {
    CAUSELOG_CONFLICT_TYPE_INSERT_INSERT = InsertInsert c"insert_insert",
    CAUSELOG_CONFLICT_TYPE_INSERT_UPDATE = InsertUpdate c"insert_update",
    CAUSELOG_CONFLICT_TYPE_INSERT_DELETE = InsertDelete c"insert_delete",
    CAUSELOG_CONFLICT_TYPE_UPDATE_INSERT = UpdateInsert c"update_insert",
    CAUSELOG_CONFLICT_TYPE_UPDATE_UPDATE = UpdateUpdate c"update_update",
    CAUSELOG_CONFLICT_TYPE_UPDATE_DELETE = UpdateDelete c"update_delete",
    CAUSELOG_CONFLICT_TYPE_DELETE_INSERT = DeleteInsert c"delete_insert",
    CAUSELOG_CONFLICT_TYPE_DELETE_UPDATE = DeleteUpdate c"delete_update",
    CAUSELOG_CONFLICT_TYPE_DELETE_DELETE = DeleteDelete c"delete_delete",
});
mirror!(causelog_conflict_class of ConflictClass, "conflict class" {
    CAUSELOG_CONFLICT_CLASS_INSERT_INSERT = InsertInsert c"insert_insert",
    CAUSELOG_CONFLICT_CLASS_INSERT_UPDATE = InsertUpdate c"insert_update",
    CAUSELOG_CONFLICT_CLASS_INSERT_DELETE = InsertDelete c"insert_delete",
    CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE = UpdateUpdate c"update_update",
    CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE = UpdateDelete c"update_delete",
    CAUSELOG_CONFLICT_CLASS_DELETE_DELETE = DeleteDelete c"delete_delete",
});
mirror!(causelog_reason_code of ReasonCode, "reason code" {
    CAUSELOG_REASON_CODE_CAUSALLY_LATER = CausallyLater c"causally_later",
    CAUSELOG_REASON_CODE_LATER_TIMESTAMP = LaterTimestamp c"later_timestamp",
    CAUSELOG_REASON_CODE_HIGHER_NODE = HigherNode c"higher_node",
    CAUSELOG_REASON_CODE_HIGHER_PAYLOAD_HASH = HigherPayloadHash c"higher_payload_hash",
    CAUSELOG_REASON_CODE_CONCURRENT = Concurrent c"concurrent",
    CAUSELOG_REASON_CODE_LATER_SUCCESSION = LaterSuccession c"later_succession",
    CAUSELOG_REASON_CODE_EARLIER_WRITE = EarlierWrite c"earlier_write",
    CAUSELOG_REASON_CODE_HIGHER_PRIORITY = HigherPriority c"higher_priority",
    CAUSELOG_REASON_CODE_DELETE_WINS = DeleteWins c"delete_wins",
    CAUSELOG_REASON_CODE_UPDATE_WINS = UpdateWins c"update_wins",
    CAUSELOG_REASON_CODE_FIELDS_MERGED = FieldsMerged c"fields_merged",
    CAUSELOG_REASON_CODE_NOT_AN_OBJECT = NotAnObject c"not_an_object",
    CAUSELOG_REASON_CODE_CUSTOM = Custom c"custom",
    CAUSELOG_REASON_CODE_DEFERRED = Deferred c"deferred",
    CAUSELOG_REASON_CODE_RESOLVER_MISSING = ResolverMissing c"resolver_missing",
    CAUSELOG_REASON_CODE_RESOLVER_FAILED = ResolverFailed c"resolver_failed",
});
mirror!(causelog_side of Side, "side" {
    CAUSELOG_SIDE_LOCAL = Local c"local",
    CAUSELOG_SIDE_REMOTE = Remote c"remote",
});
mirror!(causelog_row_state of RowState, "row state" {
    CAUSELOG_ROW_STATE_RESOLVED = Resolved c"resolved",
    CAUSELOG_ROW_STATE_PENDING = Pending c"pending",
    CAUSELOG_ROW_STATE_UNRESOLVED = Unresolved c"unresolved",
});

impl causelog_winner_type {
    const TABLE: [(causelog_winner_type, &'static CStr); 3] = [
        (Self::CAUSELOG_WINNER_TYPE_HEAD, c"head"),
        (Self::CAUSELOG_WINNER_TYPE_MERGED, c"merged"),
        (Self::CAUSELOG_WINNER_TYPE_PENDING, c"pending"),
    ];

    /// The kind of the core's winner, which carries more than a number.
    pub(crate) fn of(winner: Winner) -> causelog_winner_type {
        match winner {
            Winner::Head(_) => Self::CAUSELOG_WINNER_TYPE_HEAD,
            Winner::Merged => Self::CAUSELOG_WINNER_TYPE_MERGED,
            Winner::Pending => Self::CAUSELOG_WINNER_TYPE_PENDING,
            _ => Self::CAUSELOG_WINNER_TYPE_NONE,
        }
    }
}

/// The name of an operation, as in every language: `"insert"`, `"update"`, `"delete"`;
/// `"unknown"` of anything else. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_operation_name(operation: i32) -> *const c_char {
    causelog_operation::name(operation)
}

/// The operation with this name.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_operation_parse(
    name: causelog_text,
    operation: Option<&mut MaybeUninit<causelog_operation>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let name = unsafe { name.read("name")? };
        required(operation, "operation")?.write(causelog_operation::of(name.parse()?)?);
        Ok(())
    })
}

/// The name of a causality: `"equal"`, `"before"`, `"after"`, `"concurrent"`; `"unknown"`
/// of anything else. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_causality_name(causality: i32) -> *const c_char {
    causelog_causality::name(causality)
}

/// The name of a verdict: `"applied"`, `"superseded"`, `"merged"`; `"unknown"` of anything
/// else. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verdict_name(verdict: i32) -> *const c_char {
    causelog_verdict::name(verdict)
}

/// The name of a durability: `"sync"`, `"interval"`, `"os"`; `"unknown"` of anything else.
/// NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_durability_name(durability: i32) -> *const c_char {
    causelog_durability::name(durability)
}

/// The name of a removal's reason: `"age"`, `"bytes"`, `"compaction"`; `"unknown"` of anything
/// else. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_removal_reason_name(reason: i32) -> *const c_char {
    causelog_removal_reason::name(reason)
}

/// The name of a conflict type, such as `"update_delete"`; `"unknown"` of anything else.
/// NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_type_name(conflict_type: i32) -> *const c_char {
    causelog_conflict_type::name(conflict_type)
}

/// The name of a conflict class, such as `"update_delete"`; `"unknown"` of anything else.
/// NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_class_name(conflict_class: i32) -> *const c_char {
    causelog_conflict_class::name(conflict_class)
}

/// The name of a reason code, such as `"later_timestamp"`; `"unknown"` of anything else.
/// NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_reason_code_name(reason_code: i32) -> *const c_char {
    causelog_reason_code::name(reason_code)
}

/// The name of a side: `"local"`, `"remote"`; `"unknown"` of anything else.
/// NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_side_name(side: i32) -> *const c_char {
    causelog_side::name(side)
}

/// The name of a winner's kind: `"head"`, `"merged"`, `"pending"`; `"unknown"` of anything
/// else. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_winner_type_name(winner_type: i32) -> *const c_char {
    compute(UNKNOWN.as_ptr(), || {
        let known = causelog_winner_type::TABLE.iter().find(|(known, _)| *known as i32 == winner_type);
        known.map_or(UNKNOWN.as_ptr(), |(_, name)| name.as_ptr())
    })
}

/// The name of a row's state: `"resolved"`, `"pending"`, `"unresolved"`; `"unknown"` of
/// anything else. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_state_name(row_state: i32) -> *const c_char {
    causelog_row_state::name(row_state)
}

/// The shape of two operations.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when one of them is no operation.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_type_of(
    local: i32,
    remote: i32,
    conflict_type: Option<&mut MaybeUninit<causelog_conflict_type>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (local, remote) =
            (causelog_operation::read(local, "local")?, causelog_operation::read(remote, "remote")?);
        let shape = causelog_conflict_type::of(ConflictType::of(local, remote))?;
        required(conflict_type, "conflict_type")?.write(shape);
        Ok(())
    })
}

/// The shape that the other side sees.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_type` is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_type_mirror(
    conflict_type: i32,
    mirror: Option<&mut MaybeUninit<causelog_conflict_type>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let shape = causelog_conflict_type::read(conflict_type, "conflict_type")?;
        required(mirror, "mirror")?.write(causelog_conflict_type::of(shape.mirror())?);
        Ok(())
    })
}

/// The local and the remote operation of a shape.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_type` is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_type_operations(
    conflict_type: i32,
    local: Option<&mut MaybeUninit<causelog_operation>>,
    remote: Option<&mut MaybeUninit<causelog_operation>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let shape = causelog_conflict_type::read(conflict_type, "conflict_type")?;
        let (here, there) = shape.operations();
        let (here, there) = (causelog_operation::of(here)?, causelog_operation::of(there)?);
        let (local, remote) = (required(local, "local")?, required(remote, "remote")?);
        local.write(here);
        remote.write(there);
        Ok(())
    })
}

/// The class of a shape, which is the same from both sides.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_type` is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_type_class(
    conflict_type: i32,
    conflict_class: Option<&mut MaybeUninit<causelog_conflict_class>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let shape = causelog_conflict_type::read(conflict_type, "conflict_type")?;
        required(conflict_class, "conflict_class")?.write(causelog_conflict_class::of(shape.class())?);
        Ok(())
    })
}

/// The class of `count` operations together; `CAUSELOG_CONFLICT_CLASS_NONE` of no operation.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when one of them is no operation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_conflict_class_of(
    operations: *const i32,
    count: usize,
    conflict_class: Option<&mut MaybeUninit<causelog_conflict_class>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes `count` numbers.
        let numbers = unsafe { slice(operations, count, "operations")? };
        let read = |number: &i32| causelog_operation::read(*number, "an element of operations");
        let operations = numbers.iter().map(read).collect::<Result<Vec<_>>>()?;
        let class = match ConflictClass::of(operations) {
            Some(class) => causelog_conflict_class::of(class)?,
            None => causelog_conflict_class::CAUSELOG_CONFLICT_CLASS_NONE,
        };
        required(conflict_class, "conflict_class")?.write(class);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks one enumeration against all values of the core and their names.
    macro_rules! check {
        ($ours:ident, $all:expr) => {
            assert_eq!($ours::TABLE.len(), $all.len());
            for (core, (ours, theirs, name)) in $all.into_iter().zip($ours::TABLE) {
                assert_eq!(core, *theirs);
                assert_eq!($ours::of(core).unwrap(), *ours);
                assert_eq!($ours::read(*ours as i32, "it").unwrap(), core);
                assert_eq!(core.name(), name.to_str().unwrap());
                assert!(format!("{ours:?}").ends_with(&core.name().to_uppercase()));
            }
            for number in [i32::MIN, -1, $ours::TABLE.len() as i32 + 1, i32::MAX] {
                let error = $ours::read(number, "it").unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidArgument);
                assert!(error.message().starts_with(&format!("it is {number}, which is no ")));
            }
        };
    }

    #[test]
    fn enumerations_are_those_of_the_core() {
        check!(causelog_operation, ChangeOperation::ALL);
        check!(causelog_causality, Causality::ALL);
        check!(causelog_verdict, Verdict::ALL);
        check!(causelog_durability, Durability::ALL);
        check!(causelog_removal_reason, RemovalReason::ALL);
        check!(causelog_conflict_type, ConflictType::ALL);
        check!(causelog_conflict_class, ConflictClass::ALL);
        check!(causelog_reason_code, ReasonCode::ALL);
        check!(causelog_side, Side::ALL);
        check!(causelog_row_state, RowState::ALL);
    }
}
