"""The columns of the export, in their order, and what stands in them; pure.

Source: FOCUS 1.2, https://focus.finops.org/focus-specification/v1-2/; those with names in x_ are
beyond it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from typing import NamedTuple

from aibridge.focus.parts import NO_RATE, OTHER
from aibridge.focus.windows import Amount, Charge
from aibridge.ids import moment
from aibridge.prices.cost import PERCENT
from aibridge.prices.rates import CALLS, MILLION
from aibridge.providers.types import wire_of

VERSION = "1.2"
_CALLS = 1000
"""Calls of tools that a price is of; of tokens it is a million."""
_PICOS = -12
"""The exponent of what costs are counted in, as a part of a dollar."""
_RATES = Decimal(MILLION * PERCENT)
"""What makes dollars of a rate, which is in hundredths of a micro-dollar a million."""

Value = str | int | Decimal | datetime | None


class Kind(Enum):
    """How the values of a column are written."""

    TEXT = auto()
    MONEY = auto()
    """Dollars, with twelve decimals."""
    NUMBER = auto()
    TIME = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the organization, users and groups, of the latter by their ids."""

    organization_id: str
    organization: str
    users: Mapping[str, str]
    groups: Mapping[str, str]


class Told(NamedTuple):
    """What a line of the export is made of."""

    charge: Charge
    amount: Amount
    names: Names

    @property
    def is_usage(self) -> bool:
        """Whether tokens or calls are counted; else it only corrects what they cost."""
        return self.charge.token_type != OTHER

    @property
    def unit(self) -> tuple[str, int]:
        """What is counted, and how many of it a price is of."""
        is_call = self.charge.token_type in CALLS
        return ("Requests", _CALLS) if is_call else ("Tokens", MILLION)


class Column(NamedTuple):
    """A column: its name, how it is written, and its value; what is `None` is null."""

    name: str
    kind: Kind
    value: Callable[[Told], Value]


def _always(value: Value) -> Callable[[Told], Value]:
    return lambda _: value


def _cost(told: Told) -> Decimal:
    return Decimal(told.amount.picos).scaleb(_PICOS)


def _unit_price(told: Told) -> Decimal | None:
    if told.charge.rate == NO_RATE:
        return None
    _, many = told.unit
    return Decimal(told.charge.rate) * many / MILLION / _RATES


def _consumed(told: Told) -> int | None:
    return told.amount.number if told.is_usage else None


def _priced(told: Told) -> Decimal | None:
    return Decimal(told.amount.number) / told.unit[1] if told.is_usage else None


def _pricing_unit(told: Told) -> str | None:
    unit, many = told.unit
    return f"{many} {unit}" if told.is_usage else None


def _month(told: Told) -> datetime:
    return moment(told.charge.start).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(told: Told) -> datetime:
    first = _month(told)
    years, month = divmod(first.month, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _description(told: Told) -> str:
    kind = told.charge.token_type.replace("_", " ")
    if not told.is_usage:
        return f"Usage of {told.charge.model} that no count explains"
    return f"{told.unit[0]} of {told.charge.model}: {kind}"


def _resource(told: Told) -> str | None:
    charge = told.charge
    return f"{charge.provider_name}/{charge.model}" if charge.model else None


def _tags(told: Told) -> str:
    charge = told.charge
    user = told.names.users.get(charge.initiator_id)
    return json.dumps(
        ({"coder.username": user} if user else {}) | {"aibridge.client": charge.client},
        separators=(",", ":"),
    )


_TEXT, _MONEY, _NUMBER, _TIME = Kind.TEXT, Kind.MONEY, Kind.NUMBER, Kind.TIME

COLUMNS = (
    Column("BilledCost", _NUMBER, _always(0)),  # the bridge sends no bills
    Column("BillingAccountId", _TEXT, lambda told: told.names.organization_id),
    Column("BillingAccountName", _TEXT, lambda told: told.names.organization),
    Column("BillingAccountType", _TEXT, _always("Organization")),
    Column("BillingCurrency", _TEXT, _always("USD")),
    Column("BillingPeriodStart", _TIME, _month),
    Column("BillingPeriodEnd", _TIME, _next_month),
    Column("ChargeCategory", _TEXT, lambda told: "Usage" if told.is_usage else "Adjustment"),
    Column("ChargeClass", _TEXT, _always(None)),  # null: no correction of a bill
    Column("ChargeDescription", _TEXT, _description),
    Column("ChargeFrequency", _TEXT, _always("Usage-Based")),
    Column("ChargePeriodStart", _TIME, lambda told: moment(told.charge.start)),
    Column("ChargePeriodEnd", _TIME, lambda told: moment(told.charge.end)),
    Column("ConsumedQuantity", _NUMBER, _consumed),
    Column("ConsumedUnit", _TEXT, lambda told: told.unit[0] if told.is_usage else None),
    Column("ContractedCost", _MONEY, _cost),
    Column("ContractedUnitPrice", _MONEY, _unit_price),
    Column("EffectiveCost", _MONEY, _cost),
    Column("InvoiceIssuerName", _TEXT, lambda told: told.charge.provider),
    Column("ListCost", _MONEY, _cost),
    Column("ListUnitPrice", _MONEY, _unit_price),
    Column("PricingCategory", _TEXT, lambda told: "Standard" if told.is_usage else None),
    Column("PricingQuantity", _NUMBER, _priced),
    Column("PricingUnit", _TEXT, _pricing_unit),
    Column("ProviderName", _TEXT, lambda told: told.charge.provider),
    Column("PublisherName", _TEXT, lambda told: told.charge.provider),
    Column("ResourceId", _TEXT, _resource),
    Column("ResourceName", _TEXT, lambda told: told.charge.model or None),
    Column("ResourceType", _TEXT, lambda told: "Model" if told.charge.model else None),
    Column("ServiceCategory", _TEXT, _always("AI and Machine Learning")),
    Column("ServiceName", _TEXT, _always("Language Models")),
    Column("ServiceSubcategory", _TEXT, _always("Generative AI")),
    Column("SkuId", _TEXT, lambda told: told.charge.sku),
    Column("SkuPriceId", _TEXT, lambda told: told.charge.sku_price),
    Column("SubAccountId", _TEXT, lambda told: told.charge.group_id or None),
    Column(
        "SubAccountName",
        _TEXT,
        lambda told: told.names.groups.get(told.charge.group_id, told.charge.group_id) or None,
    ),
    Column("SubAccountType", _TEXT, lambda told: "Group" if told.charge.group_id else None),
    Column("Tags", Kind.JSON, _tags),
    Column("x_ProviderResponseId", _TEXT, lambda told: told.charge.response_id or None),
    Column("x_InterceptionId", _TEXT, lambda told: told.charge.interception_id or None),
    Column("x_SessionId", _TEXT, lambda told: told.charge.session_id or None),
    Column("x_InitiatorId", _TEXT, lambda told: told.charge.initiator_id),
    Column("x_CredentialKind", _TEXT, lambda told: told.charge.credential_kind),
    Column("x_WireProtocol", _TEXT, lambda told: wire_of(told.charge.provider)),
    Column("x_ProviderInstance", _TEXT, lambda told: told.charge.provider_name),
    Column("x_ClientTool", _TEXT, lambda told: told.charge.client),
    Column("x_ErrorType", _TEXT, lambda told: told.charge.error_type or None),
    Column("x_PricingStatus", _TEXT, lambda told: told.charge.status.value),
    Column("x_TokenType", _TEXT, lambda told: told.charge.token_type),
    Column("x_RowCount", _NUMBER, lambda told: told.amount.rows),
)
"""Those that the contract's author has, in that order."""


def row(told: Told) -> tuple[Value, ...]:
    """Return the values of a line, in the order of `COLUMNS`."""
    return tuple([column.value(told) for column in COLUMNS])
