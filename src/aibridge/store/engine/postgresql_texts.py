"""Texts as PostgreSQL takes them: it refuses NUL, and gets U+FFFD in its place."""

from typing import Any

import psycopg
from psycopg.types.string import StrBinaryDumper, StrDumperUnknown

_NUL, _REPLACEMENT = b"\0", "\ufffd".encode()


def take_any_text(connection: "psycopg.Connection[Any]") -> None:
    """Have a connection send every text so that it is taken."""
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(str, _BinaryText)


class _Text(StrDumperUnknown):
    """Texts by themselves."""

    def dump(self, obj: str) -> bytes:
        return obj.encode().replace(_NUL, _REPLACEMENT)


class _BinaryText(StrBinaryDumper):
    """Texts within arrays, and wherever else they go as they are."""

    def dump(self, obj: str) -> bytes:
        return obj.encode().replace(_NUL, _REPLACEMENT)
