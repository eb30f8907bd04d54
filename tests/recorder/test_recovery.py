"""After a crash: what stood open is closed, and nothing else is touched."""

from sqlalchemy import update

from aibridge.recorder import recovery
from aibridge.recorder.pending import Pending
from aibridge.recorder.recovery import close_interrupted
from aibridge.store.schema import tables as schema
from aibridge.store.schema.measures import Shape
from tests.builders import indexed_words
from tests.recorder.facts import end, start
from tests.recorder.writing import write


def leave(database, *left) -> None:
    """Record interceptions, those with an end to the end, and go."""
    write(database, *(Pending(begun, over) for begun, over in left))


def test_an_open_interception_is_closed_as_interrupted(database, rows):
    open_ = start(
        started_at=5, prompt="Hi.", metadata={"kind": "x"}, edits=["e"], client_session_id="s-1"
    )
    open_.notes.add("n")
    leave(database, (open_, None))
    assert close_interrupted(database) == 1
    (row,) = rows("interceptions")
    assert (row["status"], row["error_type"], row["ended_at"]) == ("failed", "interrupted", 5)
    assert row["error_message"] == "the bridge stopped before the answer ended"
    assert row["http_status"] is None
    assert row["edits"] == '["e"]'
    assert row["notes"].startswith('["n","the end was not seen')
    (session,) = rows("sessions")
    assert (session["id"], session["interceptions"], session["ended_at"]) == ("s-1", 1, 5)
    assert (session["last_prompt"], session["metadata"]) == ("Hi.", '{"kind":"x"}')
    kind = next(row for row in rows("kinds") if row["shape"])
    assert (kind["provider"], kind["model"]) == ("anthropic", "m-1")
    assert kind["shape"] == Shape.PROMPT | Shape.ERROR
    assert [row["kind_id"] for row in rows("session_kinds")] == [kind["id"]]
    with database.read() as connection:
        assert indexed_words(connection) >= {(open_.id, "prompt", "hi", 0)}


def test_what_has_ended_stays_as_it_is(database, rows):
    leave(database, (start(), end()), (start(), end()))
    before = rows("interceptions"), rows("sessions")
    assert close_interrupted(database) == 0
    assert (rows("interceptions"), rows("sessions")) == before


def test_closing_again_does_nothing(database, rows):
    leave(database, (start(prompt=None), None), (start(), end()))
    assert close_interrupted(database) == 1
    before = rows("interceptions"), rows("sessions")
    assert close_interrupted(database) == 0
    assert (rows("interceptions"), rows("sessions")) == before


def test_many_are_closed_in_portions(database, rows, monkeypatch):
    monkeypatch.setattr(recovery, "BATCH", 7)
    leave(database, *((start(client_session_id="s"), None) for _ in range(23)))
    assert close_interrupted(database) == 23
    assert {row["status"] for row in rows("interceptions")} == {"failed"}
    assert rows("sessions")[0]["interceptions"] == 23


def test_a_record_without_its_token_is_closed_too(database, rows):
    leave(database, (start(), None))
    with database.write() as connection:
        connection.execute(update(schema.interceptions).values(api_key_id=None))
    assert close_interrupted(database) == 1
    assert rows("interceptions")[0]["api_key_id"] is None


def test_an_empty_database_has_nothing_open(database):
    assert close_interrupted(database) == 0


def test_what_is_under_way_elsewhere_is_left_alone(database, rows, monkeypatch):
    monkeypatch.setattr(recovery, "BATCH", 2)
    begun = [start() for _ in range(7)]
    leave(database, *((each, None) for each in begun))
    kept = {each.id for each in begun[:4]}
    assert close_interrupted(database, kept) == 3
    assert {row["id"] for row in rows("interceptions") if row["status"] == "running"} == kept
