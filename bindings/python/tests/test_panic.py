"""A panic inside the library is an exception like others, and closes the log.

To make one happen this takes a build of the module with the cargo feature `failpoints`, in a directory that
the environment variable CAUSELOG_FAILPOINTS_PATH names.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from pathlib import Path
import causelog
from causelog import Change, ChangeLog, Transaction

assert Path(causelog.__file__).is_relative_to(Path(os.environ["PYTHONPATH"])), causelog.__file__
directory = Path(sys.argv[1])
change = Change.insert("orders", 1, {})


def appends():
    yield lambda log: log.append(change)
    yield lambda log: log.append_transaction([change])
    yield lambda log: log.append_remote(Transaction(node=log.id, sequence=1, timestamp=0, changes=[change]))


for number, append in enumerate(appends()):
    log = ChangeLog.open(directory / str(number))
    log.append(change)
    cursor = log.query()
    os.environ["CAUSELOG_FAILPOINT"] = "append"
    try:
        append(log)
    except Exception as error:
        assert type(error) is causelog.InternalError, repr(error)
        assert error.code == "INTERNAL" and "failpoint append reached" in str(error), repr(error)
    else:
        raise AssertionError("nothing was raised: is this a build with failpoints?")
    del os.environ["CAUSELOG_FAILPOINT"]
    for call in lambda: append(log), log.query, log.stats, log.frontier, log.sync, lambda: next(cursor):
        try:
            call()
        except causelog.ClosedError as error:
            assert "open it again" in str(error), error
        else:
            raise AssertionError("the log was not closed")
    log.close()
    with ChangeLog.open(directory / str(number)) as log:
        assert log.stats().entries == 1
        append(log)
        assert log.stats().entries == 2
print("survived")
"""

REPLICA_SCRIPT = """
import os, sys
from pathlib import Path
import causelog
from causelog import Change, Replica

directory = Path(sys.argv[1])


def writes():
    yield lambda replica: replica.insert("orders", 2, {})
    yield lambda replica: replica.append([Change.insert("orders", 3, {})])
    yield lambda replica: replica.increment("orders", 1, "n", 1)
    yield lambda replica: replica.apply(transaction)
    yield lambda replica: causelog.sync(other, replica)


other = Replica.in_memory()
other.insert("orders", 4, {})
[transaction] = other.log.transactions()
for number, write in enumerate(writes()):
    replica = Replica.open(directory / str(number))
    replica.insert("orders", 1, {})
    os.environ["CAUSELOG_FAILPOINT"] = "append"
    try:
        write(replica)
    except causelog.InternalError as error:
        assert "failpoint append reached" in str(error), repr(error)
    else:
        raise AssertionError("nothing was raised: is this a build with failpoints?")
    del os.environ["CAUSELOG_FAILPOINT"]
    calls = [lambda: write(replica), lambda: replica.get("orders", 1), replica.inbox, replica.log.stats]
    for call in calls:
        try:
            call()
        except causelog.ClosedError:
            pass
        else:
            raise AssertionError("the replica was not closed")
    replica.close()
    with Replica.open(directory / str(number)) as replica:
        assert [row.row_id for row in replica.rows("orders")] == [1]
        write(replica)
        assert replica.log.stats().entries == 2
print("survived")
"""


@pytest.mark.parametrize("script", [SCRIPT, REPLICA_SCRIPT], ids=["log", "replica"])
def test_a_panic_is_an_internal_error(tmp_path: Path, script: str) -> None:
    path = os.environ.get("CAUSELOG_FAILPOINTS_PATH")
    if not path:
        pytest.skip("CAUSELOG_FAILPOINTS_PATH is not set: it names a directory with a build with failpoints")
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        env=os.environ | {"PYTHONPATH": str(Path(path).resolve())},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "survived\n"), done.stderr


def test_no_release_has_failpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    import causelog

    monkeypatch.setenv("CAUSELOG_FAILPOINT", "append")
    causelog.ChangeLog.in_memory().append(causelog.Change.insert("orders", 1, {}))
