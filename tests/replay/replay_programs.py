"""The four programs under test, how they are run, and what a good run leaves behind.

The command lines come from the environment: REPLAY_RUST, REPLAY_C, REPLAY_PYTHON, REPLAY_NODE, and
GENERATE_TRACE for the trace. The process that they start must be the program itself, because tests stop and kill it.
"""

import json
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ["Rust", "C", "Python", "Node"]

# Far beyond what any run takes, so that a program that hangs fails its test.
TIMEOUT = 300


@dataclass(frozen=True)
class Finished:
    """A program that has ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Outcome:
    """What a good run printed and wrote."""

    stdout: list[str]
    reports: bytes
    summary: dict


def command_line(variable):
    """The words of the command line that an environment variable holds."""
    words = shlex.split(os.environ.get(variable, ""))
    if not words:
        raise RuntimeError(f"{variable} is not set: it holds the command line of a program under test")
    return words


@dataclass(frozen=True)
class Program:
    """One language's replay. Every run uses the same file names, each in its own directory."""

    language: str

    @property
    def command(self):
        return command_line(f"REPLAY_{self.language.upper()}")

    def arguments(self, trace):
        return [str(trace), "--log", "log", "--reports", "reports.jsonl", "--summary", "summary.json"]

    def start(self, trace, directory):
        """The program, running."""
        return subprocess.Popen(
            [*self.command, *self.arguments(trace)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run_with(self, arguments, directory, before=()):
        """Runs the program with these arguments to its end; `before` are words to put before its command line."""
        done = subprocess.run(
            [*before, *self.command, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run(self, trace, directory, before=()):
        """Runs the program on a trace to its end."""
        return self.run_with(self.arguments(trace), directory, before)

    def replay(self, trace, directory):
        """Runs the program on a trace that it must take, and returns what it found."""
        done = self.run(trace, directory)
        assert done.status == 0, f"{self.language}: exit status {done.status}: {done.stderr}"
        assert done.stderr == "", f"{self.language}: {done.stderr}"
        first, *middle = done.stdout.splitlines()
        *middle, last = middle
        assert first == f"{self.language}: replay of {trace}"
        label, seconds, unit = last.split()
        assert (label, unit) == ("time", "s") and float(seconds) >= 0, f"{self.language}: {last}"
        return Outcome(
            middle,
            (directory / "reports.jsonl").read_bytes(),
            json.loads((directory / "summary.json").read_text()),
        )


def log_size(directory):
    """Bytes of all files of the log in `directory`; 0 while there is none."""
    log = Path(directory) / "log"
    return sum(file.stat().st_size for file in log.glob("*.segment"))


def wait_for_log(running, directory, size):
    """Waits until a running program has written so many bytes of the log in `directory`."""
    deadline = time.monotonic() + TIMEOUT
    while log_size(directory) < size:
        status = running.poll()
        assert status is None, f"the program ended (status {status}) before the log had {size} bytes"
        assert time.monotonic() < deadline, f"the log has {log_size(directory)} bytes only"
        time.sleep(0.001)
