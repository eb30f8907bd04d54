"""An interception on its way into the database."""

from msgspec import Struct

from aibridge.recorder.records import End, Start
from aibridge.recorder.rows import Lineage


class Pending(Struct, eq=False):
    """An interception on its way into the database, as far as it is known by now."""

    start: Start
    end: End | None = None
    lineage: Lineage | None = None
    """Set once the start is committed to the database."""
    end_is_kept: bool = False
    """Whether the end is committed."""
    unsure: bool = False
    """Whether the database may have more of it than is known here, and has to be asked."""
    server_id: int | None = None
    """As which server it was begun: others may have closed what was begun as one that is gone."""
