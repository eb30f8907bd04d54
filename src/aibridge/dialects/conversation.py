"""The conversation that a request sends, read from its end: what came after the model's last words.

Behind those only ids are looked for, up to the first few: an agent sends its whole past with each
request, and nearly all of it is on record.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Raw, Struct
from msgspec.structs import replace

from aibridge.dialects.content import Role, Said, attached_texts, parts, texts
from aibridge.dialects.digests import digests
from aibridge.dialects.facts import Digests, Notes, Prompt, PromptKind, RequestFacts
from aibridge.dialects.prompts import (
    ends_with_command,
    gather,
    is_system,
    kind_of,
    openings,
    prompts_in,
    words_in_result,
)
from aibridge.dialects.prompts.tables import SAID_FOR_THE_MODEL

MAX_RESULTS = 128
"""Tool results whose ids are kept of one request, the last ones."""

MAX_HISTORY = 16
"""Ids of earlier calls and answers that are kept of one request, the last ones."""

MAX_MESSAGES = 1000
"""Messages or items that are read of one request at most, the last ones."""

MAX_PROMPT = 1 << 20
"""Characters kept of what a person typed."""

NOTHING_READ = "no text of a person was found in the request"

MAX_HEAD = 2048
"""Bytes of a system prompt in which is looked for what the request is for."""

_HAS_FOLDER = ("You are the GitHub Copilot CLI", "As a sub-agent, complete your parent's task")
_SESSION_FOLDER = re.compile(rb"/session-state/([0-9A-Za-z-]{8,64})")
"""What Copilot CLI's system prompt says of its session, which it says nowhere else."""

Read = Callable[[Raw, Notes], Said | None]
"""Reads one message of a dialect; ``None`` if it cannot be understood, which is noted."""


class Conversation(Struct):
    """What a request's messages say, gathered from the last one backwards."""

    notes: Notes
    prompts: tuple[Prompt, ...] = ()
    result_ids: tuple[str, ...] = ()
    history_ids: tuple[str, ...] = ()
    digests: Digests | None = None
    _tail: list[Said] = []
    _past: list[Said] = []
    _late: list[Said] = []
    """What the system says after the model's last words, and nobody else."""
    _goes_on: bool = False
    _is_empty: bool = True
    _room: int = MAX_PROMPT

    def read(self, messages: Sequence[Raw], read: Read) -> None:
        """Read the messages of a request."""
        self._is_empty = not messages
        first = max(0, len(messages) - MAX_MESSAGES)
        at = self._read_tail(messages, first, read)
        if at < first:
            at = first
            if first:
                self.notes.add(f"only the last {MAX_MESSAGES} messages were read")
        self._take_tail()
        if self._goes_on and not self._tail:
            self._keep_before(messages[first:at], read)
        if self.result_ids:
            self.history_ids = self.result_ids[-MAX_HISTORY:]
        else:
            self._read_past(messages, first, at, read)

    def add(self, found: Iterable[Sequence[str]]) -> None:
        """Take texts that stand elsewhere in the request, if there were none so far."""
        if not self.prompts:
            self.prompts = gather(prompts_in(self._cut(each)) for each in found)

    @property
    def has_nobody(self) -> bool:
        """Whether there is nothing that a person says, nor that goes on with earlier messages."""
        return not self._goes_on and not any(
            said.role is Role.PERSON and not said.is_blank for said in self._tail
        )

    def say_if_nothing_was_read(self) -> None:
        """Note that a request has neither a person's words nor results, though there should be."""
        if self._goes_on or self._is_empty or self.notes:
            return
        is_context = all(each.kind is PromptKind.AUTOMATION for each in self.prompts)
        has_more = not self.prompts or any(said.has_more for said in self._tail)
        if is_context and has_more:
            self.notes.add(NOTHING_READ)

    def _read_tail(self, messages: Sequence[Raw], first: int, read: Read) -> int:
        """Gather what came after the model's last words; return where those stand.

        Words of the model at the very end are the beginning of its answer (a prefill).
        """
        is_prefill = True
        for at in range(len(messages) - 1, first - 1, -1):
            said = read(messages[at], self.notes)
            if said is None or _is_put_in(said):
                continue
            if said.role is Role.MODEL and not (is_prefill and said.is_plain):
                self._past.append(said)
                self._goes_on = not self._tail
                return at
            if said.role is Role.MODEL and not self._late:
                self._late = list(self._tail)
            is_prefill = is_prefill and said.role in {Role.MODEL, Role.AGENT}
            if said.role is not Role.MODEL:
                self._tail.append(said)
        return first - 1

    def _take_tail(self) -> None:
        """Take prompts and results of the tail, in the order of the conversation."""
        for said in self._tail:  # the last one first: the room is for what is new
            said.texts = self._cut(said.texts)
        self._tail.reverse()
        for before, said in pairwise(self._tail):
            said.after_command = ends_with_command(before.texts)
        self.prompts = gather([self._prompts(said) for said in self._tail])
        self.prompts += tuple(self._from_late())
        results = [id_ for said in self._tail for id_, _ in said.results if id_]
        self.result_ids = tuple(results[-MAX_RESULTS:])
        if any(said.results or said.role is Role.TOOL for said in self._tail):
            self._goes_on = True
        elif not self.prompts:
            self._look_elsewhere()

    def _keep_before(self, messages: Sequence[Raw], read: Read) -> None:
        """Keep what stands before an answer that is to be gone on with.

        It is on record already if that answer is; whoever made the answer up would hide it else.
        """
        for raw in reversed(messages):
            said = read(raw, Notes())
            if said is not None and said.role in {Role.PERSON, Role.TOOL}:
                found = gather([prompts_in(self._cut(said.texts))])
                self.prompts = tuple(replace(each, kind=PromptKind.AUTOMATION) for each in found)
                return

    def _prompts(self, said: Said) -> list[Prompt]:
        words = [each for _, raw in said.results if raw for each in words_in_result(bytes(raw))]
        if said.role is not Role.PERSON:
            return words
        return [*words, *said.prompts]

    def _from_late(self) -> Iterator[Prompt]:
        for said in reversed(self._late):
            if found := "\n".join(self._cut(texts(parts(said.content, self.notes)))).strip():
                yield Prompt(found, PromptKind.AUTOMATION)

    def _look_elsewhere(self) -> None:
        """Take mere context, else what stands in attachments, else what the system messages say."""
        people = [said for said in self._tail if said.role is Role.PERSON]
        context = "\n".join([text for said in people for text in said.texts])
        if context.strip():
            self.prompts = (Prompt(context, PromptKind.AUTOMATION),)
        elif people:
            self.add([attached_texts(said.content) for said in people])
        if self.has_nobody and not self.notes:
            self.add([texts(parts(said.content, self.notes)) for said in self._tail])

    def _cut(self, found: Sequence[str]) -> list[str]:
        """Return the texts of a message, up to `MAX_PROMPT` characters of all together."""
        kept = []
        for each in found:
            if len(each) > self._room:
                self.notes.add("the prompt is too long: it was cut")
            kept.append(each[: self._room])
            self._room -= min(self._room, len(each))
        return kept

    def _read_past(self, messages: Sequence[Raw], first: int, at: int, read: Read) -> None:
        """Look for ids before the model's last words, and make digests where there are none.

        The last message with ids of calls is enough; ids of other items may be nowhere on record.
        """
        found: list[str] = []
        for said in self._past:
            found += _ids(said)
        silent = Notes()  # what is past was read when it was new
        while at > first and not (self._past and _has_calls(self._past[-1])):
            at -= 1
            past = read(messages[at], silent)
            if past is not None:
                self._past.append(past)
                found += _ids(past)
        unique = list(dict.fromkeys(found))[:MAX_HISTORY]
        self.history_ids = tuple(reversed(unique))
        if not unique and not first:
            self.digests = digests([*reversed(self._past), *self._tail])


def _ids(said: Said) -> list[str]:
    """Return the ids in a message, the last first."""
    return [
        *(id_ for id_, _ in reversed(said.results) if id_),
        *said.calls[::-1],
        *said.items[::-1],
    ]


def _is_put_in(said: Said) -> bool:
    """Say whether words of the model are the agent's: the conversation had not come to them."""
    return said.role is Role.MODEL and len(said.texts) == 1 and said.texts[0] in SAID_FOR_THE_MODEL


def _has_calls(said: Said) -> bool:
    return bool(said.calls or said.results)


def complete(facts: RequestFacts, talk: Conversation, system: Raw | bytes, limit: object) -> None:
    """Put what a conversation says into the facts of its request, and what it is all for."""
    talk.say_if_nothing_was_read()
    facts.prompts = talk.prompts
    facts.tool_result_ids = talk.result_ids
    facts.history_ids = talk.history_ids
    facts.digests = talk.digests
    head = bytes(memoryview(system)[:MAX_HEAD])
    facts.openings = openings(head)
    facts.kind = kind_of(facts.openings, head, talk.prompts, limit)
    facts.unread = bool(talk.notes)
    has_folder = any(each.startswith(_HAS_FOLDER) for each in facts.openings)
    if has_folder and (folder := _SESSION_FOLDER.search(bytes(system))):
        facts.hints = {**facts.hints, "session_folder": folder[1].decode()}


def system_of(messages: Sequence[Raw]) -> Raw:
    """Return the first of the first two messages that is the system's or the developer's."""
    for raw in messages[:2]:
        view = memoryview(raw)
        if is_system(bytes(view[:MAX_HEAD]), bytes(view[-MAX_HEAD:])):
            return raw
    return Raw()
