"""The contract's checklist (section 12), a test a line, named by the line itself.

Of the lines on budgets what blocks is with what spends; those on retention are with what deletes.
It has no lines on what was spent: these here are made of section 1.12.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, insert, update

from aibridge.principals import EVERYONE
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from tests.builders import ANA, BEN, CLEO, DAY, START, Call, Used, add_user, record, uid, use

API = "/api/v2"
BASE = f"{API}/aibridge"
NOBODYS = "99999999-0000-4000-8000-000000000001"
GROUP = "99999999-0000-4000-8000-000000000002"


@dataclass
class Bridge:
    """The API over a database, and ways to ask it as people of each role."""

    client: httpx.AsyncClient
    database: Database

    async def ask(
        self, path: str, role: str = "owner", *, method: str = "GET", **options: Any
    ) -> httpx.Response:
        path = path if path.startswith(API) else f"{BASE}/{path}"
        headers = {"Coder-Session-Token": f"{role}-token"}
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, role: str = "owner", **params: Any) -> Any:
        answer = await self.ask(path, role, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, status: int = 400, **params: Any) -> Any:
        answer = await self.ask(path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    def record(self, *calls: Call) -> None:
        with self.database.write() as connection:
            record(connection, *calls)

    def execute(self, statement: Any, *rows: Any) -> None:
        with self.database.write() as connection:
            connection.execute(statement, *rows)

    async def walk(self, kind: str, size: int, **params: Any) -> list[str]:
        """Return the ids of all pages of a list, by cursor."""
        rows = "results" if kind == "interceptions" else "sessions"
        cursor = "after_id" if kind == "interceptions" else "after_session_id"
        found: list[str] = []
        while True:
            after = {cursor: found[-1]} if found else {}
            page = (await self.get(kind, limit=size, **after, **params))[rows]
            found += [row["id"] for row in page]
            if len(page) < size:
                return found


@pytest.fixture
def bridge(anonymous: httpx.AsyncClient, database: Database) -> Bridge:
    with database.write() as connection:
        add_user(connection, CLEO, "cleo")
    return Bridge(anonymous, database)


Check = Callable[[Bridge], Awaitable[None]]
LINES: dict[str, Check] = {}


def line(text: str) -> Callable[[Check], Check]:
    """Name a test by its line."""

    def add(check: Check) -> Check:
        assert text not in LINES
        LINES[text] = check
        return check

    return add


@line("Interceptions: empty database → {count:0, results:[]}.")
async def _(bridge: Bridge) -> None:
    assert await bridge.get("interceptions") == {"count": 0, "results": []}


@line("Interceptions: un-ended row hidden; appears after end.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, running=True))
    assert (await bridge.get("interceptions"))["count"] == 0
    bridge.execute(delete(schema.interceptions).where(schema.interceptions.c.id == uid(1)))
    bridge.record(Call(1))
    found = await bridge.get("interceptions")
    assert (found["count"], found["results"][0]["id"]) == (1, uid(1))


@line("Interceptions: default limit 100, 1000 accepted, 1001 and −1 → 400.")  # noqa: RUF001
async def _(bridge: Bridge) -> None:
    bridge.record(*(Call(number) for number in range(101)))
    assert len((await bridge.get("interceptions"))["results"]) == 100
    assert len((await bridge.get("interceptions", limit=0))["results"]) == 100
    assert len((await bridge.get("interceptions", limit=1000))["results"]) == 101
    for limit in (1001, -1):
        refusal = await bridge.refused("interceptions", limit=limit)
        assert refusal["message"] == "Invalid pagination limit value."
        assert refusal["detail"] == "Pagination limit must be in range (0, 1000]"


@line(
    "Interceptions: 20 rows with equal started_at: pages by after_id and by offset give the same "
    "set in the same order, no duplicates."
)
async def _(bridge: Bridge) -> None:
    bridge.record(*(Call(number) for number in range(20)))
    by_cursor = await bridge.walk("interceptions", 3)
    by_offset: list[str] = []
    for offset in range(0, 20, 3):
        page = await bridge.get("interceptions", limit=3, offset=offset)
        by_offset += [row["id"] for row in page["results"]]
    assert by_cursor == by_offset == sorted(by_offset, reverse=True)
    assert len({*by_offset}) == 20


@line("Interceptions: after_id + offset → 400; unknown after_id → 400.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1))
    refusal = await bridge.refused("interceptions", after_id=uid(1), offset=1)
    assert refusal["message"] == "Query parameters have invalid values."
    refusal = await bridge.refused("interceptions", after_id=NOBODYS)
    assert refusal["message"] == "Invalid pagination cursor."
    assert "not found" in refusal["detail"]


@line(
    "Interceptions: count independent of page and equal under each filter, including provider_name."
)
async def _(bridge: Bridge) -> None:
    bridge.record(
        *(Call(number) for number in range(5)),
        Call(10, initiator=BEN),
        Call(11, columns={"provider": "openai"}),
        Call(12, columns={"provider_name": "spare"}),
        Call(13, columns={"model": "opus"}),
        Call(14, columns={"client": None}),
        Call(15, at=99),
    )
    filters = {
        "": 11,
        "initiator:ben": 1,
        "provider:openai": 1,
        "provider_name:spare": 1,
        "model:opus": 1,
        "client:Unknown": 1,
        'started_after:"2026-01-01T00:01:00Z"': 1,
        "provider_name:claude": 10,
    }
    for q, count in filters.items():
        pages: list[dict[str, Any]] = [{}, {"limit": 1}, {"limit": 2, "offset": 1}, {"offset": 50}]
        for page in pages:
            assert (await bridge.get("interceptions", q=q, **page))["count"] == count
        assert len(await bridge.walk("interceptions", 3, q=q)) == count


@line(
    "Interceptions: children arrays ascending; empty arrays not null; null api_key_id present as "
    "null."
)
async def _(bridge: Bridge) -> None:
    tokens = ((1, 0, 0, 0), (2, 0, 0, 0))
    bridge.record(Call(1), Call(2, 1, prompts=("a", "b"), tools=("x", "y"), tokens=tokens))
    full, bare = (await bridge.get("interceptions"))["results"]
    assert [one["prompt"] for one in full["user_prompts"]] == ["a", "b"]
    assert [one["tool"] for one in full["tool_usages"]] == ["x", "y"]
    assert [one["input_tokens"] for one in full["token_usages"]] == [1, 2]
    for children in ("token_usages", "user_prompts", "tool_usages"):
        moments = [datetime.fromisoformat(one["created_at"]) for one in full[children]]
        assert moments == sorted(moments)
        assert bare[children] == []
    assert bare["api_key_id"] is None


@line(
    "Interceptions: filters: initiator by id/username/me; each key; combined; time bounds "
    "inclusive; before ≤ after → 400."
)
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, 1), Call(2, 2, initiator=BEN), Call(3, 3, columns={"model": "opus"}))
    expected = {
        f"initiator:{ANA}": [3, 1],
        "initiator:ana": [3, 1],
        "initiator:me": [3, 1],
        "ben": [2],
        "provider:anthropic": [3, 2, 1],
        "provider_name:claude": [3, 2, 1],
        "model:opus": [3],
        'client:"Claude Code"': [3, 2, 1],
        'initiator:me model:sonnet client:"Claude Code"': [1],
        'started_after:"2026-01-01T00:00:02Z"': [3, 2],
        'started_before:"2026-01-01T00:00:02Z"': [2, 1],
        'started_after:"2026-01-01T00:00:02Z" started_before:"2026-01-01T00:00:03Z"': [3, 2],
    }
    for q, numbers in expected.items():
        found = (await bridge.get("interceptions", q=q))["results"]
        assert [row["id"] for row in found] == [uid(number) for number in numbers], q
    for before in ("2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z"):
        q = f'started_after:"2026-01-01T00:00:02Z" started_before:"{before}"'
        (complaint,) = (await bridge.refused("interceptions", q=q))["validations"]
        assert complaint["field"] == "started_before"


@line("Interceptions: unknown key, two colons, leading/trailing colon → 400 with validations.")
async def _(bridge: Bridge) -> None:
    for q, field in (("color:red", "color"), ("a:b:c", "q"), (":a", "q"), ("model:", "q")):
        (complaint,) = (await bridge.refused("interceptions", q=q))["validations"]
        assert complaint["field"] == field
        assert complaint["detail"]


@line("Interceptions: member → 200 empty; auditor → everything; owner → everything.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, initiator=CLEO), Call(2, initiator=BEN))
    counts = {"member": 0, "auditor": 2, "owner": 2}
    for role, count in counts.items():
        found = await bridge.get("interceptions", role)
        assert (found["count"], len(found["results"])) == (count, count)


@line("Sessions: no client id, no thread → one session per interception with id = interception id.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, 1), Call(2, 2))
    found = (await bridge.get("sessions"))["sessions"]
    assert [row["id"] for row in found] == [uid(2), uid(1)]


@line("Sessions: tool-result chain → one session, threads = 1.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, 1, tools=("Bash",)), Call(2, 2, root=1, parent=1))
    (found,) = (await bridge.get("sessions"))["sessions"]
    assert (found["id"], found["threads"]) == (uid(1), 1)


@line("Sessions: client session id with two prompts → threads = 2.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, 1, session="s", prompts=("a",)), Call(2, 2, session="s", prompts=("b",)))
    (found,) = (await bridge.get("sessions"))["sessions"]
    assert (found["id"], found["threads"]) == ("s", 2)


@line("Sessions: same client session id, two users → two rows.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, 1, session="s"), Call(2, 2, initiator=BEN, session="s"))
    found = await bridge.get("sessions")
    assert found["count"] == 2
    rows = [(row["id"], row["initiator"]["username"]) for row in found["sessions"]]
    assert rows == [("s", "ben"), ("s", "ana")]


@line("Sessions: last_prompt = latest; absent when none; last_active_at falls back to started_at.")
async def _(bridge: Bridge) -> None:
    bridge.record(
        Call(1, 1, session="s", prompts=("first",)),
        Call(2, 2, session="s", prompts=("latest",)),
        Call(3, 3, session="none"),
    )
    none, some = (await bridge.get("sessions"))["sessions"]
    assert (some["last_prompt"], some["last_active_at"]) == ("latest", "2026-01-01T00:00:02Z")
    assert "last_prompt" not in none
    assert none["last_active_at"] == none["started_at"]


@line("Sessions: client null in list, absent in detail.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, session="s", columns={"client": None}))
    (found,) = (await bridge.get("sessions"))["sessions"]
    assert found["client"] is None
    assert "client" not in await bridge.get("sessions/s")


@line("Sessions: token sums; cache counters; metadata only in detail and flattened with dots.")
async def _(bridge: Bridge) -> None:
    metadata = {"cache": {"five": 2}, "tier": "standard"}
    tokens = ((1, 2, 3, 4), (10, 20, 30, 40))
    bridge.record(Call(1, session="s", tokens=tokens, token_metadata=metadata))
    sums = {
        "input_tokens": 11,
        "output_tokens": 22,
        "cache_read_input_tokens": 33,
        "cache_write_input_tokens": 44,
    }
    (found,) = (await bridge.get("sessions"))["sessions"]
    assert found["token_usage_summary"] == sums
    detail = await bridge.get("sessions/s")
    assert detail["token_usage_summary"] == {**sums, "metadata": {"cache.five": 4}}


@line(
    "Sessions: cursor: unknown → 400; with offset → 400; walking pages visits each once, also "
    "under a filter."
)
async def _(bridge: Bridge) -> None:
    calls = (Call(n, n // 3, columns={"model": "opus" if n % 2 else "sonnet"}) for n in range(20))
    bridge.record(*calls)
    refusal = await bridge.refused("sessions", after_session_id="x")
    assert refusal["message"] == "Query parameter has invalid value."
    assert refusal["detail"] == 'after_session_id: session "x" not found'
    refusal = await bridge.refused("sessions", after_session_id=uid(1), offset=1)
    assert "after_session_id and offset" in refusal["detail"]
    assert sorted(await bridge.walk("sessions", 3)) == [uid(n) for n in range(20)]
    odd = await bridge.walk("sessions", 3, q="model:opus")
    assert sorted(odd) == [uid(n) for n in range(1, 20, 2)]


@line("Sessions: bare term → 400.")
async def _(bridge: Bridge) -> None:
    (complaint,) = (await bridge.refused("sessions", q="ana"))["validations"]
    assert complaint["field"] == "q"
    assert "no search key specified" in complaint["detail"]


@line(
    "Session detail: 404 for unknown, for member; the 400 set of 1.7; an explicit limit=0 is 400 "
    "here (unlike the lists, where 0 = 100)."
)
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, initiator=CLEO, session="s"))
    assert (await bridge.refused("sessions/x", 404))["message"] == "Session not found."
    assert (await bridge.ask("sessions/s", "member")).status_code == 404
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"after_id": uid(1), "before_id": uid(1)}, "Cannot use both after_id and before_id"),
        ({"after_id": "x"}, "Invalid after_id query parameter."),
        ({"before_id": "x"}, "Invalid before_id query parameter."),
        ({"limit": "x"}, "Invalid limit query parameter."),
        ({"limit": 0}, "Invalid limit query parameter."),
        ({"limit": 201}, "Invalid limit query parameter."),
        ({"after_id": NOBODYS}, "Invalid pagination cursor."),
    ]
    for params, message in refusals:
        assert message in (await bridge.refused("sessions/s", **params))["message"]
    empty = await bridge.refused("sessions/")
    assert empty["message"] == "Missing session_id path parameter."


@line(
    "Session detail: after_id/before_id paging over 5 threads with limit 2; page_started_at/"
    "page_ended_at match the page; token_usage_summary same on all pages."
)
async def _(bridge: Bridge) -> None:
    bridge.record(*(Call(n, n, session="s", tokens=((1, 1, 1, 1),)) for n in range(1, 6)))
    pages = {
        (): [1, 2],
        ("after_id", 2): [3, 4],
        ("after_id", 4): [5],
        ("before_id", 5): [3, 4],
        ("before_id", 3): [1, 2],
        ("before_id", 2): [1],
    }
    for cursor, numbers in pages.items():
        params = {str(cursor[0]): uid(int(cursor[1]))} if cursor else {}
        page = await bridge.get("sessions/s", limit=2, **params)
        assert [thread["id"] for thread in page["threads"]] == [uid(n) for n in numbers]
        assert page["page_started_at"] == f"2026-01-01T00:00:0{numbers[0]}Z"
        assert page["page_ended_at"] == f"2026-01-01T00:00:0{numbers[-1]}.5Z"
        assert page["token_usage_summary"]["input_tokens"] == 5


@line(
    "Session detail: actions only for interceptions with tools; thinking attached; arrays never "
    "null."
)
async def _(bridge: Bridge) -> None:
    bridge.record(
        Call(1, 1, session="s", tools=("Bash",), thoughts=("Hm.",)),
        Call(2, 2, session="s", root=1),
        Call(3, 3, session="s"),
    )
    tooled, bare = (await bridge.get("sessions/s"))["threads"]
    (action,) = tooled["agentic_actions"]
    assert action["thinking"] == [{"text": "Hm."}]
    assert [call["tool"] for call in action["tool_calls"]] == ["Bash"]
    assert bare["agentic_actions"] == []


@line("Session detail: cursor from another session → 400.")
async def _(bridge: Bridge) -> None:
    bridge.record(Call(1, session="s"), Call(2, session="t"))
    refusal = await bridge.refused("sessions/s", after_id=uid(2))
    assert refusal["message"] == "Invalid pagination cursor."
    assert "does not belong to session" in refusal["detail"]


@line("Session detail: credential hint sanitised.")
async def _(bridge: Bridge) -> None:
    for number, hint in enumerate(("sk-a...wxyz", "sk-secret", "sk-ant-0123456789", "")):
        bridge.record(Call(number, session=f"s{number}", columns={"credential_hint": hint}))
    hints = []
    for number in range(4):
        (thread,) = (await bridge.get(f"sessions/s{number}"))["threads"]
        hints.append(thread["credential_hint"])
    assert hints == ["sk-a...wxyz", "...", "...", ""]


@line("Models/clients: distinct, sorted, prefix filter, limit/offset, `Unknown`.")
async def _(bridge: Bridge) -> None:
    models = ("b", "a", "b", "A%", "ab")
    clients = ("Zed", None, "Codex", "Zed", "Codex")
    rows = zip(models, clients, strict=True)
    bridge.record(
        *(Call(n, columns={"model": m, "client": c}) for n, (m, c) in enumerate(rows)),
    )
    assert await bridge.get("models") == ["A%", "a", "ab", "b"]
    assert await bridge.get("models", q="a") == ["A%", "a", "ab"]
    assert await bridge.get("models", q="model:a%") == ["A%"]
    assert await bridge.get("models", limit=2, offset=1) == ["a", "ab"]
    assert await bridge.get("clients") == ["Codex", "Unknown", "Zed"]
    assert await bridge.get("clients", q="Unk") == ["Unknown"]
    assert await bridge.get("clients", "member") == []


BUDGET = f"{API}/groups/{EVERYONE}/ai/budget"


@line(
    "Budgets: PUT 0 ok; negative 400; huge 400; GET after PUT; PUT twice keeps created_at; DELETE "
    "204 then 404."
)
async def _(bridge: Bridge) -> None:
    async def put(limit: Any) -> httpx.Response:
        body = {"spend_limit_micros": limit}
        return await bridge.ask(BUDGET, method="PUT", json=body)

    first = await put(0)
    assert (first.status_code, first.json()["spend_limit_micros"]) == (200, 0)
    assert (await put(-1)).json()["message"] == "Validation failed."
    assert (await put(10**12 + 1)).json()["message"] == "Invalid AI spend limit."
    assert (await put(2**63)).status_code == 400
    second = await put(10**12)
    assert second.json()["created_at"] == first.json()["created_at"]
    assert second.json()["updated_at"] > first.json()["updated_at"]
    assert await bridge.get(BUDGET) == second.json()
    deleted = await bridge.ask(BUDGET, method="DELETE")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await bridge.ask(BUDGET, method="DELETE")).status_code == 404
    assert (await bridge.ask(BUDGET)).status_code == 404


def _make_group(bridge: Bridge, *members: str) -> str:
    names = {"name": "g", "name_key": "g", "display_name": "", "created_at": START}
    bridge.execute(insert(schema.groups), {"id": GROUP, **names, "updated_at": START})
    rows = [{"group_id": GROUP, "user_id": one, "created_at": START} for one in members]
    bridge.execute(insert(schema.group_members), rows)
    return f"{API}/groups/{GROUP}/ai/budget"


@line("Budgets: member of the group may GET, not PUT (404); outsider 404; org admin may PUT.")
async def _(bridge: Bridge) -> None:
    """There are no administrators of an organization; user-admins are those of the only one."""
    budget = _make_group(bridge, CLEO)
    limit: Any = {"json": {"spend_limit_micros": 5}}
    assert (await bridge.ask(budget, "admin", method="PUT", **limit)).status_code == 200
    assert (await bridge.get(budget, "member"))["spend_limit_micros"] == 5
    assert (await bridge.ask(budget, "member", method="PUT", **limit)).status_code == 404
    mine = schema.group_members.c.user_id == CLEO
    bridge.execute(update(schema.group_members).where(mine).values(user_id=BEN))
    assert (await bridge.ask(budget, "member")).status_code == 404


@line("Budgets: override: non-member 400; leaving the group removes it; system user 403.")
async def _(bridge: Bridge) -> None:
    """There are no system users here: nobody whose limit must not be set."""
    _make_group(bridge, BEN)
    limit: Any = {"json": {"group_id": GROUP, "spend_limit_micros": 5}}
    path = f"{API}/users/{{}}/ai/budget/override"
    refused = await bridge.ask(path.format(CLEO), method="PUT", **limit)
    assert refused.status_code == 400
    assert refused.json()["message"] == "User is not a member of the referenced group."
    (complaint,) = refused.json()["validations"]
    expected = {"field": "group_id", "detail": "user must be a member of this group"}
    assert complaint == expected
    assert (await bridge.ask(path.format(BEN), method="PUT", **limit)).status_code == 200
    leaving: Any = {"json": {"remove_users": ["ben"]}}
    left = await bridge.ask(f"{API}/groups/{GROUP}", method="PATCH", **leaving)
    assert left.status_code == 200
    assert (await bridge.ask(path.format(BEN))).status_code == 404


def _use(bridge: Bridge, *days: Used) -> None:
    with bridge.database.write() as connection:
        use(connection, *days)


def _this_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it be the month in which everything is recorded here."""
    for name in ("asked", "status"):
        monkeypatch.setattr(f"aibridge.api.spend.{name}.now", lambda: START)


@line("Budgets: resolution order; tie; month roll-over in UTC (what blocks is with what spends).")
async def _(bridge: Bridge) -> None:
    _make_group(bridge, CLEO)
    other = GROUP[:-1] + "9"
    bridge.execute(
        insert(schema.groups),
        {
            "id": other,
            "name": "h",
            "name_key": "h",
            "display_name": "",
            "created_at": START,
            "updated_at": START,
        },
    )
    member = {"group_id": other, "user_id": CLEO, "created_at": START}
    bridge.execute(insert(schema.group_members), member)

    async def limit(path: str, micros: int, **more: Any) -> None:
        body = {"spend_limit_micros": micros, **more}
        answer = await bridge.ask(f"{API}{path}", method="PUT", json=body)
        assert answer.status_code == 200

    async def effective() -> tuple[str, int | None, str | None]:
        found = await bridge.get(f"{API}/users/cleo/ai/spend")
        budget = found["effective_budget"] or {}
        group = found["effective_group_id"]
        return group, budget.get("spend_limit_micros"), budget.get("limit_source")

    assert await effective() == (EVERYONE, None, None)
    await limit(f"/groups/{other}/ai/budget", 5)
    assert await effective() == (other, 5, "group")
    await limit(f"/groups/{GROUP}/ai/budget", 5)
    assert await effective() == (GROUP, 5, "group")
    await limit(f"/groups/{EVERYONE}/ai/budget", 6)
    assert await effective() == (EVERYONE, 6, "group")
    await limit("/users/cleo/ai/budget/override", 0, group_id=other)
    assert await effective() == (other, 0, "user_override")
    _use(bridge, Used(-1, CLEO, 1), Used(0, CLEO, 20), Used(30, CLEO, 300), Used(31, CLEO, 4000))
    with pytest.MonkeyPatch.context() as patch:
        for at, month, spent in (
            (START, "2026-01-01T00:00:00Z", 320),
            (START + 31 * DAY - 1, "2026-01-01T00:00:00Z", 320),
            (START + 31 * DAY, "2026-02-01T00:00:00Z", 4000),
        ):
            patch.setattr("aibridge.api.spend.status.now", lambda at=at: at)
            found = await bridge.get(f"{API}/users/cleo/ai/spend")
            assert (found["period_start"], found["current_spend_micros"]) == (month, spent)


@line("Spend (1.12): more than 100 ids → 400; groups and members that are not to be seen left out.")
async def _(bridge: Bridge) -> None:
    _make_group(bridge, BEN)
    groups, members = "organizations/default/groups/ai/spend", f"groups/{GROUP}/members/ai/spend"
    for path, name in ((groups, "group_ids"), (members, "user_ids")):
        many = ",".join([NOBODYS] * 101)
        refused = await bridge.refused(f"{API}/{path}", 400, **{name: many})
        assert refused["message"] == f"{name} has 101 entries, maximum is 100."
    asked = f"{GROUP},{EVERYONE},{NOBODYS}"
    found = await bridge.get(f"{API}/{groups}", "member", group_ids=asked)
    assert [group["group_id"] for group in found["groups"]] == [EVERYONE]
    found = await bridge.get(f"{API}/{members}", user_ids=f"{BEN},{CLEO},{NOBODYS}")
    assert [member["user_id"] for member in found["members"]] == [BEN]


@line("Spend (1.12): totals and per-user sums agree, also of rows without a group; most first.")
async def _(bridge: Bridge) -> None:
    _use(
        bridge,
        Used(cost=5, group=GROUP, unpriced=1),
        Used(1, cost=7),
        Used(initiator=BEN, cost=30, unpriced=2),
    )
    with pytest.MonkeyPatch.context() as patch:
        _this_month(patch)
        found = await bridge.get(f"{API}/organizations/default/ai/spend/users")
    sums = [(user["cost_micros"], user["unpriced_usage_count"]) for user in found["users"]]
    assert sums == [(30, 2), (12, 1)]
    totals = found["totals"]
    assert (totals["cost_micros"], totals["unpriced_usage_count"]) == (42, 3)


@line("Spend (1.12): export: both bounds or neither, start < end, ≤ 31 days; org-wide read or 403.")
async def _(bridge: Bridge) -> None:
    path = f"{API}/organizations/default/ai/spend/export"
    first, last = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    answer = await bridge.ask(path, params={"period_start": first, "period_end": last})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = "ai-spend-export-default-2026-01-01-to-2026-02-01.csv"
    assert name in answer.headers["content-disposition"]
    for start, end in ((first, ""), ("", last), (last, first), (first, "2026-02-02T00:00:00Z")):
        await bridge.refused(path, period_start=start, period_end=end)
    assert (await bridge.ask(path, "member")).status_code == 403


@pytest.mark.parametrize("check", [pytest.param(check, id=text) for text, check in LINES.items()])
async def test_the_checklist(bridge: Bridge, check: Check) -> None:
    await check(bridge)
