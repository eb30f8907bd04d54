"""The audit log."""

from aibridge.contract import AuditLogList
from aibridge.contract.paths import API
from aibridge.sdk.arguments import Count, checked
from aibridge.sdk.names import Id
from aibridge.sdk.request import Request, given, positive

BASE = f"{API}/audit"


@checked
def audit_logs(
    q: str = "", *, limit: Count = 0, offset: Count = 0, after_id: Id = None
) -> Request[AuditLogList]:
    """Ask for a page of the audit log."""
    query = given(q=q, after_id=after_id) | positive(limit=limit, offset=offset)
    return Request(BASE, query, AuditLogList.model_validate_json)
