"""`interop.py write DIR`, `interop.py dump DIR`: the Python side of the test that all languages share one log.

It makes the calls, and prints the lines, of the Rust side: demo/rust/src/bin/interop.rs.
"""

import json
import sys
from uuid import UUID

from causelog import Change, ChangeLog, Dot, ManualTime, Transaction

NOW = 1_700_000_000_123_456_789
SECOND = 1_000_000_000
OWN = UUID("11111111-1111-4111-8111-111111111111")
PEER = UUID("22222222-2222-4222-8222-222222222222")
FAR = UUID("33333333-3333-4333-8333-333333333333")


def write(directory):
    time = ManualTime(NOW)
    with ChangeLog.open(directory, node=OWN, time=time) as log:
        # One change, with metadata.
        first = Change.insert("orders", 42, {"qty": 1, "note": "größe"}, metadata={"actor": "alice", "why": "über 🦀"})
        show(log.append(first))

        # Every type of row id, and payloads that are JSON, empty, and neither.
        show(
            log.append_transaction(
                [
                    Change.update("orders", 42, {"qty": 1, "note": "größe"}, {"qty": 2}),
                    Change.insert("таблица 🦀", 'a "quoted" \0 line\n', "text"),
                    Change.insert("orders", FAR, b""),
                    Change.insert("orders", b"\x00\xff\x00", b"\xff\xfe\x00\x01"),
                    Change.insert("lines", (7, "sku", b"\x00\xff", FAR), []),
                    Change.insert("lines", (42,), b"null"),
                ]
            )
        )
        integers = [-(2**63), -1, 0, 255, 256, 2**63 - 1]
        show(log.append_transaction([Change.insert("numbers", row_id, row_id) for row_id in integers]))

        # A payload larger than a read block.
        time.advance(SECOND)
        show(log.append(Change.insert("large", "", bytes(at % 251 for at in range(100_000)))))

        # Deletes and updates, with and without the images before and after.
        show(log.append(Change.delete("orders", 42, {"qty": 2})))
        show(
            log.append_transaction(
                [
                    Change.delete("orders", "gone"),
                    Change("orders", "unknown", "update"),
                    Change("orders", "half", "update", before=1),
                    Change("orders", "half", "update", after=2),
                ]
            )
        )

        # Another node's transaction, which this node had not seen and which had not seen this node.
        peer = Transaction(
            node=PEER,
            sequence=2,
            dependencies=[],
            timestamp=NOW - 3600 * SECOND,
            changes=[
                Change.insert("orders", 42, {"qty": 9}, metadata={"actor": "bob"}),
                Change.insert("peers", "ß", {}),
            ],
        )
        show(log.append_remote(peer))
        # A third node's merge, then a change of it that had seen both others.
        merge = Transaction(node=FAR, sequence=1, dependencies=[Dot(PEER, 2)], timestamp=NOW + 100 * SECOND, changes=[])
        show(log.append_remote(merge))
        later = Transaction(
            node=FAR,
            sequence=2,
            dependencies=[Dot(OWN, 14), Dot(FAR, 1)],
            timestamp=-1,
            changes=[Change.delete("orders", 42, {"qty": 2})],
        )
        show(log.append_remote(later))
        # A transaction that the log holds already, this node's merge, and a change after it.
        show(log.append_remote(peer))
        show(log.append_transaction([]))
        show(log.append(Change.insert("orders", 42, {"qty": 3})))


def show(appended):
    line(
        {
            "transaction": str(appended.transaction),
            "timestamp": str(appended.timestamp_ns),
            "first_lsn": optional(appended.first_lsn),
            "last_lsn": optional(appended.last_lsn),
            "duplicate": appended.duplicate,
        }
    )


def dump(directory):
    with ChangeLog.open(directory, node=OWN, time=ManualTime(NOW)) as log:
        past_nodes = [str(node) for node in log.past_nodes]
        line({"log": {"id": str(log.id), "node": str(log.node), "past_nodes": past_nodes}})
        for entry in log.query():
            fields = {
                "lsn": str(entry.lsn),
                "node": str(entry.node),
                "sequence": str(entry.sequence),
                "vector_clock": clock(entry.vector_clock),
                "timestamp": str(entry.timestamp_ns),
                "transaction": str(entry.transaction),
                "verdict": entry.verdict,
            }
            line({"entry": fields | change(entry)})
        for transaction in log.transactions():
            fields = {
                "node": str(transaction.node),
                "sequence": str(transaction.sequence),
                "dependencies": [str(dot) for dot in transaction.dependencies],
                "timestamp": str(transaction.timestamp_ns),
                "vector_clock": clock(log.vector_clock(transaction.dot)),
                "changes": [change(of) for of in transaction.changes],
            }
            line({"transaction": fields})
        line({"frontier": clock(log.frontier())})
        stats = log.stats()
        tables = {
            name: {
                "inserts": str(table.inserts),
                "updates": str(table.updates),
                "deletes": str(table.deletes),
            }
            for name, table in stats.tables.items()
        }
        fields = {
            "entries": str(stats.entries),
            "transactions": str(stats.transactions),
            "merges": str(stats.merges),
            "nodes": str(stats.nodes),
            "first_lsn": str(stats.first_lsn),
            "last_lsn": str(stats.last_lsn),
            "oldest": milliseconds(stats.oldest_ns),
            "newest": milliseconds(stats.newest_ns),
            "bytes": str(stats.bytes),
            "tables": tables,
        }
        line({"stats": fields})


def change(of):
    return {
        "table": of.table,
        "row_id": row_id(of.row_id),
        "operation": of.operation,
        "before": payload(of.before),
        "after": payload(of.after),
        "metadata": of.metadata,
    }


def clock(of):
    return {str(node): str(sequence) for node, sequence in of.items()}


def row_id(value):
    match value:
        case int():
            return {"integer": str(value)}
        case str():
            return {"text": value}
        case bytes():
            return {"bytes": value.hex()}
        case UUID():
            return {"uuid": str(value)}
        case tuple():
            return {"tuple": [row_id(part) for part in value]}


def payload(value):
    return None if value is None else value.hex()


def optional(value):
    return None if value is None else str(value)


def milliseconds(timestamp_ns):
    return None if timestamp_ns is None else str(timestamp_ns // 1_000_000)


def line(value):
    print(json.dumps(value, ensure_ascii=False))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    commands = {"write": write, "dump": dump}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit("usage: interop.py write|dump DIR")
    commands[sys.argv[1]](sys.argv[2])
