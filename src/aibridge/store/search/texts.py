"""What of an interception is looked through when somebody searches for words; pure.

A text is read as words, in whatever case and with whatever accents they are written; they are told
apart at white space and punctuation. How that is done is for the engine's index to know.
"""

import re
from collections.abc import Iterable

from aibridge.store.schema.rows import TextRow

MAX_TEXT = 65_536
"""Characters of the prompt, and of the tool calls together, that are indexed: the first ones.

It bounds what one request adds to a transaction in which others wait for their commit.
"""

_ESCAPES = ("\\\\", "\\n", "\\r", "\\t", "\\b", "\\f")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")


def text_row(
    interception_id: str,
    started_at: int,
    *,
    prompt: str = "",
    tools: Iterable[tuple[str, str]] = (),
    error: Iterable[str] = (),
) -> TextRow | None:
    """Return what is indexed of an interception, ``None`` if there is nothing to index.

    ``tools`` are the names and arguments of its tool calls, ``error`` the type and the message of
    what went wrong; each is indexed as one text.
    """
    calls = " ".join([f"{name} {_plain(arguments[:MAX_TEXT])}" for name, arguments in tools])
    wrong = " ".join(filter(None, error))
    if not (prompt or calls or wrong):
        return None
    return TextRow(
        interception_id, started_at, prompt[:MAX_TEXT], calls[:MAX_TEXT], wrong[:MAX_TEXT]
    )


def has_word(text: str) -> bool:
    """Whether there is anything in a text that can be searched for."""
    return any(map(str.isalnum, text))


def _plain(arguments: str) -> str:
    r"""Return the words of a tool call's arguments.

    They are mostly JSON, in which the ``n`` of a ``\n`` would stick to the word that follows.
    """
    if "\\" not in arguments or not arguments.startswith(("{", "[")):
        return arguments
    for escape in _ESCAPES:
        arguments = arguments.replace(escape, " ")
    return _decoded(arguments) if "\\u" in arguments else arguments


def _decoded(arguments: str) -> str:
    """Return a text with its ``\\uNNNN`` read; half a surrogate pair is no text and no word."""
    text = _UNICODE.sub(lambda found: chr(int(found[1], 16)), arguments)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
