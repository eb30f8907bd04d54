"""One round: load, a fault that is struck and mended meanwhile, and what is on record after."""

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from scripts.faults.fault import Fault, Scene
from scripts.faults.load import Load
from scripts.faults.scenes import Scenes
from scripts.faults.verdict import Verdict, judge

REPLAY_SECONDS = 60
"""How long what waits on the spool may take to be replayed."""
POLL_SECONDS = 0.05
SECONDS_PER_STRIKE = 6
FIRST_SECONDS = 0.5
"""How long the load lasts at least before a fault strikes."""

_GONE = "server_gone"
_REPLAYED = re.compile(r"\breplayed=(\d+)")


class Blow(NamedTuple):
    """When a fault strikes, in seconds after the last was mended, and how long it lasts."""

    after: float
    hold: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A round: which fault strikes a bridge with which engine, under how much load, and when."""

    fault: type[Fault]
    engine: str
    clients: int
    seconds: float
    blows: tuple[Blow, ...]
    dice: random.Random


@dataclass(frozen=True, slots=True)
class Result:
    """What has become of a round; ``replayed`` entries were on the spool for a while."""

    load: Load
    verdict: Verdict
    replayed: int


def plan(
    fault: type[Fault], engine: str, *, seed: int, seconds: float, outage: float, clients: int
) -> Plan:
    """Draw when the fault strikes; the same for the same seed, whatever else is run."""
    dice = random.Random(f"{seed} {fault.name} {engine}")  # noqa: S311 - to be repeatable, not secret
    strikes = 1 if fault.hold is None else max(1, round(seconds / SECONDS_PER_STRIKE))
    low, high = fault.hold or (outage, outage)
    high = max(low, min(high, seconds / 2))
    longest = FIRST_SECONDS + seconds / strikes / 2
    blows = [
        Blow(dice.uniform(FIRST_SECONDS, longest), dice.uniform(low, high)) for _ in range(strikes)
    ]
    return Plan(fault, engine, clients, seconds, tuple(blows), dice)


def run(scenes: Scenes, plan: Plan) -> Result:
    """Run a round to its end. Raises `NoDisk`, `BridgeError`, or `TimeoutError`."""
    with scenes.scene(plan.fault, plan.engine) as scene:
        load = Load(scene.bridges, plan.dice, plan.clients)
        own = random.Random(plan.dice.random())  # noqa: S311 - to be repeatable, not secret
        with load.running():
            _strike(plan, plan.fault(scene, own))
        late = _wait_for_replay(scene)
        for bridge in scene.bridges:
            bridge.stop()
        verdict = judge(scene.database_url, load.asked)
        log = "".join(bridge.log for bridge in scene.bridges)
        replayed = sum(map(int, _REPLAYED.findall(log)))
    verdict.wrong += [*late, *_strange(load), *gone(plan.fault, log)]
    return Result(load, verdict, replayed)


def _strike(plan: Plan, fault: Fault) -> None:
    """Strike as planned, and let the load go on until its time is over."""
    end = time.monotonic() + plan.seconds
    for after, hold in plan.blows:
        time.sleep(after)
        try:
            fault.strike()
            time.sleep(hold)
        finally:
            fault.mend()
    time.sleep(max(FIRST_SECONDS, end - time.monotonic()))


def _wait_for_replay(scene: Scene) -> list[str]:
    """Return once nothing waits on the spool any more, or what is wrong if that takes too long."""
    give_up = time.monotonic() + REPLAY_SECONDS
    said = ""
    while said != "ok":
        if time.monotonic() > give_up:
            return [f"not ready after {REPLAY_SECONDS} seconds: {said}"]
        time.sleep(POLL_SECONDS)
        urls = [f"{bridge.url}/readyz" for bridge in scene.bridges]
        said = " ".join({httpx.get(url, trust_env=False).text for url in urls})
    return []


def gone(fault: type[Fault], log: str) -> Iterator[str]:
    """Say what is wrong with who was taken for gone, of which there is a line in the log."""
    if (_GONE in log) != fault.takes_for_gone:
        yield "a bridge was taken for gone" if _GONE in log else "no bridge was taken for gone"


def _strange(load: Load) -> Iterator[str]:
    for status, times in sorted(load.strange.items()):
        yield f"{times} answers of status {status}"
    if not load.ended:
        yield "no answer was read to its end"
