"""What caches saved in a time, and what their misses cost, by session, client or model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from aibridge.prices.cache_diagnostics import read_told
from aibridge.prices.caching import Chain, Miss, Run, worth
from aibridge.prices.rates import Price, Unit
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import UNKNOWN_CLIENT
from aibridge.store.record.threads import is_persons
from aibridge.store.usage import caches
from aibridge.store.usage.caches import CachedCall, CacheUse
from aibridge.store.usage.calls import Key as CallKey
from aibridge.store.usage.calls import read_prices
from aibridge.store.usage.daily import UsageFilter

MOST_CALLS = 200_000
"""Calls that are looked at for one report; reading as many takes some seconds."""
MOST_REASONS = 20
"""Reasons that are told apart; the rest are one more."""
OTHER = "other"


class TooManyCallsError(Exception):
    """More calls are asked for than one report looks at."""


@dataclass(slots=True)
class Misses:
    """Misses for one reason; ``cost`` is in micro-dollars, as far as it is known."""

    count: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)


@dataclass(slots=True)
class CacheEconomics:
    """What was used of caches, what that saved, and what missing them cost, in micro-dollars.

    ``unpriced`` usage rows used or missed a cache and have no price for it: they are in no amount.
    """

    requests: int = 0
    input_tokens: int = 0
    read: int = 0
    written: int = 0
    saved: Decimal = Decimal(0)
    extra: Decimal = Decimal(0)
    unpriced: int = 0
    misses: dict[str, Misses] = field(default_factory=dict)

    @property
    def missed(self) -> Misses:
        """All misses together."""
        every = self.misses.values()
        cost = sum((each.cost for each in every), Decimal(0))
        return Misses(sum(each.count for each in every), sum(each.tokens for each in every), cost)

    def add(self, run: Run, miss: Miss | None) -> None:
        """Add what a run used, and what it missed."""
        self.input_tokens += run.input
        self.read += run.read
        self.written += run.cached - run.read
        found = worth(run)
        if found is not None:
            self.saved += found.saved
            self.extra += found.extra
        if miss is not None:
            self.add_miss(miss)
        self.unpriced += found is None or (miss is not None and miss.cost is None)

    def add_miss(self, miss: Miss) -> None:
        """Add what was missed for one reason."""
        is_known = miss.reason in self.misses or len(self.misses) < MOST_REASONS
        of_reason = self.misses.setdefault(miss.reason if is_known else OTHER, Misses())
        of_reason.count += 1
        of_reason.tokens += miss.tokens
        of_reason.cost += miss.cost or 0


Key = tuple[str, str]
"""A session and its initiator, or a client or a model and nothing."""

WAYS: dict[str, Callable[[CachedCall], Key]] = {
    "session": lambda call: (call.session_id, call.initiator_id),
    "client": lambda call: (call.client or UNKNOWN_CLIENT, ""),
    "model": lambda call: (call.model, ""),
}


def cache_economics(
    database: Database, where: UsageFilter, by: str, *, seconds: float
) -> tuple[dict[Key, CacheEconomics], CacheEconomics]:
    """Return what caches saved and cost, by one of `WAYS`, and all of it together.

    A batch takes so many ``seconds`` at most. Raises `TooManyCallsError`.
    """
    parts: dict[Key, CacheEconomics] = {}
    total, chains, key_of = CacheEconomics(), dict[tuple[str, ...], Chain](), WAYS[by]
    for call, runs in _calls(database, where, seconds):
        part = parts.setdefault(key_of(call), CacheEconomics())
        chain = chains.setdefault(_chain_of(call), Chain())
        for each in (part, total):
            each.requests += 1
        for run, is_own in runs:
            miss = chain.follow(run) if is_own else None
            part.add(run, miss)
            total.add(run, miss)
    return parts, total


def _chain_of(call: CachedCall) -> tuple[str, ...]:
    """Return which calls it goes on with: its session's by its model.

    What an agent asks for itself, such as a sub-agent's calls, has a prompt of its own: it goes on
    with what is of its thread alone.
    """
    thread = "" if is_persons(call.metadata) else call.thread_root_id or call.id
    return call.session_id, call.initiator_id, call.model, thread


def _calls(
    database: Database, where: UsageFilter, seconds: float
) -> Iterator[tuple[CachedCall, list[tuple[Run, bool]]]]:
    """Yield calls that used tokens, in their order, each with its model runs."""
    prices: dict[int, Price | None] = {}
    after, number = None, 0
    while True:
        with database.read(seconds=seconds) as connection:
            found = caches.calls(connection, where, after)
            ids = {use.price_id for call in found for use in call.used if use.price_id is not None}
            texts = read_prices(connection, sorted(ids - prices.keys()))
        prices |= {id_: _price(text) for id_, text in texts.items()}
        yield from ((call, list(_runs(call, prices))) for call in found if call.used)
        if len(found) < caches.BATCH:
            return
        after, number = CallKey(found[-1].started_at, found[-1].id), number + len(found)
        if number >= MOST_CALLS:
            raise TooManyCallsError


def _price(text: str) -> Price | None:
    try:
        return Price.decode(text.encode())
    except msgspec.DecodeError:
        return None


def _runs(call: CachedCall, prices: dict[int, Price | None]) -> Iterable[tuple[Run, bool]]:
    """Yield the model runs of a call, and whether each is of the call's own prompt."""
    for use in call.used:
        told = read_told(use.metadata)
        price = None if use.price_id is None else prices.get(use.price_id)
        given = {} if told is None else {"told": told}
        read, plain = use.cache_read_input_tokens, use.input_tokens
        yield Run(call.started_at, plain, read, _written(use), price, **given), told is not None


def _written(use: CacheUse) -> dict[Unit, int]:
    by_lifetime = {
        Unit.CACHE_WRITE_5M: use.cache_write_5m_input_tokens,
        Unit.CACHE_WRITE_30M: use.cache_write_30m_input_tokens,
        Unit.CACHE_WRITE_1H: use.cache_write_1h_input_tokens,
        Unit.CACHE_WRITE_12H: use.cache_write_12h_input_tokens,
    }
    untold = max(0, use.cache_write_input_tokens - sum(by_lifetime.values()))
    return {unit: n for unit, n in ({Unit.CACHE_WRITE: untold} | by_lifetime).items() if n}
