"""The error tree: stable codes, one status each, there and back by name."""

import pytest

from beistand.protocol import errors
from beistand.protocol.errors import ERRORS, BeistandError, Ended, NoGrant, Unavailable, error_of

pytestmark = pytest.mark.unit


def _all(kind: type[BeistandError]) -> set[type[BeistandError]]:
    return {kind}.union(*(_all(child) for child in kind.__subclasses__()))


def test_the_map_holds_the_whole_tree() -> None:
    ours = {kind for kind in _all(BeistandError) if kind.__module__ == errors.__name__}
    assert set(ERRORS.values()) == ours
    assert len(ERRORS) == len(ours)


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_comes_back_by_its_code(code: str) -> None:
    error = error_of(code, "why")
    assert (type(error), error.code, error.detail) == (ERRORS[code], code, "why")
    assert error_of(code).detail == ERRORS[code].title


def test_an_unknown_code_is_an_internal_error() -> None:
    assert type(error_of("no such code")) is BeistandError


@pytest.mark.parametrize("kind", ERRORS.values())
def test_the_documented_tree_names_code_and_status(kind: type[BeistandError]) -> None:
    if kind is BeistandError:
        return
    lines = (errors.__doc__ or "").splitlines()
    line = next(line for line in lines if f" {kind.__name__} " in line)
    assert kind.code in line.split()
    assert str(kind.status) in line.split()


def test_close_codes() -> None:
    assert (NoGrant().close_code, Ended().close_code, Unavailable().close_code) == (4403, 4410, 4503)
