"""The README quotes programs that stand in the repository and are run by their language's own suite."""

import os

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
