"""Types of providers: which API each speaks, where, and which of its paths may be reached.

The paths are an allow-list: configured keys may be admin-grade, so nothing else is ever
forwarded. A path ending in ``/`` stands for everything below it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """A wire API."""

    MESSAGES = "messages"
    CHAT = "chat"
    RESPONSES = "responses"


class Auth(StrEnum):
    """Where a provider expects its credential."""

    X_API_KEY = "x-api-key"
    BEARER = "bearer"
    API_KEY = "api-key"


@dataclass(frozen=True, slots=True)
class ProviderType:
    """What differs between providers, as data.

    ``prefix`` is the part of the path between the provider's name and the routes; it is not
    repeated upstream, where ``base_url`` already ends in it. ``recorded`` maps a path to the
    dialect it speaks. ``dialect`` is the one in which errors of other paths are worded.
    """

    name: str
    base_url: str
    dialect: Dialect
    auth: Auth
    recorded: dict[str, Dialect]
    passed: tuple[str, ...]
    prefix: str = ""
    central: bool = True
    """Whether configured keys are used at all; where not, callers bring their own."""


_OPENAI_RECORDED = {"/chat/completions": Dialect.CHAT, "/responses": Dialect.RESPONSES}
_OPENAI_PASSED = (
    "/conversations",
    "/conversations/",
    "/models",
    "/models/",
    "/responses/",
)


def _openai(name: str, base_url: str, auth: Auth = Auth.BEARER) -> ProviderType:
    return ProviderType(
        name=name,
        base_url=base_url,
        dialect=Dialect.CHAT,
        auth=auth,
        recorded=_OPENAI_RECORDED,
        passed=_OPENAI_PASSED,
        prefix="/v1",
    )


TYPES: dict[str, ProviderType] = {
    kind.name: kind
    for kind in (
        ProviderType(
            name="anthropic",
            base_url="https://api.anthropic.com/",
            dialect=Dialect.MESSAGES,
            auth=Auth.X_API_KEY,
            recorded={"/v1/messages": Dialect.MESSAGES},
            passed=(
                "/v1/models",
                "/v1/models/",
                "/v1/messages/count_tokens",
                "/api/event_logging/",
            ),
        ),
        _openai("openai", "https://api.openai.com/v1/"),
        ProviderType(
            name="copilot",
            base_url="https://api.individual.githubcopilot.com",
            dialect=Dialect.CHAT,
            auth=Auth.BEARER,
            recorded={**_OPENAI_RECORDED, "/v1/messages": Dialect.MESSAGES},
            passed=(
                "/models",
                "/models/",
                "/agents/",
                "/mcp/",
                "/.well-known/",
                "/responses/",
                "/v1/messages/count_tokens",
            ),
            central=False,
        ),
        _openai("openai-compat", ""),
        _openai("azure", "", Auth.API_KEY),
        _openai("google", "https://generativelanguage.googleapis.com/v1beta/openai/"),
        _openai("openrouter", "https://openrouter.ai/api/v1/"),
        _openai("vercel", "https://ai-gateway.vercel.sh/v1/"),
    )
}
"""Every type by its name. An empty ``base_url`` has no default: the configuration gives it."""
