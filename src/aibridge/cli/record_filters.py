"""The options by which sessions and interceptions are looked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aibridge.cli.options import choice, moment_option

if TYPE_CHECKING:
    from aibridge.sdk import InterceptionFilter, SessionFilter

_Before = moment_option("Only what started then or earlier")
_After = moment_option("Only what started then or later")


KINDS = ("typed", "side_call", "subagent", "compaction", "summary", "retry", "automation")
"""The kinds of prompts that the API can look for."""


@dataclass(frozen=True, slots=True)
class What:
    """What is looked for, whenever it was; every one that is given has to match."""

    initiator: Annotated[str, typer.Option(help="A user's id, a username, or me.")] = ""
    provider: Annotated[str, typer.Option(help="A provider's type, such as anthropic.")] = ""
    provider_name: Annotated[str, typer.Option(help="A provider's name in the settings.")] = ""
    model: Annotated[str, typer.Option(help="A model.")] = ""
    client_name: Annotated[
        str, typer.Option("--client", help="A client, such as 'Claude Code'.")
    ] = ""
    kind: Annotated[
        str | None,
        choice(
            KINDS, help=f"What has a prompt of this kind: {', '.join(KINDS[:-1])} or {KINDS[-1]}."
        ),
    ] = None
    search: Annotated[
        str,
        typer.Option(
            "--search", "-q", help="A search, such as 'tool:bash tokens>100k': see docs/api.md."
        ),
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
            "kind": self.kind or "",
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
