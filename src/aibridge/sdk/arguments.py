"""Check arguments against the types that a function names, before anything is sent."""

import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Annotated, ParamSpec, TypeVar

from pydantic import ConfigDict, Field, ValidationError, validate_call

from aibridge.contract.wording import meant, worded
from aibridge.sdk.errors import WrongArgument

P = ParamSpec("P")
T = TypeVar("T")

Count = Annotated[int, Field(ge=0)]
"""A number of items: whole and not negative."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A length of time."""

Wait = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Seconds that somebody may have to wait; 0 is not at all."""

_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise `WrongArgument` for arguments of other types than it names.

    Nothing is converted: ``"5"`` and ``True`` are no numbers. The check is built at the first
    call, which keeps the import of the SDK short.
    """
    names = list(inspect.signature(function).parameters)
    built = cache(lambda: validate_call(config=_STRICT)(function))

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return built()(*args, **kwargs)
        except ValidationError as error:
            place = error.errors(include_input=False, include_url=False)[0]["loc"][0]
            name = names[place] if isinstance(place, int) and place < len(names) else str(place)
            raise wrong_argument(error, name, meant(name, names)) from None

    return call


C = TypeVar("C")


def checked_fields(kind: type[C]) -> type[C]:
    """Make a dataclass raise `WrongArgument` for fields of other types than it names."""
    kind.__init__ = checked(kind.__init__)  # type: ignore[method-assign]
    return kind


def wrong_argument(
    error: ValidationError, name: str | None = None, hint: str = ""
) -> WrongArgument:
    """Return what pydantic met first, with the argument's ``name`` and without its value."""
    problem = error.errors(include_input=False, include_url=False)[0]
    place = name or ".".join(str(part) for part in problem["loc"])
    return WrongArgument(f"{place}: {worded(problem)}{hint}")
