"""Completing an interception by an answer that was fetched later, by its id.

What was made in the background, or broke off, ends on the record when somebody sees how it ended.
"""

from msgspec.structs import replace

from aibridge.journal.contents import How
from aibridge.keeper.calls import Call
from aibridge.keeper.reading import CallReader
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End
from aibridge.recorder.restoring import read_start
from aibridge.store.engine.database import Database
from aibridge.store.record import keyed
from aibridge.store.record.stored import Finality
from aibridge.store.schema.rows import InterceptionRow

NOTE = "the end of the answer was seen when it was asked for by its id"


def completion(database: Database, reader: CallReader, call: Call) -> Pending | None:
    """Return the interception that a call completes, with its end; `None` if it completes none.

    Raises what the database raises when it is away.
    """
    end = _end_told(reader, call)
    if end is None:
        return None
    with database.read() as connection:
        found = keyed.look(connection, call.begun.completes)
    if found is None or found.finality in {None, Finality.FINAL}:
        return None
    start = read_start(found.row, found.prompts)
    start.unread = found.unread
    return Pending(start, _later(end, found.row), unsure=True)


def complete_unwritten(item: Pending, reader: CallReader, call: Call) -> None:
    """Put the end that a call tells in the place of one that is not in the database yet."""
    end, before = _end_told(reader, call), item.end
    if end is None or before is None or before.finality is Finality.FINAL:
        return
    end = _later(end, before)
    item.end = replace(end, notes=[*before.notes, NOTE], edits=before.edits)


def _end_told(reader: CallReader, call: Call) -> End | None:
    """Return how an interception ended, as a call tells that completes it, if it does."""
    if call.ended is None or call.ended.how is not How.ANSWERED:
        return None
    end = reader.read_later_answer(call)
    if end is None or end.facts.is_queued or not (end.facts.response_id and end.facts.stop_reason):
        return None
    return end


def _later(end: End, before: End | InterceptionRow) -> End:
    """Return the end as it is put in the place of the one that an interception has."""
    return replace(
        end,
        http_status=before.http_status or end.http_status,
        first_byte_us=before.first_byte_us,
        response_bytes=before.response_bytes + end.response_bytes,
        notes=[NOTE],
        edits=[],
    )
