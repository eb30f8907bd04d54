from types import SimpleNamespace
from typing import Any

import pytest
import typer

from aibridge.cli.beginnings import the_one

WHOLE = "0199a3c4-7f00-7000-8000-000000000001"
OTHERS = ["0199a3c4-7f00-7000-8000-000000000002", "abc", "abcd"]


def things(*ids: str) -> list[Any]:
    return [SimpleNamespace(id=id_) for id_ in ids]


@pytest.mark.parametrize("name", [WHOLE, WHOLE[:20], "abc", "ab", "abc…"])
def test_a_thing_is_found_by_its_id_and_by_a_beginning_of_no_other(name: str) -> None:
    found = the_one("session", name, things(WHOLE, "abc", "0199"))
    assert found.id in {WHOLE, "abc"}
    assert found.id.startswith(name[:3])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("0199", f"2 session ids begin with '0199': {WHOLE}, {OTHERS[0]}"),
        ("x", "there is no session 'x'"),
    ],
)
def test_what_is_of_several_or_of_none_ends_the_program(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        the_one("session", name, things(WHOLE, *OTHERS))
    assert capsys.readouterr().err == f"aibridge: {said}\n"


def test_a_whole_id_that_was_asked_for_is_not_looked_for_again() -> None:
    looked_at = iter(things(WHOLE))
    with pytest.raises(typer.Exit):
        the_one("session", WHOLE, looked_at, of_short=True)
    assert next(looked_at).id == WHOLE
