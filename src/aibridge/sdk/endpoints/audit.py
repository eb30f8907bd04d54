"""The audit log."""

from aibridge.contract import AuditLogList
from aibridge.contract.paths import API
from aibridge.sdk.request import Id, Request, given, positive

BASE = f"{API}/audit"


def audit_logs(
    q: str = "", *, limit: int = 0, offset: int = 0, after_id: Id = None
) -> Request[AuditLogList]:
    """Ask for a page of the audit log."""
    query = given(q=q, after_id=after_id) | positive(limit=limit, offset=offset)
    return Request(BASE, query, AuditLogList.model_validate_json)
