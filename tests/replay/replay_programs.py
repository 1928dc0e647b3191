"""The four programs under test, how they are run, and what a good run leaves behind.

The command lines come from the environment: REPLAY_RUST, REPLAY_C, REPLAY_PYTHON, REPLAY_NODE, and
GENERATE_TRACE for the trace. The process that they start must be the program itself, because tests kill it.
"""

import json
import os
import select
import shlex
import subprocess
import threading
import time
from contextlib import contextmanager
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

    @contextmanager
    def halfway(self, lines, directory, size):
        """The program in the middle of its job: its log has so many bytes or more, and it cannot come to
        the end, because the trace reaches it through a pipe that brings these lines and no end.

        It is killed when the context ends.
        """
        pipe = directory / "halfway.jsonl"
        os.mkfifo(pipe)
        feeder = threading.Thread(target=feed, args=[pipe, lines], daemon=True)
        feeder.start()
        running = subprocess.Popen(
            [*self.command, *self.arguments(pipe)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_log(running, directory, size)
            yield
            assert running.poll() is None, f"{self.language} ended by itself"
        finally:
            running.kill()
            running.wait()
            # A feeder that still waits for a reader gets one, which is gone at once.
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
            feeder.join(TIMEOUT)
            pipe.unlink()

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


def feed(pipe, lines):
    """Writes lines into a pipe, and holds it open until its reader is gone."""
    try:
        with Path(pipe).open("wb", buffering=0) as out:
            for line in lines:
                out.write(line)
            # Nothing is asked for: this reports errors only, of which the reader's end is one.
            gone = select.poll()
            gone.register(out, 0)
            gone.poll(TIMEOUT * 1000)
    except BrokenPipeError:
        pass


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
