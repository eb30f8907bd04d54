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


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """What is looked for; every one that is given has to match."""

    initiator: Annotated[str, typer.Option(help="A user's id, a username, or me.")] = ""
    started_before: Annotated[datetime | None, _Before] = None
    started_after: Annotated[datetime | None, _After] = None
    provider: Annotated[str, typer.Option(help="A type of providers, such as anthropic.")] = ""
    provider_name: Annotated[str, typer.Option(help="A provider, by its own name.")] = ""
    model: Annotated[str, typer.Option(help="A model.")] = ""
    client_name: Annotated[
        str, typer.Option("--client", help="A client, such as 'Claude Code'.")
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
        return {
            "initiator": self.initiator,
            "started_before": self.started_before,
            "started_after": self.started_after,
            "provider": self.provider,
            "provider_name": self.provider_name,
            "model": self.model,
            "client": self.client_name,
            "q": self.search,
        }
