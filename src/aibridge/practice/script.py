"""The script: what the practice provider says, turn by turn. Written in TOML or in Python."""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

ANY_TOOL = "*"
"""The tool name that stands for whichever of the client's own tools suits."""

AGENT_TOOL = "*agent"
"""The tool name that stands for the client's own tool that starts a sub-agent."""


class ScriptError(ValueError):
    """A script that cannot be played; the message says where and why."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing the model does: say ``text``, think ``thinking``, or call ``tool``.

    ``tool`` is a name, ``"*"`` for a suitable tool of the client, or ``"*agent"`` for the one
    that starts a sub-agent. ``arguments`` are a table, or a string that is sent as it stands;
    without them they are filled from the tool's schema, with ``task`` as the command that a
    shell runs or the prompt that a sub-agent gets.
    """

    text: str | None = None
    thinking: str | None = None
    tool: str | None = None
    arguments: dict[str, Any] | str | None = None
    task: str | None = None

    def __post_init__(self) -> None:
        if sum(word is not None for word in (self.text, self.thinking, self.tool)) != 1:
            raise ValueError("a part holds exactly one of text, thinking and tool")
        if self.arguments is not None and self.tool is None:
            raise ValueError("arguments belong to a tool")
        if self.task is not None and (self.tool is None or self.arguments is not None):
            raise ValueError("a task belongs to a tool without arguments")


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens to report; ``input`` excludes the cache's. What is left out is estimated."""

    input: int | None = None
    output: int | None = None
    cache_read: int = 0
    cache_write: int = 0


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An HTTP error in place of an answer, worded in the dialect of the route.

    It befalls the first ``times`` requests of the turn (0: all of them), and only requests
    whose credential contains ``credential``; the others get the turn's parts.
    """

    status: int = 500
    type: str = ""
    message: str = "The practice provider was told to fail."
    code: str | None = None
    headers: dict[str, str] = {}
    times: int = 0
    credential: str = ""


class StreamFailure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error after the first ``after`` events of a stream; HTTP 500 where nothing streams.

    ``event`` chooses between the two forms that the Responses API knows.
    """

    after: int = 0
    type: str = ""
    message: str = "The practice provider was told to fail in mid-stream."
    event: Literal["failed", "error"] = "failed"


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """One answer.

    ``when`` is a substring or regular expression of the prompt, in any case. ``stop_reason``
    is in Anthropic's words (``max_tokens``, ``refusal``…) and translated. ``delay`` is seconds
    before the first byte, ``pause`` seconds before each further event; without a ``pause`` a
    stream is sent in one piece. ``chunk`` is characters a text delta. ``break_after`` is how
    many events (for a whole answer: bytes) are sent before the connection is cut. ``polls`` is
    how many times a background response is found unfinished.
    """

    parts: tuple[Part, ...] = ()
    when: str | None = None
    model: str | None = None
    usage: Usage = Usage()
    service_tier: str | None = None
    stop_reason: str | None = None
    delay: float = 0.0
    pause: float | None = None
    chunk: int = 16
    error: Failure | None = None
    stream_error: StreamFailure | None = None
    break_after: int | None = None
    polls: int = 1
    encoding: Literal["gzip", "deflate", "br", "zstd"] | None = None

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise ValueError("chunk is at least 1 character")
        if not self.parts and self.error is None:
            raise ValueError("a turn needs parts or an error")

    @property
    def calls_tools(self) -> bool:
        """Whether the answer depends on the tools that the client sent."""
        return any(part.tool is not None for part in self.parts)


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The turns, and the models that the model list names."""

    turns: tuple[Turn, ...] = msgspec.field(name="turn")
    models: tuple[str, ...] = ("claude-opus-4-8", "claude-haiku-4-5", "gpt-5", "gpt-5-codex")

    def __post_init__(self) -> None:
        if not self.turns:
            raise ValueError("a script needs at least one turn")

    def choose(self, prompt: str, rounds: int) -> Turn:
        """Return the turn for ``prompt`` after ``rounds`` rounds of tool results.

        The turns whose ``when`` fits the prompt are walked in order, or else those without a
        ``when``; the last one repeats.
        """
        walk = (
            [turn for turn in self.turns if turn.when is not None and _fits(turn.when, prompt)]
            or [turn for turn in self.turns if turn.when is None]
            or self.turns
        )
        return walk[min(rounds, len(walk) - 1)]


def _fits(when: str, prompt: str) -> bool:
    if when.lower() in prompt.lower():
        return True
    try:
        return re.search(when, prompt, re.IGNORECASE) is not None
    except re.error:
        return False


def parse(text: str) -> Script:
    """Read a script from TOML; raise `ScriptError` on what is no script."""
    try:
        return msgspec.convert(tomllib.loads(text), Script)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as trouble:
        raise ScriptError(str(trouble)) from trouble


def load(path: Path) -> Script:
    """Read the script in the file at ``path``; raise `ScriptError` or `OSError`."""
    return parse(path.read_text(encoding="utf-8"))


DEFAULT = Script(
    turns=(
        Turn(
            parts=(
                Part(thinking="The user wants something done. I should run a command first."),
                Part(text="I will run a command."),
                Part(tool=ANY_TOOL),
            )
        ),
        Turn(
            parts=(
                Part(thinking="The command has run, and its output is what I expected."),
                Part(text="Done: the command ran and printed what it should."),
            )
        ),
    )
)
"""A short agent's loop: one tool call, then the final word."""
