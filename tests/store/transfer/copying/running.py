"""Taking the steps of a copy, all of them or the first few."""

from aibridge.store.transfer.copying import Compared, copying

STEPS = ("begin", "rows", "check", "index", "finish")


def nothing(_more: int) -> None:
    """Count nothing."""


def run(from_url: str, to_url: str, steps: int = len(STEPS)) -> list[Compared]:
    """Copy a database as the command does, so many steps of it, and return what was compared."""
    compared: list[Compared] = []
    with copying(from_url, to_url) as copy:
        for name in STEPS[:steps]:
            if name == "check":
                compared = copy.check(nothing)
            elif name in {"begin", "finish"}:
                getattr(copy, name)()
            else:
                getattr(copy, name)(nothing)
    return compared
