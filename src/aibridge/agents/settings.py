"""The settings of a client that the built-in table does not have: a table of ``[[agents]]``."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aibridge.agents.table import OUR_SESSION, Client, Marker

_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")


def _header(name: str) -> str:
    lowered = name.lower()
    if not _HEADER.fullmatch(lowered):
        raise ValueError("expected the name of a header")
    return lowered


def _printable(text: str) -> str:
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("expected printable ASCII characters")
    return text


Header = Annotated[str, AfterValidator(_header)]
Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Prefix = Annotated[str, Field(min_length=2, max_length=128), AfterValidator(_printable)]


class AgentSettings(BaseModel):
    """A client by its name, and by what it is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: Name = Field(description="What the client is called on the record.")
    user_agents: tuple[Prefix, ...] = Field(
        default=(), description="How its user agents begin, in any case."
    )
    markers: tuple[Header, ...] = Field(
        default=(), description="Headers that only this client sends."
    )
    session_headers: tuple[Header, ...] = Field(
        default=(), description="Headers in which it names its session, the best first."
    )

    def to_client(self) -> Client:
        """Return the row of the table."""
        return Client(
            self.name,
            tuple(each.lower().encode() for each in self.user_agents),
            tuple(Marker(each.encode()) for each in self.markers),
            tuple(each.encode() for each in self.session_headers if each.encode() != OUR_SESSION),
        )
