"""A database with something of everything that is kept, and a look at all that one has."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, insert, inspect, select

from aibridge.agents import Annotations
from aibridge.contract import SiteRole
from aibridge.ids import first_id_at
from aibridge.store import migrations
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.search import index as text_index
from aibridge.store.transfer.copying.tables import TABLES
from tests.builders import ANA, BEN, START, Call, indexed_words, record, uid
from tests.people import new_token, new_user

OLD = datetime(2023, 5, 17, tzinfo=UTC)
"""Long before a new database has partitions for it."""

UNICODE = 'Zoë\'s "日本語" 😀 e\u0301 \\N \t\r\n \x01\x7f\u2028 \ufeff naïve'
NUL = "before\0after\0"


def old_id(number: int, at: datetime = OLD) -> str:
    """Return an id of a moment."""
    return f"{first_id_at(round(at.timestamp() * 1_000_000))}7000-8000-{number:012x}"


class OldCall(Call):
    """A call of long ago, as its id tells."""

    @property
    def id(self) -> str:
        return old_id(self.number)

    @property
    def started_at(self) -> int:
        return round((OLD.timestamp() + self.at) * 1_000_000)


def calls() -> list[Call]:
    """Return calls of several people and weeks, of which some run and some went wrong."""
    week = 7 * 24 * 3600.0
    odd = {
        "model": "модель",
        "metadata": '{"b": 1, "a": [null, "\\u0000é"]}',
        "notes": '["a note"]',
    }
    failed = {"status": "failed", "error_type": "overloaded", "error_message": "Try again, später."}
    plain = [
        Call(n, n * week, session=f"s{n % 3}", prompts=(f"Mend roof {n}.",), tools=("ls",))
        for n in range(2, 9)
    ]
    return [
        OldCall(1, prompts=(UNICODE, ""), tools=("edit", "sh"), thoughts=("Hm. 🤔",), columns=odd),
        *plain,
        Call(10, 5, BEN, "séance", prompts=(NUL,), tokens=((1, 2, 3, 4), (2**40, 0, 0, 0))),
        Call(11, 6, BEN, "séance", prompts=("Go on.",), thoughts=(NUL,), columns=failed),
        Call(12, 7, ANA, running=True, prompts=("Still at it.",), columns={"api_key_id": None}),
        OldCall(13, 8, BEN, running=True),
        Call(14, 9, columns={"client": None, "client_session_id": None, "http_status": 529}),
        Call(15, 10, BEN, annotations=Annotations("acme/shop", "für-später", (), ("ENG-1",))),
    ]


def fill(database: Database) -> None:
    """Write something of everything that is kept."""
    with database.write() as connection:
        ana = new_user(connection, "ana", SiteRole.OWNER)
        zoe = new_user(connection, "zoë")
        new_token(connection, ana, "laptop")
        new_token(connection, zoe)
        rows: list[tuple[Table, list[dict[str, Any]]]] = [
            (schema.groups, [_group("g-1"), _group("g-2")]),
            (schema.group_members, [_member("g-1", ana.id), _member("g-2", zoe.id)]),
            (schema.group_ai_budgets, [_limit(group_id="g-1", spend_limit_micros=2**50)]),
            (
                schema.user_ai_budget_overrides,
                [_limit(user_id=zoe.id, group_id="g-2", spend_limit_micros=0)],
            ),
            (schema.model_prices, [_price("claude-é", None), _price("gpt", 2**50)]),
            (schema.prices, [{"id": 4, "price": "{}"}, {"id": 7, "price": '{"model":"é"}'}]),
            (
                schema.caps,
                [
                    {
                        **_limit(spend_limit_micros=5),
                        "id": "c-1",
                        "scope": "group",
                        "target_id": "g-1",
                        "period": "week",
                    }
                ],
            ),
            (schema.budget_events, [_event()]),
            (schema.journals, [{"id": "a journal", "applied": 1 << 41, "resume": 5}]),
            (schema.correlation_keys, [_key("response:1", 1), _key("texts:ä", 2)]),
        ]
        for table, values in rows:
            connection.execute(insert(table), values)
        record(connection, *calls())


def _event() -> dict[str, Any]:
    names = ("period_start", "period_end", "spend_limit_micros", "threshold", "spent_micros")
    numbers = dict(zip((*names, "at", "attempts"), range(7), strict=True))
    return {"id": "e-1", "account": "user:é", "period": "day", **numbers, "next_at": None}


def _key(key: str, number: int) -> dict[str, Any]:
    return {
        "initiator_id": ANA,
        "key": key,
        "interception_id": uid(number),
        "created_at": START + number,
    }


def _price(model: str, micros: int | None) -> dict[str, Any]:
    return {
        "provider": "openai-compat",
        "model": model.title(),
        "model_key": model,
        "input_price": 3_000_000,
        "output_price": micros,
        "updated_at": START,
    }


def _group(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name.upper(),
        "name_key": name,
        "display_name": f"Gruppe {name} ✓",
        "created_at": START,
        "updated_at": START + 1,
    }


def _member(group_id: str, user_id: str) -> dict[str, Any]:
    return {"group_id": group_id, "user_id": user_id, "created_at": START}


def _limit(**columns: Any) -> dict[str, Any]:
    return {"created_at": START, "updated_at": START, **columns}


Everything = dict[str, Any]


def everything(url: str, *, without_nul: bool = False) -> Everything:
    """Return all rows of all tables and all words of the index, as PostgreSQL has them if wanted.

    The database has to be fit for being served.
    """
    with opened(url) as database, database.read() as connection:
        assert migrations.current(connection) == migrations.HEAD
        assert not inspect(connection).has_table("copying")
        found: Everything = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in TABLES
        }
        found[text_index.NAME] = indexed_words(connection)
    return _without_nul(found) if without_nul else found


def _without_nul(found: Everything) -> Everything:
    def replaced(value: Any) -> Any:
        return value.replace("\0", "\ufffd") if isinstance(value, str) else value

    return {
        name: rows if isinstance(rows, set) else [tuple(map(replaced, row)) for row in rows]
        for name, rows in found.items()
    }


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """Yield a database, and give up every connection at the end."""
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
