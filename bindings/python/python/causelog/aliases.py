"""Types for annotations: what the functions of this package take as row ids, payloads and strategies."""

from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

__all__ = ["Payload", "RowId", "RowIdPart", "Strategy"]

RowIdPart: TypeAlias = int | str | bytes | UUID
"""One scalar of a row id; an int of at most 64 bits, and no bool."""

RowId: TypeAlias = RowIdPart | tuple[RowIdPart, ...]
"""The identity of a row within its table. It comes back as it went in."""

Payload: TypeAlias = bytes | bytearray | memoryview | dict[str, Any] | list[Any] | tuple[Any, ...] | str | int | float
"""A row's image: bytes-like as it is, anything else as compact JSON. A str is a JSON string."""

Strategy: TypeAlias = str | Mapping[str, Any]
"""How conflicts are decided: the name of a ``ConflictResolution``, or a mapping with its ``kind`` and parameters."""
