"""Spools of the last release, as it wrote them: read in once, and gone."""

import fcntl
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from aibridge.keeper import old_spool
from aibridge.keeper.aside import Aside
from aibridge.keeper.old_spool import read_in
from aibridge.keeper.writing import GivenUp, Writer
from tests.databases import locked
from tests.recorder.facts import ANA, start
from tests.recorder.writing import record

TABLES = """
CREATE TABLE entries (number INTEGER PRIMARY KEY AUTOINCREMENT, interception_id TEXT NOT NULL,
    ended INT NOT NULL, checksum BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE damaged (number INTEGER PRIMARY KEY, interception_id TEXT NOT NULL,
    ended INT NOT NULL, checksum BLOB NOT NULL, body BLOB NOT NULL, reason TEXT);
CREATE TABLE room (bytes BLOB NOT NULL);
CREATE INDEX entries_of ON entries (interception_id, ended);
"""
START: dict[str, Any] = {
    "initiator_id": ANA,
    "api_key_id": "abcdefghij",
    "provider": "anthropic",
    "provider_name": "claude",
    "route": "/v1/messages",
    "model": "m-1",
    "client": "Claude Code",
    "client_session_id": None,
    "credential_kind": "centralized",
    "credential_hint": "sk...yz",
    "user_agent": "claude-cli/2",
    "stream": True,
    "request_bytes": 10,
    "started_at": 5,
    "prompts": [["Hello.", "typed"]],
    "kind": "typed",
    "tool_result_ids": [],
    "history_ids": [],
    "previous_response_id": "",
    "digests": None,
    "agent_type": "",
    "parent_session_id": None,
    "retries": 0,
    "stores": False,
    "unread": False,
    "metadata": {},
    "edits": [],
    "notes": ["n"],
}
FACTS = {
    "response_id": "msg-1",
    "model": "m-1",
    "stop_reason": "end_turn",
    "usages": [{"input": 1, "output": 2, "cache_read": 3, "cache_write": 4, "metadata": {}}],
    "tool_calls": [{"name": "bash", "input": "{}", "call_id": "call"}],
    "thoughts": [{"text": "Hm.", "source": "thinking"}],
    "error": None,
    "ended": True,
    "is_queued": False,
    "unread": False,
    "notes": [],
}
END = {
    "ended_at": 9,
    "status": "completed",
    "http_status": 200,
    "error_type": "",
    "error_message": "",
    "first_byte_us": 5,
    "response_bytes": 20,
    "edits": [],
    "notes": [],
    "facts": FACTS,
}


class OldSpool:
    """A spool that the last release has left in a folder."""

    def __init__(self, folder: Path, name: str = "spool.db") -> None:
        self.path = folder / name
        Path(f"{self.path}.lock").touch()
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(TABLES)

    def add(self, id_: str, end: dict[str, Any] | None = None, **more: Any) -> None:
        """Append an entry."""
        body = msgspec.msgpack.encode({"start": {"id": id_, **START, **more}, "end": end})
        checksum = hashlib.blake2b(body, digest_size=16, key=id_.encode()[:64]).digest()
        self.do(
            "INSERT INTO entries VALUES (NULL, ?, ?, ?, ?)", id_, end is not None, checksum, body
        )

    def do(self, statement: str, *values: object) -> None:
        self._connection.execute(statement, values)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def spool(tmp_path) -> Iterator[OldSpool]:
    with closing(OldSpool(tmp_path)) as spool:
        yield spool


@pytest.fixture
def writer(database, tmp_path) -> Iterator[Writer]:
    writer = Writer(database, Aside(tmp_path), lambda _: True, lambda _: None)
    yield writer
    writer.close()


def taken_in(spool: OldSpool, writer: Writer) -> list[Any]:
    """Have a spool read in, and return what was logged."""
    spool.close()
    with capture_logs() as logs:
        read_in(spool.path.parent, writer)
    return logs


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_waits_is_written_as_it_was_handed_over(spool, writer, rows, tmp_path):
    spool.add("i-1")
    then = {"prompts": [["Go on.", "typed"]], "tool_result_ids": ["call"], "started_at": 10}
    spool.add("i-2", **then)
    spool.add("i-1", END)
    spool.add("i-2", END, **then)
    (logged,) = taken_in(spool, writer)
    assert (logged["event"], logged["read"], logged["lost"]) == ("spool_read_in", 4, 0)
    first, second = rows("interceptions")
    assert (first["id"], first["status"], first["ended_at"]) == ("i-1", "completed", 9)
    assert (first["notes"], first["stop_reason"]) == ('["n"]', "end_turn")
    assert second["thread_parent_id"] == "i-1"
    assert [row["prompt"] for row in rows("user_prompts")] == ["Hello.", "Go on."]
    for table in ("token_usages", "tool_usages", "model_thoughts"):
        assert len(rows(table)) == 2
    assert sum(row["interceptions"] for row in rows("sessions")) == 2
    assert left(tmp_path) == []


def test_what_has_no_end_is_closed_as_interrupted(spool, writer, rows):
    spool.add("i-1")
    taken_in(spool, writer)
    (row,) = rows("interceptions")
    assert (row["status"], row["error_type"], row["ended_at"]) == ("failed", "interrupted", 5)


def test_an_end_replaces_none_and_one_that_nobody_saw(spool, writer, database, rows, monkeypatch):
    """What began in the database ends on the spool, in a later portion than its start at that."""
    monkeypatch.setattr(old_spool, "_PORTION", 1)
    record(database, start(id="i-1", started_at=5))
    for id_ in ("i-1", "i-2"):
        spool.add(id_)
    for id_ in ("i-1", "i-2"):
        spool.add(id_, END)
    taken_in(spool, writer)
    assert [row["status"] for row in rows("interceptions")] == ["completed"] * 2
    assert len(rows("token_usages")) == len(rows("user_prompts")) == 2
    assert sum(row["interceptions"] for row in rows("initiator_kinds")) == 2


def test_what_is_on_record_already_is_not_written_again(spool, writer, rows, tmp_path):
    """As where the process ended between the last commit and the removal of the file."""
    spool.add("i-1")
    spool.add("i-1", END)
    spool.close()
    content = spool.path.read_bytes()
    taken_in(spool, writer)
    spool.path.write_bytes(content)
    taken_in(spool, writer)
    for table in ("interceptions", "user_prompts", "token_usages", "tool_usages"):
        assert len(rows(table)) == 1
    assert [row["interceptions"] for row in rows("sessions")] == [1]
    assert left(tmp_path) == []


def test_an_entry_with_one_prompt_and_one_usage_is_read_as_the_first_of_each(spool, writer, rows):
    usage = {"input": 7, "output": 2}
    facts = {**FACTS, "usage": usage, "usages": []}
    spool.add("i-1", {**END, "facts": facts}, prompt="Mend it.", prompts=[])
    taken_in(spool, writer)
    assert [row["prompt"] for row in rows("user_prompts")] == ["Mend it."]
    assert [row["input_tokens"] for row in rows("token_usages")] == [7]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entries SET body = body || 'x' WHERE number = 2",
        "UPDATE entries SET body = 7, checksum = 'x' WHERE number = 2",
        "UPDATE entries SET interception_id = 'i-9' WHERE number = 2",
    ],
)
def test_a_damaged_entry_holds_up_nobody_and_its_file_is_kept(
    spool, writer, rows, tmp_path, damage
):
    for number in range(1, 4):
        spool.add(f"i-{number}", END)
    spool.do(damage)
    logs = taken_in(spool, writer)
    assert [row["id"] for row in rows("interceptions")] == ["i-1", "i-3"]
    assert [each["event"] for each in logs] == ["spool_entry_lost", "spool_read_in"]
    assert left(tmp_path) == ["spool.db.damaged"]


def test_so_is_a_file_in_which_something_was_set_aside_before(spool, writer, rows, tmp_path):
    spool.add("i-1", END)
    spool.do("INSERT INTO damaged SELECT *, 'never' FROM entries")
    taken_in(spool, writer)
    assert len(rows("interceptions")) == 1
    assert left(tmp_path) == ["spool.db.damaged"]


def test_what_the_database_never_takes_harms_no_other(spool, writer, rows, tmp_path):
    for number in range(1, 4):
        spool.add(f"i-{number}", END, request_bytes=1 << 63 if number == 2 else 1)
    logs = taken_in(spool, writer)
    assert [row["id"] for row in rows("interceptions")] == ["i-1", "i-3"]
    assert [each["event"] for each in logs] == ["record_set_aside", "spool_read_in"]
    assert left(tmp_path) == ["spool.db.damaged"]


def test_of_a_damaged_file_comes_what_can_be_read(spool, writer, rows, tmp_path):
    for number in range(200):
        spool.add(f"i-{number:03}", END)
    spool.close()
    content = bytearray(spool.path.read_bytes())
    content[20 * 4096 : 22 * 4096] = bytes(2 * 4096)
    spool.path.write_bytes(content[: -4096 * 3])
    taken_in(spool, writer)
    assert 100 < len(rows("interceptions")) < 200
    assert left(tmp_path) == ["spool.db.damaged"]


@pytest.mark.parametrize("content", [b"", b"no database" * 999, b"SQLite format 3\0"])
def test_what_is_no_spool_is_kept_and_holds_up_nothing(writer, rows, tmp_path, content):
    (tmp_path / "spool.db").write_bytes(content)
    with closing(OldSpool(tmp_path, "spool-2.db")) as other:
        other.add("i-1", END)
        taken_in(other, writer)
    assert len(rows("interceptions")) == 1
    assert left(tmp_path) == ["spool.db.damaged"]


def test_one_that_another_process_has_is_left_to_it(spool, writer, rows, tmp_path):
    spool.add("i-1", END)
    before = left(tmp_path)
    with open(f"{spool.path}.lock") as lock:  # noqa: PTH123 - named as it is
        fcntl.flock(lock, fcntl.LOCK_EX)
        taken_in(spool, writer)
    assert not rows("interceptions")
    assert left(tmp_path) == [name for name in before if not name.endswith(("-wal", "-shm"))]


def test_while_the_database_is_away_the_file_stays(spool, writer, database, rows, tmp_path):
    spool.add("i-1", END)
    with locked(database), pytest.raises(GivenUp):
        taken_in(spool, writer)
    assert "spool.db" in left(tmp_path)
    read_in(tmp_path, writer)
    assert len(rows("interceptions")) == 1
