"""The stored figures of a count, and how those of another compare with them."""

import platform
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_CHANGE = 0.05
"""By what share a figure may be over the stored one; what is further below it is remarked on."""
FILE = Path(__file__).with_name("figures.toml")
HEAD = """\
# What a call costs each process of the bridge, in turns of scripts/counting/reference.py.
# scripts/count compares with these figures; scripts/count --store wrote them.

"""

Figures = dict[str, dict[str, float]]
"""By process and kind of call, in turns of the reference."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure beside the stored one; each is ``None`` where there is none."""

    process: str
    kind: str
    found: float | None
    stored: float | None

    @property
    def change(self) -> float | None:
        """By what share the figure is over the stored one; negative if below."""
        if self.found is None or self.stored is None:
            return None
        return self.found / self.stored - 1

    @property
    def is_good(self) -> bool:
        """Whether there is a stored figure, and this one is not much over it."""
        return self.change is not None and self.change <= MAX_CHANGE

    @property
    def remark(self) -> str:
        """Say what is to be done, if anything."""
        name = f"{self.process}, {self.kind}"
        if self.stored is None:
            return f"{name}: no figure is stored; scripts/count --store adds it"
        if self.found is None:
            return f"{name}: nothing was counted; scripts/count --store removes its figure"
        change = self.found / self.stored - 1
        if change > MAX_CHANGE:
            return f"{name}: grew by {change:.1%}; {MAX_CHANGE:.0%} are allowed"
        if change < -MAX_CHANGE:
            return f"{name}: fell by {-change:.1%}; scripts/count --store keeps it there"
        return ""


def compare(found: Figures, stored: Figures) -> list[Comparison]:
    """Return a comparison for each figure that was found or is stored."""
    pairs = dict.fromkeys([*_names(found), *_names(stored)])
    return [
        Comparison(
            process, kind, found.get(process, {}).get(kind), stored.get(process, {}).get(kind)
        )
        for process, kind in pairs
    ]


def read(file: Path = FILE) -> tuple[str, Figures]:
    """Return the Python that the figures were stored with, and the figures."""
    kept = tomllib.loads(file.read_text())
    return kept.pop("stored_with"), kept


def write(figures: Figures, file: Path = FILE) -> None:
    """Store figures instead of those that are there."""
    lines = [f'stored_with = "{this_python()}"']
    for process, kinds in figures.items():
        lines += ["", f"[{process}]", *(f"{kind} = {turns:.2f}" for kind, turns in kinds.items())]
    file.write_text(HEAD + "\n".join(lines) + "\n")


def this_python() -> str:
    """Name the Python that runs this, such as ``CPython 3.11.7, GCC 12.2.0``."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.python_compiler()}"


def _names(figures: Figures) -> Iterator[tuple[str, str]]:
    return ((process, kind) for process, kinds in figures.items() for kind in kinds)
