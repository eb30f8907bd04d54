"""One round: load, a fault that is struck and mended meanwhile, and what is on record after."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from scripts.faults.fault import Fault, Scene
from scripts.faults.load import Load
from scripts.faults.scenes import Scenes
from scripts.faults.verdict import Verdict, judge

CATCH_UP_SECONDS = 60
"""How long what waits in the journals may take to be on record."""
POLL_SECONDS = 0.05
SECONDS_PER_STRIKE = 6
FIRST_SECONDS = 0.5
"""How long the load lasts at least before a fault strikes."""

_GONE = "server_gone"
_GAP, _CUT = "journal_gap", "journal_tail_cut"


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
    """What has become of a round; ``waited`` bytes were in the journals only when it was mended."""

    load: Load
    verdict: Verdict
    waited: int


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
        fault = plan.fault(scene, own)
        with load.running():
            waited = _strike(plan, scene, fault)
        late = list(_late(scene))
        for bridge in scene.bridges:
            bridge.stop()
        verdict = judge(scene.database_url, load.asked, fault.damaged)
        log = "".join(bridge.log for bridge in scene.bridges)
    verdict.wrong += [*late, *_strange(load), *gone(plan.fault, log), *gaps(fault, log)]
    return Result(load, verdict, waited)


def _strike(plan: Plan, scene: Scene, fault: Fault) -> int:
    """Strike as planned, and let the load go on until its time is over.

    Returns how many bytes were in the journals only before it was mended, at its blows together.
    """
    end, waited = time.monotonic() + plan.seconds, 0
    for after, hold in plan.blows:
        time.sleep(after)
        try:
            fault.strike()
            time.sleep(hold)
            waited += sum(bridge.waiting for bridge in scene.bridges)
        finally:
            fault.mend()
    time.sleep(max(FIRST_SECONDS, end - time.monotonic()))
    return waited


def _late(scene: Scene) -> Iterator[str]:
    """Wait until all is on record and the bridges are ready; say what is wrong if it takes long."""
    until = time.monotonic() + CATCH_UP_SECONDS
    for bridge in scene.bridges:
        while left := bridge.waiting:
            if time.monotonic() > until:
                yield f"after {CATCH_UP_SECONDS} seconds {left} bytes wait in the journal"
                break
            time.sleep(POLL_SECONDS)
        while (said := httpx.get(f"{bridge.url}/readyz", trust_env=False).text) != "ok":
            if time.monotonic() > until:
                yield f"not ready after {CATCH_UP_SECONDS} seconds: {said}"
                break
            time.sleep(POLL_SECONDS)


def gaps(fault: Fault, log: str) -> Iterator[str]:
    """Say what is wrong with damage to a journal of which the log says nothing, or made up."""
    if fault.damaged and not (_GAP in log or _CUT in log):
        yield "nothing is said of the damage to the journal"
    if _GAP in log and not fault.leaves_gaps:
        yield "the journal has a gap that nobody made"


def gone(fault: type[Fault], log: str) -> Iterator[str]:
    """Say what is wrong with who was taken for gone, of which there is a line in the log."""
    if (_GONE in log) != fault.takes_for_gone:
        yield "a bridge was taken for gone" if _GONE in log else "no bridge was taken for gone"


def _strange(load: Load) -> Iterator[str]:
    for status, times in sorted(load.strange.items()):
        yield f"{times} answers of status {status}"
    if not load.ended:
        yield "no answer was read to its end"
