"""Several servers on one PostgreSQL: each row once, whoever of them is taken for gone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from aibridge.recorder import membership as module
from aibridge.recorder.batch import commit
from aibridge.recorder.membership import BEAT_SECONDS, LEASE_SECONDS, Membership, Watch
from aibridge.recorder.pending import Pending
from aibridge.recorder.recovery import close_interrupted
from aibridge.store.engine import servers
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.engine.servers import Lease
from aibridge.store.record.writer import BatchWriter
from tests.recorder.facts import end, facts, start
from tests.recorder.writing import write

ENGINES = ("postgresql",)
LOOKS = int(LEASE_SECONDS / BEAT_SECONDS)
LONG = 20.0


def test_who_stands_still_for_as_long_as_a_lease_is_gone():
    watch = Watch()
    for look in range(LOOKS):
        assert watch.look({1: 5, 2: look}, look * BEAT_SECONDS) == []
    assert watch.look({1: 5, 2: 99}, LOOKS * BEAT_SECONDS) == [1]
    assert watch.look({1: 6, 2: 99}, (LOOKS + 1) * BEAT_SECONDS) == []


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_pause_or_a_step_of_the_clock_takes_nobody_for_gone(step):
    watch = Watch()
    assert watch.look({1: 5}, 0) == []
    assert watch.look({1: 5}, step) == []
    assert watch.look({1: 5}, step + 1) == []


def test_who_is_new_has_the_whole_lease():
    watch = Watch()
    for look in range(LOOKS):
        watch.look({}, look * BEAT_SECONDS)
    assert watch.look({1: 0}, LOOKS * BEAT_SECONDS) == []
    assert watch.look({1: 0}, (LOOKS + 1) * BEAT_SECONDS) == []


class Ear:
    """A listener that remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._more = threading.Condition()

    def listen(self) -> None:
        self.hear("listening")

    def deafen(self) -> None:
        self.hear("deaf")

    def hear(self, news: str = "") -> None:
        with self._more:
            self.heard.append(news)
            self._more.notify_all()

    def wait_for(self, news: str, times: int = 1) -> None:
        with self._more:
            assert self._more.wait_for(lambda: self.heard.count(news) >= times, LONG)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(module, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def membership(database, ear, impatient) -> Iterator[Membership]:
    membership = Membership(database, Lease(), listener=ear)
    membership.begin()
    ear.wait_for("listening")
    yield membership
    membership.end()


@pytest.fixture
def lease(database) -> Lease:
    """The lease of a server that never says that it lives."""
    return new_server(database)


def new_server(database) -> Lease:
    """Register another server."""
    lease = Lease()
    with closing(database.link()) as link:
        lease.renew(link, 0)
    return lease


def begun(database, lease: Lease, **more: Any) -> Pending:
    """Write an interception that is under way at a server."""
    item = Pending(start(**more))
    write(database, item, lease=lease)
    return item


def finish(database, lease: Lease, item: Pending) -> None:
    """Write the end of an interception, again where the server was taken for gone."""
    item.end = end()
    with closing(BatchWriter(database, lease=lease)) as store:
        with suppress(*DRIVER_ERRORS):
            commit(store, [item]).note()
            return
        commit(store, [item]).note()


def until(found: Callable[[], object]) -> None:
    give_up = time.monotonic() + LONG
    while not found():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_changes_of_tokens_and_users_are_heard_of(membership, database, ear):
    with database.write() as connection:
        for statement in PEOPLE:
            connection.execute(text(statement))
    with database.write() as connection:
        connection.execute(text("UPDATE tokens SET last_used_at = 7"))
        connection.execute(text("UPDATE users SET name = 'Ana'"))
    with database.write() as connection:
        connection.execute(text("UPDATE users SET status = 'suspended'"))
    with database.write() as connection:
        connection.execute(text("DELETE FROM tokens"))
    ear.wait_for("token token-ana")
    assert [news for news in ear.heard if news] == ["listening", "user id-ana", "token token-ana"]


PEOPLE = (
    """INSERT INTO users (id, username, username_key, name, avatar_url, status, roles, created_at,
    updated_at, email) VALUES ('id-ana', 'ana', 'ana', '', '', 'active', '', 5, 5, '')""",
    """INSERT INTO tokens (id, user_id, name, secret_sha256, created_at, scopes, login_type)
    VALUES ('token-ana', 'id-ana', 'laptop', '', 5, 'gateway', 'token')""",
)


def test_a_line_that_is_cut_is_taken_up_again(membership, database, ear):
    with database.write() as connection:
        connection.execute(text(CUT))
    ear.wait_for("deaf")
    ear.wait_for("listening", times=2)


CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'aibridge' AND pid <> pg_backend_pid()"""


def test_who_leaves_has_no_row_any_more(database, ear, impatient, rows):
    membership = Membership(database, Lease(), listener=ear)
    membership.begin()
    ear.wait_for("")
    assert len(rows("servers")) == 1
    membership.end()
    assert rows("servers") == []


def test_what_a_server_that_is_gone_had_under_way_is_closed_by_another(
    database, lease, membership, rows
):
    said = {"server_gone", "interceptions_interrupted"}
    with capture_logs() as logs:
        begun(database, lease)
        until(lambda: said <= {entry["event"] for entry in logs})
    assert [row["error_type"] for row in rows("interceptions")] == ["interrupted"]
    assert [row["interceptions"] for row in rows("sessions")] == [1]


def test_what_a_server_that_lives_has_under_way_is_let_be(database, membership, rows, ear):
    lease = Lease()
    other = Membership(database, lease, listener=Ear())
    other.begin()
    begun(database, lease)
    ear.heard.clear()
    ear.wait_for("", 3 * LOOKS)
    assert rows("interceptions")[0]["status"] == "running"
    other.end()


def test_who_was_taken_for_gone_completes_what_it_began(database, lease, membership, rows):
    """Its end was not seen, as others thought; it was: nothing counts twice."""
    first = lease.number
    items = [begun(database, lease) for _ in range(2)]
    until(lambda: {row["status"] for row in rows("interceptions")} == {"failed"})
    for item in items:
        finish(database, lease, item)
    assert lease.number != first
    assert {row["status"] for row in rows("interceptions")} == {"completed"}
    assert [row["interceptions"] for row in rows("sessions")] == [1, 1]
    assert [row["input_tokens"] for row in rows("sessions")] == [1, 1]
    assert sum(row["interceptions"] for row in rows("initiator_kinds")) == 2
    assert len(rows("token_usages")) == len(rows("user_prompts")) == 2


def test_of_several_that_clean_up_one_does_it(database, lease, impatient, rows):
    ears = [Ear() for _ in range(4)]
    several = [Membership(database, Lease(), listener=ear) for ear in ears]
    write(database, *(Pending(start()) for _ in range(30)), lease=lease)
    for membership in several:
        membership.begin()
    until(lambda: {row["status"] for row in rows("interceptions")} == {"failed"})
    for ear in ears:
        ear.heard.clear()
        ear.wait_for("", 3)
    for membership in several:
        membership.end()
    assert sum(row["interceptions"] for row in rows("sessions")) == 30
    assert sum(row["interceptions"] for row in rows("initiator_kinds")) == 30


def test_two_servers_that_write_one_session_lose_and_double_nothing(database, rows):
    def work(number: int) -> None:
        with closing(BatchWriter(database, lease=new_server(database))) as store:
            for turn in range(25):
                calls = facts(f"{number}-{turn}")
                commit(store, [Pending(start(client_session_id="shared"), end(facts=calls))])

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(2)))
    (session,) = rows("sessions")
    assert (session["interceptions"], session["input_tokens"]) == (50, 50)
    assert len(rows("token_usages")) == 50


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "server"


def test_who_comes_after_one_that_was_killed_is_the_same_server(
    database, lease, impatient, note, rows
):
    """So what that has under way is not closed: its journal goes on."""
    note.write_text(servers.note_of(lease.held))
    item = begun(database, lease)
    again = Lease()
    membership = Membership(database, again, note=note)
    membership.begin()
    assert again.number == lease.number
    finish(database, again, item)
    assert [row["server_id"] for row in rows("interceptions")] == [lease.number]
    membership.end()
    settled(rows)


@pytest.mark.parametrize("left", ["", "7", "x y", "77 5"])
def test_a_note_of_no_server_that_is_there_makes_a_new_one(database, impatient, note, rows, left):
    note.write_text(left)
    lease = Lease()
    membership = Membership(database, lease, note=note)
    membership.begin()
    (row,) = rows("servers")
    assert row["id"] == lease.number
    assert lease.held is not None
    assert note.read_text() == servers.note_of(lease.held)
    membership.end()


def test_nobody_is_taken_for_gone_while_a_transaction_of_theirs_is_under_way(database, lease, rows):
    number = lease.number
    ((beats,),) = [(row["beats"],) for row in rows("servers")]
    with closing(database.link()) as link, closing(database.link()) as writer:
        with writer.transaction(number):
            writer.select("SELECT 1", {}, 1)
            assert not servers.remove(link, number, beats)
            assert servers.beat(link, number)
        assert not servers.remove(link, number, beats)
        assert servers.remove(link, number, beats + 1)
        with pytest.raises(DRIVER_ERRORS) as caught, writer.transaction(number):
            pass
        assert servers.was_taken_for_gone(caught.value)


def gone(database, lease):
    """Have a server taken for gone, and what it had under way closed."""
    with closing(database.link()) as link:
        assert servers.leave(link, lease.held)
    close_interrupted(database)


@pytest.fixture
def writer(database, lease):
    with closing(BatchWriter(database, lease=lease)) as writer:
        yield writer


def settled(rows):
    """Say whether the one interception is complete, and counts once."""
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert [(row["interceptions"], row["input_tokens"]) for row in rows("sessions")] == [(1, 1)]
    assert len(rows("token_usages")) == 1


def test_a_lease_that_is_renewed_in_the_midst_of_a_commit_does_not_hide_that_it_was_lost(
    database, rows, lease, writer, monkeypatch
):
    item = Pending(start(prompt=None))
    commit(writer, [item]).note()
    gone(database, lease)
    item.end = end()
    number = writer.number

    def renewing(of: Any) -> Any:
        with closing(database.link()) as link:
            lease.renew(link, lease.number)
        return number(of)

    monkeypatch.setattr(writer, "number", renewing)
    with pytest.raises(DRIVER_ERRORS):
        commit(writer, [item])
    monkeypatch.undo()
    commit(writer, [item]).note()
    settled(rows)


def test_a_start_whose_commit_was_not_heard_of_is_asked_about_at_its_end(
    database, rows, lease, writer
):
    item = Pending(start(prompt=None))
    commit(writer, [item])  # nobody hears of it
    item.unsure = True
    gone(database, lease)
    with pytest.raises(DRIVER_ERRORS):
        commit(writer, [item])
    commit(writer, [item]).note()
    item.end = end()
    commit(writer, [item]).note()
    settled(rows)


def test_a_note_that_cannot_be_kept_ends_no_presence(database, ear, impatient, tmp_path):
    note = tmp_path / "no-folder" / "server"
    membership = Membership(database, Lease(), note=note, listener=ear)
    membership.begin()
    ear.wait_for("", times=3)
    membership.end()


def test_nor_does_trouble_that_nobody_thought_of(database, ear, impatient, monkeypatch):
    beats = servers.beats

    def fail(*_: object) -> None:
        monkeypatch.setattr(servers, "beats", beats)
        raise LookupError("unthought-of")

    monkeypatch.setattr(servers, "beats", fail)
    membership = Membership(database, Lease(), listener=ear)
    with capture_logs() as logs:
        membership.begin()
        ear.wait_for("")
    membership.end()
    assert [entry["event"] for entry in logs] == ["presence_failed"]
