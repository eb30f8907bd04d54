"""The API with real users, tokens and passwords: whoever calls is looked up in the database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import insert, select

from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act
from aibridge.identity.authenticate import Authenticator
from aibridge.identity.last_use import LastUses
from aibridge.principals import ALL_SCOPES
from aibridge.store.engine.database import Database
from aibridge.store.people.audit import AuditRow
from aibridge.store.people.users import user_by_name
from aibridge.store.schema import tables as schema
from tests.builders import new_database
from tests.people import cheap_passwords, entries, new_token

ROLES = {
    "root": [SiteRole.OWNER],
    "hr": [SiteRole.USER_ADMIN],
    "aud": [SiteRole.AUDITOR],
    "ann": [],
    "bob": [],
}
"""The users there are, and their roles."""

PASSWORD = "correct horse battery"
"""The password of all of them."""

API = "/api/v2"
NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
NIL = "00000000-0000-0000-0000-000000000000"


@dataclass
class Start:
    """The rows of a database with the users, and what is known of them by username."""

    ids: dict[str, str]
    tokens: dict[str, str]
    rows: dict[str, list[dict[str, Any]]]

    def write(self, database: Database) -> None:
        """Put the users into a database."""
        with database.write() as connection:
            for name, rows in self.rows.items():
                connection.execute(insert(schema.metadata.tables[name]), rows)


def make_start() -> Start:
    """Make what every test begins with; it takes a while."""
    start = Start({}, {}, {})
    database = new_database("sqlite://")
    hashed = cheap_passwords().hash(PASSWORD)
    with database.write() as connection:
        for name, roles in ROLES.items():
            email = f"{name}@example.com"
            user = create_user(
                Act(connection), name, roles, email=email, name=name.title(), password_hash=hashed
            )
            start.ids[name] = user.id
            start.tokens[name] = new_token(connection, user, "main")
        for table in (schema.users, schema.tokens, schema.audit_log):
            rows = connection.execute(select(table)).mappings()
            start.rows[table.name] = [dict(row) for row in rows]
    database.close()
    return start


@dataclass
class Api:
    """The API, and who may be asked to call it: a username, or the text of a token."""

    app: FastAPI
    database: Database
    ids: dict[str, str]
    tokens: dict[str, str]
    address: str = "192.0.2.7"

    async def call(
        self,
        who: str | None,
        method: str,
        path: str,
        json: Any = None,
        *,
        expect: int | None = None,
        media: str = "application/json",
        **request: Any,
    ) -> httpx.Response:
        """Make a request in somebody's name, and check its status if one is expected.

        The path is below `API`, unless it begins where that does.
        """
        headers = {"user-agent": "a browser", **request.pop("headers", {})}
        if who is not None:
            headers["Coder-Session-Token"] = self.tokens.get(who, who)
        if json is not None:
            request["json"] = json
        if "content" in request:
            headers = {"content-type": "application/json", **headers}
        async with self._client() as client:
            url = path if path.startswith("/api/") else API + path
            answer = await client.request(method, url, headers=headers, **request)
        assert expect in {None, answer.status_code}, f"{answer.status_code} {answer.text}"
        if answer.content:
            kind = media if answer.is_success else "application/json"
            assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"
        return answer

    async def get(self, who: str | None, path: str, **query: Any) -> Any:
        """Return what somebody is shown."""
        return (await self.call(who, "GET", path, expect=200, params=query)).json()

    async def refused(self, status: int, *call: Any, **request: Any) -> Any:
        """Return the body of a refusal."""
        found = (await self.call(*call, expect=status, **request)).json()
        assert found.keys() <= {"message", "detail", "validations"}
        assert found["message"]
        return found

    async def invalid(self, *call: Any, **request: Any) -> set[str]:
        """Return the fields that a body is refused for."""
        found = await self.refused(400, *call, **request)
        assert found["message"] == "Validation failed."
        return {validation["field"] for validation in found["validations"]}

    async def statuses(self, method: str, path: str, json: Any = None) -> dict[str, int]:
        """Return how each user is answered, and who is none."""
        answers = {who: await self.call(who, method, path, json) for who in ROLES}
        return {who: answer.status_code for who, answer in answers.items()}

    def acts(self) -> list[AuditRow]:
        """Return the audit log since the start, oldest first."""
        with self.database.read() as connection:
            return [row for row in entries(connection) if row.ip]

    def token(self, who: str, **options: Any) -> str:
        """Give somebody another token."""
        with self.database.write() as connection:
            user = user_by_name(connection, who)
            assert user is not None
            return new_token(connection, user, **{"scopes": ALL_SCOPES, **options})

    def change(self, **services: Any) -> None:
        """Have the API work with something else."""
        self.app.state.services = replace(self.app.state.services, **services)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=False, client=(self.address, 1)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
            yield client


@contextmanager
def serving(app: FastAPI, database: Database, start: Start) -> Iterator[Api]:
    """Have the API read and change a database as long as the ``with`` lasts."""
    uses = LastUses(database)
    authenticator = Authenticator(database, uses)
    app.state.services = Services(
        database,
        authenticator.person,
        passwords=cheap_passwords(),
        strangers_passwords=cheap_passwords(),
        write_last_uses=uses.write,
    )
    yield Api(app, database, start.ids, start.tokens)
    authenticator.close()
