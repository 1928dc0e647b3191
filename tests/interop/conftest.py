import pytest
from interop_programs import LANGUAGES, Program


@pytest.fixture(params=LANGUAGES)
def writer(request):
    """Each of the four programs in turn."""
    return Program(request.param)


@pytest.fixture(params=LANGUAGES)
def reader(request):
    """Each of the four programs in turn."""
    return Program(request.param)


@pytest.fixture(scope="session")
def rust():
    """The program that the others are compared with."""
    return Program("Rust")
