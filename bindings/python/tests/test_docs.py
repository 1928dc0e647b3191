"""Everything public is documented, and the examples in its documentation run."""

import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import causelog
import pytest
from causelog import dot, enums, errors

ALIASES = {"RowId", "RowIdPart", "Payload", "Strategy"}
CONSTANTS = {"ERROR_CODES", "__version__"}


def public() -> Iterator[tuple[str, Any]]:
    """Every public thing by its name: modules, classes, their members, functions."""
    for module in causelog, dot, enums, errors:
        yield module.__name__, module
    for name in causelog.__all__:
        if name in ALIASES | CONSTANTS:
            continue
        value = getattr(causelog, name)
        yield name, value
        if inspect.isclass(value):
            for member in vars(value):
                thing = getattr(value, member)
                if not member.startswith("_") and not isinstance(thing, str | int | dict):
                    yield f"{name}.{member}", thing


PUBLIC = dict(public())
EXAMPLES = {name: thing for name, thing in PUBLIC.items() if ">>>" in (inspect.getdoc(thing) or "")}


@pytest.mark.parametrize("name", PUBLIC)
def test_it_is_documented(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name])
    assert text and text.strip(), name


def test_there_are_examples() -> None:
    assert {"causelog", "ChangeLog", "ChangeLog.open", "ChangeLog.query", "VectorClock", "Change"} <= EXAMPLES.keys()
    assert {"Replica", "Replica.open", "Replica.effective", "ResolverRegistry", "Write", "sync"} <= EXAMPLES.keys()
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name: str) -> None:
    text = inspect.getdoc(EXAMPLES[name]) or ""
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    output: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(example, out=output.append)
    results = runner.summarize(verbose=False)
    assert results.attempted > 0
    assert results.failed == 0, "".join(output)


def test_the_readme_of_the_package_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = Path(__file__).parents[1] / "README.md"
    blocks = readme.read_text(encoding="utf-8").split("```python\n")[1:]
    assert blocks
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block.split("```")[0], str(readme), "exec"), {})
