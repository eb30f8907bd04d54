"""The matrix of rights twice: as the code has it, and as a running bridge answers, cell by cell."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from aibridge.contract import SiteRole
from aibridge.identity.rights import MATRIX, Reach, Right
from aibridge.practice import DEFAULT, serve
from scripts.running import Bridge, BridgeError, Upstream

API = "/api/v2"
PRICES = "/api/experimental/ai/model-prices"
ROLES = (SiteRole.OWNER, SiteRole.USER_ADMIN, SiteRole.AUDITOR, SiteRole.MEMBER)
EVERYONE = "Everyone"
PASSWORD = "correct horse battery"  # noqa: S105 - of users who are gone in a moment
LIMIT = {"spend_limit_micros": 1_000_000}
PRICE = {
    "provider": "openai-compat",
    "model": "practice",
    **dict.fromkeys(("input_price", "output_price", "cache_read_price", "cache_write_price"), 0),
}
QUESTION = {
    "model": "practice",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "Hello"}],
}

Table = Mapping[Right, Mapping[SiteRole, Reach]]


@dataclass(frozen=True, slots=True)
class Person:
    """A user, what they call with, and a group that they alone are in."""

    id: str
    token: str
    group: str


class Administrator:
    """An owner's client, which makes the people whose rights are tried."""

    def __init__(self, bridge: Bridge) -> None:
        self._http = client(bridge.url, bridge.token)
        self._url = bridge.url
        groups = self.ask("GET", "/organizations/default/groups").json()
        self.everyone: str = next(one["id"] for one in groups if one["name"] == EVERYONE)

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Make a request that has to succeed."""
        answer = self._http.request(method, API + path, json=body)
        if answer.is_error:
            raise BridgeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def add(self, name: str, role: SiteRole) -> Person:
        """Make a user with a role, a token, a group, limits, and something on record."""
        roles = [] if role is SiteRole.MEMBER else [role]
        user = self.ask("POST", "/users", {"username": name, "roles": roles}).json()["id"]
        token = self.ask("POST", f"/users/{user}/keys/tokens", {}).json()["key"]
        made = self.ask("POST", "/organizations/default/groups", {"name": name}).json()
        group = made["id"]
        self.ask("PATCH", f"/groups/{group}", {"add_users": [user]})
        with client(self._url, token) as agent:
            agent.post(f"{API}/aibridge/anthropic/v1/messages", json=QUESTION).raise_for_status()
        self.ask("PUT", f"/groups/{group}/ai/budget", LIMIT)
        limit = {"group_id": self.everyone, **LIMIT}
        self.ask("PUT", f"/users/{user}/ai/budget/override", limit)
        return Person(user, token, group)


def client(url: str, token: str) -> httpx.Client:
    """Return a client with a token, as an agent or a person would send it."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


Probe = Callable[[httpx.Client, Person, str], httpx.Response]
"""Tries a right, given whose things it is tried on, and the id of the group of everybody."""


def _ask(method: str, path: str, body: object = None) -> Probe:
    """Return the probe that makes one request; ``{user}`` and ``{group}`` are the person's.

    The path is below `API`, unless it begins where that does.
    """
    whole = path if path.startswith("/api/") else API + path

    def probe(http: httpx.Client, whose: Person, everyone: str) -> httpx.Response:
        sent = {"group_id": everyone, **LIMIT} if body == "override" else body
        return http.request(method, whole.format(user=whose.id, group=whose.group), json=sent)

    return probe


PROBES: Mapping[Right, Probe] = {
    Right.READ_PROVIDERS: _ask("GET", "/ai-gateway/providers"),
    Right.READ_CONFIGURATION: _ask("GET", "/ai/providers"),
    Right.READ_USERS: _ask("GET", "/users/{user}"),
    Right.WRITE_USERS: _ask("PUT", "/users/{user}/status/activate"),
    Right.WRITE_ROLES: _ask("PUT", "/users/{user}/roles", {"roles": []}),
    Right.WRITE_PASSWORDS: _ask("PUT", "/users/{user}/password", {"password": PASSWORD}),
    Right.READ_TOKENS: _ask("GET", "/users/{user}/keys/tokens"),
    Right.WRITE_TOKENS: _ask("POST", "/users/{user}/keys/tokens", {}),
    Right.READ_GROUPS: _ask("GET", "/groups/{group}"),
    Right.WRITE_GROUPS: _ask("PATCH", "/groups/{group}", {"display_name": "Ours"}),
    Right.READ_BUDGETS: _ask("GET", "/groups/{group}/ai/budget"),
    Right.WRITE_BUDGETS: _ask("PUT", "/groups/{group}/ai/budget", LIMIT),
    Right.READ_OVERRIDES: _ask("GET", "/users/{user}/ai/budget/override"),
    Right.WRITE_OVERRIDES: _ask("PUT", "/users/{user}/ai/budget/override", "override"),
    Right.READ_PRICES: _ask("GET", f"{PRICES}?source=custom"),
    Right.WRITE_PRICES: _ask("POST", PRICES, {"prices": [PRICE]}),
    Right.READ_AUDIT: _ask("GET", "/audit"),
}
"""A request for every right but that to read the record, whose lists are empty, not refused."""


def measure(administrator: Administrator, url: str) -> Table:
    """Try every right with every role, on one's own things and on another's."""
    found: dict[Right, dict[SiteRole, Reach]] = {right: {} for right in Right}
    for role in ROLES:
        other = administrator.add(f"other-of-{role}", SiteRole.MEMBER)
        me = administrator.add(f"a-{role}", role)
        with client(url, me.token) as http:
            found[Right.READ_RECORD][role] = _record(http, me, other)
            for right, probe in PROBES.items():
                found[right][role] = _reach(http, probe, me, other, administrator.everyone)
    return found


def _reach(http: httpx.Client, probe: Probe, me: Person, other: Person, everyone: str) -> Reach:
    if _allowed(probe(http, other, everyone)):
        return Reach.ALL
    return Reach.OWN if _allowed(probe(http, me, everyone)) else Reach.NONE


def _allowed(answer: httpx.Response) -> bool:
    """Say whether something was done. Trouble is neither yes nor no."""
    if answer.is_success:
        return True
    if answer.status_code in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
        return False
    raise BridgeError(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}")


def _record(http: httpx.Client, me: Person, other: Person) -> Reach:
    answer = http.get(f"{API}/aibridge/interceptions", params={"limit": 1000}).raise_for_status()
    seen = {row["initiator"]["id"] for row in answer.json()["results"]}
    if other.id in seen:
        return Reach.ALL
    return Reach.OWN if me.id in seen else Reach.NONE


def render(title: str, table: Table) -> Iterator[str]:
    """Yield the lines of a matrix."""
    widths = [max(map(len, Right)), *(max(len(role), 4) for role in ROLES)]
    rows = [
        [title, *ROLES],
        *([right, *(_word(table, right, role) for role in ROLES)] for right in Right),
    ]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _word(table: Table, right: Right, role: SiteRole) -> str:
    return table[right][role].name.lower()


def differences(code: Table, live: Table) -> list[str]:
    """Name the cells in which two matrices differ."""
    cells = ((right, role) for right in Right for role in ROLES)
    wrong = [cell for cell in cells if code[cell[0]][cell[1]] is not live[cell[0]][cell[1]]]
    return [
        f"{right} of {role}: {_word(code, right, role)} in the code, "
        f"{_word(live, right, role)} live"
        for right, role in wrong
    ]


@contextmanager
def _running() -> Iterator[Bridge]:
    with tempfile.TemporaryDirectory(prefix="aibridge-rights-") as home, serve(DEFAULT) as practice:
        bridge = Bridge(Path(home), [Upstream("anthropic", practice.url)])
        bridge.make_owner("root")
        with bridge.running():
            yield bridge


def main() -> int:
    """Print both matrices; the result is the exit status."""
    try:
        with _running() as bridge:
            live = measure(Administrator(bridge), bridge.url)
    except (BridgeError, httpx.HTTPError) as error:
        print(f"scripts/rights: {error}", file=sys.stderr)
        return 1
    for title, table in (("in the code", MATRIX), ("live", live)):
        print("\n".join([*render(title, table), ""]))
    wrong = differences(MATRIX, live)
    print("\n".join([*wrong, f"{len(Right) * len(ROLES)} cells, {len(wrong)} differ"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
