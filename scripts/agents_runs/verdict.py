"""What is on record of a scenario, and in what it differs from what a person would tell."""

from collections.abc import Iterator
from dataclasses import dataclass

from aibridge.contract import Interception, Session, Thread
from aibridge.sdk import Client, InterceptionFilter, SessionFilter
from scripts.agents_runs.scenarios import SOON_SECONDS, Expected

SHOWN_TEXT = 60
TYPED = "typed"
NOT_THE_PERSONS = frozenset({"subagent", "side_call"})
"""Kinds of interceptions that begin no thread of the person's."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record has: sessions, prompts in order with their kinds, the person's threads."""

    sessions: list[Session]
    prompts: list[tuple[str, str]]
    threads: list[str | None]

    def summary(self) -> str:
        """Say it in a line."""
        prompts = ", ".join(f"{kind} {_shown(text)}" for kind, text in self.prompts)
        return f"{len(self.sessions)} sessions, {len(self.threads)} threads; {prompts or 'nothing'}"


def read(client: Client, user: str) -> Recorded:
    """Read all that is on record of a user."""
    sessions = list(client.iter_sessions(SessionFilter(initiator=user)))
    rows = [*client.iter_interceptions(InterceptionFilter(initiator=user))][::-1]
    threads = [
        thread
        for session in reversed(sessions)
        for thread in client.iter_threads(session.id, initiator=session.initiator.id)
    ]
    prompts = [
        (str(prompt.metadata.get("kind", TYPED)), prompt.prompt)
        for row in rows
        for prompt in row.user_prompts
    ]
    return Recorded(sessions, prompts, _persons(threads, rows))


def _persons(threads: list[Thread], rows: list[Interception]) -> list[str | None]:
    """Return the prompts of threads that a sub-agent or a side call did not begin."""
    kinds = {row.id: row.metadata.get("kind") for row in rows}
    return [thread.prompt for thread in threads if kinds.get(thread.id) not in NOT_THE_PERSONS]


def differences(expected: Expected, recorded: Recorded, seconds: float) -> Iterator[str]:
    """Name each difference between the two."""
    typed = [text for kind, text in recorded.prompts if kind == TYPED]
    kinds = {kind for kind, _ in recorded.prompts}
    pairs: dict[str, tuple[object, object]] = {
        "sessions": (expected.sessions, len(recorded.sessions)),
        "typed prompts": (list(expected.typed), typed),
        "threads": (list(expected.typed), recorded.threads),
        "kinds": (sorted(expected.kinds), sorted(expected.kinds & kinds)),
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


def _shown(value: object) -> str:
    """Show a value, with long texts in it cut."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value[:SHOWN_TEXT] if isinstance(value, str) else value)
