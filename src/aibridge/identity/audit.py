"""Acts that change something, and the log of them: who, what, when, from where.

An entry is written in the transaction of its act: there is none without the other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aibridge.contract.words import AuditAction, AuditResource
from aibridge.ids import new_id, now, uuid_of
from aibridge.principals import OPERATOR, Person
from aibridge.store.people import audit as store
from aibridge.store.people.users import Connection

SECRET_FIELDS = frozenset({"password"})
"""What an entry says has changed, but neither from what nor to what."""

_MAX_USER_AGENT = 256

Fields = Mapping[str, Any]
"""What there is to know of a thing, as JSON has it; empty before it is made."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where; ``ip`` is empty where nothing came over the network."""

    person: Person
    ip: str = ""
    user_agent: str = ""


class Target(NamedTuple):
    """What is acted upon: its kind, its id, and what it is called."""

    kind: AuditResource
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Act:
    """A change on its way: the transaction that makes it, and who makes it."""

    connection: Connection
    actor: Actor = Actor(OPERATOR)
    touched: list[Target] = field(default_factory=list)
    """What has been logged to be acted upon."""

    @property
    def person(self) -> Person:
        """Who acts."""
        return self.actor.person

    def log(
        self,
        action: AuditAction,
        target: Target,
        *,
        before: Fields | None = None,
        after: Fields | None = None,
        description: str = "",
    ) -> None:
        """Write down what is being done."""
        self.touched.append(target)
        id_ = uuid_of(target.id)
        row = store.AuditRow(
            id=new_id(),
            at=now(),
            actor_id=self.person.user_id,
            actor_username=self.person.username,
            token_id=self.person.token_id,
            ip=self.actor.ip,
            user_agent=self.actor.user_agent[:_MAX_USER_AGENT],
            action=action,
            resource_type=target.kind,
            resource_id=id_,
            resource_key="" if id_ == target.id else target.id,
            resource_target=target.name,
            diff=json.dumps(difference(before or {}, after or {}), ensure_ascii=False),
            description=description,
        )
        store.append(self.connection, row)


def difference(before: Fields, after: Fields) -> dict[str, dict[str, Any]]:
    """Return what each field was and became, for those that changed; null is absent."""
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: _change(key, before.get(key), after.get(key)) for key in changed}


def _change(key: str, old: object, new: object) -> dict[str, Any]:
    if key in SECRET_FIELDS:
        return {"old": "", "new": "", "secret": True}
    return {"old": old, "new": new, "secret": False}
