"""Responses that are made in the background: queued at first, and fetched later."""

from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import parse_qs

from aibridge.practice import responses
from aibridge.practice.answer import Answer, compose, tokens_in
from aibridge.practice.asked import Asked
from aibridge.practice.exchange import Reply, fresh_key, keyed
from aibridge.practice.rendering import plain, streamed
from aibridge.practice.script import Turn

_KEPT = 100


@dataclass(slots=True)
class _Job:
    """A response under way; ``polls`` are those that still find it unfinished."""

    turn: Turn
    answer: Answer
    key: bytes
    polls: int
    cancelled: bool = False

    @property
    def status(self) -> str:
        """Its status, if it is none that an answer has."""
        if self.cancelled:
            return "cancelled"
        if self.polls > 0:
            return "queued" if self.polls == self.turn.polls else "in_progress"
        return ""


class Background:
    """The last responses that were asked for in the background, by their ids."""

    def __init__(self, created: int) -> None:
        self._created = created
        self._jobs: OrderedDict[str, _Job] = OrderedDict()

    def start(self, turn: Turn, asked: Asked) -> Reply:
        """Reply with a queued response, or with its stream where one was asked for."""
        answer = compose(
            turn,
            model=asked.model,
            tools=asked.tools,
            estimate=tokens_in(asked.size),
            created=self._created,
            background=True,
        )
        job = _Job(turn, answer, fresh_key(), 0 if asked.stream else turn.polls)
        self._jobs[f"resp_{job.key.decode()}"] = job
        if len(self._jobs) > _KEPT:
            self._jobs.popitem(last=False)
        if asked.stream:
            return _stream(job, 0)
        return plain("responses", responses.unfinished(answer, "queued"), key=job.key)

    def fetch(self, name: str, query: str) -> Reply:
        """Reply with the response's present state, or its stream; raise `KeyError` without one."""
        job = self._jobs[name]
        wanted = parse_qs(query)
        if wanted.get("stream") == ["true"] and not job.cancelled:
            job.polls = 0
            return _stream(job, int(wanted.get("starting_after", ["-1"])[0]) + 1)
        reply = _state(job)
        job.polls -= 1
        return reply

    def cancel(self, name: str) -> Reply:
        """Cancel a response that is not finished yet; raise `KeyError` if there is none."""
        job = self._jobs[name]
        job.cancelled = job.cancelled or job.polls > 0
        return _state(job)


def _state(job: _Job) -> Reply:
    status = job.status
    body = responses.unfinished(job.answer, status) if status else responses.whole(job.answer)
    return plain("responses", body, key=job.key)


def _stream(job: _Job, start: int) -> Reply:
    frames = [keyed(frame, job.key) for frame in responses.events(job.answer)]
    return streamed("responses", job.turn, frames[start:])
