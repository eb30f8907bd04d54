"""The person's own words in the result of a tool: why they refused it, what they answered.

Most results are long and nobody's words, so a few looks at their bytes come before any decoding.
"""

import re
from collections.abc import Iterator

import msgspec

from aibridge.dialects.facts import Notes, Prompt
from aibridge.dialects.fields import mapping, read
from aibridge.dialects.prompts.tables import QUEUED
from aibridge.dialects.prompts.wrappers import queued_words

MAX_WORDS = 64 << 10
"""Characters that are looked at in front of one result, and as many at its end."""

_HEAD = 800
"""Bytes at the start of a result in which a refusal or an answer begins."""

_SIGNS = (
    b"he user said:",
    b"reason for the rejection:",
    b"tool call. User feedback: ",
    b"questions have been answered: ",
    b"answered your questions: ",
    b"he user answered: ",
    b"the following answers:",
    b"following feedback: ",
    b"User responded: ",
    b"User selected: ",
    b'"answers',
    b"<answer>",
    b"<user_message>",
)
_ANYWHERE = (b"The user sent ", b"</feedback>")
_REMINDER = re.compile(
    r"<system-reminder>\s*(The user sent (?:(?!</system-reminder>).)*)", re.DOTALL
)
_ANSWER = re.compile(
    r'"="(.*?)"(?=, "|\. |\.?$| selected | user notes)| user notes: (.*?)(?=, "|\. You |\.?$)',
    re.DOTALL,
)
_CLARIFIED = re.compile(r"^  Answer: (.+)$", re.MULTILINE)
_REST = re.compile(
    r"(?:he user said:\n|\AThe user doesn't want .{0,400}? said: |reason for the rejection:)"
    r"(?P<reason>.*)|"
    r"(?:questions have been answered|answered your questions|he user answered): (?P<answers>.*)|"
    r"(?:the following answers:|following feedback: |User responded: |User selected: |"
    r"tool call\. User feedback: )(?P<rest>.*)",
    re.DOTALL,
)
_NOTE = "\n\nNote: The user's next message"
_TAGS = ("feedback", "answer", "user_message")
_CLARIFY = "The user wants to clarify these questions."

_ANY = msgspec.json.Decoder()


def words_in_result(raw: bytes) -> list[Prompt]:
    """Return the words of the person in a tool's result, given as JSON."""
    head = raw[:_HEAD]
    if not any(sign in head for sign in _SIGNS) and not any(sign in raw for sign in _ANYWHERE):
        return []
    value = read(_ANY, raw, Notes(), "a result")
    return [Prompt(words) for text in _texts(value) if (words := _words(_ends(text)))]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            text = mapping(each).get("text", each)
            if isinstance(text, str):
                yield text


def _ends(text: str) -> str:
    """Return a text, or both ends of a long one: what was typed meanwhile stands at the end."""
    return text if len(text) <= 2 * MAX_WORDS else text[:MAX_WORDS] + text[-MAX_WORDS:]


def _words(text: str) -> str:
    queued = [queued_words(each) for each in _REMINDER.findall(text) if _is_queued(each)]
    if queued:
        return "\n".join(queued)
    if text.startswith('{"answers"'):
        return "\n".join(_answers(mapping(read(_ANY, text.encode(), Notes(), "")).get("answers")))
    found = _REST.search(text)
    if found is None:
        return next(filter(None, (_inside(text, tag) for tag in _TAGS)), "")
    if found["answers"]:
        said = ["".join(each) for each in _ANSWER.findall(found["answers"])]
        return "\n".join(said) or found["answers"].strip()
    words: str = (found["reason"] or found["rest"] or "").partition(_NOTE)[0]
    return "\n".join(_CLARIFIED.findall(words)) if words.startswith(_CLARIFY) else words.strip()


def _inside(text: str, tag: str) -> str:
    start = text.find(f"<{tag}>")
    end = text.find(f"</{tag}>", start)
    return text[start + len(tag) + 2 : end].strip() if 0 <= start < end else ""


def _is_queued(text: str) -> bool:
    return any(each in text for each in QUEUED)


def _answers(value: object, depth: int = 4) -> Iterator[str]:
    """Yield the answers to Codex's questions: strings in lists in objects."""
    if isinstance(value, str):
        yield value
    elif depth:
        for each in value if isinstance(value, list) else mapping(value).values():
            yield from _answers(each, depth - 1)
