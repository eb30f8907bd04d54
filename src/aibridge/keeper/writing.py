"""Writing what was read of the journals: a transaction a batch, tried until the database takes it.

What the database refuses for ever is set aside, so that it holds up nobody.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog
from msgspec.structs import replace

from aibridge.dialects.facts import Notes, ResponseFacts
from aibridge.keeper.aside import Aside, NotSetAside
from aibridge.keeper.calls import Call
from aibridge.recorder.batch import Written, check, commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import Start
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS, is_away, plainly, said
from aibridge.store.engine.servers import Lease
from aibridge.store.record.correlation import PAUSE
from aibridge.store.record.journals import Advance
from aibridge.store.record.writer import BatchWriter, OtherKeeperError

AGAIN_SECONDS = 0.25
"""How long a database that is away is left alone."""
LOCK_SECONDS = 1.0
"""How long another that has the database locked is waited for at a time."""
CALL_SECONDS = 20.0
"""How long a transaction may take until its connection is broken off."""
REFUSED = "the database did not take all of it: {}"

_log = structlog.get_logger()

Batch = Mapping[Pending, Call]


_NOTHING = ResponseFacts(unread=True, ended=True)


class GivenUp(Exception):
    """The keeper has to end while the database is away."""


class Writer:
    """Writes batches. ``wait`` waits for some seconds, and says whether to give up.

    ``told`` is told what is wrong with the database each time that it takes nothing, in words for
    anybody, and an empty text when it takes something again.
    """

    def __init__(
        self,
        database: Database,
        aside: Aside,
        wait: Callable[[float], bool],
        told: Callable[[str], None],
        *,
        lease: Lease | None = None,
        session_pause: int = PAUSE,
    ) -> None:
        self._database = database
        self._aside = aside
        self._wait = wait
        self._told = told
        self._lease = lease
        self._session_pause = session_pause
        self._store: BatchWriter | None = None
        self._trouble = ""
        self._since: float | None = None

    @property
    def store(self) -> BatchWriter:
        """The connection, made anew where it was lost."""
        if self._store is None:
            self._store = BatchWriter(
                self._database,
                lock_seconds=LOCK_SECONDS,
                lease=self._lease,
                session_pause=self._session_pause,
            )
        return self._store

    def until_done(self, step: Callable[[], None]) -> None:
        """Do something with the database, again and again while it is away.

        So is it where something has to be set aside first and cannot be. Raises `GivenUp`, or what
        is wrong with the step.
        """
        while True:
            try:
                self._since = time.monotonic()
                step()
            except Exception as error:
                if not (is_away(error) or isinstance(error, NotSetAside)):
                    raise
                self._failed(error)
                if self._wait(AGAIN_SECONDS):
                    raise GivenUp from error
            else:
                self._succeeded()
                return
            finally:
                self._since = None

    def look_after(self) -> None:
        """Break off what takes longer than `CALL_SECONDS`. For any thread, now and then."""
        since, store = self._since, self._store
        if since is not None and store is not None and time.monotonic() - since > CALL_SECONDS:
            store.break_off()

    def write(self, batch: Batch, steps: Collection[Advance]) -> Written:
        """Write a batch, and with it that it was. Raises what the database raises when away."""
        try:
            return commit(self.store, batch, steps)
        except OtherKeeperError:
            raise
        except Exception as error:
            if is_away(error):
                raise
            refused = self._refused(batch) or dict.fromkeys(batch, said(error))
        for item, reason in refused.items():
            self._set_aside(item, batch[item], reason)
        taken = [item for item in batch if item not in refused or not self._refused([item])]
        return commit(self.store, taken, steps)

    def close(self) -> None:
        """Give the connection back."""
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                store.close()

    def _set_aside(self, item: Pending, call: Call, reason: str) -> None:
        """Keep the bytes of a call elsewhere, and have only what is sure written of it."""
        _log.error("record_set_aside", interception=item.start.id, reason=reason)
        self._aside.put(call, reason)
        item.start = _bare(item.start, REFUSED.format(reason))
        if item.end is not None:
            item.end = replace(
                item.end, error_message="", edits=[], notes=[], facts=_NOTHING, costs=()
            )

    def _refused(self, batch: Iterable[Pending]) -> dict[Pending, str]:
        """Return what of a batch the database does not take, with the reasons."""
        refused = {}
        for item in batch:
            try:
                check(self.store, item)
            except Exception as error:
                if is_away(error):
                    raise
                refused[item] = said(error)
        return refused

    def _failed(self, error: Exception) -> None:
        self.close()
        trouble = str(error) if isinstance(error, NotSetAside) else plainly(error)
        if not self._trouble:
            _log.warning("database_away", error=said(error))
        self._trouble = trouble
        self._told(trouble)

    def _succeeded(self) -> None:
        if self._trouble:
            _log.warning("database_back")
        self._trouble = ""
        self._told("")


def _bare(start: Start, note: str) -> Start:
    """Return what of a start the bridge itself has made: no database refuses that."""
    return Start(
        id=start.id,
        initiator_id=start.initiator_id,
        api_key_id=start.api_key_id,
        provider=start.provider,
        provider_name=start.provider_name,
        route="",
        model="",
        client=None,
        client_session_id=None,
        credential_kind=start.credential_kind,
        credential_hint="",
        user_agent="",
        stream=start.stream,
        request_bytes=start.request_bytes,
        started_at=start.started_at,
        unread=True,
        notes=Notes([note]),
    )
