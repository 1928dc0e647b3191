"""The exceptions follow the error table of the core: one class for each code."""

import pickle

import causelog
import pytest
from causelog import errors
from conftest import A

CLASSES = [getattr(errors, name) for name in errors.__all__ if name not in ("BY_CODE", "Error")]


@pytest.mark.parametrize("code", causelog.ERROR_CODES)
def test_every_code_has_its_class(code: str) -> None:
    number, retryable = causelog.ERROR_CODES[code]
    exception = errors.BY_CODE[code]
    expected = "".join(word.capitalize() for word in code.split("_")) + "Error"
    assert exception.__name__ == expected
    assert getattr(causelog, expected) is exception
    assert expected in causelog.__all__ and expected in errors.__all__
    assert (exception.code, exception.number, exception.retryable) == (code, number, retryable)
    assert isinstance(number, int) and isinstance(retryable, bool)
    assert issubclass(exception, causelog.Error)
    assert exception.__doc__


def test_there_is_no_class_without_a_code() -> None:
    assert {exception.code for exception in CLASSES} == set(causelog.ERROR_CODES)
    assert len(CLASSES) == len(causelog.ERROR_CODES)
    assert [number for number, _ in causelog.ERROR_CODES.values()] == list(range(1, len(CLASSES) + 1))


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        causelog.ERROR_CODES["NEW"] = (99, False)  # type: ignore[index]


@pytest.mark.parametrize(
    ("exception", "base"),
    [
        (causelog.InvalidArgumentError, ValueError),
        (causelog.TooLargeError, ValueError),
        (causelog.NotFoundError, LookupError),
        (causelog.IoError, OSError),
        (causelog.NoSpaceError, OSError),
        (causelog.TimeoutError, TimeoutError),
        (causelog.UnavailableError, ConnectionError),
        (causelog.InternalError, RuntimeError),
    ],
)
def test_classes_that_mean_what_one_of_pythons_means(exception: type[Exception], base: type[Exception]) -> None:
    assert issubclass(exception, base)


@pytest.mark.parametrize("exception", CLASSES)
def test_exceptions_carry_their_message_and_can_be_pickled(exception: type[causelog.Error]) -> None:
    error = exception("what was wrong")
    assert str(error) == "what was wrong"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is exception and str(copy) == "what was wrong" and copy.code == error.code


def test_an_error_that_has_no_class_is_a_bug() -> None:
    error = causelog.Error("what was wrong")
    assert (error.code, error.number, error.retryable) == ("INTERNAL", *causelog.ERROR_CODES["INTERNAL"])


def test_a_class_of_ones_own_keeps_the_code() -> None:
    class OrderNotFound(causelog.NotFoundError):
        pass

    assert OrderNotFound.code == "NOT_FOUND"
    assert errors.BY_CODE["NOT_FOUND"] is causelog.NotFoundError


def test_what_the_core_raises_is_of_these_classes() -> None:
    with pytest.raises(LookupError) as caught:
        causelog.ChangeLog.in_memory().vector_clock((A, 1))
    assert type(caught.value) is causelog.NotFoundError
    assert str(caught.value) == f"the log holds no change {A}:1"


def test_what_the_json_module_said_is_the_cause() -> None:
    with pytest.raises(causelog.InvalidArgumentError) as caught:
        causelog.Change.insert("t", 1, float("nan"))
    assert isinstance(caught.value.__cause__, ValueError)
