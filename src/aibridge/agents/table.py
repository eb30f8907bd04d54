"""The clients that are known, and by what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marker:
    """A header that gives a client away: by being there, or by how its value begins.

    With ``under`` it counts only beside a user agent that begins so.
    """

    header: bytes
    value: bytes = b""
    under: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """A row. ``agents`` are beginnings of its user agent, in lower case.

    ``session`` names headers, the best first, and ``openings`` how its system prompts begin. A
    ``general`` client is a library or a tool that others are built on: a marker or an opening of
    another row beats it.
    """

    name: str
    agents: tuple[bytes, ...] = ()
    markers: tuple[Marker, ...] = ()
    session: tuple[bytes, ...] = ()
    openings: tuple[str, ...] = ()
    general: bool = False


def _general(name: str, *agents: bytes) -> Client:
    return Client(name, agents, general=True)


OPENCODE_SESSION = (b"x-session-id", b"x-opencode-session", b"x-session-affinity")
VENDORS_LIBRARIES = (b"anthropic/js", b"openai/js")

CLIENTS = (
    Client("Claude Code", (b"claude",), session=(b"x-claude-code-session-id",)),
    Client(
        "Codex",
        (b"codex",),
        (Marker(b"originator", b"codex"),),
        session=(b"session-id", b"session_id"),
        openings=("You are Codex, ", "You are a coding agent running in the Codex CLI"),
    ),
    Client(
        "OpenCode",
        (b"opencode/",),
        session=OPENCODE_SESSION,
        openings=("You are OpenCode, ", "You are opencode, "),
    ),
    Client(
        "Kilo Code",
        (b"kilo-code/", b"kilo/"),
        (
            Marker(b"originator", b"kilo-code"),
            Marker(b"x-kilocode-taskid"),
            Marker(b"x-kilocode-version"),
            Marker(b"http-referer", b"https://kilocode.ai"),
            Marker(b"http-referer", b"https://kilo.ai"),
            Marker(b"x-title", b"kilo code"),
        ),
        session=(b"x-kilocode-taskid", *OPENCODE_SESSION),
        openings=("You are Kilo, ", "You are Kilo Code"),
    ),
    Client(
        "Roo Code",
        (b"roo-code/", b"roocode/"),
        (
            Marker(b"originator", b"roo-code"),
            Marker(b"http-referer", b"https://github.com/roovetgit/"),
            Marker(b"x-title", b"roo code"),
        ),
        openings=("You are Roo, ",),
    ),
    Client(
        "Cline",
        (b"cline/",),
        (Marker(b"http-referer", b"https://cline.bot"), Marker(b"x-title", b"cline")),
        session=(b"x-task-id",),
        openings=("You are Cline, ",),
    ),
    Client("Cursor", markers=(Marker(b"x-cursor-client-version"),)),
    Client("GitHub Copilot (VS Code)", (b"githubcopilotchat/",), session=(b"x-interaction-id",)),
    Client(
        "GitHub Copilot (CLI)",
        (b"copilot/",),
        # With a provider of its user's it names only the library that it sends with.
        (
            Marker(b"x-initiator", under=VENDORS_LIBRARIES),
            Marker(b"x-interaction-type", b"conversation-", under=VENDORS_LIBRARIES),
        ),
        session=(b"x-client-session-id",),
        openings=("You are the GitHub Copilot CLI",),
    ),
    Client("Zed", (b"zed/",)),
    Client("Xum", (b"xum/", b"mux/"), session=(b"x-mux-workspace-id",)),
    Client("Coder Agents", (b"coder-agents/",), session=(b"x-coder-chat-id",)),
    Client("Charm Crush", (b"charm crush/", b"charm-crush/"), openings=("You are Crush, ",)),
    Client("Junie", (b"junie:", b"junie/")),
    Client("Gemini CLI", (b"geminicli",), openings=("You are Gemini CLI, ",)),
    Client("Qwen Code", (b"qwencode/",), openings=("You are Qwen Code, ",)),
    Client("Kimi CLI", (b"kimicli/",), openings=("You are Kimi CLI",)),
    Client("Factory Droid", (b"factory-cli/",), openings=("You are Droid, ",)),
    Client("Pi", openings=("You are an expert coding assistant operating inside pi, ",)),
    Client(
        "Goose",
        (b"goose/",),
        (
            Marker(b"http-referer", b"https://block.github.io/goose"),
            Marker(b"x-title", b"goose"),
        ),
        session=(b"agent-session-id",),
        openings=("You are a general-purpose AI agent called goose",),
    ),
    Client(
        "Aider",
        (b"aider/",),
        (Marker(b"http-referer", b"https://aider.chat"), Marker(b"x-title", b"aider")),
        openings=(
            "Act as an expert software developer.",
            "Act as an expert code analyst.",
            "Act as an expert architect engineer",
        ),
    ),
    Client(
        "Continue",
        (b"continue/",),
        (Marker(b"http-referer", b"https://www.continue.dev"),),
        openings=("You are an agent in the Continue CLI.",),
    ),
    Client(
        "OpenHands",
        (b"openhands/",),
        (
            Marker(b"x-title", b"openhands"),
            Marker(b"http-referer", b"https://docs.all-hands.dev"),
            Marker(b"http-referer", b"https://docs.openhands.dev"),
        ),
        session=(b"x-litellm-session-id",),
        openings=("You are OpenHands agent", "<SOUL>\nYou are OpenHands agent"),
    ),
    Client(
        "smolagents",
        openings=(
            "You are an expert assistant who can solve any task using",
            "An agent tried to answer a user query but it got stuck",
        ),
    ),
    Client(
        "mini-swe-agent",
        openings=(
            "You are a helpful assistant that can interact with a computer.",
            "You are a helpful assistant that can interact multiple times with a computer shell",
        ),
    ),
    _general("LiteLLM", b"litellm/"),
    _general("LangChain", b"langchain"),
    _general("Pydantic AI", b"pydantic-ai/"),
    _general("OpenAI Agents SDK (Python)", b"agents/python"),
    _general("OpenAI Agents SDK (TypeScript)", b"agents/javascript", b"agents/js"),
    _general("AI SDK (TypeScript)", b"ai-sdk/", b"ai-sdk-", b"ai/"),
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

OUR_SESSION = b"x-ai-bridge-session-id"
"""The header by which any client may name its session; it beats all others."""

SESSION_HEADERS = (
    b"x-session-id",
    b"session-id",
    b"session_id",
    b"x-litellm-session-id",
    b"helicone-session-id",
    b"langfuse_session_id",
    b"langfuse-session-id",
    b"x-session-affinity",
    b"x-affinity",
    b"x-task-id",
    b"x-conversation-id",
    b"x-claude-code-session-id",
    b"x-client-session-id",
    b"agent-session-id",
)
"""Headers in which a client may name its session, whichever it is, the best first."""

SESSION_HINTS = ("session_id", "session_folder", "conversation", "prompt_cache_key")
"""What of a request's body names its session where no header does, the best first."""
