"""Links between the project's documents lead somewhere."""

import re

import pytest
from blocks import ROOT, markdown_files

_LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


@pytest.mark.parametrize("document", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_exists(document) -> None:
    text = _CODE.sub("", document.read_text(encoding="utf-8"))
    targets = [match["target"] for match in _LINK.finditer(text)]
    missing = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert not missing


def test_files_that_documents_name_exist() -> None:
    named = re.compile(r"`((?:core|ffi|bindings|include|demo|tests|docs|scripts)/[\w./-]+)`")
    missing = [
        f"{document.relative_to(ROOT)}: {name}"
        for document in markdown_files()
        for name in named.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]
    assert not missing
