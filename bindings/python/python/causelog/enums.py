"""The enumerations. Their members are strings, which are the same in every language.

Wherever a member is taken, its plain string is taken too.

>>> import causelog
>>> causelog.ChangeOperation.INSERT == "insert"
True
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from causelog import _native
from causelog.aliases import Strategy

__all__ = [
    "Causality",
    "ChangeOperation",
    "ConflictClass",
    "ConflictResolution",
    "ConflictType",
    "Durability",
    "FieldPolicy",
    "Liveness",
    "ReasonCode",
    "RemovalReason",
    "RowState",
    "Side",
    "Verdict",
    "Winner",
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
    """How a conflict is decided: the kinds of strategies.

    Every strategy is a function of the row's entries alone: whoever holds the same entries decides
    alike, without a message and without writing anything.

    Wherever a strategy is taken, it is a member, its plain string, a dict with the ``kind`` and the
    parameters, or the JSON of one. It is given back as a member where it has no parameters, and as a dict
    otherwise. Wherever a dict has a strategy as ``fallback``, that is written in the same way.

    >>> import causelog
    >>> causelog.ConflictDetector("last_write_wins").resolution
    <ConflictResolution.LAST_WRITE_WINS: 'last_write_wins'>
    >>> causelog.ConflictDetector({"kind": "delete_wins", "fallback": "first_write_wins"}).resolution
    {'kind': 'delete_wins', 'fallback': 'first_write_wins'}
    """

    LAST_WRITE_WINS = "last_write_wins"
    """The latest entry wins. A replica counts an entry as later than all that its author had seen of the
    row, whatever the wall clocks said; the plain detector, which knows no history, goes by the timestamp. Of
    equal ones that of the higher node id wins, and last that with the higher payload hash."""
    FIRST_WRITE_WINS = "first_write_wins"
    """Of two entries the one wins whose past, with itself, holds the earliest entry that the other's does
    not. So who was first may go on editing the row."""
    NODE_PRIORITY = "node_priority"
    """The entry of the node that comes first in ``order``, a list of nodes, wins. Nodes that are not listed
    come last; among those, and between entries of one node, the latest wins."""
    VECTOR_CLOCK_CAUSAL = "vector_clock_causal"
    """An entry that has seen all others wins. Between concurrent ones the ``fallback`` decides; without one
    nobody does, and the conflict waits for somebody as with ``manual``."""
    DELETE_WINS = "delete_wins"
    """A delete wins over entries that leave the row alive. What is left is resolved by the ``fallback``."""
    UPDATE_WINS = "update_wins"
    """Entries that leave the row alive win over deletes. What is left is resolved by the ``fallback``."""
    FIELD_MERGE = "field_merge"
    """Rows that are JSON objects are merged field by field. A field that only one side changed keeps that
    change; where both changed it, its policy in ``fields`` decides: a ``FieldPolicy`` by the field's name. Of a
    field that is not named the latest change wins. ``liveness``, a ``Liveness``, says whether the row is
    there when one side deleted it. Rows that are no JSON objects are resolved as by ``last_write_wins``."""
    MANUAL = "manual"
    """Nobody wins until somebody decides. Until then the row has the value of the latest entry."""
    CUSTOM = "custom"
    """A function of the application decides, found by its ``name`` and ``version``; see
    ``Replica.register_resolver``."""

    @staticmethod
    def kind(strategy: Strategy) -> ConflictResolution:
        """The kind of a strategy, without its parameters.

        Raises:
            InvalidArgumentError: when it is no strategy.

        >>> import causelog
        >>> causelog.ConflictResolution.kind('{"kind":"delete_wins","fallback":"manual"}')
        <ConflictResolution.DELETE_WINS: 'delete_wins'>
        """
        return _native._strategy_kind(strategy)

    @staticmethod
    def parse(strategy: Strategy) -> ConflictResolution | dict[str, Any]:
        """A strategy in the form in which it is given back.

        Raises:
            InvalidArgumentError: when it is no strategy.

        >>> import causelog
        >>> causelog.ConflictResolution.parse('{"kind":"field_merge","fields":{"tags":"set"}}')
        {'kind': 'field_merge', 'liveness': 'last_write_wins', 'fields': {'tags': 'set'}}
        """
        return _native._strategy_parse(strategy)

    @staticmethod
    def to_text(strategy: Strategy) -> str:
        """The one text of a strategy, which is the same in every language: its name, or a JSON object.

        Raises:
            InvalidArgumentError: when it is no strategy.

        >>> import causelog
        >>> causelog.ConflictResolution.to_text({"fallback": "manual", "kind": "delete_wins"})
        '{"kind":"delete_wins","fallback":"manual"}'
        """
        return _native._strategy_text(strategy)

    @staticmethod
    def fallback(strategy: Strategy) -> ConflictResolution | dict[str, Any] | None:
        """The strategy that this one hands over to; None if there is none.

        Raises:
            InvalidArgumentError: when it is no strategy.
        """
        return _native._strategy_fallback(strategy)

    @staticmethod
    def validate(strategy: Strategy) -> None:
        """Check whether a strategy makes sense by itself.

        Raises:
            InvalidArgumentError: with the reason, for a node listed twice, a fallback that could never be
                asked or that contradicts what it is the fallback of, and a custom resolver without a name.
        """
        _native._strategy_validate(strategy)


class Liveness(StrEnum):
    """Whether a row whose fields are merged is there when some deleted it while others changed it."""

    LAST_WRITE_WINS = "last_write_wins"
    """Whatever the latest of them did."""
    DELETE_WINS = "delete_wins"
    """It is gone."""
    UPDATE_WINS = "update_wins"
    """It is there."""


class FieldPolicy(StrEnum):
    """What decides between concurrent changes of one field, where rows are merged field by field."""

    LAST_WRITE_WINS = "last_write_wins"
    """The latest change wins."""
    MAX = "max"
    """The largest value wins: null, then false, true, numbers, strings, arrays, objects, each by value. Who
    removed the field loses against who set it."""
    MIN = "min"
    """The smallest value wins, in the same order. Who removed the field loses against who set it."""
    SET = "set"
    """The field is an array that is taken as a set, and holds what somebody put in whom nobody who had seen
    it has contradicted. Merged, it is sorted. Anything but an array is resolved as ``last_write_wins``."""
    COUNTER = "counter"
    """The field is a 64-bit integer, and what everybody added to it is added up. Anything but an integer,
    and a sum that leaves the range, is resolved as ``last_write_wins``."""


class RowState(StrEnum):
    """How a row's value came about."""

    RESOLVED = "resolved"
    """One entry has seen all others, or the rules have decided between those that have not."""
    PENDING = "pending"
    """Somebody has to decide. The value is provisional, and the same everywhere."""
    UNRESOLVED = "unresolved"
    """A function of the application has to decide, and is not registered here or has failed. The value is
    provisional, and may be another one on replicas where it has decided."""


class Winner(StrEnum):
    """Who won a conflict, where it is no head."""

    MERGED = "merged"
    """None of the heads alone: the value was put together, or is the resolver's own."""
    PENDING = "pending"
    """Nobody yet: somebody has to decide. The value is provisional."""


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
    LATER_SUCCESSION = "later_succession"
    """The winner succeeds a later entry than the others do, though its own timestamp, by a wall clock that
    ran behind, is not the latest."""
    EARLIER_WRITE = "earlier_write"
    """The winner's past goes back to the earliest entry that not all have seen."""
    HIGHER_PRIORITY = "higher_priority"
    """The winner's node comes first in the list."""
    DELETE_WINS = "delete_wins"
    """Deletes win over live entries; what was left was resolved by the fallback."""
    UPDATE_WINS = "update_wins"
    """Live entries win over deletes; what was left was resolved by the fallback."""
    FIELDS_MERGED = "fields_merged"
    """The value was put together field by field."""
    NOT_AN_OBJECT = "not_an_object"
    """The fields cannot be merged because a payload is no JSON object: the latest entry wins."""
    CUSTOM = "custom"
    """The application's resolver decided."""
    DEFERRED = "deferred"
    """The application's resolver left it to somebody to decide."""
    RESOLVER_MISSING = "resolver_missing"
    """The application's resolver is not registered here: the value is that of the latest entry until it is."""
    RESOLVER_FAILED = "resolver_failed"
    """The application's resolver failed: the value is that of the latest entry until somebody decides."""


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
