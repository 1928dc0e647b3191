import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from replay_programs import LANGUAGES, Program, command_line


@pytest.fixture(params=LANGUAGES)
def program(request):
    """Each of the four programs in turn."""
    return Program(request.param)


@pytest.fixture
def other(program):
    """The program of the language after this one."""
    return Program(LANGUAGES[(LANGUAGES.index(program.language) + 1) % len(LANGUAGES)])


def generate(directory, **settings):
    """A generated trace, its lines, and the answers that its parents alone give."""
    trace, expected = directory / "trace.jsonl", directory / "expected.json"
    options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    command = [*command_line("GENERATE_TRACE"), "--out", trace, "--expected", expected, *options]
    subprocess.run(command, check=True, timeout=60)
    lines = trace.read_bytes().splitlines(keepends=True)
    return SimpleNamespace(path=trace, lines=lines, expected=json.loads(expected.read_text()))


@pytest.fixture(scope="session")
def trace(tmp_path_factory):
    """The trace that the demo replays."""
    return generate(tmp_path_factory.mktemp("trace"))


@pytest.fixture(scope="session")
def middling(tmp_path_factory):
    """A trace long enough to be interrupted, with a log of 124 KiB and reports of 730 KiB."""
    return generate(tmp_path_factory.mktemp("middling"), transactions=800)


@pytest.fixture(scope="session")
def short(tmp_path_factory):
    """A trace short enough to be replayed many times."""
    return generate(tmp_path_factory.mktemp("short"), transactions=40, nodes=3)


@pytest.fixture(scope="session")
def real():
    """A real trace with answers, if it lies beside the project."""
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    path, expected = data / "riak_kv-history.jsonl.gz", data / "riak_kv-history.expected.json"
    if not path.exists() or not expected.exists():
        pytest.skip("the real trace is not here: shared/data/riak_kv-history.jsonl.gz beside the project")
    return SimpleNamespace(path=path, expected=json.loads(expected.read_text()))
