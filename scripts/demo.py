"""The demo: a provider to practise with, the bridge, a small agent, and its record."""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aibridge.contract import SessionDetail
from aibridge.practice import DEFAULT, Part, Script, Turn, serve
from scripts.demo_agent import PROMPT, TOOL, days_between
from scripts.running import Bridge, BridgeError, Upstream

FIRST, LAST = "2026-03-01", "2026-12-25"
SCRIPT = Script(
    turns=(
        Turn(
            when="1 March to Christmas",
            parts=(
                Part(thinking="A count of days. I should not do that in my head: there is a tool."),
                Part(text="I will count them."),
                Part(tool=TOOL["name"], arguments={"first": FIRST, "last": LAST}),
            ),
            pause=0.02,
        ),
        Turn(
            when="1 March to Christmas",
            parts=(
                Part(thinking="The tool has counted. That is the answer."),
                Part(text=f"There are {days_between(FIRST, LAST)} days."),
            ),
            pause=0.02,
        ),
        *DEFAULT.turns,
    )
)
COMMAND_SECONDS = 60

_NEXT = """
The bridge goes on running; Ctrl-C ends it. Every agent below gets answers from the script.

Claude Code
  ANTHROPIC_BASE_URL={url}/api/v2/aibridge/anthropic ANTHROPIC_AUTH_TOKEN={token} claude

Codex
  AIBRIDGE_TOKEN={token} codex -c model_provider=aibridge -c 'model_providers.aibridge={{\
name="AI Bridge",base_url="{url}/api/v2/aibridge/openai/v1",env_key="AIBRIDGE_TOKEN",\
wire_api="responses"}}'

SDKs
  Anthropic(base_url="{url}/api/v2/aibridge/anthropic", auth_token="{token}")
  OpenAI(base_url="{url}/api/v2/aibridge/openai/v1", api_key="{token}")

The record
  AIBRIDGE_URL={url} AIBRIDGE_TOKEN={token} {aibridge} sessions list
"""


def main() -> int:
    """Run the demo; the result is the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the record has been shown")
    once = parser.parse_args().once
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _started() as bridge:
            _run(bridge, "-m", "scripts.demo_agent")
            _show(bridge)
            if not once:
                _leave_running(bridge)
    except (BridgeError, subprocess.SubprocessError) as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _started() -> Iterator[Bridge]:
    """Yield a running bridge with a user, on a provider that plays the script."""
    with tempfile.TemporaryDirectory(prefix="aibridge-demo-") as home, serve(SCRIPT) as practice:
        upstreams = (Upstream("anthropic", practice.url), Upstream("openai", f"{practice.url}/v1"))
        bridge = Bridge(Path(home), upstreams)
        bridge.make_owner("ana")
        with bridge.running():
            _say(f"The practice provider listens on {practice.url}, AI Bridge on {bridge.url}.\n")
            yield bridge


def _show(bridge: Bridge) -> None:
    """Show the record as people read it. Raises `BridgeError` if something is missing in it."""
    _say("\n$ aibridge sessions list")
    _run(bridge, "-m", "aibridge", "sessions", "list")
    listed = json.loads(_json(bridge, "list"))
    session = listed[0]["id"] if listed else "none"
    _say(f"\n$ aibridge sessions show {session}")
    _run(bridge, "-m", "aibridge", "sessions", "show", session)
    missing = missing_of(SessionDetail.model_validate_json(_json(bridge, "show", session)))
    if missing:
        raise BridgeError(f"the record lacks {', '.join(missing)}")


def missing_of(session: SessionDetail) -> list[str]:
    """Name what a session of the demo must show, and this one does not."""
    actions = [action for thread in session.threads for action in thread.agentic_actions]
    tokens = session.token_usage_summary
    shown = {
        "the prompt": any(thread.prompt == PROMPT for thread in session.threads),
        "a thought": any(thought.text for action in actions for thought in action.thinking),
        "a tool call with its arguments": any(
            call.tool == TOOL["name"] and json.loads(call.input)
            for action in actions
            for call in action.tool_calls
        ),
        "tokens": tokens.input_tokens > 0 and tokens.output_tokens > 0,
    }
    return [name for name, found in shown.items() if not found]


def _leave_running(bridge: Bridge) -> None:
    aibridge = Path(sys.executable).with_name("aibridge")
    try:
        _say(_NEXT.format(url=bridge.url, token=bridge.token, aibridge=aibridge))
        bridge.wait()
    except KeyboardInterrupt:
        print()
    else:
        raise BridgeError("the bridge ended by itself")


def _run(bridge: Bridge, *arguments: str) -> None:
    """Run a Python program as a client of the bridge, its output being ours."""
    environment = bridge.environment | {
        "ANTHROPIC_BASE_URL": f"{bridge.url}/api/v2/aibridge/anthropic",
        "ANTHROPIC_AUTH_TOKEN": bridge.token,
    }
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, timeout=COMMAND_SECONDS, env=environment)


def _json(bridge: Bridge, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "aibridge", "sessions", *arguments, "--json"]
    return subprocess.run(
        command,
        check=True,
        timeout=COMMAND_SECONDS,
        env=bridge.environment,
        stdout=subprocess.PIPE,
    ).stdout


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
