"""What is wrong with a value, in plain words and people's units.

Every complaint about a setting, a request's body or an argument is worded here; pydantic's own
texts are for programmers.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

_DAY_SECONDS = 86_400

_KIB, _MIB = 1 << 10, 1 << 20

_BY_TYPE: Mapping[str, str] = {
    "missing": "it is needed",
    "missing_argument": "it is needed",
    "missing_positional_only_argument": "it is needed",
    "missing_keyword_only_argument": "it is needed",
    "extra_forbidden": "it is unknown",
    "unexpected_keyword_argument": "it is unknown",
    "unexpected_positional_argument": "there is no argument in this place",
    "multiple_argument_values": "it is given twice",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a smaller number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "string_type": "expected a text",
    "string_unicode": "expected a text",
    "path_type": "expected a path",
    "uuid_type": "expected a UUID",
    "uuid_parsing": "expected a UUID",
    "datetime_type": "expected a datetime",
    "timezone_aware": "expected a time with its offset",
    "time_delta_type": "expected a timedelta",
    "is_instance_of": "expected a value of {class}",
    "dataclass_exact_type": "expected a value of {class_name}",
    "dataclass_type": "expected a value of {class_name}",
    "callable_type": "expected a function",
    "iterable_type": "expected a list",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "enum": "expected {expected}",
    "literal_error": "expected {expected}",
    "string_too_short": "expected {min_length} characters or more",
    "string_too_long": "expected {max_length} characters or fewer",
    "too_short": "expected {min_length} or more of them",
    "too_long": "expected {max_length} or fewer of them",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected {ge} or more",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected {le} or less",
}
"""What is said of each kind of error; what is in braces comes from its context."""

_OF_TEXTS: Mapping[str, str] = {"too_short": "string_too_short", "too_long": "string_too_long"}
"""How a secret's length is told of: pydantic counts a `SecretStr` as it does a list."""

_NO_CONTROLS = "expected a text without line feeds and other control characters"
PATTERNS: Mapping[str, str] = {
    r"^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$": "expected letters and digits, with single hyphens between "
    "them",
    r"^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$": "expected letters and digits, with single hyphens or "
    "underscores between them",
    r"^[^\x00-\x1f\x7f]*$": _NO_CONTROLS,
    r"^([^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+)?$": "expected an address such as ana@site.org",
}
"""What is said of a text that has not the form of its field, by the form's pattern."""


def worded(problem: ErrorDetails) -> str:
    """Return what is wrong with a value, without the value, as the rest of a sentence."""
    context: dict[str, Any] = problem.get("ctx", {})
    if problem["type"] in {"value_error", "assertion_error"}:
        return problem["msg"].partition(", ")[2]
    if problem["type"] == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], "expected another form")
    kind = _OF_TEXTS.get(problem["type"], "") if context.get("field_type") == "Value" else ""
    field = str(problem["loc"][-1]) if problem["loc"] else ""
    shown = {name: amount(field, value) for name, value in context.items()}
    return _BY_TYPE.get(kind or problem["type"], "expected something else").format(**shown)


def meant(name: str, known: Collection[str]) -> str:
    """Return a hint at the name that an unknown one may stand for, empty where none is close."""
    close = [] if name in known else get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def amount(field: str, value: object) -> str:
    """Return the bound of a field in the unit that people use for it, by the field's name."""
    if not isinstance(value, int | float):
        return str(value)
    if field.endswith("_bytes"):
        return size(int(value))
    if field.endswith("_seconds") and value >= _DAY_SECONDS:
        days = value / _DAY_SECONDS
        return f"{days:,.0f} day" if days == 1 else f"{days:,.0f} days"
    return f"{value:,}" if field.endswith("_seconds") else f"{value}"


def size(number: int) -> str:
    """Return a number of bytes in MiB or KiB where it is one of these, or large."""
    for unit, name in ((_MIB, "MiB"), (_KIB, "KiB")):
        if number >= unit:
            return f"{number / unit:.4g} {name}"
    return f"{number} bytes"
