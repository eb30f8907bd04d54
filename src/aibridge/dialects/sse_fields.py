"""The fields of one server-sent event, and where it may end."""

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_DATA, _EVENT = b"data:", b"event:"


def may_end(buffer: bytearray, start: int) -> bool:
    """Whether a blank line may be there: much quicker to say than where it is."""
    return any(buffer.find(ends, start) >= 0 for ends in (b"\n\n", b"\n\r", b"\r\r"))


def lines_in(buffer: bytes, start: int, end: int) -> int:
    """Return how many lines there are, counting a CRLF as two."""
    return 1 + buffer.count(b"\n", start, end) + buffer.count(b"\r", start, end)


def fields_of(buffer: bytes, start: int, end: int) -> tuple[str, bytes] | None:
    """Name and data of an event; ``None`` without data, as such an event is not dispatched.

    Some providers break off with an error that is bare JSON: that is taken for data.
    """
    name, data = b"", start
    if buffer.startswith(b"event: ", start, end):
        data = buffer.find(b"\n", start, end) + 1 or end
        name = buffer[start + 7 : data].rstrip(b"\n")
    if (
        buffer.startswith(b"data: ", data, end)
        and buffer.find(b"\n", data, end) < 0
        and buffer.find(b"\r", start, end) < 0
    ):
        return name.decode("utf-8", "replace"), buffer[data + 6 : end]
    return _fields_by_line(buffer, start, end)


def _fields_by_line(buffer: bytes, start: int, end: int) -> tuple[str, bytes] | None:
    if buffer.startswith(b"{", start, end):
        return "", buffer[start:end]
    if buffer.find(b"data", start, end) < 0:
        return None
    name, data = b"", []
    while start <= end:
        line_end = _LINE_END.search(buffer, start, end)
        stop, after = line_end.span() if line_end else (end, end + 1)
        if buffer.startswith(_DATA, start, stop) or buffer[start:stop] == b"data":
            data.append(_value(buffer, start + len(_DATA), stop))
        elif buffer.startswith(_EVENT, start, stop):
            name = _value(buffer, start + len(_EVENT), stop)
        elif buffer[start:stop] == b"event":
            name = b""
        start = after
    return (name.decode("utf-8", "replace"), b"\n".join(data)) if data else None


def _value(buffer: bytes, start: int, end: int) -> bytes:
    return buffer[start + buffer.startswith(b" ", start, end) : end]
