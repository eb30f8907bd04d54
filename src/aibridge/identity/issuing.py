"""Giving out tokens, and taking them back."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from aibridge.budgets.caps import delete_caps_of
from aibridge.contract.words import AuditAction, AuditResource, LoginType, TokenScope, rfc3339
from aibridge.errors import ConflictError, IdentityError
from aibridge.identity.audit import Act, Target
from aibridge.identity.tokens import digest, generate
from aibridge.ids import moment, now
from aibridge.principals import ALL_SCOPES
from aibridge.store.people import tokens as store
from aibridge.store.people.tokens import Token
from aibridge.store.people.users import User

LOGIN_LIFETIME = timedelta(days=1)
LOGIN_SCOPES = (TokenScope.READ, TokenScope.ADMIN)
MICROSECOND = timedelta(microseconds=1)
RESERVED = "tokenconfig"
"""What stands where a token's name may in the API's paths."""
MAX_TOKENS = 1000
"""Tokens that a user may have, expired ones too: deleting them all holds up nobody else."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token: its row, and its text, which is nowhere else."""

    row: Token
    text: str = field(repr=False)


def issue_token(
    act: Act,
    user: User,
    name: str = "",
    lifetime: timedelta | None = None,
    scopes: Iterable[TokenScope] = ALL_SCOPES,
) -> Issued:
    """Give a user a token, named after its id where no name is given; no lifetime is for ever.

    Raises `TakenError` where the user has a token of that name, `ConflictError` where they have
    `MAX_TOKENS`, `IdentityError` for a reserved name.
    """
    if name == RESERVED:
        raise IdentityError(f"the token's name {name!r} is reserved", field="token_name")
    issued = _insert(act, user, name, lifetime, scopes, LoginType.TOKEN)
    act.log(AuditAction.CREATE, _target(issued.row), after=_fields(issued.row))
    return issued


def log_in(act: Act, user: User, action: AuditAction = AuditAction.LOGIN) -> Issued:
    """Give a user who showed their password, or a token, another for the API, for one day.

    Raises `ConflictError` where they have `MAX_TOKENS`.
    """
    issued = _insert(act, user, "", LOGIN_LIFETIME, LOGIN_SCOPES, LoginType.PASSWORD)
    act.log(action, _target(issued.row), after=_fields(issued.row))
    return issued


def expire_token(act: Act, token: Token) -> None:
    """Have a token end now, and stay in the lists; one that has ended stays as it is."""
    at = now()
    if token.expires_at is not None and token.expires_at <= at:
        return
    store.expire_token(act.connection, token.id, at)
    after = _fields(replace(token, expires_at=at))
    act.log(AuditAction.WRITE, _target(token), before=_fields(token), after=after)


def delete_token(act: Act, token: Token, action: AuditAction = AuditAction.DELETE) -> None:
    """Delete a token; it is refused from the next request on."""
    delete_caps_of(act, [token.id])
    store.delete_token(act.connection, token.id)
    act.log(action, _target(token), before=_fields(token))


def delete_tokens(act: Act, user: User, *, but: str = "") -> None:
    """Delete all tokens of a user but the one of this id, with one entry in the audit log."""
    _log_deleted(act, user, store.delete_tokens(act.connection, user.id, but=but))


def _log_deleted(act: Act, user: User, ids: list[str]) -> None:
    """Write down that tokens of a user are gone: how many, and the ids of as many as one may have.

    Each of them counts as acted upon, so that no server goes on accepting it.
    """
    if not ids:
        return
    delete_caps_of(act, ids)
    act.touched.extend(Target(AuditResource.TOKEN, id_, id_) for id_ in ids)
    told = "1 token" if len(ids) == 1 else f"{len(ids)} tokens"
    act.log(
        AuditAction.DELETE,
        Target(AuditResource.TOKEN, user.id, f"{told} of {user.username}"),
        before={"token_ids": ids[:MAX_TOKENS]},
        description=f"{told} deleted",
    )


def _make_room(act: Act, user: User) -> None:
    """Make sure that a user may have another token; expired ones of logins make room for it."""
    if store.count_tokens(act.connection, user.id) < MAX_TOKENS:
        return
    _log_deleted(act, user, store.delete_expired_logins(act.connection, user.id, now()))
    if store.count_tokens(act.connection, user.id) >= MAX_TOKENS:
        raise ConflictError(
            f"{user.username} has {MAX_TOKENS} tokens, and may not have more: please delete some."
        )


def _insert(
    act: Act,
    user: User,
    name: str,
    lifetime: timedelta | None,
    scopes: Iterable[TokenScope],
    login_type: LoginType,
) -> Issued:
    _make_room(act, user)
    new, at = generate(), now()
    token = Token(
        id=new.id,
        user_id=user.id,
        username=user.username,
        name=name or new.id,
        scopes=frozenset(scopes),
        login_type=login_type,
        created_at=at,
        expires_at=None if lifetime is None else at + lifetime // MICROSECOND,
        last_used_at=None,
    )
    store.insert_token(act.connection, token, digest(new.secret))
    return Issued(token, new.text)


def _target(token: Token) -> Target:
    return Target(AuditResource.TOKEN, token.id, f"{token.name} of {token.username}")


def _fields(token: Token) -> dict[str, object]:
    return {
        "token_name": token.name,
        "user_id": token.user_id,
        "scopes": sorted(token.scopes),
        "expires_at": None if token.expires_at is None else rfc3339(moment(token.expires_at)),
        "login_type": token.login_type,
    }
