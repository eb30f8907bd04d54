"""``aibridge db``: the database itself, without a bridge in between."""

from aibridge.cli import new_app
from aibridge.cli.db import copy

app = new_app(help="The database itself.")
app.command("copy", epilog=copy.EXAMPLE)(copy.copy)
