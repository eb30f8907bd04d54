"""Caps: limits beside the budgets."""

from pydantic import TypeAdapter

from aibridge.contract import AISpendCap, UpsertAISpendCapRequest
from aibridge.contract.paths import EXPERIMENTAL
from aibridge.sdk.arguments import checked
from aibridge.sdk.names import CapPeriodName, CapScopeName, Name
from aibridge.sdk.request import Request, body, changing, deleting, segment

_CAPS = f"{EXPERIMENTAL}/ai/spend-caps"
_LISTED: TypeAdapter[list[AISpendCap]] = TypeAdapter(list[AISpendCap])


@checked
def list_caps() -> Request[list[AISpendCap]]:
    """Ask for all caps."""
    return Request(_CAPS, {}, _LISTED.validate_json)


@checked
def put_cap(
    scope: CapScopeName, target_id: Name, period: CapPeriodName, spend_limit_micros: int
) -> Request[AISpendCap]:
    """Ask to set a cap."""
    content = body(
        UpsertAISpendCapRequest,
        scope=scope,
        target_id=target_id,
        period=period,
        spend_limit_micros=spend_limit_micros,
    )
    return changing("PUT", _CAPS, AISpendCap.model_validate_json, content)


@checked
def delete_cap(cap: Name) -> Request[None]:
    """Ask to lift a cap."""
    return deleting(f"{_CAPS}/{segment(cap)}")
