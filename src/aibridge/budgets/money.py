"""Dollars as people write them, and micro-dollars as the API counts them. Exact; no floats."""

import re

MICROS = 1_000_000
"""Micro-dollars in a dollar."""

_AMOUNT = re.compile(r"\$?([0-9]{1,7})(?:\.([0-9]{1,6}))?", re.ASCII)
_CENTS = 2


def parse_dollars(text: str) -> int:
    """Return the micro-dollars of an amount such as ``12.50``. Raises `ValueError`."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError(f"expected dollars such as 12.50, with six decimals at most; not {text!r}")
    whole, decimals = found.groups(default="")
    return int(whole) * MICROS + int(decimals.ljust(6, "0"))


def dollars(micros: int) -> str:
    """Return micro-dollars as dollars, with cents and as many more decimals as they need."""
    whole, rest = divmod(abs(micros), MICROS)
    decimals = f"{rest:06}".rstrip("0").ljust(_CENTS, "0")
    sign = "-" if micros < 0 else ""
    return f"{sign}${whole:,}.{decimals}"
