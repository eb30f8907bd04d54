"""What the bytes say: one module a wire API. Pure: no I/O, no settings, no sockets."""

import re
from collections.abc import Mapping
from typing import Protocol

from aibridge.dialects import chat, messages, responses
from aibridge.dialects.answers.reading import AnswerReader
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import ProviderError, RequestFacts, ResponseFacts

__all__ = ["DIALECTS", "Dialect"]


class Dialect(Protocol):
    """What every module of a dialect offers."""

    @property
    def SKIP(self) -> re.Pattern[bytes]:  # noqa: N802 # a constant of the module
        """Events that bring text only, for `aibridge.dialects.sse.EventStream`."""

    @property
    def QUIET(self) -> re.Pattern[bytes] | None:  # noqa: N802 # a constant of the module
        """One of the events that say nothing at all, likewise."""

    @property
    def PIECES(self) -> re.Pattern[bytes]:  # noqa: N802 # a constant of the module
        """Events that bring pieces of anything: they neither end an answer nor count its tokens.

        For whoever looks for no more than that; otherwise as `SKIP`.
        """

    @property
    def StreamReader(self) -> type[AnswerReader]:  # noqa: N802 # a class of the module
        """The reader of a streamed answer; it may be told the URLs of MCP servers."""

    def read_request(self, body: Buffer) -> RequestFacts:
        """Read a request; never raises."""

    def read_answer(self, body: bytes, servers: Mapping[str, str] | None = None) -> ResponseFacts:
        """Read an answer that came in one piece; never raises."""

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """Read the body of an answer with an error status; never raises."""

    def error_body(self, status: int, message: str, *, kind: str | None = None) -> bytes:
        """Word a refusal of ours."""


DIALECTS: dict[str, Dialect] = {"messages": messages, "chat": chat, "responses": responses}
"""Every dialect by its name."""
