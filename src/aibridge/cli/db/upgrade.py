"""``aibridge db upgrade``: the tables as this release wants them."""

from aibridge.cli.database import untouched_database
from aibridge.cli.options import AsJson, Config, DatabaseURL, DataDir
from aibridge.cli.output import print_json, say

EXAMPLE = "Example: aibridge db upgrade --config aibridge.toml"


def upgrade(
    *,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Bring the tables up to date, as a start of the bridge does; an empty database gets them.

    A database that a newer release has upgraded is refused. Stop the bridge before.
    """
    from aibridge.store import migrations  # noqa: PLC0415 - they take a while to import
    from aibridge.store.record import partitions  # noqa: PLC0415 - they take a while to import

    with untouched_database(config, data_dir, database_url, make=True) as (database, _):
        with database.read() as connection:
            before = migrations.current(connection)
        database.upgrade()
        made = partitions.prepare(database)
    if as_json:
        print_json({"from": before, "to": migrations.HEAD, "partitions": made})
        return
    if before == migrations.HEAD:
        say(f"The tables are at revision {before}, the newest.")
    elif before is None:
        say(f"The tables were made, at revision {migrations.HEAD}.")
    else:
        say(f"The tables were brought from revision {before} to {migrations.HEAD}.")
    for name in made:
        say(f"The partition {name} was made.")
