"""Things that are named by the beginning of their id, as narrow terminals show it."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from aibridge.cli.connection import no
from aibridge.cli.output import fail

CUT = "…"
"""What a list puts behind an id that it has cut."""

NEWEST = 500
"""How many things are looked through for one whose id begins so: a record may hold millions."""

WHOLE = 36
"""Characters of an id that is no beginning: a UUID."""

NAMED = 5
"""How many ids a refusal names at most."""


class _Known(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Known)


def the_one(what: str, name: str, things: Iterable[T], *, of_short: bool = False) -> T:
    """Return the thing of this id, or the only one whose id begins so; else end the program.

    With ``of_short`` what is as long as a whole id is not looked for: it was asked for already.
    """
    beginning = name.removesuffix(CUT)
    if of_short and len(beginning) >= WHOLE:
        no(what, name)
    found: dict[str, T] = {}
    for one in things:
        if one.id == beginning:
            return one
        if one.id.startswith(beginning):
            found.setdefault(one.id, one)
    if not found:
        no(what, name)
    if len(found) > 1:
        ids = ", ".join([*list(found)[:NAMED], *([CUT] if len(found) > NAMED else [])])
        fail(f"{len(found)} {what} ids begin with {beginning!r}: {ids}")
    return next(iter(found.values()))
