"""What to look for, written into the search ``q`` exactly as the contract's Go client does.

The caller's own ``q`` comes last: of a key that comes twice, the original's server takes the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from aibridge.contract import PromptKind
from aibridge.sdk.arguments import checked_fields
from aibridge.sdk.quoting import go_quote, rfc3339_nano

_KEYS = (
    "initiator",
    "started_before",
    "started_after",
    "provider",
    "provider_name",
    "model",
    "client",
    "session_id",
    "kind",
)
"""In the order in which they are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    """What both lists can look for."""

    initiator: str = ""
    started_before: AwareDatetime | None = None
    started_after: AwareDatetime | None = None
    provider: str = ""
    provider_name: str = ""
    model: str = ""
    client: str = ""
    kind: PromptKind | Literal[""] = ""
    q: str = ""

    def query(self) -> str:
        """Return the search as it is sent, empty when nothing is looked for."""
        parts = (*self._parts(), self.q)
        return " ".join(part for part in parts if part)

    def _parts(self) -> Iterator[str]:
        for key in _KEYS:
            value = getattr(self, key, None)
            if isinstance(value, datetime):
                yield f"{key}:{go_quote(rfc3339_nano(value))}"
            elif value:
                yield f"{key}:{go_quote(str(value))}"


@checked_fields
@dataclass(frozen=True, slots=True, kw_only=True)
class InterceptionFilter(_Filter):
    """Which interceptions to list: those that match every field that is set.

    ``initiator`` is a user's id, a username, or ``me``. Times need an offset and include the
    moment itself. ``provider`` is a provider's type, ``provider_name`` its configured name.
    ``kind`` is one of prompts, such as ``typed`` or ``subagent``, beyond the contract. ``q`` is a
    search in the server's own language, added as it is.
    """


@checked_fields
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter(_Filter):
    """Which sessions to list: the fields of `InterceptionFilter`, and the session's own id."""

    session_id: str = ""
