"""Replay a trace of many nodes' transactions into a log, and report every conflict in it.

The trace holds one JSON object a line, in a causal order: `txn`, `node`, `parents`, `timestamp`
and `changes`, each with `table`, `row_id`, `operation` and, unless it is a delete, `after`.
"""

import argparse
import errno
import gzip
import json
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import causelog

# The moment at which the replay takes place: later than any trace, and the same in every run.
NOW = causelog.parse_timestamp("2100-01-01T00:00:00Z")

T = TypeVar("T")


class Refused(Exception):
    """Why the replay stops: where, what, and under which code of the error table."""

    def __init__(self, where: object, what: object, code: str) -> None:
        super().__init__(f"{where}: {what} ({code})")


class Malformed(Exception):
    """What is wrong with a line of the trace."""


@contextmanager
def named(where: object) -> Iterator[None]:
    """Says where an error happened."""
    try:
        yield
    except Malformed as error:
        raise Refused(where, error, "INVALID_ARGUMENT") from error
    except causelog.Error as error:
        raise Refused(where, error, error.code) from error
    except (EOFError, zlib.error) as error:
        raise Refused(where, error, "IO") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise Refused(where, error.strerror or error, "NO_SPACE" if full else "IO") from error


# Reading the trace.


class Number(str):
    """A number as the trace spells it, so that images keep it to the digit."""


def refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=refuse_constant)


def compact(value: Any) -> str:
    """JSON without white space, keys as given."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(key)}:{compact(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def parse(line: bytes) -> Any:
    try:
        return DECODER.decode(line.decode())
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 from byte {error.start + 1} of the line on") from error
    except RecursionError as error:
        raise Malformed("not JSON: nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error


def member(of: Any, name: str, kind: type[T]) -> T:
    """A member of a JSON object, which must be there and of this kind."""
    if not isinstance(of, dict):
        raise Malformed(f"not an object: {of!r}")
    if name not in of:
        raise Malformed(f"{name} is missing")
    value = of[name]
    if not isinstance(value, kind) or isinstance(value, Number):
        kinds: dict[Any, str] = {str: "text", list: "an array", dict: "an object"}
        raise Malformed(f"{name} is not {kinds[kind]}: {value!r}")
    return value


def row_id_of(change: dict[str, Any]) -> causelog.RowId:
    row_id = change.get("row_id")
    if isinstance(row_id, Number) and row_id.lstrip("-").isdigit():
        return int(row_id)
    if isinstance(row_id, Number) or not isinstance(row_id, str):
        raise Malformed(f"row_id is neither text nor a whole number: {row_id!r}")
    return row_id


def after_of(change: dict[str, Any], operation: causelog.ChangeOperation) -> bytes | None:
    if change.get("after") is None and operation is causelog.ChangeOperation.DELETE:
        return None
    try:
        return compact(member(change, "after", dict)).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise Malformed(f"after is not text: {error}") from error


def change_of(change: Any) -> causelog.Change:
    table, name = member(change, "table", str), member(change, "operation", str)
    if name not in list(causelog.ChangeOperation):
        raise Malformed(f"unknown operation {name!r}: it is one of {', '.join(causelog.ChangeOperation)}")
    operation = causelog.ChangeOperation(name)
    return causelog.Change(table, row_id_of(change), operation, after=after_of(change, operation))


@dataclass
class Names:
    """Which dot each transaction's name stands for, and how far each node has counted."""

    dots: dict[str, causelog.Dot] = field(default_factory=dict)
    sequences: Counter[UUID] = field(default_factory=Counter)

    def transaction(self, line: bytes) -> causelog.Transaction:
        """The transaction on a line of the trace."""
        read = parse(line)
        name, node = member(read, "txn", str), member(read, "node", str)
        if name in self.dots:
            raise Malformed(f"transaction {name!r} comes for the second time")
        try:
            author = UUID(node)
        except ValueError as error:
            raise Malformed(f"node is not a UUID: {node!r}") from error
        dependencies = [self.dot(parent) for parent in member(read, "parents", list)]
        timestamp = causelog.parse_timestamp(member(read, "timestamp", str))
        changes = [change_of(change) for change in member(read, "changes", list)]
        self.sequences[author] += max(1, len(changes))
        self.dots[name] = causelog.Dot(author, self.sequences[author])
        return causelog.Transaction(
            node=author,
            sequence=self.sequences[author],
            dependencies=dependencies,
            timestamp=timestamp,
            changes=changes,
        )

    def dot(self, parent: Any) -> causelog.Dot:
        if not isinstance(parent, str) or parent not in self.dots:
            raise Malformed(f"parent {parent!r} does not stand before its child")
        return self.dots[parent]


def append(trace: str, log: causelog.ChangeLog) -> int:
    """Appends every transaction of the trace to the log, and returns how many there are."""
    names, number = Names(), 0
    with named(trace), gzip.open(trace) if trace.endswith(".gz") else Path(trace).open("rb") as lines:
        while line := lines.readline():
            number += 1
            with named(f"{trace}:{number}"):
                log.append_remote(names.transaction(line))
        if number == 0:
            raise Malformed("the trace is empty")
    return number


# Comparing every two changes of every row.


@dataclass
class Seen:
    """What the comparisons need of an entry, taken out of it once."""

    entry: causelog.ChangeEntry
    dot: causelog.Dot
    operation: str
    after: bytes | None
    clock: causelog.VectorClock

    @staticmethod
    def of(entry: causelog.ChangeEntry) -> "Seen":
        return Seen(entry, entry.dot, entry.operation, entry.after, entry.vector_clock)


@dataclass
class Row:
    entries: list[Seen] = field(default_factory=list)
    heads: list[Seen] = field(default_factory=list)


def disagree(entries: list[Seen]) -> bool:
    return len({seen.after for seen in entries}) > 1


@dataclass
class Findings:
    transactions: int
    changes: int = 0
    rows: dict[tuple[str, causelog.RowId], Row] = field(default_factory=dict)
    ordered: int = 0
    concurrent: Counter[str] = field(default_factory=Counter)
    settled: list[causelog.ConflictReport] = field(default_factory=list)
    standing: list[causelog.ConflictReport] = field(default_factory=list)

    @property
    def reports(self) -> list[causelog.ConflictReport]:
        return self.settled + self.standing

    def rows_by_heads(self) -> list[tuple[int, int]]:
        return sorted(Counter(len(row.heads) for row in self.rows.values()).items())

    def take(self, entry: causelog.ChangeEntry, detector: causelog.ConflictDetector) -> None:
        """Compares the entry with every earlier one of its row."""
        new, row = Seen.of(entry), self.rows.setdefault((entry.table, entry.row_id), Row())
        self.changes += 1
        predecessors: list[Seen] = []
        for earlier in reversed(row.entries):
            if not new.clock.covers(earlier.dot):
                self.concurrent["-".join(sorted((earlier.operation, new.operation)))] += 1
                continue
            self.ordered += 1
            if not any(later.clock.covers(earlier.dot) for later in predecessors):
                predecessors.append(earlier)
        if disagree(predecessors):
            entries = [seen.entry for seen in predecessors]
            self.settled.append(detector.resolve(entries, settled_by=new.dot))
        row.heads = [head for head in row.heads if not new.clock.covers(head.dot)] + [new]
        row.entries.append(new)


def analyse(log: causelog.ChangeLog, transactions: int, clock: causelog.ManualTime) -> Findings:
    detector = causelog.ConflictDetector("last_write_wins", time=clock)
    findings = Findings(transactions)
    for entry in log.query():
        findings.take(entry, detector)
    for row in findings.rows.values():
        if disagree(row.heads):
            findings.standing.append(detector.resolve(head.entry for head in row.heads))
    return findings


# Telling what was found.


def summary(findings: Findings) -> dict[str, Any]:
    return {
        "transactions": findings.transactions,
        "changes": findings.changes,
        "rows": len(findings.rows),
        "pairs_ordered": findings.ordered,
        "pairs_concurrent": findings.concurrent.total(),
        "concurrent_by_operations": dict(sorted(findings.concurrent.items())),
        "conflicts_standing": len(findings.standing),
        "conflicts_settled": len(findings.settled),
        "rows_by_heads_at_the_end": {str(heads): rows for heads, rows in findings.rows_by_heads()},
    }


def table(findings: Findings) -> Iterator[tuple[str, int]]:
    yield "  transactions", findings.transactions
    yield "  changes", findings.changes
    yield "  pairs ordered", findings.ordered
    yield "  pairs concurrent", findings.concurrent.total()
    for operations, pairs in sorted(findings.concurrent.items()):
        yield f"    {operations}", pairs
    yield "  rows", len(findings.rows)
    for heads, rows in findings.rows_by_heads():
        yield f"    with {heads} head{'' if heads == 1 else 's'}", rows
    yield "  conflicts standing", len(findings.standing)
    yield "  conflicts settled", len(findings.settled)
    kinds = Counter(f"    {report.conflict_class}, won by {report.reason_code}" for report in findings.reports)
    yield from sorted(kinds.items())


def print_findings(trace: str, reports: str, findings: Findings, seconds: float) -> None:
    print(f"Python: replay of {trace}")
    for label, number in table(findings):
        print(f"{label}{number:>{max(30 - len(label), len(str(number)) + 1)}}")
    print("  three reports in full:")
    print("\n\n".join(map(str, findings.reports[:3])), end="\n" if findings.reports else "")
    print(f"  reports written to {reports}")
    print(f"  time{seconds:>23.3f} s")


def write(path: str, lines: Iterable[str]) -> None:
    with named(path), Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def replay(trace: str, directory: str, reports: str, summary_path: str) -> None:
    started = time.monotonic()
    clock = causelog.ManualTime(NOW)
    with named(directory), causelog.ChangeLog.open(directory, durability="os", time=clock) as log:
        transactions = append(trace, log)
        # One sync in the end makes the whole trace durable: a job that is cut short is done again.
        log.sync()
        findings = analyse(log, transactions, clock)
    write(reports, (report.to_json() for report in findings.reports))
    write(summary_path, [json.dumps(summary(findings), separators=(",", ":"))])
    print_findings(trace, reports, findings, time.monotonic() - started)


def main() -> int:
    parser = argparse.ArgumentParser(prog="replay", description=__doc__, allow_abbrev=False)
    parser.add_argument("trace", metavar="TRACE", help="the trace; compressed if its name ends in .gz")
    parser.add_argument("--log", required=True, metavar="DIR", help="the directory of the log")
    parser.add_argument("--reports", required=True, metavar="FILE", help="where the reports go, as JSON Lines")
    parser.add_argument("--summary", required=True, metavar="FILE", help="where the numbers go, as JSON")
    arguments = parser.parse_args()
    try:
        replay(arguments.trace, arguments.log, arguments.reports, arguments.summary)
    except Refused as refused:
        print(f"replay: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
