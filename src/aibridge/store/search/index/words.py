"""Words of a text, as FTS5's tokenizer ``unicode61 remove_diacritics 2`` has them; pure."""

import unicodedata
from collections.abc import Mapping, Sequence

COLUMNS = ("prompt", "tool", "error")
"""What is searched in: prompts, tool calls, errors."""

Words = Mapping[str, Sequence[str]]
"""For some of `COLUMNS` what is to stand in them: of several values one."""

_MARKS = frozenset(
    first + bit
    for first, mask in ((0x300, 0x0802_9FDF), (0x320, 0x0003_61F8))
    for bit in range(32)
    if mask >> bit & 1
)
"""Combining marks that are left out of a word. Source: sqlite3Fts5UnicodeIsdiacritic."""
_KEPT_BELOW = 0x3000
"""Characters whose folding is remembered: those of alphabets, which come again and again."""


class _Folding(dict[int, str]):
    """What stands in a word for each character; a space for what is in none."""

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code))
        if code < _KEPT_BELOW:
            self[code] = folded
        return folded


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """Return the words of a text in their order, in lower case and without accents."""
    return text.translate(_FOLDING).split()


def needed(value: str) -> list[str]:
    """Return the words without which a value is found nowhere, a last one with its ``*``.

    A value without a word is found nowhere: of it an empty text is needed.
    """
    found = words(value) or [""]
    return [*found[:-1], f"{found[-1]}*"] if value.endswith("*") and found[-1] else found


def _folded(character: str) -> str:
    if ord(character) in _MARKS:
        return ""
    if not character.isalnum() and unicodedata.category(character) != "Co":
        return " "
    base = unicodedata.normalize("NFD", character)[0]
    plain = base if base.casefold().isascii() else character
    folded = plain.casefold()
    return folded if len(folded) == 1 else plain.lower()
