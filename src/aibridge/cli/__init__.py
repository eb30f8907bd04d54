"""The command line: one module a noun, each imported when its command is called."""

import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from aibridge import __version__

PROGRAM = "aibridge"
HELP = {"help_option_names": ["-h", "--help"]}
COMPLETE = "_AIBRIDGE_COMPLETE"
"""The variable by which a shell asks what could come next."""

COMMANDS = {
    "serve": ("aibridge.cli.serve", "serve", "Run the bridge."),
    "users": ("aibridge.cli.users", "app", "The people who may use the bridge."),
    "groups": ("aibridge.cli.groups", "app", "Groups of users."),
    "tokens": ("aibridge.cli.tokens", "app", "The tokens that clients send."),
    "budgets": ("aibridge.cli.budgets", "app", "What each member of a group may spend."),
    "caps": ("aibridge.cli.caps", "app", "Limits by the day, of groups, sessions or tokens."),
    "prices": ("aibridge.cli.prices", "app", "What models cost, and prices of your own."),
    "spend": ("aibridge.cli.spend", "app", "What was spent."),
    "sessions": ("aibridge.cli.sessions", "app", "What was recorded, by session."),
    "interceptions": (
        "aibridge.cli.interceptions",
        "app",
        "What was recorded, request by request.",
    ),
    "providers": (
        "aibridge.cli.choices",
        "providers",
        "The providers that are configured, or were.",
    ),
    "models": ("aibridge.cli.choices", "models", "The models on record."),
    "clients": ("aibridge.cli.choices", "clients", "The clients on record."),
    "export": ("aibridge.cli.export", "app", "The record, written out for other programs."),
    "db": ("aibridge.cli.db", "app", "Check, upgrade, purge or copy the database."),
    "audit": ("aibridge.cli.audit", "app", "Who changed what."),
    "secrets": ("aibridge.cli.encryption", "app", "Encryption of provider keys."),
    "whoami": ("aibridge.cli.whoami", "whoami", "Show whose token is used."),
    "login": ("aibridge.cli.login", "login", "Get a token for a password."),
    "logout": ("aibridge.cli.login", "logout", "Delete the token that is used."),
    "completion": ("aibridge.cli.completion", "completion", "Complete commands with the Tab key."),
    "practice": ("aibridge.cli.practice", "practice", "Run a provider to practise with."),
}
"""The commands: their module, the function or app in it, and the line of the overview."""


class LazyGroup(typer.core.TyperGroup):
    """Commands that are known by name and imported when one of them is called."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - handed on as they come
        super().__init__(**options)
        for name, (_, _, line) in COMMANDS.items():
            self.commands[name] = typer.core.TyperCommand(name, help=line)

    def resolve_command(
        self,
        ctx: Any,  # noqa: ANN401 - its type moved between releases of typer
        args: list[str],
    ) -> tuple[str | None, Any, list[str]]:
        """Return the command that the first argument names, and the arguments left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name in COMMANDS else command, rest

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - see above
        """Run a command; what it imports on its way may need the server."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            with needing_server(ctx.invoked_subcommand):
                raise error from None


def load_command(name: str) -> Any:  # noqa: ANN401 - see resolve_command
    """Import a command of `COMMANDS`; one that needs the server ends the program without it."""
    module_name, attribute, line = COMMANDS[name]
    with needing_server(name):
        target = getattr(import_module(module_name), attribute)
    if isinstance(target, typer.Typer):
        target.rich_markup_mode = None  # every help reads the same
        group = typer.main.get_group(target)
        group.help = group.help or line
        return group
    text, _, example = (inspect.getdoc(target) or "").partition("\n\nExample: ")
    single = new_app()
    single.command(name, help=text, epilog=f"Example: {example}")(target)
    return typer.main.get_command(single)


@contextmanager
def needing_server(what: str, otherwise: str = "") -> Iterator[None]:
    """End the program with one line and status 2 where packages of the server cannot be imported.

    ``what`` needs them; ``otherwise`` is another way, for who does not want the server.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or PROGRAM).partition(".")[0] == PROGRAM:
            raise  # a module of our own: the installation is broken
        text = f"aibridge: {what} needs the server: pip install 'aibridge[server]'{otherwise}"
        typer.echo(text, err=True)
        raise typer.Exit(2) from None


def new_app(**options: Any) -> typer.Typer:  # noqa: ANN401 - those of typer.Typer
    """Make an app whose help is plain text, and whose errors are never a coloured traceback."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **options,
    )


app = new_app(cls=LazyGroup, context_settings=HELP, epilog="Example: aibridge serve --port 4000")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aibridge {__version__}")
        raise typer.Exit


@app.callback()
def bridge(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """A gateway between coding agents and model providers that keeps every call on record."""


def _open_streams() -> None:
    """Open on nothing what the caller has closed of standard input, output and error.

    Python has ``None`` in their place, which no code that reads or prints expects.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - until the end


def main() -> None:
    """Run the command line of this process, or answer the shell that completes one."""
    _open_streams()
    if COMPLETE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # noqa: PLC0415

        completion_init()
    app(prog_name=PROGRAM)
