"""Custom prices of models, in micro-dollars a million tokens: one for each type and name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from aibridge.ids import now
from aibridge.prices.custom import CustomPrice, key_of
from aibridge.store.engine.conditions import inserting
from aibridge.store.schema.tables import model_prices

_c = model_prices.c
_KEY = (_c.provider, _c.model_key)
_FIELDS = CustomPrice.__struct_fields__


@dataclass(frozen=True, slots=True)
class StoredPrice:
    """A row of custom prices, and when it was last set, in microseconds since 1970."""

    price: CustomPrice
    updated_at: int


def list_prices(connection: Connection) -> list[StoredPrice]:
    """Return all custom prices, in the order of their provider types and names."""
    query = select(model_prices).order_by(*_KEY)
    return [_stored(row) for row in connection.execute(query)]


def find_price(connection: Connection, provider: str, model: str) -> StoredPrice | None:
    """Return the custom price of a model, whose name may be written in either case."""
    row = connection.execute(select(model_prices).where(*_is(provider, model))).one_or_none()
    return None if row is None else _stored(row)


def put_prices(connection: Connection, prices: Sequence[CustomPrice]) -> None:
    """Add custom prices, each in the place of the one that its model has; none twice."""
    at = now()
    rows = [
        {name: getattr(price, name) for name in _FIELDS}
        | {"model_key": price.key[1], "updated_at": at}
        for price in sorted(prices, key=lambda price: price.key)  # so writers wait in turn
    ]
    adding = inserting(connection, model_prices)
    changed = {one.name: adding.excluded[one.name] for one in _c if not one.primary_key}
    if rows:
        connection.execute(adding.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


def delete_price(connection: Connection, provider: str, model: str) -> None:
    """Take the custom price of a model away, if it has one."""
    connection.execute(delete(model_prices).where(*_is(provider, model)))


def _is(provider: str, model: str) -> Sequence[Any]:
    return [column == value for column, value in zip(_KEY, key_of(provider, model), strict=True)]


def _stored(row: Row[Any]) -> StoredPrice:
    values = row._asdict()
    return StoredPrice(CustomPrice(**{name: values[name] for name in _FIELDS}), row.updated_at)
