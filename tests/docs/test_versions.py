"""The version is the same everywhere."""

import json
import re
import subprocess
import tomllib
from importlib import metadata

import causelog
from blocks import ROOT

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def test_rust_crates() -> None:
    described = subprocess.run(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    versions = {package["name"]: package["version"] for package in json.loads(described.stdout)["packages"]}
    assert set(versions.values()) == {VERSION}, versions


def test_c_header() -> None:
    header = (ROOT / "include" / "causelog.h").read_text()
    parts = [re.search(rf"#define CAUSELOG_VERSION_{part} (\d+)", header) for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(part[1] for part in parts if part) == VERSION


def test_python_package() -> None:
    assert metadata.version("causelog") == VERSION
    assert causelog.__version__ == VERSION


def test_node_package() -> None:
    package = json.loads((ROOT / "bindings" / "node" / "package.json").read_text())
    lock = json.loads((ROOT / "bindings" / "node" / "package-lock.json").read_text())
    assert package["version"] == lock["version"] == lock["packages"][""]["version"] == VERSION
