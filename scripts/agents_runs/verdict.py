"""What is on record of a scenario, and in what it differs from what a person would tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from aibridge.contract import Interception, Session, Thread
from aibridge.sdk import Client, InterceptionFilter, SessionFilter
from scripts.agents_runs.scenarios import SOON_SECONDS, Expected

SHOWN_TEXT = 60
TYPED, SUBAGENT = "typed", "subagent"
NOT_THE_PERSONS = frozenset({SUBAGENT, "side_call"})
"""Kinds of interceptions that begin no thread of the person's."""


class Seen(NamedTuple):
    """A thread: its prompt, what it was for, and whether it says which one it came from."""

    prompt: str | None
    kind: str = TYPED
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record has: sessions, prompts in order with their kinds, threads."""

    sessions: list[Session]
    prompts: list[tuple[str, str]]
    threads: list[Seen]

    @property
    def persons(self) -> list[Seen]:
        """The threads that neither a sub-agent nor a side call has begun."""
        return [thread for thread in self.threads if thread.kind not in NOT_THE_PERSONS]

    def summary(self) -> str:
        """Say it in a line."""
        prompts = ", ".join(f"{kind} {_shown(text)}" for kind, text in self.prompts)
        return f"{len(self.sessions)} sessions, {len(self.threads)} threads; {prompts or 'nothing'}"


def read(client: Client, user: str) -> Recorded:
    """Read all that is on record of a user."""
    sessions = list(client.iter_sessions(SessionFilter(initiator=user)))
    rows = [*client.iter_interceptions(InterceptionFilter(initiator=user))][::-1]
    by_id = {row.id: row for row in rows}
    threads = [
        _seen(thread, by_id.get(thread.id))
        for session in reversed(sessions)
        for thread in client.iter_threads(session.id, initiator=session.initiator.id)
    ]
    prompts = [
        (str(prompt.metadata.get("kind", TYPED)), prompt.prompt)
        for row in rows
        for prompt in row.user_prompts
    ]
    return Recorded(sessions, prompts, threads)


def _seen(thread: Thread, root: Interception | None) -> Seen:
    if root is None:
        return Seen(thread.prompt)
    kind = str(root.metadata.get("kind", TYPED))
    return Seen(thread.prompt, kind, root.thread_parent_id is not None)


def differences(expected: Expected, recorded: Recorded, seconds: float) -> Iterator[str]:
    """Name each difference between the two."""
    typed = [text for kind, text in recorded.prompts if kind == TYPED]
    kinds = {kind for kind, _ in recorded.prompts}
    pairs: dict[str, tuple[object, object]] = {
        "sessions": (expected.sessions, len(recorded.sessions)),
        "typed prompts": (list(expected.typed), typed),
        "threads": (list(expected.typed), [thread.prompt for thread in recorded.persons]),
        "kinds": (sorted(expected.kinds), sorted(expected.kinds & kinds)),
        "threads without a parent": ([], _unlinked(expected, recorded)),
        "last prompt": (
            list(expected.typed[-1:]),
            [session.last_prompt for session in recorded.sessions[:1]],
        ),
    }
    for name, (wanted, found) in pairs.items():
        if wanted != found:
            yield f"{name}: expected {_shown(wanted)}, recorded {_shown(found)}"
    if expected.soon and seconds > SOON_SECONDS:
        yield f"time: expected {SOON_SECONDS:.0f} s at most, took {seconds:.1f} s"


def _unlinked(expected: Expected, recorded: Recorded) -> list[str | None]:
    """Return the prompts of threads that should have a parent, and have none."""
    linked = [thread for thread in recorded.threads if thread.kind == SUBAGENT]
    if expected.linked:
        linked += recorded.persons[1:]
    return [thread.prompt for thread in linked if not thread.linked]


def _shown(value: object) -> str:
    """Show a value, with long texts in it cut."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value[:SHOWN_TEXT] if isinstance(value, str) else value)
