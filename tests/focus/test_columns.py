"""The columns of the export, and how a line stands in them."""

import csv
import json
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from pyarrow import parquet

from aibridge.focus.columns import COLUMNS, Names, Told, row
from aibridge.focus.files import write_csv, write_parquet
from aibridge.focus.parts import NO_RATE, Status, UsedPart
from aibridge.focus.windows import Windows
from aibridge.ids import moment
from tests.builders import ANA, DAY, SECOND, START, uid
from tests.focus.rows import call

HEAD = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_ProviderResponseId",
    "x_InterceptionId",
    "x_SessionId",
    "x_InitiatorId",
    "x_CredentialKind",
    "x_WireProtocol",
    "x_ProviderInstance",
    "x_ClientTool",
    "x_ErrorType",
    "x_PricingStatus",
    "x_TokenType",
    "x_RowCount",
]
NAMES = Names(uid(1), "default", {ANA: "ana"}, {uid(900): "core"})
PART = UsedPart(
    "output", Status.PRICED, 1_500_000_050, "a/sonnet/output", "a/sonnet/output/batch", 1234, 18_511
)


def told(part: UsedPart, granularity: int = 3600, **of: object) -> Told:
    windows = Windows(granularity)
    windows.add(call(**of), "u", "msg-1", part)
    ((charge, amount),) = windows.take()
    return Told(charge, amount, NAMES)


def cells(*lines: Told) -> list[dict[str, str]]:
    """Return the cells of each row of a CSV file with these lines."""
    file = BytesIO()
    write_csv(file, [[row(line) for line in lines]])
    return list(csv.DictReader(StringIO(file.getvalue().decode(), newline="")))


def test_the_columns_are_those_of_the_contracts_author_in_their_order() -> None:
    assert [column.name for column in COLUMNS] == HEAD
    file = BytesIO()
    write_csv(file, [])
    assert file.getvalue().decode() == ",".join(HEAD) + "\n"


def test_every_column_has_what_focus_says() -> None:
    at = START + 31 * DAY - SECOND
    (found,) = cells(told(PART, ended_at=at, error_type="overloaded_error"))
    assert found == {
        "BilledCost": "0",
        "BillingAccountId": uid(1),
        "BillingAccountName": "default",
        "BillingAccountType": "Organization",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-01-01T00:00:00Z",
        "BillingPeriodEnd": "2026-02-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": "Tokens of sonnet: output",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": "2026-01-31T23:00:00Z",
        "ChargePeriodEnd": "2026-02-01T00:00:00Z",
        "ConsumedQuantity": "1234",
        "ConsumedUnit": "Tokens",
        "ContractedCost": "0.000000018511",
        "ContractedUnitPrice": "15.000000500000",
        "EffectiveCost": "0.000000018511",
        "InvoiceIssuerName": "anthropic",
        "ListCost": "0.000000018511",
        "ListUnitPrice": "15.000000500000",
        "PricingCategory": "Standard",
        "PricingQuantity": "0.001234",
        "PricingUnit": "1000000 Tokens",
        "ProviderName": "anthropic",
        "PublisherName": "anthropic",
        "ResourceId": "claude/sonnet",
        "ResourceName": "sonnet",
        "ResourceType": "Model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Language Models",
        "ServiceSubcategory": "Generative AI",
        "SkuId": "a/sonnet/output",
        "SkuPriceId": "a/sonnet/output/batch",
        "SubAccountId": uid(900),
        "SubAccountName": "core",
        "SubAccountType": "Group",
        "Tags": '{"coder.username":"ana","aibridge.client":"Claude Code"}',
        "x_ProviderResponseId": "",
        "x_InterceptionId": "",
        "x_SessionId": "",
        "x_InitiatorId": ANA,
        "x_CredentialKind": "centralized",
        "x_WireProtocol": "anthropic",
        "x_ProviderInstance": "claude",
        "x_ClientTool": "Claude Code",
        "x_ErrorType": "overloaded_error",
        "x_PricingStatus": "priced",
        "x_TokenType": "output",
        "x_RowCount": "1",
    }


def test_a_usage_row_by_itself_has_the_ids_of_its_call_and_answer() -> None:
    (found,) = cells(told(PART, 0))
    ids = [found[f"x_{name}Id"] for name in ("ProviderResponse", "Interception", "Session")]
    assert ids == ["msg-1", uid(1), "session-1"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            PART._replace(token_type="web_search", rate=1_000_000_000_000, number=3),
            ("3", "Requests", "0.003", "1000 Requests", "10.000000000000", "Usage", "Standard"),
        ),
        (
            PART._replace(rate=NO_RATE, picos=0, number=1_000_000),
            ("1000000", "Tokens", "1", "1000000 Tokens", "", "Usage", "Standard"),
        ),
        (
            PART._replace(token_type="other", rate=NO_RATE, number=0, picos=-7),
            ("", "", "", "", "", "Adjustment", ""),
        ),
    ],
)
def test_quantities_are_of_what_is_counted(part: UsedPart, expected: tuple[str, ...]) -> None:
    (found,) = cells(told(part))
    names = ("ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit", "ListUnitPrice")
    assert tuple(found[name] for name in (*names, "ChargeCategory", "PricingCategory")) == expected
    assert Decimal(found["ListCost"]) == Decimal(part.picos) / 10**12


def test_who_or_what_is_not_known_is_null() -> None:
    unknown = told(PART, group_id="", initiator_id=uid(7), client=None, model="")
    found, deleted = cells(unknown, told(PART, group_id=uid(901)))
    nothing = ("SubAccountId", "SubAccountName", "SubAccountType", "ResourceId", "ResourceName")
    assert [found[name] for name in (*nothing, "ResourceType")] == [""] * 6
    assert json.loads(found["Tags"]) == {"aibridge.client": "Unknown"}
    assert deleted["SubAccountName"] == uid(901)


@pytest.mark.parametrize(
    ("model", "cell"), [("=1+1", "'=1+1"), ("@x", "'@x"), ('a"b,\n', 'a"b,\n'), ("-1", "'-1")]
)
def test_a_cell_that_begins_like_a_formula_is_a_text(model: str, cell: str) -> None:
    (found,) = cells(told(PART, model=model))
    assert found["ResourceName"] == cell


def test_money_below_zero_is_a_number_and_no_formula() -> None:
    (found,) = cells(told(PART._replace(picos=-1)))
    assert found["ListCost"] == "-0.000000000001"


def test_parquet_has_the_same_rows_with_types() -> None:
    file = BytesIO()
    lines = [row(told(PART)), row(told(PART._replace(rate=NO_RATE), model="half \ud800"))]
    write_parquet(file, [lines[:1], lines[1:]])
    table = parquet.read_table(BytesIO(file.getvalue()))
    assert table.column_names == HEAD
    first, second = table.to_pylist()
    assert first["ListCost"] == Decimal("0.000000018511")
    assert first["BillingPeriodStart"] == moment(START)
    assert (first["ConsumedQuantity"], first["x_RowCount"], first["ChargeClass"]) == (1234, 1, None)
    assert (second["ListUnitPrice"], second["ResourceName"]) == (None, "half ?")
