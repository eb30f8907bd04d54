"""The options by which sessions and interceptions are looked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aibridge.cli.options import parse_time

if TYPE_CHECKING:
    from aibridge.sdk import InterceptionFilter, SessionFilter

_Before = typer.Option(
    parser=parse_time, metavar="TIME", help="What started then or before: RFC 3339 with an offset."
)
_After = typer.Option(parser=parse_time, metavar="TIME", help="What started then or after.")


KINDS = ("typed", "side_call", "subagent", "compaction", "summary", "retry", "automation")
"""The kinds of prompts that the API can look for."""


def _kinds(begun: str) -> list[str]:
    return [kind for kind in KINDS if kind.startswith(begun)]


@dataclass(frozen=True, slots=True)
class What:
    """What is looked for, whenever it was; every one that is given has to match."""

    initiator: Annotated[str, typer.Option(help="A user's id, a username, or me.")] = ""
    provider: Annotated[str, typer.Option(help="A type of providers, such as anthropic.")] = ""
    provider_name: Annotated[str, typer.Option(help="A provider, by its own name.")] = ""
    model: Annotated[str, typer.Option(help="A model.")] = ""
    client_name: Annotated[
        str, typer.Option("--client", help="A client, such as 'Claude Code'.")
    ] = ""
    kind: Annotated[
        str,
        typer.Option(
            autocompletion=_kinds,
            metavar="KIND",
            help=f"A kind of prompts: {', '.join(KINDS[:-1])} or {KINDS[-1]}.",
        ),
    ] = ""
    search: Annotated[
        str, typer.Option("--search", "-q", help="A search in the API's own language.")
    ] = ""

    def interceptions(self) -> "InterceptionFilter":
        """Return which interceptions are meant."""
        from aibridge.sdk import InterceptionFilter  # noqa: PLC0415 - it takes a while to import

        return InterceptionFilter(**self._shared())

    def sessions(self, session_id: str) -> "SessionFilter":
        """Return which sessions are meant."""
        from aibridge.sdk import SessionFilter  # noqa: PLC0415

        return SessionFilter(**self._shared(), session_id=session_id)

    def _shared(self) -> dict[str, Any]:
        after, before = self._bounds()
        return {
            "initiator": self.initiator,
            "started_before": before,
            "started_after": after,
            "provider": self.provider,
            "provider_name": self.provider_name,
            "model": self.model,
            "client": self.client_name,
            "kind": self.kind,
            "q": self.search,
        }

    def _bounds(self) -> "tuple[datetime | None, datetime | None]":
        """Return the first and the last moment that is meant."""
        return None, None


@dataclass(frozen=True, slots=True)
class RecordFilters(What):
    """The same, of a time between two moments."""

    started_before: Annotated[datetime | None, _Before] = None
    started_after: Annotated[datetime | None, _After] = None

    def _bounds(self) -> "tuple[datetime | None, datetime | None]":
        return self.started_after, self.started_before
