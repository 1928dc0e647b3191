"""An embeddable change-data-capture log that knows what caused what.

An application records every row change in a :class:`ChangeLog`: append-only, in a directory
or in memory. Each entry carries a :class:`VectorClock` that says what its author had seen, so
of any two entries the log can tell which came first, or that neither did. Logs exchange
transactions as they are; a :class:`ConflictDetector` finds the entries that disagree, decides
between them, and says why.

>>> import causelog
>>> with causelog.ChangeLog.in_memory() as shop, causelog.ChangeLog.in_memory() as office:
...     _ = shop.append(causelog.Change.insert("orders", 42, {"qty": 1}))
...     for transaction in shop.transactions(office.frontier()):
...         _ = office.append_remote(transaction)
...     # Now both change the row without having heard of each other.
...     _ = shop.append(causelog.Change.update("orders", 42, {"qty": 1}, {"qty": 2}))
...     _ = office.append(causelog.Change.update("orders", 42, {"qty": 1}, {"qty": 9}))
...     for transaction in shop.transactions(office.frontier()):
...         _ = office.append_remote(transaction)
...     insert, local, remote = office.query(table="orders", row_id=42)
...     conflict = causelog.ConflictDetector().detect(local, remote)
...     print(conflict.conflict_type, insert.happens_before(local))
update_update True

A :class:`Replica` owns such a log and gives its entries a meaning: it says what each row is now, resolves
conflicts by a :class:`ResolverRegistry`, and explains itself; :func:`sync` brings two of them together.

Failures are a :class:`causelog.Error` with a ``code`` that is the same in every language. A value
of the wrong type is a ``TypeError``. All classes may be shared between threads.
"""

from collections.abc import Mapping as _Mapping

from causelog._native import (
    ERROR_CODES,
    Appended,
    Change,
    ChangeEntry,
    ChangeLog,
    ChangeLogStats,
    Claim,
    CompressionReport,
    Conflict,
    ConflictDetector,
    ConflictReport,
    Consumer,
    ConsumerStatus,
    Cursor,
    EffectiveChange,
    EffectiveChanges,
    Explanation,
    ExplanationStep,
    Finding,
    HybridLogicalClock,
    InboxItem,
    ManualTime,
    Removal,
    Replica,
    ReplicaRow,
    ReplicaStats,
    ResolverDecision,
    ResolverRegistry,
    Row,
    RowConflict,
    RowResolution,
    SalvageReport,
    SkippedTransaction,
    Snapshot,
    SyncReport,
    TableStats,
    Transaction,
    TransactionCursor,
    VectorClock,
    VerifyReport,
    View,
    WhatIf,
    Write,
    __version__,
    decode_row_id,
    encode_row_id,
    format_timestamp,
    parse_timestamp,
    sync,
)
from causelog.aliases import Payload, RowId, RowIdPart, Strategy
from causelog.dot import Dot
from causelog.enums import (
    Causality,
    ChangeOperation,
    ConflictClass,
    ConflictResolution,
    ConflictType,
    Durability,
    FieldPolicy,
    Liveness,
    ReasonCode,
    RemovalReason,
    RowState,
    Side,
    Verdict,
    Winner,
)
from causelog.errors import (
    AlreadyExistsError,
    CancelledError,
    CdcDisabledError,
    ClockSkewError,
    ClosedError,
    CorruptError,
    DotReuseError,
    Error,
    InternalError,
    InvalidArgumentError,
    IoError,
    LockedError,
    MissingDependencyError,
    NoSpaceError,
    NotFoundError,
    ProtocolError,
    QuotaExceededError,
    ReadOnlyError,
    ResolverFailedError,
    TimeoutError,
    TooLargeError,
    TruncatedError,
    UnauthorizedError,
    UnavailableError,
    UnresolvedError,
    UnsupportedError,
    VersionMismatchError,
)

__all__ = [
    "ERROR_CODES",
    "AlreadyExistsError",
    "Appended",
    "CancelledError",
    "Causality",
    "CdcDisabledError",
    "Change",
    "ChangeEntry",
    "ChangeLog",
    "ChangeLogStats",
    "ChangeOperation",
    "Claim",
    "ClockSkewError",
    "ClosedError",
    "CompressionReport",
    "Conflict",
    "ConflictClass",
    "ConflictDetector",
    "ConflictReport",
    "ConflictResolution",
    "ConflictType",
    "Consumer",
    "ConsumerStatus",
    "CorruptError",
    "Cursor",
    "Dot",
    "DotReuseError",
    "Durability",
    "EffectiveChange",
    "EffectiveChanges",
    "Error",
    "Explanation",
    "ExplanationStep",
    "FieldPolicy",
    "Finding",
    "HybridLogicalClock",
    "InboxItem",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "Liveness",
    "LockedError",
    "ManualTime",
    "MissingDependencyError",
    "NoSpaceError",
    "NotFoundError",
    "Payload",
    "ProtocolError",
    "QuotaExceededError",
    "ReadOnlyError",
    "ReasonCode",
    "Removal",
    "RemovalReason",
    "Replica",
    "ReplicaRow",
    "ReplicaStats",
    "ResolverDecision",
    "ResolverFailedError",
    "ResolverRegistry",
    "Row",
    "RowConflict",
    "RowId",
    "RowIdPart",
    "RowResolution",
    "RowState",
    "SalvageReport",
    "Side",
    "SkippedTransaction",
    "Snapshot",
    "Strategy",
    "SyncReport",
    "TableStats",
    "TimeoutError",
    "TooLargeError",
    "Transaction",
    "TransactionCursor",
    "TruncatedError",
    "UnauthorizedError",
    "UnavailableError",
    "UnresolvedError",
    "UnsupportedError",
    "VectorClock",
    "Verdict",
    "VerifyReport",
    "VersionMismatchError",
    "View",
    "WhatIf",
    "Winner",
    "Write",
    "__version__",
    "decode_row_id",
    "encode_row_id",
    "format_timestamp",
    "parse_timestamp",
    "sync",
]

# They have all that a mapping has, but compiled classes cannot inherit it.
_Mapping.register(Snapshot)
_Mapping.register(View)
