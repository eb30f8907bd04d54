"""The audit log."""

from fastapi import APIRouter, Request

from aibridge.api import shapes
from aibridge.api.access import Caller
from aibridge.api.admin_search import AUDIT_KEYS, search_audit
from aibridge.api.documented import CURSORS, documented, search
from aibridge.api.errors import trouble
from aibridge.api.parameters import Parameters, id_page, no_such_cursor
from aibridge.api.responses import JsonResponse
from aibridge.contract import AuditLogList
from aibridge.identity.rights import Right
from aibridge.store.people import audit as store

router = APIRouter(tags=["audit"], dependencies=[trouble("Internal error getting audit logs.")])


@router.get("/audit", **documented(AuditLogList, parameters=(*CURSORS, search(AUDIT_KEYS))))
def list_audit_logs(request: Request, caller: Caller) -> JsonResponse:
    """List what was done, by whom and from where, newest first."""
    parameters = Parameters(request.query_params)
    paging, after_id = id_page(parameters)
    where = search_audit(parameters.text("q"))
    caller.require(Right.READ_AUDIT)
    with caller.services.database.read() as connection:
        if after_id is not None and not store.exists(connection, after_id):
            raise no_such_cursor("entry", after_id)
        rows = store.page(
            connection, where, limit=paging.limit, offset=paging.offset, after_id=after_id
        )
        count = store.count(connection, where)
    shown = [shapes.audit_log(row) for row in rows]
    return JsonResponse(AuditLogList(count=count, audit_logs=shown))
