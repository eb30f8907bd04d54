"""Reading calls for the record: within bounds, and whatever goes wrong becomes a note."""

import structlog

from aibridge.dialects.facts import Notes, ResponseFacts
from aibridge.keeper.bounds import Bounded, TooMuch
from aibridge.keeper.calls import Call
from aibridge.keeper.marker import Marker
from aibridge.reading.call import end_of, read_answer
from aibridge.reading.request import Asked, Reading, read_request, unread_request
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End

UNREADABLE = "the bridge could not read it"
TOO_SLOW = "reading it took too long"
TOO_LARGE = "reading it took too much memory"
KILLED = "reading it ended the process that does so"
GONE = "its bytes are gone from the journal"

_log = structlog.get_logger()


class CallReader:
    """Reads calls of journals. ``unread`` counts requests of which something was not read."""

    def __init__(self, reading: Reading, bounded: Bounded, marker: Marker) -> None:
        self._reading = reading
        self._bounded = bounded
        self._marker = marker
        self.unread = 0

    def read(self, call: Call) -> Pending:
        """Return what is known of a call by now. Raises nothing."""
        asked, end = self._read(call)
        pending = call.pending = call.pending or Pending(asked.start, unsure=call.is_applied)
        if end is not None:
            end.notes = [*end.notes, *call.notes]
            pending.end = end
        return pending

    def read_later_answer(self, call: Call) -> End | None:
        """Return what the answer of a call without a record says of an earlier one."""
        call.asked = unread_request(call.begun, "")
        return self._read(call)[1]

    def _read(self, call: Call) -> tuple[Asked, End | None]:
        """Read what was not read yet: the request, and the answer where the call has ended."""
        end = None
        try:
            with self._bounded():
                if call.asked is None:
                    self._mark(call, "request")
                    call.asked = read_request(call.begun, call.read_body(), self._reading)
                    self.unread += call.asked.start.unread
                if call.ended is not None:
                    self._mark(call, "answer")
                    end = read_answer(call.begun, call.asked, call.ended, call.read_pieces)
        except (Exception, TooMuch) as error:  # noqa: BLE001 - whatever it is, the others go on
            why = why_not(error)
            _log.error("call_not_read", interception=call.begun.id, reason=why, error=repr(error))
            if call.asked is None:
                call.asked = unread_request(call.begun, f"request: {why}")
                self.unread += 1
                return self._read(call)
            if call.ended is not None:
                notes = Notes([f"answer: {why}"])
                end = end_of(call.ended, ResponseFacts(unread=True, ended=True, notes=notes))
        finally:
            self._marker.end()
        return call.asked, end

    def _mark(self, call: Call, what: str) -> None:
        if not self._marker.begin(f"{call.begun.id}:{what}"):
            raise _Killed


class _Killed(Exception):
    """Reading has ended several keepers."""


def why_not(error: BaseException) -> str:
    """Say in a note why something was not read."""
    match error:
        case TooMuch():
            return TOO_SLOW
        case MemoryError():
            return TOO_LARGE
        case _Killed():
            return KILLED
        case OSError():
            return GONE
        case _:
            return UNREADABLE
