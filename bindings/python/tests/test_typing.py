"""The stubs say what the module is, and a strict type checker agrees with how it is used."""

import subprocess
import sys
from pathlib import Path

import causelog

HERE = Path(__file__).parent
PROJECT = HERE.parent


def run(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stubs_are_those_of_the_module(tmp_path: Path) -> None:
    run("mypy.stubtest", "causelog")


def test_a_strict_checker_takes_the_example(tmp_path: Path) -> None:
    run("mypy", "--strict", "--cache-dir", tmp_path, HERE / "typing_example.py")


def test_the_package_and_the_demo_are_typed(tmp_path: Path) -> None:
    demo = PROJECT.parents[1] / "demo" / "python"
    run("mypy", "--strict", "--cache-dir", tmp_path, PROJECT / "python" / "causelog", *sorted(demo.glob("*.py")))


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(causelog.__file__).parent / "py.typed").exists()
