"""Write docs/commands.md from the help texts of the commands."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from aibridge import cli

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
WIDTH = "80"

HEAD = """\
# Commands

Every command explains itself with `--help`, and ends with status 0 when it did what was asked, 1
when it could not, 2 when it was called wrongly. `serve` and `practice` end with 2 too where they
cannot start: a port that is taken, an address of another machine, settings or files that cannot be
read or made. Deleting says what else goes and asks first, unless `--yes` is given; where there is
no terminal to ask at, nothing is deleted without it.

What is printed is for people. Lists fit the terminal: where it is narrow, times are those of today
or days, and columns are left out, but never ids and prompts. A pipe gets everything whole, and
`--json` what the API answers, of every list an array. A list that is cut says on a terminal how
many there are, and how to see more. Times are local, with their offset, on a terminal; in pipes and
in JSON they are UTC.

Those that read or change something talk to the API: that of a bridge, if `--url` or `--token` (or
`AIBRIDGE_URL`, `AIBRIDGE_TOKEN`) says so, and else that of this machine's own database, which needs
no token. `--config`, `--data-dir` and `--database-url` always mean the database, and so
does `aibridge db`. Only `serve`, `db upgrade` and `db copy` make a database where there is none: to
the others a name that is mistyped is an error, and nothing is made.

`pip install aibridge` is enough to talk to a bridge. What runs one, or works on a database, needs
`pip install 'aibridge[server]'`, and says so: `serve`, `practice`, `db`, `secrets`, and all others
without `--url` and `--token`.

`eval "$(aibridge completion bash)"` has the Tab key complete commands and options; zsh and fish do
it likewise.
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    return 0


def page() -> str:
    """Return the page: what there is to know first, then every command's help."""
    return HEAD + "".join(map(_section, _commands()))


def _commands() -> Iterator[str]:
    for name in cli.COMMANDS:
        children: dict[str, Any] = getattr(cli.load_command(name), "commands", {})
        yield from [f"{name} {child}" for child in children] or [name]


def _section(words: str) -> str:
    arguments = [*words.split(), "--help"]
    environ = {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH}
    result = CliRunner().invoke(cli.app, arguments, prog_name=cli.PROGRAM, env=environ)
    return f"\n## aibridge {words}\n\n```text\n{result.stdout.strip()}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
