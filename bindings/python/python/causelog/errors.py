"""The exceptions: one class for each code of the table that all languages share.

Branch on the class or on ``code``; the message is for people and may change. Where Python has
an exception of the same meaning, the class is one of those as well, so that ``except LookupError``
catches a :class:`NotFoundError`.

>>> import causelog, uuid
>>> try:
...     causelog.ChangeLog.in_memory().vector_clock(causelog.Dot(uuid.UUID(int=1), 1))
... except LookupError as error:
...     print(error.code, error.retryable)
NOT_FOUND False
"""

import builtins
from typing import ClassVar

from causelog._native import ERROR_CODES

__all__ = [
    "BY_CODE",
    "AlreadyExistsError",
    "CancelledError",
    "CdcDisabledError",
    "ClockSkewError",
    "ClosedError",
    "CorruptError",
    "DotReuseError",
    "Error",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "LockedError",
    "MissingDependencyError",
    "NoSpaceError",
    "NotFoundError",
    "ProtocolError",
    "QuotaExceededError",
    "ReadOnlyError",
    "ResolverFailedError",
    "TimeoutError",
    "TooLargeError",
    "TruncatedError",
    "UnauthorizedError",
    "UnavailableError",
    "UnresolvedError",
    "UnsupportedError",
    "VersionMismatchError",
]

BY_CODE: dict[str, type["Error"]] = {}
"""The exception class of each code, by the code's name."""


class Error(Exception):
    """A failed call of this library: the base of all its exceptions.

    A call that raises has changed nothing, unless its documentation says otherwise.
    """

    code: ClassVar[str] = "INTERNAL"
    """The code's name, such as ``"NOT_FOUND"``. Every exception of the library is of a class that has its own."""
    number: ClassVar[int] = ERROR_CODES["INTERNAL"][0]
    """The code's number, which is what the C surface returns."""
    retryable: ClassVar[bool] = ERROR_CODES["INTERNAL"][1]
    """Whether the same call can succeed later with nothing changed by the caller."""

    def __init_subclass__(cls, *, code: str | None = None) -> None:
        super().__init_subclass__()
        if code is not None:
            cls.code = code
            cls.number, cls.retryable = ERROR_CODES[code]
            BY_CODE[code] = cls


class InvalidArgumentError(Error, ValueError, code="INVALID_ARGUMENT"):
    """An argument is not of the form that the call takes. Mend the call."""


class NotFoundError(Error, LookupError, code="NOT_FOUND"):
    """What was named does not exist."""


class AlreadyExistsError(Error, code="ALREADY_EXISTS"):
    """What was to be made exists already."""


class LockedError(Error, code="LOCKED"):
    """Another handle or process is writing this directory. Close that one, or wait."""


class ReadOnlyError(Error, code="READ_ONLY"):
    """The handle, the file or the file system does not allow writing."""


class IoError(Error, OSError, code="IO"):
    """The operating system refused to read or write; the message says what it said."""


class NoSpaceError(Error, OSError, code="NO_SPACE"):
    """There is no space left to write to. Nothing was written: make room and call again."""


class CorruptError(Error, code="CORRUPT"):
    """Stored bytes are damaged; the message names the file and the offset."""


class ClosedError(Error, code="CLOSED"):
    """The handle was closed, or an internal failure closed it. Open it again."""


class TruncatedError(Error, code="TRUNCATED"):
    """The position asked for lies below what retention has kept."""


class TimeoutError(Error, builtins.TimeoutError, code="TIMEOUT"):
    """The time allowed ran out."""


class CancelledError(Error, code="CANCELLED"):
    """The caller cancelled the call."""


class CdcDisabledError(Error, code="CDC_DISABLED"):
    """The tenant's plan does not include change capture."""


class QuotaExceededError(Error, code="QUOTA_EXCEEDED"):
    """A limit of the tenant's plan is reached; the message names limit, use and plan."""


class ClockSkewError(Error, code="CLOCK_SKEW"):
    """A remote timestamp lies further ahead of local time than allowed. Nothing was written."""


class DotReuseError(Error, code="DOT_REUSE"):
    """The same dot came with another content: two nodes share one identity."""


class MissingDependencyError(Error, code="MISSING_DEPENDENCY"):
    """A transaction depends on one that this log does not hold. Bring that one first."""


class VersionMismatchError(Error, code="VERSION_MISMATCH"):
    """The row has changed since it was read. Read it again."""


class UnresolvedError(Error, code="UNRESOLVED"):
    """The row waits for a resolver or a person to decide."""


class ResolverFailedError(Error, code="RESOLVER_FAILED"):
    """A custom resolver failed, or answered differently for the same heads."""


class UnauthorizedError(Error, code="UNAUTHORIZED"):
    """The credentials do not allow this."""


class ProtocolError(Error, code="PROTOCOL"):
    """A message of the peer is not of the form that the protocol prescribes."""


class UnavailableError(Error, ConnectionError, code="UNAVAILABLE"):
    """The peer or service cannot be reached now."""


class TooLargeError(Error, ValueError, code="TOO_LARGE"):
    """A value, a counter or a message is larger than allowed."""


class UnsupportedError(Error, code="UNSUPPORTED"):
    """The format or feature belongs to another version."""


class InternalError(Error, RuntimeError, code="INTERNAL"):
    """A bug in causelog: the handle is closed, what was acknowledged is kept. Please report it."""
