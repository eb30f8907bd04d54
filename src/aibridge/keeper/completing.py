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
from aibridge.store.record.keyed import Keyed
from aibridge.store.record.standing import Finality

NOTE = "the end of the answer was seen when it was asked for by its id"


def completion(database: Database, reader: CallReader, call: Call) -> Pending | None:
    """Return the interception that a call completes, with its end; `None` if it completes none.

    Raises what the database raises when it is away.
    """
    if call.ended is None or call.ended.how is not How.ANSWERED:
        return None
    end = reader.read_later_answer(call)
    if end is None or end.facts.is_queued or not (end.facts.response_id and end.facts.stop_reason):
        return None
    with database.read() as connection:
        found = keyed.look(connection, call.begun.completes)
    if found is None or found.finality in {None, Finality.FINAL}:
        return None
    start = read_start(found.row, found.prompts)
    start.unread = found.unread
    return Pending(start, _later(end, found), unsure=True)


def _later(end: End, found: Keyed) -> End:
    """Return the end as it is put in the place of the one that an interception has."""
    before = found.row
    return replace(
        end,
        http_status=before.http_status or end.http_status,
        first_byte_us=before.first_byte_us,
        response_bytes=before.response_bytes + end.response_bytes,
        notes=[NOTE],
        edits=[],
    )
