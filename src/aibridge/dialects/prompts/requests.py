"""What a whole request is for, as its body says."""

import re
from collections.abc import Sequence

from aibridge.dialects.facts import Prompt, PromptKind
from aibridge.dialects.prompts.openings import OPENINGS, PROBES, SUBAGENT_SIGN

MAX_OPENING = 160
"""Bytes of each text of a system prompt that are looked at."""

_MAX_TEXTS = 3
_HEAD = 600
"""Bytes of a system prompt in which Claude Code says who is asking."""

_STRING = re.compile(rb'\s*(?::\s*)?"')
_KEYS = (b'"text"', b'"content"')
_AGENT = re.compile(rb'"role"\s*:\s*"(?:system|developer)"')
_BACKSLASH = ord("\\")
_ROLE_BEFORE, _ROLE_AFTER = 200, 100
_OPENINGS = tuple(OPENINGS)
_WHOLE_PROMPT = (PromptKind.COMPACTION, PromptKind.SIDE_CALL)


def is_system(head: bytes, end: bytes) -> bool:
    """Say of the ends of a message whether it is the system's or the developer's."""
    return bool(_AGENT.search(head, 0, _ROLE_BEFORE) or _AGENT.search(end[-_ROLE_AFTER:]))


def openings(system: bytes) -> tuple[str, ...]:
    """Return how the texts of a system prompt begin, of its JSON, without decoding the rest."""
    if bare := _STRING.match(system):
        return (_beginning(system, bare.end()),)
    found: list[str] = []
    for key in _KEYS:
        at = -1 if found else system.find(key)
        while at >= 0 and len(found) < _MAX_TEXTS:
            if value := _STRING.match(system, at + len(key)):
                found.append(_beginning(system, value.end()))
            at = system.find(key, at + len(key))
    return tuple(found)


def _beginning(system: bytes, start: int) -> str:
    """Return the beginning of the JSON string whose inside begins at ``start``."""
    escaped = system[start : start + MAX_OPENING]
    end = escaped.find(b'"')
    while end > 0 and escaped[end - 1] == _BACKSLASH:
        end = escaped.find(b'"', end + 1)
    text = (escaped if end < 0 else escaped[:end]).decode("utf-8", "ignore")
    return text.replace("\\n", "\n").replace('\\"', '"').lstrip()


def kind_of(
    begins: Sequence[str], system: bytes, prompts: Sequence[Prompt], limit: object
) -> PromptKind:
    """Say what a request is for, of its system prompt, its prompts and its limit of tokens."""
    if SUBAGENT_SIGN in system[:_HEAD]:
        return PromptKind.SUBAGENT
    for opening in begins:
        if opening.startswith(_OPENINGS):
            return next(kind for begin, kind in OPENINGS.items() if opening.startswith(begin))
    for prompt in prompts:
        if prompt.kind in _WHOLE_PROMPT:
            return prompt.kind
    return PromptKind.SIDE_CALL if _is_probe(prompts, limit) else PromptKind.TYPED


def _is_probe(prompts: Sequence[Prompt], limit: object) -> bool:
    return limit == 1 and len(prompts) == 1 and prompts[0].text.strip().lower() in PROBES
