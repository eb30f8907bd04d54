"""Files of limits that are to be tried: JSON or TOML, with limits in dollars."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from aibridge.budgets.money import MICROS, parse_dollars
from aibridge.contract.words import MAX_SPEND_LIMIT_MICROS

MAX_BYTES = 256 * 1024
"""More than the limits of as many groups and users as the API takes need."""

_DECIMALS = 6
_EXPECTED = "expected dollars such as 12.50, with six decimals at most, or false for no limit"
_KEYS = {"groups": {"spend_limit"}, "users": {"spend_limit", "group"}}

Limits = dict[str, dict[str, Any]]
"""What the API takes of each group or user, by name."""


class PolicyError(ValueError):
    """A file that has no limits which can be tried; the text says which field is wrong, and why."""


def read_policy(file: Path) -> dict[str, Limits]:
    """Return ``groups`` and ``users`` of a file as the API takes them. Raises `PolicyError`."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"cannot read {file}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise PolicyError(f"{file} is too large: expected {MAX_BYTES // 1024} KiB at most")
    try:
        return parse_policy(content.decode(), is_json=file.suffix.lower() == ".json")
    except UnicodeDecodeError:
        raise PolicyError(f"{file} is not UTF-8") from None
    except PolicyError as error:
        raise PolicyError(f"{file}: {error}") from None


def parse_policy(text: str, *, is_json: bool = False) -> dict[str, Limits]:
    """Return what `read_policy` does of a text; one that begins with a brace is JSON."""
    found = _json(text) if is_json or text.lstrip().startswith("{") else _toml(text)
    for name in found:
        if name not in _KEYS:
            _wrong(name, "expected groups and users, and nothing else")
    return {of: _limits(found.get(of, {}), of) for of in _KEYS}


def _json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(
            text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_once
        )
    except PolicyError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PolicyError(f"it is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise PolicyError("expected an object with groups and users")
    return found


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless it has a key twice: only one of them would count."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            _wrong(name, "it stands there twice")
        found[name] = value
    return found


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PolicyError(f"it is not TOML: {error}") from None


def _limits(found: object, of: str) -> Limits:
    return {name: _limit(one, of, f"{of}.{name}") for name, one in _table(found, of).items()}


def _table(found: object, path: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        _wrong(path, "expected a table")
    return found


def _limit(found: object, of: str, path: str) -> dict[str, Any]:
    table = _table(found, path)
    for name in table:
        if name not in _KEYS[of]:
            _wrong(f"{path}.{name}", f"expected {' and '.join(sorted(_KEYS[of]))}")
    if "spend_limit" not in table:
        _wrong(f"{path}.spend_limit", f"it is needed: {_EXPECTED}")
    limit = {"spend_limit_micros": _micros(table["spend_limit"], f"{path}.spend_limit")}
    if "group" not in table:
        return limit
    if not isinstance(table["group"], str):
        _wrong(f"{path}.group", "expected the name or the id of a group")
    return {**limit, "group": table["group"]}


def _micros(value: object, path: str) -> int | None:
    """Return the micro-dollars of a limit, `None` for no limit."""
    if value is None or value is False:
        return None
    if isinstance(value, str):
        try:
            return parse_dollars(value)
        except ValueError:
            _wrong(path, _EXPECTED)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        _wrong(path, _EXPECTED)
    amount = Decimal(value)
    most = MAX_SPEND_LIMIT_MICROS // MICROS
    if not amount.is_finite() or amount < 0 or -int(amount.as_tuple().exponent) > _DECIMALS:
        _wrong(path, _EXPECTED)
    if amount > most:
        _wrong(path, f"expected {most:,} at most")
    return int(amount * MICROS)


def _wrong(path: str, text: str) -> NoReturn:
    raise PolicyError(f"{path}: {text}")
