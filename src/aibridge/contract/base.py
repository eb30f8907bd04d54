"""What every model of the contract shares: times, keys left out when empty, users, errors."""

from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from aibridge.contract.words import rfc3339


def _is_empty(value: object) -> bool:
    return not value


Time = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment, exact to the microsecond; in JSON as `rfc3339` writes it."""

Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
"""A UUID in lower case. Ids of sessions, tokens and what providers keep are other texts."""

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

SecretText = Annotated[str, Field(repr=False)]
"""A text that the answer is there to tell, and that does not show where the model is printed."""


class Model(BaseModel):
    """An immutable value of the contract. Keys that a newer server adds are in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


I = TypeVar("I")  # noqa: E741


class Page(Model, Generic[I]):
    """A page of a list: it iterates over its items, and its length is their number.

    So an empty page is false. ``count`` ignores paging.
    """

    count: int

    @property
    def items(self) -> list[I]:
        """The items of the page, which each list has under a name of its own too."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[I]:  # type: ignore[override]
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> I:
        return self.items[index]


class _OfThisServer:
    """Describes a word of a fixed list by that list: this server sends no others."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        listed: JsonSchemaValue = handler(schema)["anyOf"][0]
        return listed


W = TypeVar("W")
Open = Annotated[W | str, Field(union_mode="left_to_right"), _OfThisServer()]
"""A word of a fixed list in an answer; one that a newer server adds is a plain text."""


class Body(BaseModel):
    """What a caller sends. A key that is not known is refused: it would be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


MOST_FIELDS = 16
"""Fields that a small body may have: twice as many as any has."""


class SmallBody(Body):
    """A body of which there may be many in a request.

    One with too many fields is refused without a complaint about each.
    """

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, fields: object) -> object:
        if isinstance(fields, dict) and len(fields) > MOST_FIELDS:
            raise ValueError(f"expected {MOST_FIELDS} fields or fewer")
        return fields


Ignored = Annotated[Any, Field(description="Taken from clients of the original, and passed over.")]
"""A field that the original's clients send and that means nothing here."""

EMPTY = BeforeValidator(lambda value: None if value == "" else value)
"""What makes an empty text as if the field were left out: Go sends one for what is not set."""


def _number(value: object) -> object:
    """Pass a JSON number on, and nothing that only looks like one; 5.0 is one, as JSON has it."""
    if isinstance(value, bool | str):
        raise ValueError("expected a whole number")  # noqa: TRY004 - for pydantic
    return value


WHOLE = BeforeValidator(_number)
"""What makes an ``int`` a whole number of JSON, in what a caller sends."""


class MinimalUser(Model):
    """A user as shown beside their records; ``username`` is empty when the user was deleted."""

    id: Id
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
