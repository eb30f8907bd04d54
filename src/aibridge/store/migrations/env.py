"""Alembic's entry: runs the revisions on the connection that `upgrade` was given."""

from alembic import context

from aibridge.store.schema.tables import metadata
from aibridge.store.search import index as text_index

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    include_name=lambda name, kind, _parents: kind != "table" or not text_index.is_part(name or ""),
)
context.run_migrations()
