"""Print the statements that make the tables of today on PostgreSQL, as a first revision has them.

Texts become ``TEXT COLLATE "C"`` whatever their length, so that both engines take and compare the
same. Tables in partitions get the one for ids that are in no other.
"""

import sys
from collections.abc import Iterator

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from aibridge.store.record.partitions import REST
from aibridge.store.schema import tables as schema
from aibridge.store.search.index import tsvector


class _Types(PGTypeCompiler):
    def visit_VARCHAR(self, type_: TypeEngine[str], **_: object) -> str:  # noqa: N802
        return 'TEXT COLLATE "C"'

    visit_TEXT = visit_VARCHAR  # noqa: N815


def statements() -> Iterator[str]:
    """Yield the statements, each without its semicolon."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    dialect.type_compiler_instance = _Types(dialect)
    for table in tables():
        yield str(CreateTable(table).compile(dialect=dialect)).replace("\t", "    ").strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
        if table.dialect_options["postgresql"]["partition_by"]:
            yield f"CREATE TABLE {table.name}{REST} PARTITION OF {table.name} DEFAULT"


def tables() -> list[Table]:
    """Return the tables that PostgreSQL has, in an order in which they can be made."""
    common = schema.metadata.sorted_tables
    return [*(one for one in common if one.info.get("only") != "sqlite"), tsvector.text_index]


def main() -> int:
    """Print them."""
    for statement in statements():
        print("\n".join(line.rstrip() for line in f"{statement};\n".splitlines()))
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
