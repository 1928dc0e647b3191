"""Histories of one row with the answers of an independent reference, whatever the order of delivery."""

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import causelog
import pytest
from causelog import Change, ChangeEntry, ConflictDetector, Dot, Replica, ResolverRegistry, Transaction, VectorClock
from causelog.enums import ConflictResolution

ROOT = Path(__file__).parents[3]
HISTORIES = ROOT.parent / "shared" / "model" / "row-histories.jsonl.gz"
"""What README.md beside it says; read where it lies."""

Json = dict[str, Any]


def histories() -> list[Json]:
    if not HISTORIES.exists():
        pytest.skip(f"the histories are not here: {os.path.relpath(HISTORIES, ROOT)}")
    with gzip.open(HISTORIES, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def strategy(history: Json) -> Json:
    # The reference's name for the liveness that the latest entry decides.
    found: Json = json.loads(json.dumps(history["strategy"]).replace("highest_k", "last_write_wins"))
    return found


def dot(value: list[Any]) -> Dot:
    return Dot(UUID(value[0]), value[1])


def entry(value: Json) -> ChangeEntry:
    own = dot([value["node"], value["sequence"]])
    return ChangeEntry(
        node=own.node,
        sequence=own.sequence,
        vector_clock=VectorClock([*map(dot, value["seen"]), own]),
        timestamp=value["timestamp"],
        table="rows",
        row_id=1,
        operation=value["operation"],
        after=value["after"],
    )


def transaction(value: Json, by_dot: dict[Dot, Json]) -> Transaction:
    """The entry as a transaction of its own, which depends on what no other that its author had seen covers."""
    seen = {dot(each) for each in value["seen"]}
    covered = {dot(other) for each in seen for other in by_dot[each]["seen"]}
    change = Change("rows", 1, value["operation"], after=value["after"])
    return Transaction(
        node=UUID(value["node"]),
        sequence=value["sequence"],
        dependencies=sorted(seen - covered),
        timestamp=value["timestamp"],
        changes=[change],
    )


def orders(entries: list[Json], rng: random.Random) -> Iterator[list[Json]]:
    """Orders in which every entry comes after all that its author had seen, some entries several times."""
    yield [each for each in entries for _ in range(2)]
    for _ in range(3):
        delivered: list[Json] = []
        known: set[Dot] = set()
        left = list(entries)
        while left:
            ready = [each for each in left if {dot(other) for other in each["seen"]} <= known]
            chosen = rng.choice(ready)
            left.remove(chosen)
            known.add(dot([chosen["node"], chosen["sequence"]]))
            delivered.append(chosen)
            if rng.random() < 0.3:
                delivered.append(rng.choice(delivered))
        yield delivered


def of_report(report: causelog.ConflictReport) -> Json:
    return {
        "class": report.conflict_class.value,
        "heads": sorted(head.dot for head in report.heads),
        "ancestor": report.ancestor_json(),
        "winner": str(report.winner),
        "value": report.value_json(),
        "settled_by": report.settled_by,
    }


def of_model(report: Json) -> Json:
    return {
        "class": report["class"],
        "heads": sorted(map(dot, report["heads"])),
        "ancestor": report["ancestor"],
        "winner": report["winner"] if isinstance(report["winner"], str) else str(dot(report["winner"])),
        "value": report["value"],
        "settled_by": dot(report["settled_by"]) if "settled_by" in report else None,
    }


def answer(value: Any, heads: Any, standing: Json | None, settled: list[Json]) -> Json:
    by_who = sorted(settled, key=lambda report: (report["settled_by"], report["heads"]))
    return {"value": value, "heads": sorted(heads), "standing": standing, "settled": by_who}


def wanted(history: Json) -> Json:
    standing = history["standing"]
    return answer(
        history["value"],
        map(dot, history["heads"]),
        None if standing is None else of_model(standing),
        list(map(of_model, history["settled"])),
    )


def test_the_plain_detector_gives_the_answers_of_the_reference() -> None:
    rng = random.Random(1)
    for number, history in enumerate(histories()):
        detector = ConflictDetector(strategy(history), time=causelog.ManualTime(1))
        entries = [entry(each) for each in history["entries"]]
        row = detector.resolve_row(entries)
        standing = None if row.standing is None else of_report(row.standing)
        found = answer(row.value_json(), row.heads, standing, list(map(of_report, row.settled)))
        assert found == wanted(history), f"history {number}, {strategy(history)}"
        rng.shuffle(entries)
        assert detector.resolve_row([*entries, rng.choice(entries)]) == row, f"history {number}"


def test_a_replica_gives_them_in_any_causal_order() -> None:
    rng = random.Random(2)
    skew = causelog.ManualTime(2**63 - 1)
    sample = rng.sample(list(enumerate(histories())), 300)
    kinds = set()
    for number, history in sample:
        kinds.add(ConflictResolution.kind(strategy(history)))
        by_dot = {dot([each["node"], each["sequence"]]): each for each in history["entries"]}
        told: set[str] = set()
        for order in orders(history["entries"], rng):
            with Replica.in_memory(registry=ResolverRegistry(strategy(history)), time=skew) as replica:
                for each in order:
                    replica.apply(transaction(each, by_dot))
                row, reports = replica.get("rows", 1), replica.conflicts()
                found = answer(
                    None if row is None else row.value_json(),
                    replica.heads("rows", 1),
                    of_report(reports[0]) if reports else None,
                    list(map(of_report, replica.settled_conflicts())),
                )
                assert found == wanted(history), f"history {number}, {strategy(history)}"
                assert len(reports) <= 1
                story = replica.why("rows", 1)
                assert story.value == (None if row is None else row.value)
                told.add(str(story))
        assert len(told) == 1, f"history {number}"
    assert len(kinds) > 5
