"""Calls with what they used of caches, and what that comes to: worked out by hand."""

from typing import Any

from sqlalchemy import Connection, insert, update

from aibridge.prices.rates import Price, Rate, Source, Unit
from aibridge.store.schema import tables as schema
from tests.builders import ANA, BEN, Call, record

_RATES = {
    Unit.INPUT: Rate(3_000_000),
    Unit.CACHE_READ: Rate(300_000),
    Unit.CACHE_WRITE: Rate(3_750_000),
}
PRICE = Price(Source.SHIPPED, "anthropic/sonnet", _RATES).encode().decode()


def record_cached(connection: Connection, ana: str = ANA, ben: str = BEN) -> None:
    """Record two sessions, of ana with Claude Code and of ben with Codex, at one price.

    Ana reads 1,000 tokens, which saves 2,700 micro-dollars, and writes 2,300, which costs 1,725
    more; after 400 seconds 1,100 are written again at 3,795 more than reading. Her sub-agent misses
    nothing, as its prompt is its own. Ben writes 100, and sends 50 of them again at 135 more.
    """
    of_ana: dict[str, Any] = {"session": "s", "initiator": ana}
    of_ben: dict[str, Any] = {
        "session": "t",
        "initiator": ben,
        "columns": {"client": "Codex", "model": "opus"},
    }
    record(
        connection,
        Call(1, 0, tokens=((10, 5, 0, 1000),), **of_ana),
        Call(2, 60, tokens=((10, 5, 1000, 100),), **of_ana),
        Call(3, 70, kind="subagent", parent=2, tokens=((500, 1, 0, 0),), **of_ana),
        Call(4, 460, tokens=((0, 5, 0, 1200),), **of_ana),
        Call(5, 100, tokens=((0, 0, 0, 100),), **of_ben),
        Call(6, 110, tokens=((50, 0, 0, 0),), **of_ben),
        Call(7, 120, **of_ben),
    )
    connection.execute(insert(schema.prices).values(id=1, price=PRICE))
    connection.execute(update(schema.token_usages).values(price_id=1, unpriced=""))
