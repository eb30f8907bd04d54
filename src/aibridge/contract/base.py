"""What every model of the contract shares: times, keys left out when empty, users, errors."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


def rfc3339(moment: datetime) -> str:
    """Write ``moment`` in UTC with ``Z``, up to microseconds, trailing zeros trimmed."""
    text = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def _is_empty(value: object) -> bool:
    return not value


Time = Annotated[
    AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json-unless-none")
]
"""A moment, exact to the microsecond; in JSON as `rfc3339` writes it."""

Metadata = dict[str, Any]
"""A JSON object of whatever was known; never null."""

OptionalTime = Annotated[Time | None, Field(exclude_if=_is_empty)]
"""A moment whose key is absent when there is none (``omitempty`` in the contract)."""

OptionalText = Annotated[str | None, Field(exclude_if=_is_empty)]
"""A text whose key is absent when there is none."""

OptionalTexts = Annotated[tuple[str, ...], Field(exclude_if=_is_empty)]
"""Texts, whose key is absent when there are none."""

OptionalFlag = Annotated[bool, Field(exclude_if=_is_empty)]
"""Whether something is so; its key is absent when it is not."""


class Model(BaseModel):
    """An immutable value of the contract. Keys that a newer server adds are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Body(BaseModel):
    """What a caller sends. A key that is not known is refused: it would be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _number(value: object) -> object:
    """Pass a JSON number on, and nothing that only looks like one; 5.0 is one, as JSON has it."""
    if isinstance(value, bool | str):
        raise ValueError("expected a whole number")  # noqa: TRY004 - for pydantic
    return value


WHOLE = BeforeValidator(_number)
"""What makes an ``int`` a whole number of JSON, in what a caller sends."""


class MinimalUser(Model):
    """A user as shown beside their records; ``username`` is empty when the user was deleted."""

    id: str
    username: str
    name: str = Field(default="", exclude_if=_is_empty)
    avatar_url: str = Field(default="", exclude_if=_is_empty)


class Validation(Model):
    """What is wrong with one field or query parameter."""

    field: str
    detail: str


class ErrorBody(Model):
    """The body of every refusal of the control plane."""

    message: str
    detail: str = Field(default="", exclude_if=_is_empty)
    validations: tuple[Validation, ...] = Field(default=(), exclude_if=_is_empty)
