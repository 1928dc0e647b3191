"""The four interop programs under test."""

import os
import shlex
import subprocess

LANGUAGES = ["Rust", "C", "Python", "Node"]


class Program:
    """One language's `interop`, whose command line is in INTEROP_RUST, INTEROP_C, INTEROP_PYTHON or INTEROP_NODE."""

    def __init__(self, language):
        self.language = language
        variable = f"INTEROP_{language.upper()}"
        self.command = shlex.split(os.environ.get(variable, ""))
        if not self.command:
            raise RuntimeError(f"{variable} is not set: it holds the command line of the {language} program")

    def run(self, *words):
        done = subprocess.run([*self.command, *map(str, words)], capture_output=True, timeout=120)
        output, errors = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == 0, f"{self.language}: {words[0]}: exit status {done.returncode}: {errors}"
        assert errors == "", f"{self.language}: {words[0]}: {errors}"
        return output

    def __repr__(self):
        return self.language
