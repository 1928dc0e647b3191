"""Strategies as text and as mappings, what a row comes to by each of them, and the registry that names them."""

import copy
import json
import pickle
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import causelog
import pytest
from causelog import (
    ChangeEntry,
    ConflictDetector,
    ConflictResolution,
    Dot,
    FieldPolicy,
    Liveness,
    ReasonCode,
    ResolverRegistry,
    VectorClock,
    Winner,
)
from conftest import STRATEGIES, A, B, C

CUSTOM: causelog.Strategy = {"kind": "custom", "name": "longest", "version": 2}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a_strategy_comes_back_as_it_went_in(strategy: causelog.Strategy) -> None:
    kind = strategy if isinstance(strategy, str) else strategy["kind"]
    given = ConflictDetector(strategy).resolution
    assert given == strategy
    assert ConflictResolution.parse(strategy) == strategy
    assert ConflictResolution.kind(strategy) is ConflictResolution(kind)
    if isinstance(strategy, str):
        assert given is ConflictResolution(kind)
        assert ConflictResolution.to_text(strategy) == strategy
    text = ConflictResolution.to_text(strategy)
    assert ConflictResolution.parse(text) == strategy
    assert ConflictDetector(text).resolution == strategy
    ConflictResolution.validate(strategy)
    assert eval(repr(ConflictDetector(strategy))).resolution == strategy


def test_there_is_one_of_every_kind() -> None:
    assert {ConflictResolution.kind(strategy) for strategy in STRATEGIES} == set(ConflictResolution)


def test_mappings_of_all_sorts() -> None:
    wanted = {"kind": "node_priority", "order": [str(A), str(B)]}
    given: list[causelog.Strategy] = [
        {"kind": ConflictResolution.NODE_PRIORITY, "order": [A, B]},
        OrderedDict(order=(A, str(B)), kind="node_priority"),
        MappingProxyType({"order": [A, B], "kind": "node_priority"}),
    ]
    for strategy in given:
        assert ConflictDetector(strategy).resolution == wanted
    nested: causelog.Strategy = {"kind": "update_wins", "fallback": MappingProxyType(wanted)}
    assert ConflictResolution.fallback(nested) == wanted
    assert ConflictResolution.fallback("manual") is None
    merge: causelog.Strategy = {
        "kind": "field_merge",
        "liveness": Liveness.DELETE_WINS,
        "fields": {"n": FieldPolicy.MAX},
    }
    assert ConflictResolution.parse(merge) == {"kind": "field_merge", "liveness": "delete_wins", "fields": {"n": "max"}}


def test_what_is_given_back_is_a_copy() -> None:
    detector = ConflictDetector({"kind": "node_priority", "order": []})
    given = detector.resolution
    assert isinstance(given, dict)
    given["order"].append("x")
    assert detector.resolution == {"kind": "node_priority", "order": []}


@pytest.mark.parametrize("policy", FieldPolicy)
@pytest.mark.parametrize("liveness", Liveness)
def test_every_field_policy_and_liveness(policy: FieldPolicy, liveness: Liveness) -> None:
    strategy = {"kind": "field_merge", "liveness": liveness, "fields": {"x": policy}}
    assert ConflictResolution.parse(strategy) == strategy


CYCLE: dict[str, Any] = {"kind": "delete_wins"}
CYCLE["fallback"] = CYCLE


@pytest.mark.parametrize(
    "strategy",
    [
        "",
        "coin",
        "delete_wins",
        "custom",
        "{",
        '{"kind":"manual"} x',
        {},
        {"kind": "coin"},
        {"kind": "delete_wins"},
        {"kind": "delete_wins", "fallback": "coin"},
        {"kind": "node_priority", "order": ["a"]},
        {"kind": "node_priority", "order": [A], "more": 1},
        {"kind": "custom", "name": "x", "version": -1},
        {"kind": "custom", "name": "x", "version": 2**32},
        {"kind": "custom", "name": "\ud800", "version": 1},
        {"kind": "field_merge", "fields": {"x": "best"}},
        {"kind": "field_merge", "liveness": "best"},
        {"kind": "field_merge", "fields": {"x": float("nan")}},
        {1: 2},
        "\ud800",
        CYCLE,
    ],
    ids=repr,
)
def test_what_is_no_strategy(strategy: Any) -> None:
    for call in ConflictDetector, ConflictResolution.kind, ConflictResolution.to_text, ResolverRegistry:
        with pytest.raises(causelog.InvalidArgumentError):
            call(strategy)


@pytest.mark.parametrize(
    "strategy", [None, 1, b"manual", ["manual"], object(), {"kind": object()}, {"kind": b"manual"}]
)
def test_what_is_of_no_type_for_a_strategy(strategy: Any) -> None:
    for call in ConflictDetector, ConflictResolution.parse, ResolverRegistry:
        with pytest.raises(TypeError):
            call(strategy)


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ({"kind": "node_priority", "order": [A, A]}, "is listed twice"),
        ({"kind": "delete_wins", "fallback": {"kind": "update_wins", "fallback": "manual"}}, "never sees deletes"),
        ({"kind": "vector_clock_causal", "fallback": "vector_clock_causal"}, "only asked about concurrent"),
        ({"kind": "delete_wins", "fallback": {"kind": "field_merge", "liveness": "update_wins"}}, "has the liveness"),
        ({"kind": "custom", "name": "", "version": 1}, "needs a name"),
    ],
)
def test_a_strategy_that_makes_no_sense(strategy: causelog.Strategy, why: str) -> None:
    calls: list[Any] = [
        lambda: ConflictResolution.validate(strategy),
        lambda: ResolverRegistry(strategy).validate(),
        lambda: ResolverRegistry().set_default(strategy),
        lambda: ConflictDetector(strategy).resolve_row([entry(A, 1)]),
        lambda: causelog.Replica.in_memory(registry=ResolverRegistry(strategy)),
    ]
    for call in calls:
        with pytest.raises(causelog.InvalidArgumentError, match=why):
            call()


def entry(node: Any, timestamp: int, after: Any = b"x", seen: Any = (), **fields: Any) -> ChangeEntry:
    usual: dict[str, Any] = {
        "node": node,
        "sequence": 1,
        "vector_clock": VectorClock([(node, fields.get("sequence", 1)), *seen]),
        "timestamp": timestamp,
        "table": "stock",
        "row_id": 7,
        "operation": "update",
        "after": after,
    }
    return ChangeEntry(**usual | fields)


START = entry(A, 1, {"count": 10, "tags": ["a"], "x": 1}, operation="insert")
HERE = entry(A, 5, {"count": 12, "tags": ["a", "b"], "x": 1}, sequence=2)
THERE = entry(B, 9, {"count": 9, "tags": ["c"], "x": 2}, [(A, 1)])
GONE = entry(C, 7, None, [(A, 1)], operation="delete")
SEEN: Any = {"sequence": 3, "seen": [(B, 1)]}


@pytest.mark.parametrize(
    ("strategy", "entries", "winner", "reason", "value"),
    [
        ("last_write_wins", [HERE, THERE], THERE.dot, "later_timestamp", THERE.after_json()),
        ("first_write_wins", [HERE, THERE], HERE.dot, "earlier_write", HERE.after_json()),
        ({"kind": "node_priority", "order": [A]}, [HERE, THERE], HERE.dot, "higher_priority", HERE.after_json()),
        ("vector_clock_causal", [HERE, THERE], Winner.PENDING, "concurrent", THERE.after_json()),
        (
            {"kind": "vector_clock_causal", "fallback": "first_write_wins"},
            [HERE, THERE],
            HERE.dot,
            "earlier_write",
            HERE.after_json(),
        ),
        ({"kind": "delete_wins", "fallback": "manual"}, [HERE, GONE], GONE.dot, "delete_wins", None),
        ({"kind": "update_wins", "fallback": "manual"}, [HERE, GONE], HERE.dot, "update_wins", HERE.after_json()),
        (
            {"kind": "field_merge", "fields": {"count": "counter", "tags": "set"}},
            [HERE, THERE],
            Winner.MERGED,
            "fields_merged",
            {"count": 11, "tags": ["b", "c"], "x": 2},
        ),
        ("manual", [HERE, THERE], Winner.PENDING, "concurrent", THERE.after_json()),
        (CUSTOM, [HERE, THERE], Winner.PENDING, "resolver_missing", THERE.after_json()),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_a_row_comes_to(
    strategy: causelog.Strategy, entries: list[ChangeEntry], winner: Dot | Winner, reason: str, value: Any
) -> None:
    detector = ConflictDetector(strategy, time=causelog.ManualTime(0))
    row = detector.resolve_row([START, *entries])
    assert row == detector.resolve_row(reversed([START, *entries, START]))
    assert (row.is_live, row.value_json()) == (value is not None, value)
    assert set(row.heads) == {each.dot for each in entries}
    assert row.settled == []
    report = row.standing
    assert report is not None
    assert (report.winner, report.reason_code) == (winner, ReasonCode(reason))
    assert isinstance(report.winner, Dot | Winner)
    assert report.ancestor_json() == START.after_json() and report.ancestor == START.after
    assert (report.leaves_live, report.value) == (row.is_live, row.value)
    assert (report.rule, report.registry) == ("default", ResolverRegistry(strategy).fingerprint())
    assert report.strategy == ConflictResolution.parse(strategy)
    assert json.loads(report.to_json())["strategy"] == report.strategy
    assert f"winner    {winner}" in str(report)


def test_a_row_whose_conflict_was_settled() -> None:
    last = entry(A, 10, b"last", **SEEN)
    row = ConflictDetector().resolve_row([START, HERE, THERE, last])
    assert (row.standing, row.heads, row.value) == (None, (last.dot,), b"last")
    [report] = row.settled
    assert (report.settled_by, report.winner) == (last.dot, THERE.dot)
    assert repr(row) == "<RowResolution there, heads 1, none standing, 1 settled>"
    with pytest.raises(TypeError):
        hash(row)
    with pytest.raises(causelog.InvalidArgumentError):
        row.value_json()


def test_rows_that_cannot_be_resolved() -> None:
    detector = ConflictDetector()
    with pytest.raises(causelog.InvalidArgumentError, match="without entries"):
        detector.resolve_row([])
    with pytest.raises(causelog.InvalidArgumentError, match="entries of two rows"):
        detector.resolve_row([START, entry(B, 1, row_id=8)])
    with pytest.raises(causelog.DotReuseError):
        detector.resolve_row([START, entry(A, 1, b"forged")])
    for wrong in None, [1], [START, None], START:
        with pytest.raises(TypeError):
            detector.resolve_row(wrong)  # type: ignore[arg-type]


def test_the_most_special_rule_matches() -> None:
    registry = ResolverRegistry("first_write_wins")
    registry.set_table("stock", CUSTOM)
    registry.set_class("stock", "update_delete", "manual")
    assert registry.default_resolution is ConflictResolution.FIRST_WRITE_WINS
    assert registry.rule("orders", "update_update") == ("default", "first_write_wins")
    assert registry.rule("stock", "update_update") == ("stock", CUSTOM)
    assert registry.rule("stock", causelog.ConflictClass.UPDATE_DELETE) == ("stock/update_delete", "manual")
    assert registry.custom_resolvers() == [("longest", 2)]
    registry.set_default("manual")
    assert registry.rule("orders", "update_update") == ("default", ConflictResolution.MANUAL)


def test_the_forms_of_a_registry() -> None:
    registry = ResolverRegistry()
    assert registry.to_json() == '{"default":"last_write_wins","tables":{}}'
    before = registry.fingerprint()
    assert len(before) == 32 and before == ResolverRegistry("last_write_wins").fingerprint()
    registry.set_table("stock", {"kind": "node_priority", "order": [A]})
    assert registry.fingerprint() != before
    text = registry.to_json()
    assert json.loads(text)["tables"] == {"stock": {"default": {"kind": "node_priority", "order": [str(A)]}}}
    assert repr(registry) == f"<ResolverRegistry {text}>"
    copies = [registry.copy(), copy.copy(registry), copy.deepcopy(registry), pickle.loads(pickle.dumps(registry))]
    for same in [*copies, ResolverRegistry.from_json(text)]:
        assert same == registry and same.fingerprint() == registry.fingerprint()
        same.set_default("manual")
        assert same != registry
    with pytest.raises(TypeError):
        hash(registry)
    assert registry != text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda registry: registry.set_table("", "manual"), "a table without a name"),
        (lambda registry: registry.set_class("stock", "insert_update", "manual"), "stock/insert_update: cannot arise"),
        (lambda registry: registry.set_class("stock", "update_delete", {"kind": "field_merge"}), "would come apart"),
        (
            lambda registry: registry.set_default({"kind": "custom", "name": "", "version": 1}),
            "default: .*needs a name",
        ),
        (lambda registry: registry.set_class("stock", "both", "manual"), "unknown conflict class"),
    ],
)
def test_a_rule_that_is_refused_leaves_the_registry_as_it_was(change: Any, why: str) -> None:
    registry = ResolverRegistry("manual")
    before = registry.to_json()
    with pytest.raises(causelog.InvalidArgumentError, match=why):
        change(registry)
    assert registry.to_json() == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"default":"coin"}', '{"rules":[]}', '{"tables":{"":{"default":"manual"}}}', "\ud800"]
)
def test_what_is_no_registry(text: str) -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        ResolverRegistry.from_json(text)


def test_a_registry_of_wrong_types() -> None:
    calls: list[Any] = [
        lambda: ResolverRegistry.from_json(b"{}"),  # type: ignore[arg-type]
        lambda: ResolverRegistry().set_table(1, "manual"),  # type: ignore[arg-type]
        lambda: ResolverRegistry().set_class("t", 1, "manual"),  # type: ignore[arg-type]
        lambda: ResolverRegistry().set_default(1),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()
