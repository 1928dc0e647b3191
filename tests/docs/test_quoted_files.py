"""The README quotes programs that stand in the repository and are run by their language's own suite."""

import os
import subprocess

import pytest
from blocks import ROOT, blocks

QUOTED = [block for block in blocks("README.md") if block.file is not None]


def test_there_is_a_quickstart_for_each_language() -> None:
    assert sorted(block.language for block in QUOTED) == ["c", "js", "python", "rust"]


@pytest.mark.parametrize("block", QUOTED, ids=lambda block: block.file)
def test_the_readme_quotes_the_file_as_it_is(block) -> None:
    file = (ROOT / block.file).read_text(encoding="utf-8")
    if os.environ.get("CAUSELOG_BLESS"):
        readme = ROOT / "README.md"
        marker = f"<!-- file: {block.file} -->\n```{block.language}\n"
        text = readme.read_text(encoding="utf-8")
        assert text.count(marker + block.text) == 1
        readme.write_text(text.replace(marker + block.text, marker + file), encoding="utf-8")
        return
    assert block.text == file, f"README.md differs from {block.file}: run `make bless`"


def test_the_rust_quickstart_runs() -> None:
    # The suites of the other languages run theirs; cargo test only builds its examples.
    command = ["cargo", "run", "--locked", "--quiet", "-p", "causelog-demo", "--example", "quickstart"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "concurrent" in done.stdout
    assert "strategy  last_write_wins" in done.stdout
