"""Texts of strangers as cells of a CSV file, which a spreadsheet shows and never runs; pure."""

import re

_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
"""The signs that begin a formula, with their full-width and small forms."""
_BLANK = r"\s\x00-\x1f\xad\u180e\u200b-\u200f\u2060-\u2064\ufeff"
"""What is shown as nothing, and may be dropped before a sign."""
_FORMULA = re.compile(rf"[\t\r\n]|[{_BLANK}]*[{_SIGNS}]")
"""How a cell begins that a spreadsheet would run instead of showing it (OWASP, CSV injection)."""


def cell(text: str) -> str:
    """Return a text with an apostrophe before it where a spreadsheet would run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
