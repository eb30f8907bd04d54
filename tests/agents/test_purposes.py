import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.agents.purposes import MAX_RETRIES
from aibridge.dialects.facts import PromptKind
from tests.agents import looking

TYPED, SUBAGENT = PromptKind.TYPED, PromptKind.SUBAGENT
SIDE_CALL, COMPACTION = PromptKind.SIDE_CALL, PromptKind.COMPACTION


def identify(headers):
    sent = {name.encode(): value.encode() for name, value in headers.items()}
    return looking.identify(sent, {})


def turn(**fields):
    return {"x-codex-turn-metadata": json.dumps({"request_kind": "turn", **fields})}


CHILD = {"x-openai-subagent": "collab_spawn", "x-codex-parent-thread-id": "t0"}


@pytest.mark.parametrize(
    ("headers", "kind", "agent_type", "parent"),
    [
        ({}, None, "", None),
        ({"x-claude-code-request-class": "main"}, TYPED, "", None),
        ({"x-claude-code-request-class": "Subagent"}, SUBAGENT, "", None),
        ({"x-claude-code-request-class": "workflow"}, SUBAGENT, "", None),
        ({"x-claude-code-request-class": "compaction"}, COMPACTION, "", None),
        ({"x-claude-code-request-class": "auxiliary"}, SIDE_CALL, "", None),
        ({"x-claude-code-request-class": "unheard of"}, None, "", None),
        ({"x-claude-code-agent-id": "a1"}, SUBAGENT, "", None),
        ({"x-claude-code-parent-agent-id": "main"}, SUBAGENT, "", None),
        (
            {"x-claude-code-agent-id": "a1", "x-claude-code-agent-type": " Explore "},
            SUBAGENT,
            "Explore",
            None,
        ),
        (
            {"x-claude-code-agent-id": "a1", "x-claude-code-request-class": "compaction"},
            COMPACTION,
            "",
            None,
        ),
        (turn(thread_source="user"), TYPED, "", None),
        (turn(request_kind="compaction"), COMPACTION, "", None),
        (turn(request_kind="something new"), None, "", None),
        (
            turn(thread_source="subagent", subagent_kind="review", parent_thread_id="t0"),
            SUBAGENT,
            "review",
            "t0",
        ),
        (turn(subagent="review"), SUBAGENT, "review", None),
        (turn(subagent_kind=5, compaction={"a": 1}, parent_thread_id="t0"), SUBAGENT, "", "t0"),
        (turn(request_kind=None, subagent="compact"), COMPACTION, "compact", None),
        ({"x-claude-code-agent-id": "", "x-claude-code-parent-agent-id": ""}, None, "", None),
        (turn(thread_source="memory_consolidation"), SIDE_CALL, "", None),
        (turn(thread_source="subagent", turn_id="2", root_turn_id="1"), SUBAGENT, "", None),
        (
            {**CHILD, **turn(thread_source="subagent", turn_id="1", root_turn_id="1")},
            TYPED,
            "",
            None,
        ),
        (CHILD, SUBAGENT, "collab_spawn", "t0"),
        ({**CHILD, "session-id": "s", "thread-id": "t1"}, SUBAGENT, "collab_spawn", None),
        ({**CHILD, "session-id": "t1", "thread-id": "t1"}, SUBAGENT, "collab_spawn", "t0"),
        ({"x-openai-subagent": "compact"}, COMPACTION, "compact", None),
        ({"x-codex-turn-metadata": "{not json"}, None, "", None),
        ({"x-codex-turn-metadata": '{"request_kind":[]}'}, None, "", None),
        ({"x-interaction-type": "conversation-user"}, TYPED, "", None),
        ({"x-interaction-type": "conversation-subagent"}, SUBAGENT, "", None),
        ({"x-interaction-type": "conversation-panel"}, None, "", None),
        ({"x-parent-session-id": "ses_1"}, SUBAGENT, "", "ses_1"),
        ({"x-parent-session-id": " "}, None, "", None),
        ({"x-session-id": "title-ses_1"}, SIDE_CALL, "", None),
        ({"x-session-affinity": "ses_1"}, None, "", None),
    ],
)
def test_what_a_request_is_for_is_told_by_its_headers(headers, kind, agent_type, parent):
    agent = identify(headers)
    assert (agent.kind, agent.agent_type, agent.parent_session_id) == (kind, agent_type, parent)


def test_a_parent_is_named_as_its_own_requests_name_it():
    name = " " + "ses_" * 100
    own = identify({"x-session-id": name}).session_id
    assert identify({"x-parent-session-id": name}).parent_session_id == own


def test_a_title_belongs_to_the_session_that_it_is_for():
    kilo = {"user-agent": "kilo/7.7", "x-session-id": "title-ses_1"}
    assert identify(kilo).session_id == "ses_1"
    assert identify({"x-session-id": "title-"}).session_id is None
    assert identify({"x-task-id": "title-work"}).session_id == "title-work"


@pytest.mark.parametrize(
    ("said", "retries"),
    [("0", 0), ("2", 2), ("", 0), ("-1", 0), ("two", 0), ("9" * 400, MAX_RETRIES), ("²", 0)],
)
def test_how_often_a_client_has_tried(said, retries):
    assert identify({"x-stainless-retry-count": said}).retries == retries


@given(
    st.dictionaries(
        st.sampled_from(
            [
                b"x-claude-code-agent-type",
                b"x-claude-code-agent-id",
                b"x-codex-turn-metadata",
                b"x-codex-parent-thread-id",
                b"x-openai-subagent",
                b"x-parent-session-id",
                b"x-stainless-retry-count",
                b"session-id",
            ]
        ),
        st.binary(max_size=300) | st.sampled_from([b'{"parent_thread_id":"\\ud800"}', b"[" * 3000]),
    )
)
def test_whatever_is_sent_there_is_an_answer(headers):
    agent = looking.identify(headers, {})
    for text, length in ((agent.agent_type, 64), (agent.parent_session_id or "", 256)):
        assert len(text) <= length
        assert text.isprintable()
        text.encode()
    assert 0 <= agent.retries <= MAX_RETRIES
