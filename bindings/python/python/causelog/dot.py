"""The identity of one change, everywhere."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from causelog import _native

__all__ = ["Dot"]


class Dot(NamedTuple):
    """Which node made a change, and the how-manieth of that node it is.

    A transaction is named by its last dot. Sequences start at 1 and have no gaps. Wherever a
    dot is taken, a plain tuple of node and sequence is taken too.

    >>> import causelog, uuid
    >>> dot = causelog.Dot(uuid.UUID(int=10), 7)
    >>> str(dot)
    '00000000-0000-0000-0000-00000000000a:7'
    >>> causelog.Dot.parse(str(dot)) == dot
    True
    """

    node: UUID
    """The node that made the change."""
    sequence: int
    """The node's own gap-free counter, from 1."""

    def __str__(self) -> str:
        return f"{self.node}:{self.sequence}"

    @staticmethod
    def parse(text: str) -> Dot:
        """Read a dot from its text, ``node:sequence``.

        Raises:
            InvalidArgumentError: if the text is not of that form.
        """
        return _native._parse_dot(text)
