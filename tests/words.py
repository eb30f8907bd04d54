"""A plain model of searching in texts, and texts to try it with."""

import unicodedata

from hypothesis import strategies as st

_PIECES = [
    *"abAB9é\u00c9 ö\u0301\u0308\u1e09\0\n\t\"'*^:()-+{}[].,;_%\\/~😀日本жЖ\ufffd",
    *("NEAR", " AND ", " OR ", " NOT ", "prompt", "tool:", "rowid", '"a" * ', 'a" OR "b', " a b "),
]
TEXTS = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)
"""Words of few letters, so that they are found, among all that means something to an engine."""


def words(text: str) -> list[str]:
    """Return the words of a text, without case and accents."""
    found = [""]
    for character in text:
        if character.isalnum():
            found[-1] += unicodedata.normalize("NFD", character)[0].lower()
        elif found[-1] and not unicodedata.combining(character):
            found.append("")
    return [word for word in found if word]


def stands_in(value: str, text: str) -> bool:
    """Whether the words of a value stand beside each other in a text; ``*`` ends a beginning."""
    wanted, there = words(value), words(text)
    size = len(wanted)
    return size > 0 and any(
        _agree(wanted, there[first : first + size], begins=value.endswith("*"))
        for first in range(len(there) - size + 1)
    )


def _agree(wanted: list[str], there: list[str], *, begins: bool) -> bool:
    *before, last = there
    *first, final = wanted
    return before == first and (last.startswith(final) if begins else last == final)
