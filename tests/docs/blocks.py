"""Code blocks of the project's Markdown files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the file that it must equal, if it names one."""

    language: str
    text: str
    file: str | None


def blocks(document: str) -> list[Block]:
    """Every fenced block of the document, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [Block(match["language"], match["text"], match["file"]) for match in _BLOCK.finditer(text)]


def program(document: str, language: str) -> str:
    """The blocks of one language that stand in the document itself, as one program."""
    found = [block.text for block in blocks(document) if block.language == language and block.file is None]
    assert found, f"{document} has no {language} blocks"
    return "\n".join(found)


def markdown_files() -> list[Path]:
    """Every Markdown file of the project."""
    skipped = {"target", "node_modules", ".git"}
    return sorted(path for path in ROOT.rglob("*.md") if not skipped & set(path.relative_to(ROOT).parts))
