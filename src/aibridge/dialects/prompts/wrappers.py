"""A text without what its agent put around it, and who wrote what is left.

Agents send context of their own in the person's name: reminders, the state of the machine,
attachments. Now and then the person's own words are inside of that.
"""

import re
from collections.abc import Iterator

from aibridge.dialects.facts import Prompt, PromptKind
from aibridge.dialects.prompts.tables import (
    AROUND,
    AUTOMATED,
    BEGINNINGS,
    INJECTED,
    NEXT_TASK,
    NOTICE,
    QUEUED,
    QUEUED_ENDS,
    TEMPLATES,
    TYPED,
    WRAPPED,
    Template,
)

_OPENING = re.compile(
    rf"\s*(?:# AGENTS\.md instructions[^\n]*\n\s*)?<({'|'.join(map(re.escape, INJECTED))})"
    r"(?:\s[^<>]*)?>"
)
_FIRST_TAG = re.compile(r"<([\w-]+)")
_IMAGE = re.compile(r"\s*(?:\[Image: [^\]\n]*\]\s*)+|\s*</?image\b[^<>]*>\s*")
_TOOL_RESULT = re.compile(r"\[\w+(?: for '[^\n]*')?\] Result:")
_BEGINNINGS = tuple(BEGINNINGS)
_BEFORE_TASKS = tuple(template.before for template in TEMPLATES if template.before)
_INTERRUPTED = re.compile(r"\[Request interrupted by user[^\]\n]*\]\s*")
_AGENTS_END = ("\n\n# task_progress", "\n\n# TODO LIST")


def pieces(text: str) -> Iterator[Prompt]:
    """Yield what a text of a person's message says, in its order, with who wrote it.

    Nothing is yielded of what is only an agent's context. Claude Code's wrappers of a slash command
    become the command as it was typed (``/name arguments``), those of a shell command
    ``! command``.
    """
    start, first = _after_leading(text)
    end, last = _before_trailing(text, start)
    yield from first
    kept = text[start:end]
    if kept.strip():
        yield from _own(kept)
    yield from reversed(last)


def _own(text: str) -> Iterator[Prompt]:
    """Yield what a text says that has nothing injected at its ends."""
    bare = text.lstrip()
    if bare.startswith(QUEUED):
        yield Prompt(queued_words(bare))
    elif bare.startswith(_BEGINNINGS):
        yield from _by_the_agent(text, bare)
    elif _TOOL_RESULT.match(bare):
        yield Prompt(text, PromptKind.AUTOMATION)
    elif not _IMAGE.fullmatch(text):
        typed = _unwrapped(text, bare)
        if typed.strip():
            yield Prompt(typed)


def _by_the_agent(text: str, bare: str) -> Iterator[Prompt]:
    kind = next(kind for begin, kind in BEGINNINGS.items() if bare.startswith(begin))
    if interrupted := _INTERRUPTED.match(bare):
        yield Prompt(interrupted[0].rstrip(), kind or PromptKind.AUTOMATION)
        yield from [Prompt(rest)] if (rest := bare[interrupted.end() :]).strip() else []
    elif kind is PromptKind.AUTOMATION:
        text, _, task = text.partition(NEXT_TASK)
        yield from [Prompt(text, kind), *([Prompt(task)] if task.strip() else [])]
    elif kind is not None:
        yield Prompt(text, kind)


def queued_words(text: str) -> str:
    """Return what was typed while a tool ran, without Claude Code's words around it."""
    start = min(found + len(each) for each in QUEUED if (found := text.find(each)) >= 0)
    ends = [found for each in QUEUED_ENDS if (found := text.rfind(each, start)) >= 0]
    return text[start : min(ends, default=len(text))].strip()


def _unwrapped(text: str, bare: str) -> str:
    """Return what was typed in a template or in tags; else the text as it is."""
    may_fit = bare.startswith(_BEFORE_TASKS) or "\n\n" in text
    for template in TEMPLATES if may_fit else ():
        if (found := _in_template(text, bare, template)) is not None:
            return found
    if not bare.startswith("<"):
        return text
    inside = _inside(bare) or _wrapped(bare) or slash_command(bare) or _shell_command(bare)
    return inside or text


def _in_template(text: str, bare: str, template: Template) -> str | None:
    source = bare if template.before else text
    if not source.startswith(template.before):
        return None
    start = len(template.before)
    end = source.find(template.after, start) if template.after else len(source)
    return source[start:end].rstrip("\n") if end >= 0 else None


def _within(tag: str, text: str, start: int, end: int) -> Prompt | None:
    """Return what an injected block holds beside mere context, if anything."""
    start = _skip_space(text, start)
    if tag == "system-reminder" and text.startswith(QUEUED, start, end):
        return Prompt(queued_words(text[start:end]))
    if tag in AUTOMATED or text.startswith(NOTICE, start, end):
        return Prompt(text[start:end].rstrip(), PromptKind.AUTOMATION)
    if tag == "user_shell_command" and (command := _between(text[start:end], "command").strip()):
        return Prompt(f"! {command}")
    return None


def _after_leading(text: str) -> tuple[int, list[Prompt]]:
    """Return where the injected blocks at the start end, and what they hold."""
    position = 0
    found = []
    while opening := _OPENING.match(text, position):
        closing = f"</{opening[1]}>"
        end = text.find(closing, opening.end())
        if end < 0:
            break
        if piece := _within(opening[1], text, opening.end(), end):
            found.append(piece)
        position = _skip_space(text, end + len(closing))
    return position, found


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _before_trailing(text: str, start: int) -> tuple[int, list[Prompt]]:
    """Return where the injected blocks at the end begin, and what they hold, the last first."""
    position = len(text)
    found = []
    while (end := _skip_space_back(text, start, position)) > start and text[end - 1] == ">":
        closing = text.rfind("</", start, end)
        tag = text[closing + 2 : end - 1] if closing >= 0 else ""
        opening = text.rfind(f"<{tag}>", start, closing) if tag in INJECTED else -1
        if opening < 0:
            break
        if piece := _within(tag, text, opening + len(tag) + 2, closing):
            found.append(piece)
        position = _skip_space_back(text, start, opening)
    return position, found


def _skip_space_back(text: str, start: int, position: int) -> int:
    while position > start and text[position - 1].isspace():
        position -= 1
    return position


def _inside(text: str) -> str:
    """Return what stands in the last tag of typed text, or the empty string."""
    first = _FIRST_TAG.match(text)
    if not first or first[1] not in AROUND:
        return ""
    for tag in TYPED:
        end = text.rfind(f"</{tag}>")
        start = text.rfind(f"<{tag}>", 0, max(end, 0))
        if start >= 0:
            inside = text[start + len(tag) + 2 : end].strip()
            return _with_rest(inside, text[end + len(tag) + 3 :])
    return ""


def _wrapped(text: str) -> str:
    """Return what stands in a tag that is around all of the text, or the empty string."""
    first = _FIRST_TAG.match(text)
    if not first or first[1] not in WRAPPED:
        return ""
    closing = f"</{first[1]}>"
    end = text.rfind(closing)
    rest = text[end + len(closing) :]
    if end < 0 or (rest.strip() and not rest.startswith(_AGENTS_END)):
        return ""
    return text[first.end() + 1 : end].strip()


def slash_command(text: str) -> str:
    """Return the slash command that a text stands for as it was typed, or the empty string."""
    command = f"{_between(text, 'command-name')} {_between(text, 'command-args')}".strip()
    return command and _with_rest(command, _after_blocks(text))


def _shell_command(text: str) -> str:
    command = _between(text, "bash-input")
    return _with_rest(f"! {command}", _after_blocks(text)) if command else ""


def _with_rest(typed: str, rest: str) -> str:
    """Return what was typed, with what follows the wrapper it stood in."""
    return f"{typed}\n{rest.strip()}".strip()


def _after_blocks(text: str) -> str:
    """Return what follows the tags, one behind the other, with which a text begins."""
    position = _skip_space(text, 0)
    while tag := _FIRST_TAG.match(text, position):
        closing = f"</{tag[1]}>"
        end = text.find(closing, tag.end())
        if end < 0:
            break
        position = _skip_space(text, end + len(closing))
    return text[position:]


def _between(text: str, tag: str) -> str:
    """Return the inside of the first ``tag``, or the empty string."""
    start = text.find(f"<{tag}>") + len(tag) + 2
    end = text.find(f"</{tag}>", start)
    return text[start:end] if start > len(tag) + 1 and end >= 0 else ""
