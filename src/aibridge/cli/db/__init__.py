"""``aibridge db``: the database itself, without a bridge in between."""

from aibridge.cli import new_app
from aibridge.cli.db import check, copy, purge, rerate, reread, upgrade

app = new_app(help="The database itself.")
app.command("check", epilog=check.EXAMPLE)(check.check)
app.command("upgrade", epilog=upgrade.EXAMPLE)(upgrade.upgrade)
app.command("purge", epilog=purge.EXAMPLE)(purge.purge)
app.command("reread", epilog=reread.EXAMPLE)(reread.reread)
app.command("rerate", epilog=rerate.EXAMPLE)(rerate.rerate)
app.command("copy", epilog=copy.EXAMPLE)(copy.copy)
