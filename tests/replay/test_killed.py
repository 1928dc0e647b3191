"""A program that is killed while it appends loses nothing that matters: run again, it comes to the same end."""

import pytest
from replay_programs import Program, log_size, wait_for_log


@pytest.fixture(scope="module")
def undisturbed(trace, tmp_path_factory):
    """What a run without accidents finds, and how large its log is."""
    directory = tmp_path_factory.mktemp("undisturbed")
    outcome = Program("Rust").replay(trace.path, directory)
    return outcome, log_size(directory)


def test_killed_while_appending(program, trace, undisturbed, tmp_path):
    outcome, size = undisturbed
    for part in (0.1, 0.3, 0.5):
        running = program.start(trace.path, tmp_path)
        try:
            wait_for_log(running, tmp_path, size * part)
        finally:
            running.kill()
            status = running.wait()
        assert status == -9, f"{program.language} ended before it was killed"
        assert log_size(tmp_path) < size, f"{program.language} had appended everything before it was killed"
    assert program.replay(trace.path, tmp_path) == outcome, program.language
    assert log_size(tmp_path) == size, program.language
