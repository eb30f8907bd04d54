import asyncio
import contextlib
import io
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.contract import TokenScope
from aibridge.identity import attempts as limits
from aibridge.identity.attempts import FAILURES, FAILURES_OF_NETWORK, Attempts
from aibridge.identity.passwords import BusyError
from aibridge.store.people.tokens import list_tokens
from aibridge.store.people.users import change_user
from tests.api.people_api import NIL, PASSWORD, Api
from tests.people import asking

LOGIN = "/users/login"
FIRST = "/users/first"
EVERYONE = "00000000-0000-4000-8000-000000000001"


def account(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"email": name, "password": password}


async def log_in(api: Api, name: str = "ann") -> str:
    answer = await api.call(None, "POST", LOGIN, account(name), expect=201)
    assert answer.json().keys() == {"session_token", "notices"}
    return str(answer.json()["session_token"])


@pytest.mark.parametrize("name", ["ann", "ANN", "ann@example.com", "Ann@EXAMPLE.com"])
async def test_a_password_gives_a_token_for_the_api_for_a_day(api: Api, name: str) -> None:
    token = await log_in(api, name)
    shown = await api.get(token, f"/users/me/keys/{token[:10]}")
    assert (shown["username"], shown["login_type"]) == ("ann", "password")
    assert (shown["scopes"], shown["lifetime_seconds"]) == (["admin", "read"], 86_400)
    made = await api.call(token, "POST", "/users/me/keys/tokens", {}, expect=201)
    await api.call(made.json()["key"], "GET", "/users/me", expect=200)


async def test_every_login_gives_another_token(api: Api) -> None:
    assert len({await log_in(api) for _ in range(3)}) == 3
    assert len(await api.get("ann", "/users/me/keys/tokens")) == 4


async def test_a_wrong_password_and_an_unknown_user_are_answered_alike(api: Api) -> None:
    await api.call("root", "POST", "/users", {"username": "new"}, expect=201)
    answers = [
        await api.call(None, "POST", LOGIN, account(name, password), expect=401)
        for name, password in (
            ("ann", "wrong"),
            ("ann@example.com", "wrong"),
            ("nobody", PASSWORD),
            ("%", PASSWORD),
            ("new", "x"),
            ("new", "nobody's password"),
            ("nobody", "nobody's password"),
        )
    ]
    assert {answer.text for answer in answers} == {'{"message":"Incorrect email or password."}'}
    assert {answer.headers.get("www-authenticate") for answer in answers} == {None}
    for answer in answers:
        del answer.headers["x-request-id"]  # each has one of its own
    assert len({tuple(answer.headers.items()) for answer in answers}) == 1


async def test_an_unknown_user_costs_as_much_work(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords, checked = api.app.state.services.strangers_passwords, list[str | None]()
    real = passwords.matches

    def note(password: str, stored: str | None) -> bool:
        checked.append(stored)
        return bool(real(password, stored))

    monkeypatch.setattr(passwords, "matches", note)
    await api.call(None, "POST", LOGIN, account("nobody"), expect=401)
    await api.call(None, "POST", LOGIN, account("ann", "wrong"), expect=401)
    assert checked[0] is None
    assert str(checked[1]).startswith("$argon2id$")


async def test_who_is_suspended_does_not_get_in(api: Api) -> None:
    await api.call("root", "PUT", "/users/ann/status/suspend", expect=200)
    found = await api.refused(401, None, "POST", LOGIN, account("ann"))
    assert found == {"message": "Your account is suspended: please ask an administrator."}
    found = await api.refused(401, None, "POST", LOGIN, account("ann", "wrong"))
    assert found == {"message": "Incorrect email or password."}
    await api.call("root", "PUT", "/users/ann/status/activate", expect=200)
    await log_in(api)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_too_many_failures_keep_that_address_out_of_that_account_only(api: Api) -> None:
    clock = Clock()
    api.change(logins=Attempts(clock))
    for _ in range(FAILURES):
        await api.refused(401, None, "POST", LOGIN, account("ann", "wrong"))
    clock.now += 12.5
    for password in (PASSWORD, "wrong"):
        answer = await api.call(None, "POST", LOGIN, account("ANN", password), expect=429)
        assert answer.headers["retry-after"] == "48"
        assert answer.json() == {"message": "Too many attempts: please wait a minute."}
    await log_in(api, "bob")
    await log_in(replace(api, address="192.0.2.8"))
    await api.refused(429, None, "POST", LOGIN, account("ann"))
    await api.call("ann", "GET", "/users/me", expect=200)
    clock.now += limits.WINDOW_SECONDS - 12.5
    await log_in(api)


async def test_a_name_that_nobody_has_is_kept_out_alike(api: Api) -> None:
    statuses = [
        (await api.call(None, "POST", LOGIN, account("nobody"))).status_code
        for _ in range(FAILURES + 1)
    ]
    assert statuses == [401] * FAILURES + [429]


async def test_the_name_and_the_address_of_an_account_share_one_count(api: Api) -> None:
    names = ["ann", "ann@example.com", "ANN", "Ann@Example.com"] * FAILURES
    tried = [await api.call(None, "POST", LOGIN, account(name, "wrong")) for name in names]
    assert [answer.status_code for answer in tried].count(401) == FAILURES
    await api.refused(429, None, "POST", LOGIN, account("ann@example.com"))


async def test_a_flood_of_names_from_a_network_is_refused_before_anything_is_hashed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who came in from there before still do, from a queue of their own."""
    api.change(logins=Attempts(Clock()))
    await log_in(api, "bob")
    strangers, hashed = api.app.state.services.strangers_passwords, list[str]()
    real = strangers.matches

    def note(password: str, stored: str | None) -> bool:
        hashed.append(password)
        return bool(real(password, stored))

    monkeypatch.setattr(strangers, "matches", note)
    for number in range(FAILURES_OF_NETWORK + 20):
        answer = await api.call(None, "POST", LOGIN, account(f"x{number}", "wrong"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert len(hashed) == FAILURES_OF_NETWORK
    await api.refused(429, None, "POST", LOGIN, account("ann"))
    await log_in(replace(api, address="192.0.2.8"), "ann")
    hashed.clear()
    await log_in(api, "bob")
    assert hashed == []


async def test_a_flood_of_logins_keeps_nobody_from_changing_their_password(api: Api) -> None:
    for number in range(FAILURES_OF_NETWORK):
        await api.call(None, "POST", LOGIN, account(f"x{number}", "wrong"))
    await api.refused(429, None, "POST", LOGIN, account("ann"))
    body = {"password": "another password", "old_password": PASSWORD}
    await api.call("ann", "PUT", "/users/me/password", body, expect=204)


async def test_getting_in_forgets_the_failures(api: Api) -> None:
    for _ in range(2):
        for _ in range(FAILURES - 1):
            await api.refused(401, None, "POST", LOGIN, account("ann", "wrong"))
        await log_in(api)


async def test_while_too_many_passwords_are_checked_it_is_503(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise BusyError("too many passwords are being checked")

    monkeypatch.setattr(api.app.state.services.strangers_passwords, "matches", busy)
    answer = await api.call(None, "POST", LOGIN, account("ann"), expect=503)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["message"] == "Please try again: too many passwords are being checked."


async def test_logins_and_failures_are_on_record(api: Api) -> None:
    token = await log_in(api, "ann@example.com")
    await api.call(None, "POST", LOGIN, account("ann@example.com", "wrong"), expect=401)
    await api.call(None, "POST", LOGIN, account("nobody"), expect=401)
    await api.call(token, "POST", "/users/logout", expect=200)
    got_in, failed, left = api.acts()
    assert (got_in.action, got_in.actor_id, got_in.actor_username) == (
        "login",
        api.ids["ann"],
        "ann",
    )
    assert (got_in.resource_type, got_in.resource_key) == ("api_key", token[:10])
    assert (failed.action, failed.actor_id, failed.actor_username) == (
        "login",
        NIL,
        "",
    )
    assert (failed.resource_type, failed.resource_id, failed.diff) == (
        "user",
        api.ids["ann"],
        "{}",
    )
    assert failed.description == "refused: the password was wrong"
    assert (left.action, left.actor_id, left.token_id) == ("logout", api.ids["ann"], token[:10])
    assert {(row.ip, row.user_agent) for row in api.acts()} == {("192.0.2.7", "a browser")}


async def test_a_login_that_fails_is_not_found_as_an_act_of_the_user_that_was_tried(
    api: Api,
) -> None:
    for name in ("ann", "ANN", "ann@example.com"):
        await api.call(None, "POST", LOGIN, account(name, "wrong"), expect=401)
    found = await api.get("root", "/audit", q="action:login -username:ann resource_target:ann")
    users = [{key: one["user"][key] for key in ("id", "username")} for one in found["audit_logs"]]
    assert users == [{"id": NIL, "username": ""}] * 3
    assert (await api.get("root", "/audit", q="username:ann"))["count"] == 0


async def test_logging_out_deletes_just_that_token(api: Api) -> None:
    first, second = await log_in(api), await log_in(api)
    answer = await api.call(first, "POST", "/users/logout", expect=200)
    assert answer.json() == {"message": "Logged out!"}
    await api.refused(401, first, "GET", "/users/me")
    await api.refused(401, first, "POST", "/users/logout")
    for token in (second, "ann"):
        await api.call(token, "GET", "/users/me", expect=200)


async def test_a_token_that_goes_in_the_meantime_is_not_there_to_log_out(
    api: Api,
) -> None:
    known = await api.app.state.services.authenticate(api.tokens["ann"])
    api.change(authenticate=asking(lambda _token: replace(known, token_id="gone")))
    await api.refused(401, "ann", "POST", "/users/logout")


async def test_a_token_of_any_scope_can_be_given_up(api: Api) -> None:
    for scope in TokenScope:
        token = api.token("ann", scopes=[scope])
        await api.call(token, "POST", "/users/logout", expect=200)
        await api.call(token, "POST", "/users/logout", expect=401)


async def test_a_password_that_changes_while_it_is_checked_lets_nobody_in(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = api.app.state.services.strangers_passwords
    real = passwords.matches

    def meanwhile(password: str, stored: str | None) -> bool:
        found = real(password, stored)
        with api.database.write() as connection:
            change_user(connection, api.ids["ann"], password_hash="another")
        return bool(found)

    monkeypatch.setattr(passwords, "matches", meanwhile)
    found = await api.refused(401, None, "POST", LOGIN, account("ann"))
    assert found == {"message": "Incorrect email or password."}
    with api.database.read() as connection:
        assert all(token.login_type == "token" for token in list_tokens(connection, api.ids["ann"]))


async def test_who_is_suspended_while_the_password_is_checked_does_not_get_in(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = api.app.state.services.strangers_passwords
    real = passwords.matches

    def meanwhile(password: str, stored: str | None) -> bool:
        with api.database.write() as connection:
            change_user(connection, api.ids["ann"], status="suspended")
        return bool(real(password, stored))

    monkeypatch.setattr(passwords, "matches", meanwhile)
    await api.refused(401, None, "POST", LOGIN, account("ann"))


async def test_an_address_of_ipv6_counts_by_its_network(api: Api) -> None:
    for number in range(FAILURES):
        one = replace(api, address=f"2001:db8:1:2::{number:x}")
        await one.refused(401, None, "POST", LOGIN, account("ann", "wrong"))
    neighbour = replace(api, address="2001:db8:1:2:ffff::1")
    await neighbour.refused(429, None, "POST", LOGIN, account("ann"))
    await log_in(replace(api, address="2001:db8:1:3::1"))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "ann"}, {"password"}),
        ({"username": "ann", "password": PASSWORD}, {"email", "username"}),
        ({"email": "", "password": ""}, {"email", "password"}),
        ({"email": "x" * 255, "password": "x" * 257}, {"email", "password"}),
        ({"email": None, "password": 7}, {"email", "password"}),
        ([], {"body"}),
    ],
)
async def test_logins_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid(None, "POST", LOGIN, body) == fields


@pytest.fixture
def empty(api: Api) -> Api:
    """The API of an installation that has no user yet."""
    with api.database.write() as connection:
        for table in ("tokens", "users", "audit_log"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - three names
    return api


ROOT = {"username": "Boss", "password": "a first password", "email": "boss@example.com"}


async def test_the_first_user_is_made_once_and_is_the_owner(empty: Api) -> None:
    assert await empty.refused(404, None, "GET", FIRST) == {
        "message": "The initial user has not been created!"
    }
    answer = await empty.call(None, "POST", FIRST, {**ROOT, "name": "The Boss"}, expect=201)
    made = answer.json()
    assert made == {"user_id": made["user_id"], "organization_id": EVERYONE}
    known = {"message": "The initial user has already been created!"}
    assert await empty.get(None, FIRST) == known
    for again in (ROOT, {**ROOT, "username": "other"}):
        assert await empty.refused(409, None, "POST", FIRST, again) == known
    login = account("boss@example.com", "a first password")
    answer = (await empty.call(None, "POST", LOGIN, login, expect=201)).json()
    assert answer.keys() == {"session_token"}  # and no notice: nobody else set it
    token = answer["session_token"]
    shown = await empty.get(token, "/users/me")
    assert (shown["id"], shown["username"], shown["name"]) == (made["user_id"], "Boss", "The Boss")
    assert [role["name"] for role in shown["roles"]] == ["owner"]
    (created, _login) = empty.acts()
    assert (created.action, created.actor_id, created.actor_username) == ("create", NIL, "Boss")


async def test_where_there_are_users_nobody_makes_themselves_the_owner(api: Api) -> None:
    await api.refused(409, None, "POST", FIRST, ROOT)
    assert (await api.get("root", "/users"))["count"] == 5


async def test_of_two_first_users_at_once_one_is_made(
    empty: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = empty.app.state.services.strangers_passwords
    real, statuses = passwords.hash, list[int]()

    def slow(password: str) -> str:
        monkeypatch.undo()
        faster = {**ROOT, "username": "faster", "email": "f@example.com"}
        other = empty.call(None, "POST", FIRST, faster)
        statuses.append(asyncio.run(other).status_code)
        return str(real(password))

    monkeypatch.setattr(passwords, "hash", slow)
    refused = await empty.refused(409, None, "POST", FIRST, ROOT)
    assert refused == {"message": "The initial user has already been created!"}
    assert statuses == [201]
    await empty.call(None, "POST", LOGIN, account("faster", "a first password"), expect=201)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"username", "password"}),
        ({"username": "a b", "password": "short"}, {"username", "password"}),
        ({**ROOT, "roles": ["owner"]}, {"roles"}),
        ({**ROOT, "email": "none"}, {"email"}),
    ],
)
async def test_first_users_that_are_refused(empty: Api, body: Any, fields: set[str]) -> None:
    assert await empty.invalid(None, "POST", FIRST, body) == fields
    refused = await empty.refused(400, None, "POST", FIRST, {**ROOT, "username": "me"})
    assert refused["message"] == "the username 'me' is reserved"
    await empty.refused(404, None, "GET", FIRST)


SECRETS = ("s3cret-old-one", "s3cret-new-one", "s3cret-wrong-one")


async def test_secrets_stand_in_no_refusal_no_entry_and_no_log(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    old, new, wrong = SECRETS
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []

    async def call(*arguments: Any, **request: Any) -> Any:
        answer = await api.call(*arguments, **request)
        texts.append(answer.text)
        return answer

    with capture_logs() as logs, contextlib.redirect_stderr(io.StringIO()) as printed:
        user = {"username": "cleo", "password": old}
        await call("root", "POST", "/users", user, expect=201)
        await call("root", "POST", "/users", {**user, "email": new}, expect=400)
        await call("root", "POST", "/users", {**user, "password": wrong * 30}, expect=400)
        await call("root", "POST", "/users", user, expect=409)
        await call(None, "POST", LOGIN, account("cleo", wrong), expect=401)
        await call(None, "POST", LOGIN, {**account("cleo", wrong), "x": 1}, expect=400)
        await call(None, "POST", LOGIN, {"email": "cleo", "password": [wrong]}, expect=400)
        await call(None, "POST", LOGIN, content=f'{{"password": "{old}", oops'.encode(), expect=400)
        login = await api.call(None, "POST", LOGIN, account("cleo", old), expect=201)
        token = login.json()["session_token"]
        body = {"password": new, "old_password": wrong}
        await call(token, "PUT", "/users/me/password", body, expect=400)
        await call(token, "PUT", "/users/me/password", {**body, "old_password": old}, expect=204)
        await call(f"{token[:-1]}!", "GET", "/users/me", expect=401)
        await call(token, "GET", f"/users/{token}", expect=404)
        await call(token, "GET", f"/users/me/keys/{token[:10]}", expect=200)
        await call(token, "GET", "/users/me/keys/tokens", expect=200)
        await call("root", "GET", "/audit", expect=200)
        await call(token, "POST", "/users/logout", expect=200)
    with api.database.read() as connection:
        assert "cleo" not in {row.username for row in list_tokens(connection)}
    entries = [json.dumps(row) for row in api.acts()]
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    shown = "\n".join([*texts, *entries, str(logs), *ours, printed.getvalue()])
    hashes = ("$argon2", "sha256")
    for secret in (*SECRETS, PASSWORD, token[11:], *hashes):
        assert secret not in shown
