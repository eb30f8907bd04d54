"""Alembic's entry: runs the revisions on the connection that `upgrade` was given."""

from alembic import context

from aibridge.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
