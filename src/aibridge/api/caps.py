"""Caps: limits beside the budgets, each of which holds by itself. Beyond the contract."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from aibridge.api import shapes
from aibridge.api.access import Caller
from aibridge.api.bodies import body
from aibridge.api.documented import documented
from aibridge.api.errors import trouble
from aibridge.api.responses import JsonResponse, no_content
from aibridge.budgets import caps
from aibridge.contract import AISpendCap, UpsertAISpendCapRequest
from aibridge.contract.words import CapPeriod
from aibridge.identity.rights import Right
from aibridge.ids import now
from aibridge.store.people import caps as store

router = APIRouter(tags=["budgets"], dependencies=[trouble("Internal error with caps.")])

_PATH = "/ai/spend-caps"
_CapPath = Annotated[UUID, Path(description="The id of the cap.")]


@router.get(_PATH, **documented(list[AISpendCap]))
def list_spend_caps(caller: Caller) -> JsonResponse:
    """List all caps in the order in which they were made, with what counts against them."""
    caller.require(Right.READ_BUDGETS)
    with caller.services.database.read() as connection:
        found = [
            shapes.cap(one, *caps.told(connection, one, now()))
            for one in store.list_caps(connection)
        ]
    return JsonResponse(found)


@router.put(_PATH, **documented(AISpendCap, body=UpsertAISpendCapRequest))
def put_spend_cap(
    caller: Caller,
    asked: Annotated[
        UpsertAISpendCapRequest, body(UpsertAISpendCapRequest, right=Right.WRITE_BUDGETS)
    ],
) -> JsonResponse:
    """Set how much may be spent in a period by a group, its members or sessions, a user or token.

    It takes the place of the cap of the same scope, target and period. 0 is nothing.
    """
    wanted = caps.Wanted(
        asked.scope, asked.target_id, CapPeriod(asked.period), asked.spend_limit_micros
    )
    with caller.acting() as act:
        found = caps.set_cap(act, wanted)
        told = caps.told(act.connection, found, now())
    return JsonResponse(shapes.cap(found, *told))


@router.delete(f"{_PATH}/{{cap}}", **documented(status=204))
def delete_spend_cap(cap: _CapPath, caller: Caller) -> Response:
    """Lift a cap."""
    caller.require(Right.WRITE_BUDGETS)
    with caller.acting() as act:
        caps.delete_cap(act, str(cap))
    return no_content()
