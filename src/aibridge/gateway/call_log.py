"""The log of a gateway process: what it remembers of calls, and when that is safe."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from aibridge.agents.table import SESSION_HEADERS
from aibridge.journal.contents import Begun, Ended, end_parts, piece_parts
from aibridge.journal.format import Kind
from aibridge.journal.repeats import Alike, Repeats
from aibridge.journal.waiting import Durability
from aibridge.journal.writer import Journal, JournalFull

AGAIN_SECONDS = 1.0
"""How often ends are tried again that the journal did not take."""
LOST = "a part of the answer may be missing: the journal could not be written"

_TELLING = frozenset({b"user-agent", b"x-claude-code-agent-id", *SESSION_HEADERS})
"""Headers that tell one conversation from another."""


class RecorderUnavailable(Exception):
    """No call is taken now: the request must be refused."""


class RecordingError(Exception):
    """The record could not be written: what is waiting for it must not be let go."""


class CallLog:
    """Appends to the journal what happens to calls. Belongs to an event loop.

    A call is known by its number, which is the position where its beginning ends. ``since`` is
    from where on the journal is needed to read it. ``ended`` is told of a call's number, and of the
    position behind its end.
    """

    def __init__(
        self,
        journal: Journal,
        durability: Durability,
        ended: Callable[[int, int], None] = lambda _number, _position: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._durability = durability
        self._ended = ended
        self._repeats = Repeats(journal, _alike)
        self._late: dict[int, Ended] = {}

    @property
    def is_ready(self) -> bool:
        """Whether calls are taken."""
        return self._journal.takes_beginnings

    def begin(self, begun: Begun, body: bytes) -> tuple[int, int]:
        """Append the beginning of a call; return since where the journal is needed, and its number.

        Raises `RecorderUnavailable`, and then nothing is kept of it.
        """
        try:
            return self._repeats.begin(begun, body)
        except JournalFull as error:
            raise RecorderUnavailable(str(error)) from error

    def piece(self, number: int, pieces: list[bytes]) -> None:
        """Append bytes of an answer. Raises `RecordingError`."""
        try:
            self._journal.append(Kind.PIECE, *piece_parts(number, pieces))
        except JournalFull as error:
            raise RecordingError(str(error)) from error

    def end(
        self, since: int, number: int, ended: Ended, pieces: Sequence[bytes] = ()
    ) -> "asyncio.Future[bool]":
        """Append the end of a call, with the answer's last bytes.

        What is returned says whether all of the call is durable.

        Raises `RecordingError` where there is no room. What does not come to the disk is tried
        again until it does.
        """
        try:
            position = self._journal.append(Kind.END, *end_parts(number, ended, pieces))
        except JournalFull as error:
            self._put_off(number, ended)
            raise RecordingError(str(error)) from error
        self._ended(number, position)
        is_safe = self._loop.create_future()
        self._durability.when(since, position, partial(self._told, number, ended, is_safe))
        return is_safe

    async def admitted(self, since: int, number: int) -> None:
        """Wait until a provider may be asked: where the journal was in trouble, for the beginning.

        Raises `RecorderUnavailable` if it may not be.
        """
        if self._journal.is_in_trouble:
            try:
                await self.safe(since, number)
            except RecordingError as error:
                raise RecorderUnavailable(str(error)) from error

    async def safe(self, since: int, position: int) -> None:
        """Wait until all between two positions is durable. Raises `RecordingError` if it is not."""
        if not await self._durability.until(since, position):
            raise RecordingError("the journal could not be written")

    def _told(
        self, number: int, ended: Ended, is_safe: "asyncio.Future[bool]", is_durable: bool
    ) -> None:
        """Take in whether an end is durable."""
        if not is_durable:
            self._put_off(number, ended)
        if not is_safe.done():
            is_safe.set_result(is_durable)

    def _put_off(self, number: int, ended: Ended) -> None:
        """Have an end tried again: without one the call would seem to run for ever.

        There are no more of them than calls under way, since none begins meanwhile.
        """
        if LOST not in ended.notes:
            ended.notes = [*ended.notes, LOST]
        if not self._late:
            self._loop.call_later(AGAIN_SECONDS, self._try_again)
        self._late[number] = ended

    def _try_again(self) -> None:
        late, self._late = self._late, {}
        for number, ended in late.items():
            if self._journal.is_in_trouble:
                self._put_off(number, ended)
            else:
                with suppress(RecordingError):  # it is put off again
                    self.end(self._journal.position, number, ended)


def _alike(begun: Begun) -> Alike:
    """Return what tells whose body this may repeat: of one person, client and session."""
    said = (value.decode("latin-1") for name, value in sorted(begun.headers) if name in _TELLING)
    return (begun.user_id, begun.provider_name, begun.route, *said)
