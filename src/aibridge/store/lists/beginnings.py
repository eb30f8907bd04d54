"""The first characters of a text, as the database cuts it, so that no more of it is read."""

from typing import Any

from sqlalchemy import ColumnElement, Text, TypeDecorator, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_BYTES = 4
"""Bytes of a character in UTF-8, at most."""


class _Characters(TypeDecorator[str]):
    """Text, which SQLite may give as bytes that end within a character."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> str | None:  # noqa: ANN401
        """Return the text."""
        return value.decode("utf-8", "ignore") if isinstance(value, bytes) else value


class _Beginning(FunctionElement[str]):
    """The beginning of a text: of at least so many characters, if it has them."""

    type = _Characters()
    inherit_cache = True


def beginning(text: ColumnElement[str], most: int) -> ColumnElement[str]:
    """Return a text of up to ``most`` characters whole, and of a longer one more than these."""
    return _Beginning(text, literal_column(str(most + 1)))


@compiles(_Beginning)
def _of_text(element: _Beginning, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    text, most = (compiler.process(clause, **options) for clause in element.clauses)
    return f"substr({text}, 1, {most})"


@compiles(_Beginning, "sqlite")
def _of_bytes(element: _Beginning, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    """Cut bytes, as SQLite sees nothing of a text behind a NUL; of no bytes it makes a null."""
    text, most = (compiler.process(clause, **options) for clause in element.clauses)
    return f"coalesce(substr(CAST({text} AS BLOB), 1, {_BYTES} * {most}), {text})"
