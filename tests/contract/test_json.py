import inspect
import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from aibridge.contract import (
    AICacheReport,
    AISpendBreakdown,
    AuditLogList,
    CallStatus,
    CreatedToken,
    ErrorBody,
    FinalAnswer,
    Interception,
    InterceptionList,
    LoginResponse,
    MinimalUser,
    Model,
    OrganizationAISpendReport,
    PromptKind,
    Role,
    Session,
    SessionDetail,
    SessionList,
    SiteRole,
    Thread,
    TokenCounts,
    Usage,
    UserList,
    Validation,
    rfc3339,
)
from aibridge.contract import models as contract
from aibridge.dialects import facts
from aibridge.recorder.records import Status

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USER = MinimalUser(id="u", username="ana")
NO_TOKENS: dict[str, Any] = {
    "input_tokens": 0,
    "output_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_write_input_tokens": 0,
}
USAGE = Usage(**NO_TOKENS, metadata={})


def as_json(model: object) -> dict[str, object]:
    value = json.loads(to_json(model))
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-01-01T12:00:00Z"),
        (NOON + timedelta(microseconds=1), "2026-01-01T12:00:00.000001Z"),
        (NOON + timedelta(milliseconds=120), "2026-01-01T12:00:00.12Z"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "2026-01-01T12:00:00Z"),
        (NOON.replace(hour=10, minute=0, second=10), "2026-01-01T10:00:10Z"),
    ],
)
def test_times_are_utc_with_trailing_zeros_trimmed(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text
    assert datetime.fromisoformat(text) == moment


def test_a_user_without_name_and_avatar_has_neither_key() -> None:
    assert as_json(USER) == {"id": "u", "username": "ana"}
    assert as_json(MinimalUser(id="u", username="", name="Ana", avatar_url="x")) == {
        "id": "u",
        "username": "",
        "name": "Ana",
        "avatar_url": "x",
    }


def test_an_error_leaves_out_what_is_empty() -> None:
    assert as_json(ErrorBody(message="m")) == {"message": "m"}
    body = ErrorBody(message="m", detail="d", validations=(Validation(field="f", detail="x"),))
    assert as_json(body) == {
        "message": "m",
        "detail": "d",
        "validations": [{"field": "f", "detail": "x"}],
    }


def test_a_listed_session_has_a_null_client_and_no_empty_optional_keys() -> None:
    session = Session(
        id="s",
        initiator=USER,
        providers=[],
        models=[],
        client=None,
        metadata={},
        started_at=NOON,
        threads=0,
        token_usage_summary=TokenCounts(**NO_TOKENS),
        last_active_at=NOON,
    )
    assert as_json(session) == {
        "id": "s",
        "initiator": {"id": "u", "username": "ana"},
        "providers": [],
        "models": [],
        "client": None,
        "metadata": {},
        "started_at": "2026-01-01T12:00:00Z",
        "threads": 0,
        "token_usage_summary": NO_TOKENS,
        "last_active_at": "2026-01-01T12:00:00Z",
        "cost_micros": 0,
        "unpriced_usage_count": 0,
    }


def test_a_session_in_detail_leaves_out_client_and_page_bounds() -> None:
    detail = SessionDetail(
        id="s",
        initiator=USER,
        providers=[],
        models=[],
        metadata={},
        started_at=NOON,
        token_usage_summary=USAGE,
        threads=[],
    )
    absent = {"client", "page_started_at", "page_ended_at", "ended_at"}
    assert not absent & as_json(detail).keys()
    assert as_json(detail)["token_usage_summary"] == {**NO_TOKENS, "metadata": {}}


def test_a_thread_leaves_out_prompt_and_end_but_shows_that_it_has_no_final() -> None:
    thread = Thread(
        id="t",
        model="m",
        provider="p",
        credential_kind="byok",
        credential_hint="",
        started_at=NOON,
        token_usage=USAGE,
        agentic_actions=[],
    )
    found = as_json(thread)
    assert not {"prompt", "ended_at"} & found.keys()
    assert found["final"] is None
    assert found["agentic_actions"] == []


def test_an_interception_shows_unknown_key_and_client_as_null() -> None:
    interception = Interception(
        id="i",
        api_key_id=None,
        initiator=USER,
        provider="p",
        provider_name="n",
        model="m",
        client=None,
        metadata={},
        started_at=NOON,
        ended_at=None,
        token_usages=[],
        user_prompts=[],
        tool_usages=[],
    )
    found = as_json(interception)
    nulls = ("api_key_id", "client", "ended_at", "thread_root_id", "http_status")
    assert [found[name] for name in nulls] == [None] * 5
    assert [found[name] for name in ("token_usages", "edits", "notes")] == [[], [], []]


def test_models_read_what_they_wrote() -> None:
    final = FinalAnswer(model="m", token_usage=USAGE, thinking=[], stop_reason="end_turn")
    assert FinalAnswer.model_validate(as_json(final)) == final


def test_keys_of_a_newer_server_are_kept_and_readable() -> None:
    final = FinalAnswer(model="m", token_usage=USAGE, thinking=[], stop_reason="end_turn")
    newer = {**as_json(final), "cost": 7}
    read = FinalAnswer.model_validate(newer)
    assert read.model_extra == {"cost": 7}
    assert as_json(read) == newer


MODELS = [
    model
    for model in vars(contract).values()
    if isinstance(model, type) and issubclass(model, Model)
]


def _of_a_list(annotation: object) -> bool:
    """Whether an annotation holds a fixed list of words, whatever it is within."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return True
    return get_origin(annotation) is Literal or any(map(_of_a_list, get_args(annotation)))


WORDS = [
    (model, name)
    for model in MODELS
    for name, field in model.model_fields.items()
    if _of_a_list(field.annotation)
]


def test_the_words_of_fixed_lists_are_found() -> None:
    named = {f"{model.__name__}.{name}" for model, name in WORDS}
    assert {"Role.name", "Token.scopes", "User.status", "AuditLog.action"} <= named


@pytest.mark.parametrize(("model", "name"), WORDS)
def test_a_word_that_a_newer_server_adds_is_read_as_a_text(model: type[Model], name: str) -> None:
    field = model.model_fields[name]
    many = get_origin(field.annotation) is list
    adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, Annotated)[field.annotation, field])
    said = ["newer"] if many else "newer"
    read = adapter.validate_json(json.dumps(said))
    assert read == said
    assert type(read[0] if many else read) is str


def test_the_words_that_a_type_checker_knows_are_those_that_are_recorded() -> None:
    assert set(get_args(PromptKind)) == set(facts.PromptKind)
    assert set(get_args(CallStatus)) == set(Status)


@pytest.mark.parametrize(("model", "name"), WORDS)
def test_the_api_describes_a_word_by_its_list_alone(model: type[Model], name: str) -> None:
    described = model.model_json_schema()["properties"][name]
    parts = described.get("anyOf", [described])
    (words,) = (part for part in parts if part.get("type") != "null")
    assert "anyOf" not in json.dumps(words)


def test_a_word_that_is_known_is_of_its_enum() -> None:
    role = Role.model_validate_json('{"name": "owner", "display_name": "Owner"}')
    assert role.name is SiteRole.OWNER


PAGES = [
    (SessionList, "sessions"),
    (InterceptionList, "results"),
    (UserList, "users"),
    (AuditLogList, "audit_logs"),
    (OrganizationAISpendReport, "users"),
    (AISpendBreakdown, "parts"),
    (AICacheReport, "parts"),
]


@pytest.mark.parametrize(("kind", "field"), PAGES)
def test_a_page_iterates_over_its_items_and_has_a_length(kind: Any, field: str) -> None:
    items = [object(), object()]
    page = kind.model_construct(count=9, **{field: items})
    assert list(page) == page.items == items
    assert (len(page), page[1], page[-1]) == (2, items[1], items[1])
    assert items[1] in page
    assert not kind.model_construct(count=9, **{field: []})


def test_every_list_with_a_count_is_a_page() -> None:
    counted = {model for model in MODELS if "count" in model.model_fields}
    assert counted == {kind for kind, _ in PAGES}


def test_a_secret_of_an_answer_does_not_print() -> None:
    token = CreatedToken.model_construct(id="t", key="hunter2")
    login = LoginResponse(session_token="hunter2")
    for shown in (str(token), repr(token), str(login), repr([login])):
        assert "hunter2" not in shown
    assert as_json(login) == {"session_token": "hunter2"}


def test_values_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        USER.username = "ben"


def test_the_public_names_are_those_listed() -> None:
    public = {name for name in vars(contract) if not name.startswith("_")}
    modules = {name for name, value in vars(contract).items() if inspect.ismodule(value)}
    assert set(contract.__all__) == public - modules
    assert len(set(contract.__all__)) == len(contract.__all__)
