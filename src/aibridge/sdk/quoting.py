"""Texts and times as the contract's Go client writes them into a search.

Source: ``fmt``'s ``%q``, which is ``strconv.Quote``, and ``time.RFC3339Nano``.
"""

from datetime import UTC, datetime, timedelta

_NAMED = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}
_DELETE = 0x7F
_REPLACEMENT = 0xFFFD
_MINUTE = timedelta(minutes=1)


def go_quote(text: str) -> str:
    """Return ``text`` in double quotes: printable Unicode as it is, the rest escaped.

    Printable are letters, marks, numbers, punctuation, symbols and the ASCII space, by the
    Unicode tables of this Python. Half a surrogate pair, which is no text, becomes U+FFFD.
    """
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x20 or code == _DELETE:  # noqa: PLR2004 - the ASCII controls
        return f"\\x{code:02x}"
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the surrogates
        code = _REPLACEMENT
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def rfc3339_nano(moment: datetime) -> str:
    """Return ``moment`` in its own offset, trailing zeros of the fraction trimmed, ``Z`` for UTC.

    An offset of broken minutes (of before 1972), which RFC 3339 cannot say, is turned into UTC.
    Raises `ValueError` when ``moment`` has no offset.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a time needs an offset, such as tzinfo=UTC")
    if offset % _MINUTE:
        moment = moment.astimezone(UTC)
    text = moment.replace(tzinfo=None).isoformat()
    return (text.rstrip("0").rstrip(".") if "." in text else text) + _zone(moment)


def _zone(moment: datetime) -> str:
    minutes = (moment.utcoffset() or timedelta()) // _MINUTE
    if not minutes:
        return "Z"
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
