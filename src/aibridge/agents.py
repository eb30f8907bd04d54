"""Which client is calling and which session of it: a table, and the few steps that read it.

Names and session headers come from recorded traffic and from what the clients' own public
sources send. A header is matched by its lower-case name, a value whatever its case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

MAX_SESSION_ID = 256
"""Characters kept of a session id."""

MAX_USER_AGENT = 256
"""Bytes of a user agent that are looked at: what a client says of itself stands in front."""

HINTS = ("session_id", "prompt_cache_key", "conversation")
"""What of a request's body names its session where no header does, the best first."""


class Agent(NamedTuple):  # not a dataclass: one is made for every request
    """What a request says of the client that sent it.

    ``client`` and ``session_id`` are `None` where it does not say. ``sends_tools`` is true of a
    client whose every request of its own work carries tools, so that one without them is a side
    call (a title, a summary) and its text is not the person's.
    """

    client: str | None
    session_id: str | None
    sends_tools: bool


@dataclass(frozen=True, slots=True)
class Marker:
    """A header that gives a client away: by being there, or by how its value begins.

    With ``under`` it counts only beside a user agent that begins so.
    """

    header: bytes
    value: bytes = b""
    under: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """A row. ``agents`` are beginnings of its user agent, in lower case.

    ``session`` names headers, the best first. A ``general`` client is a library or a tool that
    others are built on: a marker of another row beats it. ``tools_with`` limits ``sends_tools``
    to requests that have this header.
    """

    name: str
    agents: tuple[bytes, ...] = ()
    markers: tuple[Marker, ...] = ()
    session: tuple[bytes, ...] = ()
    sends_tools: bool = False
    tools_with: bytes = b""
    general: bool = False


def _general(name: str, *agents: bytes) -> Client:
    return Client(name, agents, general=True)


OPENCODE_SESSION = (b"x-session-id", b"x-opencode-session", b"x-session-affinity")

CLIENTS = (
    Client(
        "Claude Code",
        (b"claude",),
        session=(b"x-claude-code-session-id",),
        sends_tools=True,
    ),
    Client(
        "Codex",
        (b"codex",),
        (Marker(b"originator", b"codex"),),
        session=(b"session-id", b"session_id"),
        sends_tools=True,
    ),
    Client("OpenCode", (b"opencode/",), session=OPENCODE_SESSION, sends_tools=True),
    Client(
        "Kilo Code",
        (b"kilo-code/", b"kilo/"),
        (Marker(b"originator", b"kilo-code"), Marker(b"x-kilocode-taskid")),
        session=(b"x-kilocode-taskid", *OPENCODE_SESSION),
        sends_tools=True,
        tools_with=b"x-session-affinity",  # older ones wrote their tools into the prompt
    ),
    Client(
        "Roo Code",
        (b"roo-code/", b"roocode/"),
        (
            Marker(b"originator", b"roo-code"),
            Marker(b"http-referer", b"https://github.com/roovetgit/"),
        ),
    ),
    Client(
        "Cline",
        (b"cline/",),
        (Marker(b"http-referer", b"https://cline.bot"),),
        session=(b"x-task-id",),
    ),
    Client("Cursor", markers=(Marker(b"x-cursor-client-version"),)),
    Client("GitHub Copilot (VS Code)", (b"githubcopilotchat/",), session=(b"x-interaction-id",)),
    Client(
        "GitHub Copilot (CLI)",
        (b"copilot/",),
        # With a provider of its user's it names only the library that it sends with.
        (Marker(b"x-initiator", under=b"anthropic/js"),),
        session=(b"x-client-session-id",),
    ),
    Client("Zed", (b"zed/",)),
    Client("Xum", (b"xum/", b"mux/"), session=(b"x-mux-workspace-id",)),
    Client("Coder Agents", (b"coder-agents/",), session=(b"x-coder-chat-id",)),
    Client("Charm Crush", (b"charm crush/", b"charm-crush/")),
    Client("Junie", (b"junie:", b"junie/")),
    Client("Gemini CLI", (b"geminicli",)),
    Client("Qwen Code", (b"qwencode/",)),
    Client("Kimi CLI", (b"kimicli/",)),
    Client("Factory Droid", (b"factory-cli/",)),
    Client(
        "Goose",
        (b"goose/",),
        (Marker(b"http-referer", b"https://block.github.io/goose"),),
        session=(b"agent-session-id",),
    ),
    Client("Aider", (b"aider/",), (Marker(b"http-referer", b"https://aider.chat"),)),
    Client("Continue", (b"continue/",), (Marker(b"http-referer", b"https://www.continue.dev"),)),
    _general("LiteLLM", b"litellm/"),
    _general("LangChain", b"langchain"),
    _general("Pydantic AI", b"pydantic-ai/"),
    _general("OpenAI Agents SDK (Python)", b"agents/python"),
    _general("AI SDK (TypeScript)", b"ai-sdk/", b"ai/"),
    _general("Anthropic SDK (Python)", b"anthropic/python", b"asyncanthropic/python"),
    _general("Anthropic SDK (TypeScript)", b"anthropic/js"),
    _general("Anthropic SDK (Go)", b"anthropic/go"),
    _general("Anthropic SDK (Java)", b"anthropic/java"),
    _general("Anthropic SDK (Ruby)", b"anthropic/ruby"),
    _general("OpenAI SDK (Python)", b"openai/python", b"asyncopenai/python"),
    _general("OpenAI SDK (TypeScript)", b"openai/js"),
    _general("OpenAI SDK (Go)", b"openai/go"),
    _general("OpenAI SDK (Java)", b"openai/java"),
    _general("OpenAI SDK (Ruby)", b"openai/ruby"),
    _general("curl", b"curl/"),
    _general("HTTPie", b"httpie/"),
    _general("Postman", b"postmanruntime/"),
    _general("Python httpx", b"python-httpx/"),
    _general("Python Requests", b"python-requests/"),
)
"""Every client that is known; of two rows that fit, the first counts."""

UNKNOWN = Client("", general=True)

_MARKERS = tuple((marker, client) for client in CLIENTS for marker in client.markers)
_MARKING = frozenset(marker.header for marker, _ in _MARKERS)


@lru_cache(maxsize=1024)
def _named(user_agent: bytes) -> Client:
    """The row of a user agent, `UNKNOWN` for none; a cache, as the same few come all day."""
    text = user_agent.lower()
    return next((client for client in CLIENTS if text.startswith(client.agents)), UNKNOWN)


def _marked(headers: Mapping[bytes, bytes], user_agent: bytes) -> Client | None:
    """The row that a header gives away."""
    for marker, client in _MARKERS:
        value = headers.get(marker.header)
        if (
            value
            and value.lower().startswith(marker.value)
            and user_agent.lower().startswith(marker.under)
        ):
            return client
    return None


def identify(headers: Mapping[bytes, bytes], hints: Mapping[str, str]) -> Agent:
    """Say which client sent a request and which of its sessions it belongs to.

    ``headers`` are by lower-case name; ``hints`` are what a reader of the body found there.
    """
    user_agent = headers.get(b"user-agent", b"")[:MAX_USER_AGENT]
    client = _named(user_agent)
    if client.general and not _MARKING.isdisjoint(headers):
        client = _marked(headers, user_agent) or client
    sends_tools = client.sends_tools and (not client.tools_with or client.tools_with in headers)
    return Agent(client.name or None, _session(client, headers, hints), sends_tools)


def _session(
    client: Client, headers: Mapping[bytes, bytes], hints: Mapping[str, str]
) -> str | None:
    """The first session id that is not empty, of headers and then of hints."""
    for header in client.session:
        value = headers.get(header)
        if value and (text := _clean(value.decode("utf-8", "replace"))):
            return text
    for hint in HINTS:
        text = hints.get(hint, "")
        if text and (text := _clean(text)):
            return text
    return None


def _clean(text: str) -> str:
    """A session id as it is stored: cut, and without what a database could refuse."""
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text.strip()[:MAX_SESSION_ID].rstrip()
