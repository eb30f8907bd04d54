"""Setting and removing custom prices of models. An entry of the audit log tells of each of them."""

from collections.abc import Sequence

from aibridge.budgets.money import dollars
from aibridge.contract.words import AuditAction, AuditResource
from aibridge.errors import IdentityError, UnknownError
from aibridge.identity.audit import Act, Target
from aibridge.prices.custom import CustomPrice, CustomPriceError, check
from aibridge.providers.types import TYPES
from aibridge.store.usage import model_prices as store


class WrongPriceError(IdentityError):
    """A list of custom prices that cannot be taken."""


def set_prices(act: Act, prices: Sequence[CustomPrice]) -> None:
    """Set custom prices, each in the place of the one that its model has.

    All of them are set or, with a `WrongPriceError`, none. One that is as it was stays as it is,
    and has no entry.
    """
    try:
        check(prices, TYPES)
    except CustomPriceError as error:
        raise WrongPriceError(str(error), field=error.path) from None
    before = {one.price.key: one.price for one in store.list_prices(act.connection)}
    changed = [price for price in prices if price != before.get(price.key)]
    store.put_prices(act.connection, changed)
    for price in changed:
        old = before.get(price.key)
        action = AuditAction.CREATE if old is None else AuditAction.WRITE
        act.log(action, _target(price), before=_fields(old), after=_fields(price))


def delete_price(act: Act, provider: str, model: str) -> None:
    """Take a custom price away. Raises `UnknownError` where there is none."""
    found = store.find_price(act.connection, provider, model)
    if found is None:
        raise UnknownError(f"{model} of {provider} has no custom price")
    store.delete_price(act.connection, provider, model)
    act.log(AuditAction.DELETE, _target(found.price), before=_fields(found.price))


def tell_rerated(act: Act, period: str, corrections: int, micros: int) -> None:
    """Write down that usage of a period was rated anew, and what came of it."""
    rows = "1 usage row" if corrections == 1 else f"{corrections:,} usage rows"
    target = Target(AuditResource.MODEL_PRICE, "rerating", "recorded usage")
    said = f"rated usage anew, {period}: corrected {rows}, by {dollars(micros)}"
    act.log(AuditAction.WRITE, target, description=said)


def _target(price: CustomPrice) -> Target:
    return Target(AuditResource.MODEL_PRICE, "/".join(price.key), f"{price.provider}/{price.model}")


def _fields(price: CustomPrice | None) -> dict[str, object]:
    """Return the known prices in dollars a million tokens, and the name as it is written."""
    if price is None:
        return {}
    amounts = {name: dollars(micros) for name, micros in price.amounts.items()}
    return {"model": price.model, **amounts}
