"""The proof of durability: no answer that a client has read to its end is missing in the record.

In every round clients ask in all dialects, whole and streamed; at a random moment the bridge and
its keeper are killed with SIGKILL and started again on the same database; in every second round the
database is locked for the last moment of their life. With --outage it is locked from the beginning,
so that records wait in the journal, and in every second round let go again just before the end, so
that the kill meets the keeper at work on them. Then each answer is looked for through the API: in
full if its client had read the end, as interrupted if it had only begun.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx

from aibridge.contract import Interception, InterceptionList
from aibridge.practice import serve
from scripts.kill_asks import SCRIPT, TIMEOUT_SECONDS, USAGE, Ask, Crowd, asks
from scripts.running import Bridge, Upstream

PAGE = 100
MOST_ASKS = 400
ROUND_SECONDS = 120
CATCH_UP_SECONDS = 60
SHOWN_LOSSES = 5
LEGEND = """
locked       the database was locked in the time before the kill: nothing could be written
away         it was locked from the beginning; back: until just before the kill
waited       bytes that were in the journal only when the bridge was killed
ended        the client has read the end; found complete: those of them on record in full
broken off   the client has read the first byte and no end; of those
             interrupted: found as such; unread: found complete, killed before the end was sent
"""
TITLES = (
    "waited",
    "requests",
    "ended",
    "found complete",
    "broken off",
    "interrupted",
    "unread",
    "lost",
)
COMPLETE, INTERRUPTED = "found complete", "found interrupted"

Record = dict[str, list[Interception]]


class Trouble(StrEnum):
    """What happens to the database in a round."""

    NONE = ""
    LOCKED = ", locked"
    AWAY = ", away"
    BACK = ", back"


@dataclass(frozen=True, slots=True)
class Plan:
    """When the bridge dies: ``after`` so many answers have ended, ``moment`` seconds later.

    Whatever ends while it can write nothing had better not be shown to its client.
    """

    asked: list[Ask]
    after: int
    moment: float
    trouble: Trouble

    @property
    def name(self) -> str:
        """Say when the bridge dies."""
        return f"{self.moment * 1000:.0f} ms after {self.after} ended{self.trouble}"


SECONDS = {
    Trouble.NONE: (0.0, 0.05),
    Trouble.LOCKED: (0.1, 0.3),
    Trouble.AWAY: (0.0, 0.3),
    Trouble.BACK: (0.0, 0.2),
}
"""Between which times the bridge is left to live after enough answers have ended."""
USUAL = (Trouble.LOCKED, Trouble.NONE)
OUTAGES = (Trouble.BACK, Trouble.AWAY)
"""What happens in turn."""


def main() -> int:
    """Run the rounds; the result is the exit status."""
    options = _options()
    dice = random.Random(options.seed)  # noqa: S311 - to be repeatable, not secret
    print(f"{options.rounds} rounds of {options.streams} answers, --seed {options.seed}\n{LEGEND}")
    print(_line("killed", *TITLES), flush=True)
    asked: list[Ask] = []
    record: Record = {}
    waited: list[int] = []
    with tempfile.TemporaryDirectory(prefix="aibridge-kill-") as home, serve(SCRIPT) as practice:
        upstreams = (Upstream("anthropic", practice.url), Upstream("openai", f"{practice.url}/v1"))
        bridge = Bridge(Path(home), upstreams)
        bridge.make_owner("ana")
        with bridge.running():
            for number in range(1, options.rounds + 1):
                plan = _plan(dice, number, options)
                asyncio.run(_round(bridge, plan))
                waited.append(bridge.waiting)
                bridge.start()
                record = _record(bridge)
                print(_line(plan.name, waited[-1], *_tally(plan.asked, record)), flush=True)
                asked += plan.asked
    print(_line("all of them, at the end", sum(waited), *_tally(asked, record)))
    losses = _losses(asked, record)
    print(*losses[:SHOWN_LOSSES], sep="\n", end="\n" if losses else "")
    return 1 if losses else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/kill-test", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=200, help=f"answers a round, ≤ {MOST_ASKS}")
    parser.add_argument("--outage", action="store_true", help="the database is away")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - see main
    options = parser.parse_args()
    options.streams = min(max(options.streams, 1), MOST_ASKS)
    return options


def _plan(dice: random.Random, number: int, options: argparse.Namespace) -> Plan:
    streams = options.streams
    asked = list(asks(dice, str(number), streams))
    after = dice.randint(max(1, streams // 10), max(1, streams // 2))
    troubles = OUTAGES if options.outage else USUAL
    trouble = troubles[number % len(troubles)]
    return Plan(asked, after, dice.uniform(*SECONDS[trouble]), trouble)


async def _round(bridge: Bridge, plan: Plan) -> None:
    """Ask, and kill the bridge in the midst of it."""
    crowd = Crowd(bridge.url, bridge.token, plan.after)
    is_away = plan.trouble in OUTAGES
    async with asyncio.timeout(ROUND_SECONDS), asyncio.TaskGroup() as group:
        with _locked(bridge.database) if is_away else nullcontext():
            group.create_task(crowd.send(plan.asked))
            await crowd.enough.wait()
            if plan.trouble is Trouble.AWAY:
                await _die(bridge, plan)
        if plan.trouble is not Trouble.AWAY:
            with _locked(bridge.database) if plan.trouble is Trouble.LOCKED else nullcontext():
                await _die(bridge, plan)


async def _die(bridge: Bridge, plan: Plan) -> None:
    await asyncio.sleep(plan.moment)
    bridge.kill_all()


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Keep the bridge from writing, as a slow disk or a backup may."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def _record(bridge: Bridge) -> Record:
    """Read every interception, page by page, and return them by their prompts."""
    record: Record = {}
    _catch_up(bridge)
    headers = {"Coder-Session-Token": bridge.token}
    with httpx.Client(headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        for one in _interceptions(client, f"{bridge.url}/api/v2/aibridge/interceptions"):
            for prompt in one.user_prompts:
                record.setdefault(prompt.prompt, []).append(one)
    return record


def _catch_up(bridge: Bridge) -> None:
    """Return once nothing waits in the journal, and no call of the killed bridge is open.

    Raises `TimeoutError`.
    """
    give_up = time.monotonic() + CATCH_UP_SECONDS
    while bridge.waiting or _has_open(bridge.database):
        if time.monotonic() > give_up:
            raise TimeoutError("the journal was not read")
        time.sleep(0.05)


def _has_open(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        open_ = "SELECT EXISTS (SELECT 1 FROM interceptions WHERE ended_at IS NULL)"
        return bool(connection.execute(open_).fetchone()[0])


def _interceptions(client: httpx.Client, url: str) -> Iterator[Interception]:
    query: dict[str, str | int] = {"limit": PAGE}
    while True:
        page = client.get(url, params=query).raise_for_status().content
        results = InterceptionList.model_validate_json(page).results
        yield from results
        if len(results) < PAGE:
            return
        query["after_id"] = results[-1].id


def judge(ask: Ask, found: list[Interception]) -> str:
    """Say how an answer stands on record: `COMPLETE`, `INTERRUPTED`, or what is wrong with it."""
    if len(found) != 1:
        return f"{len(found)} times on record"
    one = found[0]
    if one.ended_at is None:
        return "still open"
    if one.status == "failed" and one.error_type == "interrupted":
        return INTERRUPTED
    tokens = [(usage.input_tokens, usage.output_tokens) for usage in one.token_usages]
    whole = ("completed", ask.kind.stop, [(USAGE.input, USAGE.output)])
    is_whole = (one.status, one.stop_reason, tokens) == whole
    return COMPLETE if is_whole else f"{one.status}, {one.stop_reason!r}, tokens {tokens}"


def _losses(asked: Iterable[Ask], record: Record) -> list[str]:
    """Describe every answer that is not on record as it should be.

    One whose client had not read the end may yet be complete: the bridge commits before it sends.
    """
    losses = []
    for ask in asked:
        verdict = judge(ask, record.get(ask.prompt, []))
        allowed = {COMPLETE} if ask.ended else {COMPLETE, INTERRUPTED}
        if ask.began and verdict not in allowed:
            losses.append(f"lost: {ask.kind.path} {ask.prompt!r}, ended {ask.ended}: {verdict}")
    return losses


def _tally(asked: list[Ask], record: Record) -> tuple[int, ...]:
    """Count what `TITLES` name."""
    verdicts = [(ask.ended, judge(ask, record.get(ask.prompt, []))) for ask in asked if ask.began]
    counts = Counter(verdicts)
    ended = sum(ask.ended for ask in asked)
    return (
        len(asked),
        ended,
        counts[True, COMPLETE],
        len(verdicts) - ended,
        counts[False, INTERRUPTED],
        counts[False, COMPLETE],
        len(_losses(asked, record)),
    )


def _line(name: str, *cells: object) -> str:
    return f"{name:28}" + "".join(f"{cell!s:>15}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
