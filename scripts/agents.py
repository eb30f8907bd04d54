"""Run real agents headless through a bridge, and compare the record with what was done.

The bridge has a provider to practise with, so that nothing but 127.0.0.1 is needed, and each
scenario has a user, a home and a folder of its own. Agents that are not installed are left out;
the loops of the vendors' SDKs are always there.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aibridge.practice import Practice, serve
from aibridge.sdk import Client
from scripts.agents_runs import play, steps, verdict
from scripts.agents_runs.installed import AGENTS, Agent, Place
from scripts.agents_runs.scenarios import OVER_LIMIT, WRONG_TOKEN, Scenario, scenarios
from scripts.running import Bridge, BridgeError, Upstream

COMMAND_SECONDS = 60
SHOWN_OUTPUT = 400
"""Characters of what an agent printed that are shown, from its end."""


@dataclass(frozen=True, slots=True)
class Result:
    """A scenario that was run: the seconds it took, what is on record, what is wrong with it."""

    scenario: Scenario
    seconds: float
    recorded: str
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where scenarios are run."""

    practice: Practice
    bridge: Bridge
    client: Client
    path: str
    captures: Path | None


def main() -> int:
    """Run the scenarios; the result is the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all that was started is ended
    options = _options()
    path = os.pathsep.join([*options.bin, os.environ.get("PATH", os.defpath)])
    agents = {agent.name: agent for agent in AGENTS if shutil.which(agent.program, path=path)}
    print("agents:", ", ".join(agents), flush=True)
    chosen = [one for one in scenarios() if one.agent in agents and _wanted(one, options.only)]
    if not chosen:
        print("scripts/agents: none of them has such a scenario", file=sys.stderr)
        return 1
    try:
        with _staged(path, options.capture) as stage:
            results = [_run(stage, agents[one.agent], one) for one in chosen]
    except (BridgeError, subprocess.SubprocessError) as error:
        print(f"scripts/agents: {error}", file=sys.stderr)
        return 1
    _print_table(results)
    return 1 if any(result.wrong for result in results) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/agents", description=__doc__)
    parser.add_argument(
        "--bin", action="append", default=[], metavar="DIR", help="where agents are, beside PATH"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORD", help="an agent or a scenario"
    )
    parser.add_argument(
        "--capture", type=Path, metavar="DIR", help="keep what the provider was sent in there"
    )
    return parser.parse_args()


def _wanted(scenario: Scenario, only: list[str]) -> bool:
    """Tell whether every word fits, those that are names of agents being alternatives."""
    agents = {agent.name for agent in AGENTS}
    named = [word for word in only if word in agents]
    others = [word for word in only if word not in agents]
    return (not named or scenario.agent in named) and (not others or scenario.name in others)


@contextmanager
def _staged(path: str, captures: Path | None) -> Iterator[Stage]:
    script = play.script(agent.name for agent in AGENTS)
    with (
        tempfile.TemporaryDirectory(prefix="aibridge-agents-") as home,
        serve(script) as practice,
    ):
        upstreams = Upstream("anthropic", practice.url), Upstream("openai", f"{practice.url}/v1")
        bridge = Bridge(Path(home), upstreams)
        bridge.make_owner("ana")
        with bridge.running(), Client(bridge.url, bridge.token) as client:
            yield Stage(practice, bridge, client, path, captures)


def _run(stage: Stage, agent: Agent, scenario: Scenario) -> Result:
    """Run a scenario, and print what the agent and the record say of it."""
    title = f"{scenario.agent}: {scenario.name}"
    print(f"\n== {title}", flush=True)
    user = title.replace(": ", "-").replace(" ", "-")
    stage.client.create_user(user)
    token = stage.client.create_token(user).key
    if scenario.name == OVER_LIMIT:
        everyone = stage.client.get_group("Everyone").id
        stage.client.upsert_user_ai_budget_override(user, group_id=everyone, spend_limit_micros=0)
    stage.practice.requests.clear()
    seconds = _take_steps(stage, agent, scenario, token)
    _capture(stage, user)
    recorded = verdict.read(stage.client, user)
    _show(stage, recorded)
    wrong = [*verdict.differences(scenario.expected, recorded, seconds)]
    for text in wrong:
        print(f"  WRONG {text}", flush=True)
    return Result(scenario, seconds, recorded.summary(), wrong)


def _take_steps(stage: Stage, agent: Agent, scenario: Scenario, token: str) -> float:
    """Take a scenario's steps; return the seconds that the last one took."""
    seconds = 0.0
    with tempfile.TemporaryDirectory(prefix="aibridge-agent-", ignore_cleanup_errors=True) as name:
        place = Place(Path(name, "home"), Path(name, "work"), stage.bridge.url, token)
        if scenario.name == WRONG_TOKEN:
            place = replace(place, token=token[:-4] + "0000")
        place.home.mkdir()
        place.work.mkdir()
        for number, step in enumerate(scenario.steps):
            outcome = steps.run(agent, step, place, stage.path, later=number > 0)
            seconds = outcome.seconds
            ended = "had to be ended" if outcome.status is None else f"status {outcome.status}"
            print(f"$ {outcome.command}\n  {ended} after {seconds:.1f} s", flush=True)
            for line in outcome.output[-SHOWN_OUTPUT:].strip().splitlines():
                print(f"  | {line}", flush=True)
    return seconds


def _capture(stage: Stage, name: str) -> None:
    """Keep what the provider was sent, if that is wanted, a file for each request."""
    if not stage.captures:
        return
    folder = stage.captures / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, request in enumerate(stage.practice.requests):
        sent = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": [[each.decode("latin-1") for each in pair] for pair in request.headers],
            "body": request.content().decode("utf-8", "replace"),
        }
        (folder / f"{number:02}.json").write_text(json.dumps(sent, indent=1))


def _show(stage: Stage, recorded: verdict.Recorded) -> None:
    for session in reversed(recorded.sessions):
        print(f"$ aibridge sessions show {session.id}", flush=True)
        command = [sys.executable, "-m", "aibridge", "sessions", "show", session.id]
        environment = stage.bridge.environment
        subprocess.run(command, check=False, timeout=COMMAND_SECONDS, env=environment)


def _print_table(results: list[Result]) -> None:
    print(f"\n{'agent':<16}{'scenario':<18}{'seconds':>8}  verdict")
    for result in results:
        scenario = result.scenario
        said = "right" if not result.wrong else f"{len(result.wrong)} wrong"
        print(f"{scenario.agent:<16}{scenario.name:<18}{result.seconds:>8.1f}  {said}: ", end="")
        print(result.recorded)
        for text in result.wrong:
            print(f"{'':<44}{text}")


if __name__ == "__main__":
    sys.exit(main())
