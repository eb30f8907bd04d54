"""What the log says of providers that fail, and of their answering again."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.gateway.provider_troubles import SILENT_SECONDS, ProviderTroubles
from aibridge.gateway.upstream import ConnectFailed
from tests import bridge as bridges
from tests.wire import Then, reply

MODELS = "/api/v2/aibridge/openai/v1/models"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def troubles(clock: Clock) -> ProviderTroubles:
    return ProviderTroubles(clock)


def events(logs: Any) -> list[tuple[str, str]]:
    return [(entry["event"], entry["provider"]) for entry in logs]


def test_each_provider_and_kind_of_trouble_is_warned_of_once_a_minute(
    troubles: ProviderTroubles, clock: Clock
) -> None:
    error = ConnectFailed("no connection to 127.0.0.1")
    with capture_logs() as logs:
        for clock.now in (0.0, 1.0, SILENT_SECONDS - 1, SILENT_SECONDS, SILENT_SECONDS + 1):
            troubles.no_answer("a", error)
            troubles.no_answer("b", error)
            troubles.answered("a", 401, with_our_key=True)
    once = [
        ("provider_unreachable", "a"),
        ("provider_unreachable", "b"),
        ("provider_refuses_key", "a"),
    ]
    assert events(logs) == once * 2
    assert [entry["log_level"] for entry in logs] == ["warning"] * 6
    assert logs[0]["error"] == "no connection to 127.0.0.1"
    assert logs[2]["status"] == 401


def test_a_success_after_a_warning_is_said_once_and_only_then(
    troubles: ProviderTroubles, clock: Clock
) -> None:
    error = ConnectFailed("no connection")
    with capture_logs() as logs:
        troubles.answered("a", 200, with_our_key=True)
        troubles.no_answer("a", error)
        for status in (401, 500, 429):
            troubles.answered("a", status, with_our_key=False)
        assert len(logs) == 1
        troubles.answered("b", 200, with_our_key=True)
        troubles.answered("a", 200, with_our_key=True)
        troubles.answered("a", 200, with_our_key=True)
        clock.now = 1.0
        troubles.no_answer("a", error)  # said a second ago
        troubles.answered("a", 200, with_our_key=True)
    assert events(logs) == [("provider_unreachable", "a"), ("provider_answers_again", "a")]
    assert (logs[1]["log_level"], logs[1]["after"]) == ("info", ["provider_unreachable"])


def test_that_a_provider_takes_another_key_does_not_say_that_it_takes_ours(
    troubles: ProviderTroubles,
) -> None:
    with capture_logs() as logs:
        troubles.answered("a", 401, with_our_key=True)
        troubles.no_answer("a", ConnectFailed("no connection"))
        troubles.answered("a", 200, with_our_key=False)
        troubles.answered("a", 200, with_our_key=False)
        troubles.answered("a", 200, with_our_key=True)
    after = [entry["after"] for entry in logs if entry["event"] == "provider_answers_again"]
    assert after == [["provider_unreachable"], ["provider_refuses_key"]]


@pytest.mark.parametrize(
    ("steps", "event"),
    [
        ([Then.CLOSE], "provider_unreachable"),
        ([reply(b"{}", status="401 Unauthorized")], "provider_refuses_key"),
    ],
)
def test_whoever_runs_the_bridge_is_told_of_a_failing_provider_without_its_key(
    wire, serve, steps, event
):
    with serve(bridges.providers(wire.url)) as bridge, capture_logs() as logs:
        wire.always(*steps)
        for _ in range(2):
            assert bridge.post("chat", {}).status in {403, 502}
            assert bridge.ask(MODELS, method="GET").status in {403, 502}
        wire.forget()
        wire.always(reply(b"{}"))
        assert bridge.post("chat", {}).status == 200
    assert events(logs) == [(event, "openai"), ("provider_answers_again", "openai")]
    assert bridges.KEY not in str(logs)
