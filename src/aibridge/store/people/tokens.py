"""Tokens: their rows, without the secrets, of which only digests are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from aibridge.contract.words import LoginType, TokenScope
from aibridge.errors import TakenError
from aibridge.principals import read_scopes, write_words
from aibridge.store.people.users import Connection
from aibridge.store.schema.tables import tokens, users


@dataclass(frozen=True, slots=True)
class Token:
    """A row of tokens, with the name of its user. Times are microseconds, `None` is never."""

    id: str
    user_id: str
    username: str
    name: str
    scopes: frozenset[TokenScope]
    login_type: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


_c = tokens.c


def insert_token(connection: Connection, token: Token, secret_sha256: str) -> None:
    """Add a token. Raises `TakenError` where its user has one of that name."""
    row = {
        "id": token.id,
        "user_id": token.user_id,
        "name": token.name,
        "secret_sha256": secret_sha256,
        "scopes": write_words(token.scopes),
        "login_type": token.login_type,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
    named = select(_c.id).where(_c.user_id == token.user_id, _c.name == token.name)
    try:
        if connection.scalar(named) is None:
            connection.execute(insert(tokens), row)
            return
    except IntegrityError:  # another writer was faster, where writers run side by side
        pass
    raise TakenError(
        f"{token.username} has a token named {token.name!r} already", field="token_name"
    )


def list_tokens(
    connection: Connection, user_id: str | None = None, *, valid_at: int | None = None
) -> list[Token]:
    """Return the tokens of a user, or of everybody, oldest first.

    Expired ones too, unless only those are meant that are valid at a moment.
    """
    query = _tokens().order_by(_c.created_at, _c.id)
    if user_id is not None:
        query = query.where(_c.user_id == user_id)
    if valid_at is not None:
        query = query.where(or_(_c.expires_at.is_(None), _c.expires_at > valid_at))
    return [_token(row) for row in connection.execute(query)]


def find_token(connection: Connection, token_id: str, user_id: str | None = None) -> Token | None:
    """Return a token by its id, of this user if one is given."""
    query = _tokens().where(_c.id == token_id)
    if user_id is not None:
        query = query.where(_c.user_id == user_id)
    return _one(connection, query)


def token_by_name(connection: Connection, name: str, user_id: str) -> Token | None:
    """Return a user's token by its name."""
    return _one(connection, _tokens().where(_c.user_id == user_id, _c.name == name))


def _one(connection: Connection, query: Select[Any]) -> Token | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else _token(row)


def expire_token(connection: Connection, token_id: str, at: int) -> None:
    """Have a token end at a moment; from then on it is refused."""
    connection.execute(update(tokens).where(_c.id == token_id).values(expires_at=at))


def is_any_used(connection: Connection) -> bool:
    """Say whether any token has been used."""
    return connection.scalar(select(_c.id).where(_c.last_used_at.is_not(None)).limit(1)) is not None


def delete_token(connection: Connection, token_id: str) -> None:
    """Delete a token; it is refused from the next request on."""
    connection.execute(delete(tokens).where(_c.id == token_id))


def count_tokens(connection: Connection, user_id: str) -> int:
    """Return how many tokens a user has, expired ones too."""
    query = select(func.count()).select_from(tokens).where(_c.user_id == user_id)
    return connection.execute(query).scalar_one()


def delete_tokens(connection: Connection, user_id: str, *, but: str = "") -> list[str]:
    """Delete a user's tokens but the one of this id, and return the ids of those deleted."""
    return _delete(connection, _c.user_id == user_id, _c.id != but)


def delete_expired_logins(connection: Connection, user_id: str, at: int) -> list[str]:
    """Delete a user's tokens of logins that have expired at a moment, and return their ids."""
    is_of_login = _c.login_type == LoginType.PASSWORD.value
    return _delete(connection, _c.user_id == user_id, is_of_login, _c.expires_at <= at)


def _delete(connection: Connection, *where: ColumnElement[bool]) -> list[str]:
    """Delete tokens in one statement, however many they are."""
    return sorted(connection.scalars(delete(tokens).where(*where).returning(_c.id)))


def note_uses(connection: Connection, uses: Mapping[str, int]) -> None:
    """Set when tokens, by id, were last used; an earlier time than is known changes nothing."""
    later = or_(_c.last_used_at.is_(None), _c.last_used_at < bindparam("used_at"))
    statement = update(tokens).where(_c.id == bindparam("token_id"), later)
    rows = [{"token_id": id_, "used_at": at} for id_, at in uses.items()]
    connection.execute(statement.values(last_used_at=bindparam("used_at")), rows)


def _tokens() -> Select[Any]:
    columns = (
        _c.id,
        _c.user_id,
        users.c.username,
        _c.name,
        _c.scopes,
        _c.login_type,
        _c.created_at,
        _c.expires_at,
        _c.last_used_at,
    )
    return select(*columns).join(users, users.c.id == _c.user_id)


def _token(row: Any) -> Token:  # noqa: ANN401 - a row of `_tokens`
    id_, user_id, username, name, scopes, *rest = row
    return Token(id_, user_id, username, name, read_scopes(scopes), *rest)
