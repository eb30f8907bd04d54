# Written by scripts/unasync from audit.py, which is the one to change.
"""The audit log: who changed what."""

from collections.abc import AsyncIterator

from aibridge.contract import AuditLog, AuditLogList
from aibridge.sdk import paging
from aibridge.sdk.async_connection import AsyncConnection
from aibridge.sdk.endpoints import audit
from aibridge.sdk.names import Id


class AsyncAuditMethods(AsyncConnection):
    """What a client reads of the audit log."""

    async def list_audit_logs(
        self, q: str = "", *, limit: int = 0, offset: int = 0, after_id: Id = None
    ) -> AuditLogList:
        """Return a page of the audit log, newest first.

        ``q`` has any of ``action:``, ``resource_type:``, ``resource_id:``, ``username:``,
        ``date_from:`` and ``date_to:``. ``limit`` is 1 to 1000, 0 means 100. ``after_id`` is the
        id of the last entry of the page before; not together with ``offset``.
        """
        return await self._ask(audit.audit_logs(q, limit=limit, offset=offset, after_id=after_id))

    def iter_audit_logs(self, q: str = "", *, limit: int | None = None) -> AsyncIterator[AuditLog]:
        """Go through the audit log, newest first, each once, ``limit`` of them at most."""
        return self._pages(paging.audit_logs(q, limit))
