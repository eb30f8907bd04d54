import pytest
from pydantic import ValidationError

from aibridge.agents import Agents
from aibridge.agents.settings import AgentSettings
from tests.agents.looking import identify

NIGHT = AgentSettings(
    name="Night shift",
    user_agents=("Night-Shift/",),
    markers=("X-Night",),
    session_headers=("X-Night-Id", "X-Shift-Id"),
)


@pytest.mark.parametrize(
    ("headers", "client", "session_id"),
    [
        ({b"user-agent": b"night-shift/2.0"}, "Night shift", None),
        ({b"user-agent": b"NIGHT-SHIFT/2.0", b"x-shift-id": b"s"}, "Night shift", "s"),
        ({b"x-night": b"1", b"x-night-id": b"n", b"x-shift-id": b"s"}, "Night shift", "n"),
        ({b"user-agent": b"claude-cli/2", b"x-night": b"1"}, "Night shift", None),
        ({b"user-agent": b"claude-cli/2", b"x-night-id": b"n"}, "Claude Code", None),
        ({b"user-agent": b"night"}, None, None),
        (
            {b"x-night": b"1", b"x-night-id": b"n", b"x-ai-bridge-session-id": b"ours"},
            "Night shift",
            "ours",
        ),
    ],
)
def test_a_client_of_the_settings_goes_before_the_others(headers, client, session_id):
    agent = identify(headers, {}, agents=Agents([NIGHT.to_client()]))
    assert (agent.client, agent.session_id) == (client, session_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "two\nlines"},
        {"name": "x", "user_agents": ["a"]},
        {"name": "x", "user_agents": "claude"},
        {"name": "x", "markers": ["no header"]},
        {"name": "x", "session_headers": [""]},
        {"name": "x", "sessions": ["x-id"]},
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        AgentSettings.model_validate(wrong)
