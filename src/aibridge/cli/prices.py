"""``aibridge prices``: what models cost, and prices of one's own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from aibridge.budgets.money import dollars
from aibridge.cli import new_app
from aibridge.cli.connection import connected, missing
from aibridge.cli.options import AsJson, Yes, amount, choice
from aibridge.cli.output import confirm, fail, print_model, print_models, say
from aibridge.cli.tables import Column, print_list
from aibridge.contract.words import PriceFilter, PriceSource

if TYPE_CHECKING:
    from aibridge.cli.tables import Cell
    from aibridge.contract import AIModelPrice
    from aibridge.sdk import Client

app = new_app(help="What models cost, in dollars a million tokens, and prices of your own.")

UNKNOWN = "unknown"

ProviderType = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="The type of the provider, such as anthropic.")
]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="The model as it is asked for, in either case.")
]


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars a million tokens; ``None`` is not known."""

    micros: int | None


def _price(text: str) -> Price:
    return Price(None if text == UNKNOWN else amount(text))


def _option(name: str, short: str, help_text: str) -> Any:  # noqa: ANN401 - as typer has it
    return typer.Option(
        name,
        short,
        parser=_price,
        metavar="DOLLARS",
        help=f"{help_text}: such as 3.75, or {UNKNOWN}.",
    )


def _lifetime(name: str, what: str) -> Any:  # noqa: ANN401 - see above
    return typer.Option(
        name, parser=amount, metavar="DOLLARS", help=f"{what}; as --cache-write if left out."
    )


@app.command("list", epilog="Example: aibridge prices list --provider anthropic --source custom")
@connected
def list_prices(
    client: "Client",
    *,
    provider: Annotated[str, typer.Option(help="A type of provider, such as anthropic.")] = "",
    model: Annotated[str, typer.Option(help="A model's whole name.")] = "",
    source: Annotated[
        PriceFilter,
        choice(get_args(PriceFilter), help="Those of the release, your own ones, or both."),
    ] = "all",
    as_json: AsJson = False,
) -> None:
    """Show what models cost, in dollars a million tokens. A custom price counts before a default.

    Default prices are those of ordinary calls with short prompts.
    """
    found = client.list_ai_model_prices(provider=provider, model=model, source=source)
    print_list(found, _COLUMNS, _row, as_json=as_json)


_COLUMNS = (
    Column("PROVIDER"),
    Column("MODEL", telling=True),
    Column("SOURCE"),
    Column("INPUT", right=True),
    Column("OUTPUT", right=True),
    Column("CACHE READ", right=True, rank=1),
    Column("CACHE WRITE", right=True, rank=2),
    Column("1H WRITE", right=True, rank=3),
    Column("12H WRITE", right=True, rank=5),
    Column("SET", rank=4, never=""),
)


def _row(one: "AIModelPrice") -> "tuple[Cell, ...]":
    return (
        one.provider,
        one.model,
        one.source,
        *map(_shown, (one.input_price, one.output_price, one.cache_read_price)),
        _shown(one.cache_write_price),
        *(
            _written(one, micros)
            for micros in (one.cache_write_1h_price, one.cache_write_12h_price)
        ),
        one.updated_at,
    )


def _shown(micros: int | None) -> str:
    return UNKNOWN if micros is None else dollars(micros)


def _written(one: "AIModelPrice", micros: int | None) -> str:
    """Return what writing the cache for a lifetime costs: without a price of its own, as any."""
    is_as_any = micros is None and one.source == PriceSource.CUSTOM
    return _shown(one.cache_write_price if is_as_any else micros)


@app.command(
    "set",
    epilog="Example: aibridge prices set openai-compat llama -i 0.5 -o 1.5 -r 0 -w 0",
)
@connected
def set_price(
    client: "Client",
    *,
    provider: ProviderType,
    model: ModelName,
    input_price: Annotated[Price, _option("--input", "-i", "What the prompt costs")],
    output_price: Annotated[Price, _option("--output", "-o", "What the model says")],
    cache_read_price: Annotated[
        Price, _option("--cache-read", "-r", "What is read from the cache")
    ],
    cache_write_price: Annotated[
        Price, _option("--cache-write", "-w", "What is written to the cache")
    ],
    cache_write_1h_price: Annotated[
        int | None, _lifetime("--cache-write-1h", "Written for an hour")
    ] = None,
    cache_write_12h_price: Annotated[
        int | None, _lifetime("--cache-write-12h", "Written for 12 hours")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set what a model costs, in dollars a million tokens; 0 is nothing to pay.

    It counts instead of the default price and replaces the custom one that there is.
    """
    price: dict[str, object] = {
        "provider": provider,
        "model": model,
        "input_price": input_price.micros,
        "output_price": output_price.micros,
        "cache_read_price": cache_read_price.micros,
        "cache_write_price": cache_write_price.micros,
        "cache_write_1h_price": cache_write_1h_price,
        "cache_write_12h_price": cache_write_12h_price,
    }
    client.upsert_ai_model_prices([price])
    (found,) = _custom(client, [price])
    if as_json:
        print_model(found)
        return
    amounts = (found.input_price, found.output_price, found.cache_read_price)
    shown = [*map(_shown, amounts), _shown(found.cache_write_price)]
    told = zip(("input", "output", "cache read", "cache write"), shown, strict=True)
    text = ", ".join(f"{name} {micros}" for name, micros in told)
    say(f"{found.model} of {provider} costs, a million tokens: {text}.")


def _custom(client: "Client", prices: list[Mapping[str, Any]]) -> "list[AIModelPrice]":
    """Return custom prices as they are kept."""
    keys = {(one["provider"], one["model"].strip().lower()) for one in prices}
    found = client.list_ai_model_prices(source="custom")
    return [one for one in found if (one.provider, one.model.lower()) in keys]


@app.command("remove", epilog="Example: aibridge prices remove anthropic claude-opus-5-5 --yes")
@connected
def remove_price(
    client: "Client", *, provider: ProviderType, model: ModelName, yes: Yes = False
) -> None:
    """Take a custom price away: the default one counts again."""
    with missing("custom price of", f"{provider}/{model}"):
        confirm(
            f"Remove the custom price of {model} of {provider}? "
            "The default one counts then, if there is any.",
            yes,
        )
        client.delete_ai_model_price(provider, model)
    say(f"Removed the custom price of {model} of {provider}.")


@app.command("import", epilog="Example: aibridge prices import prices.json")
@connected
def import_prices(
    client: "Client",
    *,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="JSON as the API takes it: prices in micro-dollars."),
    ],
    as_json: AsJson = False,
) -> None:
    """Set the custom prices of a file, all of them or, where one is wrong, none."""
    prices = _read(file)
    client.upsert_ai_model_prices(prices)
    if as_json:
        print_models(_custom(client, prices))
        return
    number = "1 custom price" if len(prices) == 1 else f"{len(prices)} custom prices"
    say(f"Set {number}.")


def _read(file: Path) -> list[Mapping[str, Any]]:
    """Return the prices of a file; what is wrong with each is for the API to say."""
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")
    except ValueError as error:
        fail(f"{file} is not JSON: {error}")
    prices = found.get("prices") if isinstance(found, dict) else None
    if not isinstance(prices, list) or found.keys() != {"prices"}:
        fail(
            f'{file}: expected an object with a list of prices and nothing else: {{"prices": […]}}'
        )
    return prices
