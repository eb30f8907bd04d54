"""The prompts of a message from its texts, and those of a request from its messages."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec.structs import replace

from aibridge.dialects.facts import Prompt, PromptKind
from aibridge.dialects.prompts.wrappers import pieces, slash_command

MAX_PROMPTS = 64
"""Prompts of a request that stay apart; where there are more, those of a kind are joined."""

_COMMAND = ("<command-name>", "<command-message>")
_LOCAL = "<local-command-"
"""How texts begin that stand beside a command which went to no model."""


def prompts_in(texts: Sequence[str], *, after_command: bool = False) -> list[Prompt]:
    """Return what the texts of one message say, texts of a kind in a row joined by newlines.

    A slash command stands by itself, and what it expanded to is the agent's, also in the message
    after it.
    """
    found: list[Prompt] = []
    run: list[Prompt] = []
    expansion = 0 if after_command else -1
    for number, text in enumerate(texts):
        if text.lstrip().startswith(_COMMAND) and (command := slash_command(text)):
            found += [*_joined(run), Prompt(command)]
            run = []
            expansion = number + 1 if _expands(texts, number) else -1
        elif number == expansion:
            run += [Prompt(each.text, PromptKind.AUTOMATION) for each in pieces(text)]
        else:
            run += pieces(text)
    return [*found, *_joined(run)]


def ends_with_command(texts: Sequence[str]) -> bool:
    """Say whether the last text of a message is a command that expands to the next message."""
    last = len(texts) - 1
    return last >= 0 and texts[last].lstrip().startswith(_COMMAND) and _expands(texts, last)


def _expands(texts: Sequence[str], number: int) -> bool:
    """Say whether the command in a text went to the model, as what it expanded to."""
    beside = texts[max(number - 1, 0) : number + 2]
    return not any(_LOCAL in text for text in beside)


def _joined(run: list[Prompt]) -> list[Prompt]:
    if len(run) == 1:
        return run
    return [
        Prompt("\n".join([each.text for each in group]), kind)
        for kind, group in groupby(run, lambda each: each.kind)
    ]


def gather(messages: Iterable[list[Prompt]]) -> tuple[Prompt, ...]:
    """Return the prompts of messages that no word of the model comes between.

    What stands before a summary is what it sums up, sent again.
    """
    found = [each for prompts in messages for each in prompts]
    last = max([n for n, each in enumerate(found) if each.kind is PromptKind.SUMMARY], default=0)
    found[:last] = [replace(each, kind=PromptKind.SUMMARY) for each in found[:last]]
    return tuple(found if len(found) <= MAX_PROMPTS else _joined(found))
