"""The programs in demo/python do what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import causelog
import pytest

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "demo" / "python"
DATA = ROOT.parent / "shared" / "data"


def run(program: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEMO / program, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def replay(trace: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run("replay.py", trace, "--log", "log", "--reports", "reports", "--summary", "summary", cwd=cwd)


def line(txn: str, node: int, parents: list[str], *changes: dict[str, Any]) -> bytes:
    fields = {
        "txn": txn,
        "node": f"00000000-0000-4000-8000-00000000000{node}",
        "parents": parents,
        "timestamp": f"2024-01-01T00:00:0{node}Z",
        "changes": changes,
    }
    return json.dumps(fields).encode() + b"\n"


def update(value: int) -> dict[str, Any]:
    return {"table": "t", "row_id": 1, "operation": "update", "after": {"n": value}}


def test_the_quickstart(tmp_path: Path) -> None:
    done = run("quickstart.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "concurrent" in done.stdout and "reason    later_timestamp" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_small_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_bytes(
        line("a", 1, [], {"table": "t", "row_id": 1, "operation": "insert", "after": {"n": 1}})
        + line("b", 1, ["a"], update(2))
        + line("c", 2, ["a"], update(3))
        + line("d", 3, ["b", "c"], update(4))
        + line("e", 2, ["c"], update(5), {"table": "t", "row_id": "x", "operation": "delete"})
        + line("f", 1, ["d", "b"])
    )
    done = replay(trace, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "summary").read_text()) == {
        "transactions": 6,
        "changes": 6,
        "rows": 2,
        "pairs_ordered": 7,
        "pairs_concurrent": 3,
        "concurrent_by_operations": {"update-update": 3},
        "conflicts_standing": 1,
        "conflicts_settled": 1,
        "rows_by_heads_at_the_end": {"1": 1, "2": 1},
    }
    reports = [json.loads(text) for text in (tmp_path / "reports").read_text().splitlines()]
    assert [(report["state"], len(report["heads"])) for report in reports] == [("settled", 2), ("standing", 2)]
    assert "  pairs concurrent           3\n    update-update            3\n" in done.stdout
    with causelog.ChangeLog.open(tmp_path / "log") as log:
        assert log.stats().transactions == 6


def test_images_keep_their_numbers_to_the_digit(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_bytes(
        line("a", 1, [], update(0)).replace(b'{"n": 0}', b'{ "n" : [1.50, 1e400, -0], "\\u00e9": "\\/" }')
    )
    assert replay(trace, tmp_path).returncode == 0
    with causelog.ChangeLog.open(tmp_path / "log") as log:
        [entry] = log.query()
        assert entry.after == '{"n":[1.50,1e400,-0],"é":"/"}'.encode()


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_bytes(line("a", 1, [], update(1)) + line("b", 1, ["z"]))
    done = replay(trace, tmp_path)
    message = f"replay: {trace}:2: parent 'z' does not stand before its child (INVALID_ARGUMENT)\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
    with causelog.ChangeLog.open(tmp_path / "log") as log:
        assert log.stats().transactions == 1
        done = replay(trace, tmp_path)
        assert done.returncode == 1 and done.stderr.startswith("replay: log: ") and "(LOCKED)" in done.stderr


def test_the_real_trace(tmp_path: Path) -> None:
    trace, expected = DATA / "riak_kv-history.jsonl.gz", DATA / "riak_kv-history.expected.json"
    if not trace.exists() or not expected.exists():
        pytest.skip(f"the real trace is not here: {os.path.relpath(trace, ROOT)}")
    done = replay(trace, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "summary").read_text()) == json.loads(expected.read_text())
