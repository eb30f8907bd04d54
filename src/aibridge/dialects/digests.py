"""Digests of a conversation's texts, by which a later request of it is told where it has no ids."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from aibridge.dialects.content import Role, Said
from aibridge.dialects.facts import Digests
from aibridge.dialects.prompts.tables import EXAMPLES

MAX_TEXT = 256 << 10
"""Characters of a conversation of which digests are made."""

_SIZE = 16

_Line = tuple[Role, str]


def digests(said: Sequence[Said]) -> Digests | None:
    """Return the digests of a whole conversation, or ``None`` if it is too long or has no texts."""
    if sum([len(text) for each in said for text in each.texts]) > MAX_TEXT:
        return None
    lines = list(_lines(said))
    by_model = [number for number, (role, _) in enumerate(lines) if role is Role.MODEL]
    if not lines:
        return None
    own = _digest(lines)
    if not by_model:
        return Digests(own)
    return Digests(own, _digest(lines[: by_model[-1]]), _digest(lines[: by_model[0] + 1]))


def _lines(said: Iterable[Said]) -> Iterator[_Line]:
    """Yield whose each text is, without what agents put around them, and without white space.

    What an agent alone says, and what the model answered to that, may be another the next time.
    """
    is_answer_skipped = False
    for each in said:
        if each.role is Role.PERSON:
            is_answer_skipped = bool(each.texts) and not (text := _own(each))
            if not is_answer_skipped and each.texts:
                yield Role.PERSON, text
        elif each.role is Role.MODEL:
            if not is_answer_skipped:
                yield Role.MODEL, _bare("".join(each.texts))
            is_answer_skipped = False


def _own(said: Said) -> str:
    if said.texts[0].startswith(EXAMPLES):
        return ""
    return _bare("".join([each.text for each in said.prompts]))


def _bare(text: str) -> str:
    return "".join(text.split())


def _digest(lines: Iterable[_Line]) -> str:
    said = "".join([f"{role}\0{text}\0" for role, text in lines])
    return blake2b(said.encode("utf-8", "replace"), digest_size=_SIZE).hexdigest()
