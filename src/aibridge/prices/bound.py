"""The most that a request can cost, from what is known before it is answered."""

from msgspec import Struct

from aibridge.prices.cost import Billable, Cost, cost
from aibridge.prices.rates import CALLS, OUTPUTS, Price, Rate, Unit
from aibridge.prices.supplements import MAX_OUTPUTS

EXTRA_TOKENS = 1_000
"""Tokens that a provider may add to a prompt by itself, such as its instructions for tools.

Anthropic lists some hundreds, up to 530 for Claude 3 Opus. Source:
https://docs.anthropic.com/en/docs/tool-use-pricing-and-tokens.
"""

MAX_OUTPUT = 128_000
"""The most tokens that a model is taken to say of which nothing is known: few say as much."""
MAX_WINDOW = 1_000_000
"""The most tokens that a model is taken to read of which nothing is known."""

IMAGE_TOKENS = 5_000
"""Tokens that an image may be beside those of its bytes, which compress well.

Claude's newest models make up to 4,784 of one, others up to 1,600. Source:
https://platform.claude.com/docs/en/build-with-claude/vision, November 2026.
"""
FILE_TOKENS = 20_000
"""Tokens that another file may be beside those of its bytes: ten pages of a PDF, say.

Claude makes 1,500 to 3,000 of a page. Source:
https://platform.claude.com/docs/en/build-with-claude/pdf-support, November 2026.
"""


class Ratio(Struct, frozen=True):
    """How many tokens so many bytes of a request's body can be at most."""

    tokens: int = 1
    size: int = 1


STRICT = Ratio()
"""A token a byte: no tokenizer makes more of a text, as every token stands for a byte at least.

Requests of agents have some 3.5 bytes a token, so this is a bound that is never passed, and not an
estimate.
"""


class Demand(Struct, frozen=True):
    """What a request asks for.

    ``refers`` says that the prompt has more than the body: a stored response, a file, a URL. Then
    it may fill the context window. ``answers`` are the answers asked for (``n``), ``runs`` the
    model runs that the provider may make by itself, as with tools of its own: each reads the
    prompt, and all of them together say what ``max_output`` allows. ``calls`` are the most calls of
    tools that are charged. ``images`` and ``files`` are those that the body has or names.
    """

    body_bytes: int
    max_output: int | None = None
    answers: int = 1
    runs: int = 1
    refers: bool = False
    calls: dict[Unit, int] = {}
    images: int = 0
    files: int = 0


def upper_bound(
    price: Price, demand: Demand, *, window: int | None = None, ratio: Ratio = STRICT
) -> Cost:
    """Return the most that a request can cost at a price; unpriced where that lacks a rate.

    ``window`` is the context window of the model, where that is known. It is not believed where
    the price has a tier for prompts that would not fit. The bound takes all input for what costs
    most, such as being written to the cache for an hour, and the highest tier that it may reach.
    """
    if window is not None and window <= _last_tier(price):
        window = None
    prompt = _most_input(demand, window, ratio)
    output = most_output(price, window)
    if demand.max_output is not None:
        output = min(demand.max_output, MAX_WINDOW if window is None else window)
    worst = {Unit.INPUT: _dearest(price, prompt, is_output=False)}
    worst[Unit.OUTPUT] = _dearest(price, prompt, is_output=True)
    counts = {
        Unit.INPUT: prompt * demand.runs,
        Unit.OUTPUT: output * demand.answers,
        **demand.calls,
    }
    known = {unit: Rate(micros) for unit, micros in worst.items() if micros is not None}
    calls = {unit: rate for unit, rate in price.rates.items() if unit in CALLS}
    flat = Price(price.source, price.model, {**known, **calls}, percent=price.percent)
    return cost(Billable(counts), flat)


def most_output(price: Price, window: int | None) -> int:
    """Return the most tokens that a model is taken to say if the request sets no maximum."""
    name = price.model.rpartition("/")[2]
    for beginning, most in MAX_OUTPUTS:
        if name.startswith(beginning):
            return most
    return MAX_OUTPUT if window is None else min(window, MAX_OUTPUT)


def _most_input(demand: Demand, window: int | None, ratio: Ratio) -> int:
    if demand.refers:
        return MAX_WINDOW if window is None else window
    of_body = -(-demand.body_bytes * ratio.tokens // ratio.size) + EXTRA_TOKENS
    of_body += demand.images * IMAGE_TOKENS + demand.files * FILE_TOKENS
    return of_body if window is None else min(of_body, window)


def _last_tier(price: Price) -> int:
    """Return beyond how many tokens of a prompt the last tier of a price begins; -1 for none."""
    return max((tier.above for rate in price.rates.values() for tier in rate.tiers), default=-1)


def _dearest(price: Price, prompt: int, *, is_output: bool) -> int | None:
    """Return the highest rate of the tokens of a prompt of up to so many, or of the output."""
    units = [unit for unit in price.rates if unit not in CALLS]
    rates = [price.rates[unit] for unit in units if (unit in OUTPUTS) is is_output]
    return max((rate.highest(prompt) for rate in rates), default=None)
