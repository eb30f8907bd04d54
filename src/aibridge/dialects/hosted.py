"""How often a request lets a provider run tools of its own, and the model again after each."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import label, read

DEFAULT_USES = 10
"""How often such tools are taken to be used where a request says no maximum.

Anthropic pauses a turn after so many rounds of its own tools. Source:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools, November 2026.
"""
MAX_USES = 100
"""Uses that a request's own maximum is taken for at most: no answer is known to have more."""

_RUN_BY_CLIENTS = (
    "apply_patch",
    "bash",
    "computer",
    "custom",
    "function",
    "local_shell",
    "memory",
    "namespace",
    "shell",
    "text_editor",
)
"""How the types of tools begin that a provider only asks for; it runs all others itself."""


class Hosted(NamedTuple):
    """What comes of a provider's own tools at most.

    ``runs`` are those of the model, the first among them; ``models`` are others that tools name.
    """

    runs: int = 1
    web_searches: int = 0
    file_searches: int = 0
    models: tuple[str, ...] = ()


class _Tool(Struct):
    type: Any = None
    max_uses: Any = None
    model: Any = None
    execution: Any = None


_TOOLS = msgspec.json.Decoder(list[_Tool])
_NONE = Hosted()


def hosted(tools: Raw, most: object, *, more: tuple[str, ...] = (), each: bool = False) -> Hosted:
    """Return what comes of a request's tools, and of those that other fields ask for (``more``).

    ``most`` is the request's maximum of all calls of tools; ``each`` says that a tool may have one.
    """
    listed = read(_TOOLS, tools, Notes(), "the tools") if bytes(tools) else None
    found = [tool for tool in (*(listed or ()), *map(_Tool, more)) if _is_hosted(tool)]
    if not found:
        return _NONE
    shared = _uses(most)
    rest = DEFAULT_USES if shared is None else shared
    said = [(label(tool.type), _uses(tool.max_uses) if each else None) for tool in found]
    counts = [(kind, rest if uses is None else uses) for kind, uses in said]
    own = sum(uses for _, uses in said if uses is not None)
    return Hosted(
        1 + min(MAX_USES, own + (rest if None in [uses for _, uses in said] else 0)),
        min(MAX_USES, sum(uses for kind, uses in counts if "web_search" in kind)),
        min(MAX_USES, sum(uses for kind, uses in counts if "file_search" in kind)),
        tuple(dict.fromkeys(label(tool.model) for tool in found if label(tool.model))),
    )


def _uses(value: object) -> int | None:
    """Return how often a tool may be used, `None` where that is not said."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return min(value, MAX_USES) if is_count and isinstance(value, int) else None


def _is_hosted(tool: _Tool) -> bool:
    kind = label(tool.type)
    return bool(kind) and not kind.startswith(_RUN_BY_CLIENTS) and tool.execution != "client"
