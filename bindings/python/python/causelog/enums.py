"""The enumerations. Their members are strings, which are the same in every language.

Wherever a member is taken, its plain string is taken too.

>>> import causelog
>>> causelog.ChangeOperation.INSERT == "insert"
True
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from causelog import _native

__all__ = [
    "Causality",
    "ChangeOperation",
    "ConflictClass",
    "ConflictResolution",
    "ConflictType",
    "Durability",
    "ReasonCode",
    "RemovalReason",
    "Side",
    "Verdict",
]


class ChangeOperation(StrEnum):
    """What a change does to its row."""

    INSERT = "insert"
    """The row comes into being; there is no image before it."""
    UPDATE = "update"
    """The row takes another value."""
    DELETE = "delete"
    """The row ends; there is no image after it."""


class Causality(StrEnum):
    """How two clocks, or the events that carry them, stand to each other."""

    EQUAL = "equal"
    """The same clock: one and the same event, never a conflict."""
    BEFORE = "before"
    """The first happened before the second, whose author had seen it."""
    AFTER = "after"
    """The first happened after the second."""
    CONCURRENT = "concurrent"
    """Neither author had seen the other's event. Only this can be a conflict."""


class Verdict(StrEnum):
    """What an entry did to its row when it arrived in this log; never changed later."""

    APPLIED = "applied"
    """It became the row's value."""
    SUPERSEDED = "superseded"
    """The row's value stayed as it was."""
    MERGED = "merged"
    """The row took a value that no single entry carries."""


class Durability(StrEnum):
    """When an append returns."""

    SYNC = "sync"
    """After the bytes have reached the disk: a loss of power keeps them."""
    INTERVAL = "interval"
    """As ``os``, and the operating system is asked every so often to put them on the disk."""
    OS = "os"
    """After the bytes were handed to the operating system: a crash of the process keeps them."""


class RemovalReason(StrEnum):
    """Why entries were removed from a log."""

    AGE = "age"
    """They were older than the log is to keep."""
    BYTES = "bytes"
    """The log was larger than it is to be."""
    COMPACTION = "compaction"
    """Later entries of the same row had replaced them."""


class ConflictResolution(StrEnum):
    """How a conflict is decided."""

    LAST_WRITE_WINS = "last_write_wins"
    """The entry with the latest timestamp wins; of equal ones that of the higher node id, and last
    that with the higher payload hash. An entry that another one has seen never wins over it."""
    VECTOR_CLOCK_CAUSAL = "vector_clock_causal"
    """An entry that has seen all others wins; between concurrent ones nobody does."""


class ReasonCode(StrEnum):
    """Why a conflict came out as it did, for machines."""

    CAUSALLY_LATER = "causally_later"
    """The winner's author had seen all the other entries."""
    LATER_TIMESTAMP = "later_timestamp"
    """The winner has the latest timestamp."""
    HIGHER_NODE = "higher_node"
    """Timestamps are equal; the winner has the higher node id."""
    HIGHER_PAYLOAD_HASH = "higher_payload_hash"
    """Timestamps and nodes are equal; the winner has the higher payload hash."""
    CONCURRENT = "concurrent"
    """The entries are concurrent and the strategy does not choose between such."""


class Side(StrEnum):
    """One of the two sides of a conflict between two entries."""

    LOCAL = "local"
    """The entry that was here."""
    REMOTE = "remote"
    """The entry that came."""


class ConflictType(StrEnum):
    """The shape of a conflict as one side sees it: the local operation, then the remote one.

    The other side sees the ``mirror()``; both see the same ``conflict_class``.

    >>> import causelog
    >>> shape = causelog.ConflictType.of("update", "delete")
    >>> shape.mirror()
    <ConflictType.DELETE_UPDATE: 'delete_update'>
    >>> shape.conflict_class == shape.mirror().conflict_class == "update_delete"
    True
    """

    INSERT_INSERT = "insert_insert"
    """Both inserted the row."""
    INSERT_UPDATE = "insert_update"
    """Inserted here, updated there."""
    INSERT_DELETE = "insert_delete"
    """Inserted here, deleted there."""
    UPDATE_INSERT = "update_insert"
    """Updated here, inserted there."""
    UPDATE_UPDATE = "update_update"
    """Both updated the row."""
    UPDATE_DELETE = "update_delete"
    """Updated here, deleted there."""
    DELETE_INSERT = "delete_insert"
    """Deleted here, inserted there."""
    DELETE_UPDATE = "delete_update"
    """Deleted here, updated there."""
    DELETE_DELETE = "delete_delete"
    """Both deleted the row: concurrent, but there is nothing to disagree about."""

    @staticmethod
    def of(local: ChangeOperation | str, remote: ChangeOperation | str) -> ConflictType:
        """The shape of these two operations."""
        return _native._conflict_type_of(local, remote)

    def mirror(self) -> ConflictType:
        """The shape that the other side sees."""
        return _native._conflict_type_mirror(self)

    @property
    def conflict_class(self) -> ConflictClass:
        """The class, which is the same from both sides."""
        return _native._conflict_type_class(self)

    @property
    def operations(self) -> tuple[ChangeOperation, ChangeOperation]:
        """The local and the remote operation."""
        return _native._conflict_type_operations(self)


class ConflictClass(StrEnum):
    """The kind of a conflict whichever side looks at it, of two heads or more.

    Policies are declared by class, because two replicas see the same conflict from opposite sides.

    >>> import causelog
    >>> causelog.ConflictClass.of(["update", "delete", "update"])
    <ConflictClass.UPDATE_DELETE: 'update_delete'>
    """

    INSERT_INSERT = "insert_insert"
    """Inserts only."""
    INSERT_UPDATE = "insert_update"
    """Inserts and updates."""
    INSERT_DELETE = "insert_delete"
    """Inserts and deletes."""
    UPDATE_UPDATE = "update_update"
    """Updates only."""
    UPDATE_DELETE = "update_delete"
    """Updates, with or without inserts, and deletes."""
    DELETE_DELETE = "delete_delete"
    """Deletes only."""

    @staticmethod
    def of(operations: Iterable[ChangeOperation | str]) -> ConflictClass | None:
        """The class of heads with these operations; None if there are none."""
        return _native._conflict_class_of(operations)
