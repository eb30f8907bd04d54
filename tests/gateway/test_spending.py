"""Limits: who has spent theirs is refused before a call is made, whatever runs at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import anthropic
import openai
import pytest

from aibridge.budgets import accounts, caps, price_book
from aibridge.budgets.caps import Wanted
from aibridge.budgets.limits import set_group_budget
from aibridge.budgets.money import dollars
from aibridge.budgets.periods import month_of
from aibridge.budgets.spend import spend_of_users
from aibridge.contract.words import CapPeriod, CapScope
from aibridge.gateway import budget_store, gateway, spending
from aibridge.gateway.headers import REMAINING
from aibridge.gateway.refusal import Refusal, refuse
from aibridge.identity.audit import Act
from aibridge.ids import now
from aibridge.prices.custom import CustomPrice
from aibridge.principals import EVERYONE
from aibridge.store.people import groups
from aibridge.store.usage import model_prices
from tests.bridge import ROUTES, Bridge, providers
from tests.gateway import samples
from tests.gateway.test_refusals import said
from tests.people import entries
from tests.wire import Answer, Wire, ask

COST = sum(samples.TOKENS)
"""What each sample costs, in micro-dollars: a token costs one, of whatever kind."""


def set_limit(bridge: Bridge, micros: int) -> None:
    news = bridge.app._people.news
    with bridge.database.write() as connection:
        everyone = groups.find_group(connection, EVERYONE)
        assert everyone is not None
        set_group_budget(Act(connection), everyone, micros)
    bridge.wait_for(lambda: bridge.app._people.news != news)


def spent(bridge: Bridge) -> int:
    bridge.catch_up()
    with bridge.database.read() as connection:
        (found,) = spend_of_users(connection, [bridge.user.id], month_of(now()))
    return found.used.cost_micros


def call(bridge: Bridge, dialect: str = "messages", **more: Any) -> Answer:
    limits = {"chat": "max_completion_tokens", "responses": "max_output_tokens"}
    if dialect in limits:
        more[limits[dialect]] = 10
    return bridge.post(dialect, samples.request(dialect, **more))


@pytest.fixture
def limited(wire: Wire, serve) -> Iterator[Bridge]:
    """A bridge whose model m-1 costs a micro-dollar a token."""
    with serve(providers(wire.url)) as bridge:
        price_models(bridge)
        yield bridge


def price_models(bridge: Bridge) -> None:
    prices = [CustomPrice(name, "m-1", *[1_000_000] * 4) for name in ("anthropic", "openai")]
    with bridge.database.write() as connection:
        model_prices.put_prices(connection, prices)


def answering(wire: Wire, dialect: str = "messages") -> None:
    wire.always(*samples.framed(samples.body(dialect, stream=False), "sized"))


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_a_limit_of_nothing_refuses_every_call(wire, limited, dialect):
    answering(wire, dialect)
    set_limit(limited, 0)
    answer = call(limited, dialect)
    assert answer.status == 403
    assert answer.values(b"x-should-retry") == [b"false"]
    assert answer.values(REMAINING) == [b"0"]
    text = said(dialect, answer, "permission_error")
    assert text.startswith("AI budget of US$0.00 exceeded: US$0.00 is spent, and this request may")
    assert "Please contact an administrator for more details." in text
    assert not wire.requests
    assert not limited.records()


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_a_call_within_a_limit_is_charged_to_its_group_and_says_what_is_left(
    wire, limited, dialect
):
    answering(wire, dialect)
    set_limit(limited, 100_000)
    answer = call(limited, dialect)
    assert answer.status == 200
    (left,) = answer.values(REMAINING)
    assert int(left) == 100_000 - reserved(wire)
    assert spent(limited) == COST
    assert limited.record().group_id == EVERYONE


def reserved(wire: Wire) -> int:
    """Return the most that the only call could cost: half its bytes, some, and its output."""
    return -(-len(wire.requests[-1].body) // 2) + 1000 + 10


def test_calls_go_on_until_what_is_left_may_not_do(wire, limited):
    answering(wire)
    set_limit(limited, 2_000)
    statuses: list[int] = []
    while not statuses or (statuses[-1] == 200 and len(statuses) < 20):
        statuses.append(call(limited).status)
        limited.catch_up()
    made = len(statuses) - 1
    assert (statuses[-1], spent(limited)) == (403, made * COST)
    assert made * COST + reserved(wire) > 2_000 >= (made - 1) * COST + reserved(wire)


def test_no_limit_costs_no_look_at_budgets(wire, limited, monkeypatch):
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("aibridge.gateway.budget_store.allot", fail)
    answering(wire)
    answer = call(limited)
    assert (answer.status, answer.values(REMAINING)) == (200, [])
    assert limited.record().group_id == EVERYONE


def test_a_limit_holds_from_the_next_request_on(wire, limited):
    answering(wire)
    assert call(limited).status == 200
    for limit, status in ((0, 403), (100_000, 200), (10, 403)):
        set_limit(limited, limit)
        assert call(limited).status == status


def test_what_is_held_for_a_call_that_has_ended_is_waited_for(wire, limited):
    answering(wire)
    call(limited)
    set_limit(limited, COST * 12 + reserved(wire))
    assert [call(limited).status for _ in range(10)] == [200] * 10


def test_a_price_that_is_set_is_seen_soon(wire, limited, monkeypatch):
    answering(wire)
    set_limit(limited, 100_000)
    assert call(limited, model="m-3").status == 403
    monkeypatch.setattr(price_book, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(budget_store, "LOOK_SECONDS", 0.0)
    limited.app._spending._store._look_at = limited.app._spending._store._prices._look_at = 0.0
    with limited.database.write() as connection:
        model_prices.put_prices(connection, [CustomPrice("anthropic", "m-3", *[1_000_000] * 4)])
    assert call(limited, model="m-3").status == 200


def test_what_is_held_for_calls_under_way_is_to_be_waited_for(wire, limited):
    over = threading.Event()
    head, *body = samples.framed(samples.body("messages", stream=False), "sized")
    wire.always(head, over, *body)
    set_limit(limited, 2_000)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(call, limited)
        limited.wait_for(lambda: wire.requests)
        second = call(limited)
        over.set()
        assert first.result().status == 200
    assert second.status == 429
    assert second.values(b"retry-after") == [b"5"]
    assert "held for calls under way" in said("messages", second, "rate_limit_error")
    limited.catch_up()
    assert call(limited).status == 200


def test_of_many_calls_at_once_no_more_are_made_than_may_be_paid(wire, limited):
    answering(wire)
    call(limited)
    limit, before = 20 * reserved(wire), len(wire.requests)
    set_limit(limited, limit)
    with ThreadPoolExecutor(60) as threads:
        answers = list(threads.map(lambda _: call(limited), range(120)))
    made = sum(answer.status == 200 for answer in answers)
    assert {answer.status for answer in answers} <= {200, 403, 429}
    assert made == len(wire.requests) - before >= 19
    assert spent(limited) == (made + 1) * COST <= limit


def test_a_call_with_a_key_of_ones_own_is_nobodys_spending(wire, limited):
    answering(wire)
    set_limit(limited, 0)
    headers = [("x-ai-bridge-token", limited.token), ("x-api-key", "sk-own")]
    body = samples.encoded(samples.request("messages"))
    answer = ask(limited.url, ROUTES["messages"], headers=headers, body=body)
    assert (answer.status, answer.values(REMAINING)) == (200, [])
    assert (spent(limited), limited.record().group_id) == (0, "")


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_a_model_without_a_price_is_refused_to_who_has_a_limit(wire, limited, dialect):
    answering(wire, dialect)
    set_limit(limited, 100_000)
    answer = call(limited, dialect, model="m-2")
    assert answer.status == 403
    assert "may cost (model m-2)" in said(dialect, answer, "permission_error")
    assert not wire.requests


def test_a_request_that_cannot_be_read_is_refused_to_who_has_a_limit(wire, limited):
    answering(wire)
    assert limited.ask(ROUTES["messages"], body=b"{}").status == 200
    set_limit(limited, 100_000)
    answer = limited.ask(ROUTES["messages"], body=b"{}")
    assert answer.status == 400
    assert "cannot read the model" in said("messages", answer, "invalid_request_error")


def test_a_mode_that_checks_only_lets_calls_begin_while_anything_is_left(wire, serve):
    with serve(providers(wire.url), budget_mode="check") as bridge:
        price_models(bridge)
        answering(wire)
        set_limit(bridge, COST + 1)
        assert call(bridge).status == 200
        bridge.wait_for(lambda: call(bridge).status == 403)
        assert spent(bridge) > COST + 1


def test_a_mode_that_observes_refuses_nothing(wire, serve):
    with serve(providers(wire.url), budget_mode="observe") as bridge:
        price_models(bridge)
        answering(wire)
        set_limit(bridge, 0)
        assert call(bridge).status == 200
        assert bridge.record().group_id == EVERYONE


def test_unpriced_models_may_be_allowed(wire, serve):
    with serve(providers(wire.url), budget_unpriced="allow") as bridge:
        answering(wire)
        set_limit(bridge, 1)
        assert call(bridge).status == 200


def test_what_lies_idle_is_given_back(wire, limited, monkeypatch):
    answering(wire)
    set_limit(limited, 1_000_000)
    call(limited)
    (row,) = limited.rows("allotments")
    assert row["micros"] > reserved(wire)
    monkeypatch.setattr(accounts, "IDLE_SECONDS", 0.0)
    limited.wait_for(lambda: not limited.rows("allotments"))


@pytest.mark.parametrize(
    ("scope", "period", "said_of"),
    [
        ("member", "day", "US$0.01 exceeded"),
        ("user", "week", "US$0.01 exceeded"),
        ("group", "rolling_30_days", "US$0.01 of your group together exceeded"),
        ("token", "total", "US$0.01 of this token exceeded"),
        ("session", "total", "US$0.01 of a session exceeded"),
    ],
)
def test_a_cap_refuses_what_does_not_fit_beside_what_is_spent(
    wire, limited, scope, period, said_of
):
    answering(wire)
    header = ("x-ai-bridge-session-id", "s-1")
    set_cap(limited, scope, period, 10_000)
    first = limited.post("messages", samples.request("messages"), header)
    assert (first.status, len(first.values(REMAINING))) == (200, 1)
    limited.catch_up()
    body = samples.request("messages", max_tokens=10_000 - COST - 1_000)
    answer = limited.post("messages", body, header)
    assert answer.status == 403
    assert said_of in said("messages", answer, "permission_error")
    assert f"US{dollars(COST)} is spent" in answer.body.decode()


def set_cap(bridge: Bridge, scope: str, period: str, micros: int) -> None:
    targets = {"user": bridge.user.id, "token": bridge.token.partition("-")[0]}
    news = bridge.app._people.news
    with bridge.database.write() as connection:
        wanted = Wanted(CapScope(scope), targets.get(scope, EVERYONE), CapPeriod(period), micros)
        caps.set_cap(Act(connection), wanted)
    bridge.wait_for(lambda: bridge.app._people.news != news)


@pytest.mark.parametrize("mode", ["reserve", "observe"])
def test_that_a_part_of_a_limit_is_spent_is_told_soon(wire, serve, monkeypatch, mode):
    monkeypatch.setattr(accounts, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(spending, "LOOK_SECONDS", 0.01)
    answering(wire)
    with serve(providers(wire.url), budget_mode=mode, budget_thresholds=[1]) as bridge:
        price_models(bridge)
        set_cap(bridge, "user", "day", 2_000)
        assert call(bridge).status == 200
        bridge.wait_for(lambda: thresholds_reached(bridge) == ["ai_budget"])


def thresholds_reached(bridge: Bridge) -> list[str]:
    with bridge.database.read() as connection:
        return [each.resource_type for each in entries(connection) if each.action == "reach"]


def test_a_session_that_is_capped_leaves_others_alone(wire, limited):
    answering(wire)
    set_cap(limited, "session", "total", COST)
    body = samples.request("messages")
    one, other = (("x-ai-bridge-session-id", each) for each in ("s-1", "s-2"))
    assert limited.post("messages", body, one).status == 403
    set_cap(limited, "session", "total", 2_000)
    assert limited.post("messages", body, one).status == 200
    limited.catch_up()
    larger = samples.request("messages", max_tokens=900)
    assert limited.post("messages", larger, one).status == 403
    assert limited.post("messages", larger, other).status == 200


def test_a_providers_word_of_what_is_left_is_not_passed_on(wire, limited):
    head, *body = samples.framed(samples.body("messages", stream=False), "sized")
    assert isinstance(head, bytes)
    wire.always(head.replace(b"\r\n\r\n", b"\r\n" + REMAINING + b": 7\r\n\r\n"), *body)
    assert call(limited).values(REMAINING) == []


def test_the_vendors_sdks_ask_once_and_say_why(limited, monkeypatch):
    refused = []

    async def counted(client: Any, refusal: Refusal, dialect: Any) -> None:
        refused.append(refusal.status)
        await refuse(client, refusal, dialect)

    monkeypatch.setattr(gateway, "refuse", counted)
    set_limit(limited, 0)
    base, hello = f"{limited.url}/api/v2/aibridge", [{"role": "user", "content": "hi"}]
    told = r"AI budget of US\$0.00 exceeded"
    with (
        anthropic.Anthropic(api_key=limited.token, base_url=f"{base}/anthropic") as claude,
        openai.OpenAI(api_key=limited.token, base_url=f"{base}/openai/v1") as gpt,
    ):
        with pytest.raises(anthropic.PermissionDeniedError, match=told):
            claude.messages.create(model="m-1", max_tokens=10, messages=cast("Any", hello))
        with pytest.raises(openai.PermissionDeniedError, match=told):
            gpt.chat.completions.create(model="m-1", messages=cast("Any", hello))
        with pytest.raises(openai.PermissionDeniedError, match=told):
            gpt.responses.create(model="m-1", input="hi", max_output_tokens=10)
    assert refused == [403] * 3
