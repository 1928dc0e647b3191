"""The package: its version, its names, where its classes say they live."""

import inspect
import pickle
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import causelog
import pytest

ROOT = Path(__file__).parents[3]


def test_the_version_is_that_of_the_workspace() -> None:
    with (ROOT / "Cargo.toml").open("rb") as file:
        version = tomllib.load(file)["workspace"]["package"]["version"]
    assert causelog.__version__ == version == metadata("causelog")["Version"]


def test_all_names_are_there_and_listed_once() -> None:
    assert len(set(causelog.__all__)) == len(causelog.__all__)
    for name in causelog.__all__:
        assert hasattr(causelog, name)


def test_the_compiled_part_has_nothing_that_the_package_does_not_show() -> None:
    shown = {name for name in causelog._native.__all__ if not name.startswith("_") or name == "__version__"}
    assert shown <= set(causelog.__all__)


CLASSES = [name for name in causelog.__all__ if inspect.isclass(getattr(causelog, name))]


@pytest.mark.parametrize("name", CLASSES)
def test_classes_live_where_they_say(name: str) -> None:
    found = getattr(causelog, name)
    assert found.__module__.partition(".")[0] == "causelog"
    assert pickle.loads(pickle.dumps(found)) is found


NATIVE = [name for name in CLASSES if getattr(causelog, name).__module__ == "causelog"]


@pytest.mark.parametrize("name", NATIVE)
def test_compiled_classes_are_final(name: str) -> None:
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Derived", (getattr(causelog, name),), {})


@pytest.mark.parametrize(
    "value",
    [
        causelog.VectorClock(),
        causelog.ChangeLog.in_memory(),
        causelog.Change.delete("t", 1),
        causelog.Replica.in_memory(),
        causelog.ResolverRegistry(),
        causelog.ResolverDecision.defer(),
    ],
    ids=type,
)
def test_their_instances_take_no_attributes(value: object) -> None:
    with pytest.raises(AttributeError):
        value.new_attribute = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in NATIVE])
def test_enumerations_are_their_strings(name: str) -> None:
    found = getattr(causelog, name)
    if issubclass(found, str):
        for member in found:
            assert str(member) == member == member.value == member.name.lower()
