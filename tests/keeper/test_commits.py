"""Commits of which nobody knows what has become: what was in them is on record once."""

import sqlite3
from typing import Any

import pytest

from aibridge.ids import now
from aibridge.keeper import writing
from aibridge.recorder import batch
from tests.keeper.journals import RULES, keep


def test_a_commit_that_comes_through_only_after_its_next_attempt_has_begun_counts_once(
    gateway, root, database, rows, monkeypatch: pytest.MonkeyPatch
):
    """Its connection was broken off, and nobody could know what became of it."""
    gateway.call()
    real, attempts = batch.commit, list[Any]()

    def commit(*given: Any) -> Any:
        attempts.append(given)
        if len(attempts) == 1:
            raise sqlite3.OperationalError("the connection was broken off")
        if len(attempts) == 2:
            real(*given)
        return real(*given)

    monkeypatch.setattr(writing, "commit", commit)
    monkeypatch.setattr(writing, "AGAIN_SECONDS", 0.0)
    keep(root, database, is_over=lambda: len(attempts) > 1)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert len(rows("user_prompts")) == 1


def test_a_beginning_alone_is_written_again_after_an_attempt_that_failed(
    gateway, root, database, rows, monkeypatch: pytest.MonkeyPatch
):
    """It takes no step in the journal, as that has been taken with another call."""
    young = gateway.begin(at=now() + 10_000_000)
    gateway.call()
    real, attempts = batch.commit, list[Any]()

    def commit(*given: Any) -> Any:
        attempts.append(given)
        if len(attempts) == 2:
            raise sqlite3.OperationalError("the database is locked")
        return real(*given)

    monkeypatch.setattr(writing, "commit", commit)
    monkeypatch.setattr(writing, "AGAIN_SECONDS", 0.0)
    is_over = iter([False, True, False])  # in the midst of it: all is written then
    keep(
        root,
        database,
        rules=RULES._replace(lingers=True),
        is_over=lambda: next(is_over, True),
    )
    assert [list(steps) for *_, steps in attempts[1:]] == [[], []]
    assert {row["id"]: row["status"] for row in rows("interceptions")}[young.id] == "running"
