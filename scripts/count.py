"""Count the instructions that a call takes the bridge, and fail where they have grown by over 5 %.

Calls are made of a bridge, each when the one before it is on record; valgrind counts what the
processes of the bridge do for them after a warm-up, less what they do by themselves meanwhile.
Unlike times, instructions hardly depend on the machine and what else it does. Those of the kernel
are not counted. Figures are in turns of a reference loop, counted in the same run, since builds
of Python differ by 20 %; in turns they differ by about 2 %.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scripts.counting import figures
from scripts.counting.callgrind import Callgrind, CountError
from scripts.counting.counted import KINDS, count_calls, count_turn
from scripts.counting.figures import Comparison, Figures
from scripts.running import BridgeError


def main(arguments: list[str] | None = None) -> int:
    """Count; the result is the exit status, 1 if a figure is not good."""
    options = _options(arguments)
    turn, found = count()
    if options.store:
        figures.write(found, options.figures)
    stored_with, stored = figures.read(options.figures)
    compared = figures.compare(found, stored)
    print(f"{figures.this_python()}: a turn of the reference takes {turn:,.0f} instructions")
    print(f"the figures were stored with {stored_with}\n")
    _print_table(compared, turn)
    for one in compared:
        if one.remark:
            print(one.remark)
    return 0 if all(one.is_good for one in compared) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/count",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", action="store_true", help="store what is counted")
    parser.add_argument(
        "--figures", type=Path, default=figures.FILE, help="the file of the stored figures"
    )
    return parser.parse_args(arguments)


def count() -> tuple[float, Figures]:
    """Return the instructions of a turn, and figures in turns."""
    with (
        tempfile.TemporaryDirectory(prefix="aibridge-count-") as home,
        tempfile.TemporaryDirectory(prefix="aibridge-count-") as folder,
    ):
        callgrind = Callgrind(Path(folder))
        turn = count_turn(callgrind)
        calls = count_calls(callgrind, Path(home))
    return turn, {
        process: {kind: instructions / turn for kind, instructions in kinds.items()}
        for process, kinds in calls.items()
    }


def _print_table(compared: Iterable[Comparison], turn: float) -> None:
    print(_line("process", "a call of", "instructions", "turns", "stored", "change"))
    for one in compared:
        kind = KINDS[one.kind].kind if one.kind in KINDS else one.kind
        cells = (
            _cell(one.found and one.found * turn, ",.0f"),
            _cell(one.found, ".2f"),
            _cell(one.stored, ".2f"),
            _cell(one.change, "+.1%"),
        )
        print(_line(one.process, kind, *cells))


def _cell(figure: float | None, style: str) -> str:
    return "-" if figure is None else format(figure, style)


def _line(process: str, kind: str, *cells: str) -> str:
    return f"{process:10}{kind:28}" + "".join(f"{cell:>14}" for cell in cells)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (CountError, BridgeError) as error:
        print(f"scripts/count: {error}", file=sys.stderr)
        sys.exit(2)
