"""A program that is killed while it appends loses nothing that matters: run again, it comes to the same end."""

import pytest
from replay_programs import Program, log_size


@pytest.fixture(scope="module")
def undisturbed(middling, tmp_path_factory):
    """What a run without accidents finds, and how large its log is."""
    directory = tmp_path_factory.mktemp("undisturbed")
    outcome = Program("Rust").replay(middling.path, directory)
    return outcome, log_size(directory)


def test_killed_while_appending(program, middling, undisturbed, tmp_path):
    outcome, size = undisturbed
    for part in (0.1, 0.4, 0.8):
        lines = middling.lines[: int(len(middling.lines) * part)]
        with program.halfway(lines, tmp_path, size * part / 2):
            pass
        assert log_size(tmp_path) < size, f"{program.language} appended what it had not been given"
    assert program.replay(middling.path, tmp_path) == outcome, program.language
