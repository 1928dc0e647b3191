"""docs/surfaces.md names every capability in four languages; each name exists."""

import json
import re
import subprocess

import causelog
import pytest
from blocks import ROOT

LANGUAGES = ("Rust", "C", "Python", "Node.js")


def table() -> list[tuple[str, dict[str, list[str]]]]:
    """Every row of the tables whose header names the four languages: the capability, and its names by language."""
    rows = []
    inside = False
    for line in (ROOT / "docs" / "surfaces.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if cells[1:] == list(LANGUAGES):
            inside = True
        elif not cells:
            inside = False
        elif inside and not set(line) <= set("|- "):
            # A dash says why a language has no name of ours for it.
            names = [[] if cell.startswith("—") else re.findall(r"`([^`]+)`", cell) for cell in cells[1:]]
            assert all(found or re.match("— .", cell) for found, cell in zip(names, cells[1:], strict=True)), line
            rows.append((cells[0], dict(zip(LANGUAGES, names, strict=True))))
    return rows


ROWS = table()


def names(language: str) -> list[str]:
    return sorted({name for _, by_language in ROWS for name in by_language[language]})


def test_the_tables_were_found() -> None:
    assert len(ROWS) > 60


def test_rust_names() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "core" / "src").rglob("*.rs")}
    exported = sources[ROOT / "core" / "src" / "lib.rs"]
    missing = []
    for name in names("Rust"):
        owner, _, member = name.partition("::")
        if not re.search(rf"\b{owner}\b", exported):
            missing.append(name)
        elif member:
            homes = [text for text in sources.values() if re.search(rf"\b(?:impl.*|struct|enum|trait) {owner}\b", text)]
            member_of = rf"(?:fn {member}\b|pub {member}:|const {member}\b|^\s+{member}(?: =.*)?,$)"
            if not any(re.search(member_of, text, re.MULTILINE) for text in homes):
                missing.append(name)
    assert not missing


def test_c_names() -> None:
    header = (ROOT / "include" / "causelog.h").read_text(encoding="utf-8")
    tokens = set(re.findall(r"\w+", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)))
    assert not [name for name in names("C") if name not in tokens]


def test_every_c_function_is_listed_or_plumbing() -> None:
    header = (ROOT / "include" / "causelog.h").read_text(encoding="utf-8")
    functions = set(re.findall(r"\b(causelog_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)))
    plumbing = re.compile(r"causelog_\w+_free$")
    listed = set(names("C"))
    assert not sorted(name for name in functions if name not in listed and not plumbing.match(name))


@pytest.mark.parametrize("name", names("Python"))
def test_python_name(name: str) -> None:
    found = causelog
    for part in name.split("."):
        found = getattr(found, part)


def test_every_public_python_name_is_listed() -> None:
    listed = {name.partition(".")[0] for name in names("Python")}
    # One exception class per error code; the table of codes is listed instead.
    errors = {name for name in causelog.__all__ if name.endswith("Error")}
    assert not sorted(set(causelog.__all__) - listed - errors)


def test_node_names() -> None:
    script = """
        const causelog = require('./bindings/node');
        const names = JSON.parse(process.argv[1]);
        const types = require('node:fs').readFileSync('bindings/node/index.d.ts', 'utf8');
        const has = (owner, member) =>
            owner !== undefined && (member in Object(owner) || member in Object(owner.prototype));
        const declared = (owner, member) => {
            const block = types.match(new RegExp(`(?:interface|type) ${owner}\\\\b[^]*?\\\\n}`));
            return block !== null && new RegExp(`\\\\b${member}\\\\??[:(]`).test(block[0]);
        };
        const found = (name) => {
            const [owner, member] = name.split('.');
            if (member === undefined) return owner in causelog || new RegExp(`\\\\b${owner}\\\\b`).test(types);
            return has(causelog[owner], member) || declared(owner, member);
        };
        console.log(JSON.stringify(names.filter((name) => !found(name))));
    """
    done = subprocess.run(
        ["node", "-e", script, json.dumps(names("Node.js"))], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def test_every_public_node_name_is_listed() -> None:
    script = "console.log(JSON.stringify(Object.keys(require('./bindings/node'))))"
    done = subprocess.run(["node", "-e", script], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {name.partition(".")[0] for name in names("Node.js")}
    assert not sorted(set(json.loads(done.stdout)) - listed)
