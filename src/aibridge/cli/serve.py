"""``aibridge serve``: run the bridge."""

import os
from typing import Annotated

import typer

from aibridge.cli.database import clear_errors, load_settings
from aibridge.cli.options import Config, DatabaseURL, DataDir
from aibridge.cli.output import CALLED_WRONGLY, say
from aibridge.cli.start import check_places, database_options


def serve(
    *,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="The port; 0 is any free one.")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="How many processes serve."),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Run the bridge until it is told to stop.

    A flag counts more than a variable AIBRIDGE_*, a variable more than the configuration file.
    What keeps it from starting is said in one line, with status 2.

    Example: aibridge serve --config aibridge.toml --port 4000
    """
    flags = {
        "host": host,
        "port": port,
        "workers": workers,
        "data_dir": data_dir,
        "database_url": database_url,
        "log_level": log_level,
    }
    with clear_errors(CALLED_WRONGLY):
        settings = load_settings(config, flags)
        check_places(settings)

        from aibridge.file_modes import mode_warnings  # noqa: PLC0415 - once the settings are good
        from aibridge.server import run  # noqa: PLC0415

        for line in mode_warnings(settings, config, os.environ):
            say(f"aibridge: warning: {line}", err=True)
        run(settings, database_options=database_options(config, flags, os.environ))
