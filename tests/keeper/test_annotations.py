"""What calls were made for, on record."""

import json
from pathlib import Path
from typing import Any

import pytest

from aibridge.agents import annotations
from aibridge.store.engine.database import Database
from aibridge.store.record import writer
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import AnnotationRow
from aibridge.store.transfer.checking import disagreements
from tests.keeper.journals import Gateway, keep
from tests.keeper.test_completing import ASKED, RESPONSES, fetch, response
from tests.keeper.test_rereading import differing, reread

SHOP = {"repo": "https://t0ken@github.com/acme/shop.git", "branch": "main"}


def said(value: object) -> list[tuple[bytes, bytes]]:
    return [(annotations.HEADER, json.dumps(value).encode())]


def days(rows: Any) -> dict[int, int]:
    """Return how many calls there were by their annotations."""
    return {row["annotation_id"]: row["interceptions"] for row in rows("daily_usage")}


def test_calls_for_the_same_share_a_row_and_count_apart_from_others(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    for headers in (said(SHOP), said(SHOP), said({"linear_issue_ids": ["ENG-1"]}), []):
        gateway.call(headers=headers)
    keep(root, database)
    by_repo = {row["repo"]: row for row in rows("annotations")}
    assert by_repo.keys() == {"github.com/acme/shop", ""}
    shop, issue = by_repo["github.com/acme/shop"], by_repo[""]
    assert (shop["branch"], shop["pull_requests"], issue["issues"]) == ("main", "[]", '["ENG-1"]')
    ids = [row["annotation_id"] for row in rows("interceptions")]
    assert ids == [shop["id"], shop["id"], issue["id"], None]
    assert days(rows) == {shop["id"]: 2, issue["id"]: 1, 0: 1}
    with database.read() as connection:
        assert list(disagreements(connection)) == []


def test_a_header_that_cannot_be_read_leaves_a_note(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    gateway.call(headers=[(annotations.HEADER, b"main")])
    keep(root, database)
    (row,) = rows("interceptions")
    assert json.loads(row["notes"]) == ["X-AI-Bridge-Annotations: it is not a JSON object"]
    assert (row["status"], row["annotation_id"], rows("annotations")) == ("completed", None, [])


def test_an_end_that_comes_later_counts_for_the_same(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    call = gateway.begin(headers=said(SHOP))
    keep(root, database)
    (row,) = rows("interceptions")
    assert (row["ended_at"], row["annotation_id"]) == (None, rows("annotations")[0]["id"])
    gateway.end(call)
    keep(root, database)
    assert days(rows) == {row["annotation_id"]: 1}


def test_an_answer_that_is_fetched_later_counts_for_what_was_asked(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    call = gateway.begin(body=ASKED, headers=said(SHOP), **RESPONSES)
    gateway.end(call, response("queued"))
    keep(root, database)
    fetch(gateway, call.id, response("completed"))
    keep(root, database)
    (row,), (shop,) = rows("interceptions"), rows("annotations")
    assert (row["status"], row["annotation_id"]) == ("completed", shop["id"])
    used = [one for one in rows("daily_usage") if one["interceptions"]]
    assert [(one["annotation_id"], one["input_tokens"]) for one in used] == [(shop["id"], 3)]


def test_what_is_read_again_moves_to_what_it_was_for(
    gateway: Gateway, root: Path, database: Database, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = gateway.call(headers=said(SHOP))
    gateway.call(headers=said({"branch": "main"}))
    with monkeypatch.context() as patch:
        patch.setattr(annotations, "repository", lambda _: "")
        keep(root, database)
    (both,) = rows("annotations")
    assert differing(reread(root, database, is_dry=True)) == {id_: {"annotations"}}
    assert days(rows) == {both["id"]: 2}
    assert differing(reread(root, database)) == {id_: {"annotations"}}
    (shop,) = (row for row in rows("annotations") if row["repo"])
    assert days(rows) == {both["id"]: 1, shop["id"]: 1}
    assert differing(reread(root, database)) == {}
    with monkeypatch.context() as patch:
        patch.setattr(annotations, "_clean", lambda *_: "")
        reread(root, database)
        assert days(rows) == {0: 2}
    with database.read() as connection:
        assert list(disagreements(connection)) == []


def test_usage_that_is_counted_for_something_else_is_found(
    gateway: Gateway, root: Path, database: Database
) -> None:
    gateway.call(headers=said(SHOP))
    keep(root, database)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE daily_usage SET annotation_id = 0")
    with database.read() as connection:
        found = list(disagreements(connection))
    assert found
    assert all("usage of" in each for each in found)


def test_numbers_of_few_annotations_are_remembered_by_their_digests(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_NUMBERS_KNOWN", 2)
    store = BatchWriter(database)
    rows = [AnnotationRow(f"digest {number}", "r" * 256, "", "[]", "[]") for number in range(3)]
    numbers = [store.number(row) for row in (*rows, *rows)]
    assert numbers[:3] == numbers[3:]
    assert len(set(numbers)) == 3
    assert store._numbers.keys() <= {row.digest for row in rows}
    assert len(store._numbers) <= 2
    store.close()
