import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from aibridge.contract import (
    Body,
    CreateGroupRequest,
    CreateTokenRequest,
    CreateUserRequest,
    SiteRole,
    UpsertGroupAIBudgetRequest,
)
from aibridge.contract import models as contract
from aibridge.contract.wording import PATTERNS, size, worded
from aibridge.settings import Settings


class Other(Body):
    """Fields of kinds that the contract lacks, or has elsewhere."""

    id: UUID = UUID(int=1)
    flag: bool = True


def said(model: type[BaseModel], **values: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    return [worded(problem) for problem in caught.value.errors()]


@pytest.mark.parametrize(
    ("model", "values", "text"),
    [
        (CreateUserRequest, {}, "it is needed"),
        (CreateUserRequest, {"username": "ana", "x": 1}, "it is unknown"),
        (CreateUserRequest, {"username": 5}, "expected a text"),
        (CreateUserRequest, {"username": ""}, "expected 1 characters or more"),
        (CreateUserRequest, {"username": "a" * 33}, "expected 32 characters or fewer"),
        (CreateUserRequest, {"username": "a", "password": "x"}, "expected 8 characters or more"),
        (
            CreateUserRequest,
            {"username": "a", "password": "x" * 257},
            "expected 256 characters or fewer",
        ),
        (CreateUserRequest, {"username": "a b"}, PATTERNS[r"^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$"]),
        (CreateUserRequest, {"username": "a", "email": "x"}, "expected an address such as ana@"),
        (CreateUserRequest, {"username": "a", "roles": ["x"]}, "expected 'owner', 'user-admin',"),
        (CreateUserRequest, {"username": "a", "roles": [*SiteRole] * 2}, "expected 4 or fewer"),
        (CreateGroupRequest, {"name": "a b"}, "hyphens or underscores between them"),
        (CreateTokenRequest, {"token_name": "a\nb"}, "a text without line feeds"),
        (CreateTokenRequest, {"lifetime_seconds": 10**12}, "expected 36,500 days or less"),
        (CreateTokenRequest, {"lifetime_seconds": -1}, "expected 0 or more"),
        (UpsertGroupAIBudgetRequest, {"spend_limit_micros": -1}, "expected 0 or more"),
        (Other, {"id": "x"}, "expected a UUID"),
        (Other, {"flag": "maybe"}, "expected true or false"),
        (Settings, {"port": "x"}, "expected a whole number"),
        (Settings, {"port": 70_000}, "expected 65535 or less"),
        (Settings, {"max_buffered_bytes": 5}, "expected 1 MiB or more"),
        (Settings, {"known_tokens_seconds": 1e9}, "expected 1 day or less"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words_and_peoples_units(
    model: type[BaseModel], values: dict[str, Any], text: str
) -> None:
    assert any(text in one for one in said(model, **values)), said(model, **values)


def patterns(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for value in schema.values():
            yield from patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from patterns(value)


def test_every_pattern_of_the_contract_has_its_words() -> None:
    bodies = [one for one in vars(contract).values() if isinstance(one, type) and one is not Body]
    found = {
        pattern
        for body in bodies
        if issubclass(body, Body)
        for pattern in patterns(body.model_json_schema())
    }
    assert found == set(PATTERNS)


@pytest.mark.parametrize(
    ("number", "text"),
    [(100, "100 bytes"), (8192, "8 KiB"), (32 << 20, "32 MiB"), (1_500_000, "1.431 MiB")],
)
def test_sizes_are_in_mib_or_kib(number: int, text: str) -> None:
    assert size(number) == text


def test_no_words_are_those_of_pydantic() -> None:
    for text in said(Settings, port="x", host="", workers=0, log_level="loud", providers="x"):
        assert not re.search(r"Input|should be|Value error", text)
