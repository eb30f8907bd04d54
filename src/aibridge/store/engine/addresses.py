"""How a database is called where people see it: its address without who uses it, and by what."""

from pathlib import Path

from sqlalchemy import URL


def shown(url: URL) -> str:
    """Return an address of a database without user and password, the same however it is written.

    Of the parts behind a question mark the host is kept, of a file the whole path.
    """
    if url.get_backend_name() == "sqlite":
        name = url.database
        return f"sqlite:///{Path(name).resolve()}" if name and name != ":memory:" else "sqlite://"
    given = url.query.get("host", "")
    host = url.host or (given if isinstance(given, str) else ",".join(given))
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host}{port}/{url.database or ''}"
