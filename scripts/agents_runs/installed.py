"""The agents that are tried: how each is pointed at a bridge, asked, and asked again."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROMPT = "{prompt}"
"""Stands for what the person types in the words that start an agent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent runs: its home, its folder, and the bridge that it is pointed at."""

    home: Path
    work: Path
    bridge: str
    token: str

    def gateway(self, provider: str) -> str:
        """Return the address of a provider at the bridge."""
        return f"{self.bridge}/api/v2/aibridge/{provider}"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: the words that start it with a first prompt, and with a later one.

    ``configure`` writes its files and returns its environment.
    """

    name: str
    configure: Callable[[Place], dict[str, str]]
    first: tuple[str, ...]
    later: tuple[str, ...]

    @property
    def program(self) -> str:
        """The program that has to be there."""
        return self.first[0]


def _claude(place: Place) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": place.gateway("anthropic"),
        "ANTHROPIC_AUTH_TOKEN": place.token,
        "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000",
        "IS_SANDBOX": "1",  # else it refuses to run as root without asking
    }


def _codex(place: Place) -> dict[str, str]:
    _write(
        place.home / ".codex/config.toml",
        'model_provider = "bridge"\n[model_providers.bridge]\nname = "AI Bridge"\n'
        f'base_url = "{place.gateway("openai")}/v1"\n'
        'env_key = "AIBRIDGE_TOKEN"\nwire_api = "responses"\n',
    )
    return {"AIBRIDGE_TOKEN": place.token}


def _copilot(wire: str, path: str, model: str) -> Callable[[Place], dict[str, str]]:
    def configure(place: Place) -> dict[str, str]:
        return {
            "COPILOT_PROVIDER_TYPE": wire,
            "COPILOT_PROVIDER_BASE_URL": place.gateway(wire) + path,
            "COPILOT_PROVIDER_API_KEY": place.token,
            "COPILOT_MODEL": model,
        }

    return configure


def _opencode(place: Place) -> dict[str, str]:
    options = {"baseURL": f"{place.gateway('anthropic')}/v1", "apiKey": place.token}
    settings = {"provider": {"anthropic": {"options": options}}, "permission": "allow"}
    _write(place.work / "opencode.json", json.dumps(settings))
    return {"OPENCODE_DISABLE_AUTOUPDATE": "1"}


def _openai(place: Place) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{place.gateway('openai')}/v1",
        "OPENAI_API_KEY": place.token,
        "OPENAI_MODEL": "gpt-5",
    }


def _continue(place: Place) -> dict[str, str]:
    model = {
        "name": "gpt",
        "provider": "openai",
        "model": "gpt-5",
        "apiBase": f"{place.gateway('openai')}/v1",
        "apiKey": place.token,
    }
    settings = {"name": "Practice", "version": "1.0.0", "schema": "v1", "models": [model]}
    _write(place.home / "config.yaml", json.dumps(settings))  # JSON is YAML
    return {"CONTINUE_TELEMETRY_ENABLED": "0"}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _loop(name: str) -> tuple[str, ...]:
    return (sys.executable, str(Path(__file__).with_name("loops.py")), name, PROMPT)


_CLAUDE = ("claude", "--dangerously-skip-permissions", "-p")
_CODEX = ("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
_CODEX_TOOLS = (*_CODEX, "-m", "gpt-5-codex")
_COPILOT = ("copilot", "--allow-all-tools")
_OPENCODE = ("opencode", "run", "-m", "anthropic/claude-sonnet-4-5")
_QWEN = ("qwen", "--yolo", "--auth-type", "openai")
_CONTINUE = ("cn", "--auto", "--config", "{home}/config.yaml")

AGENTS = (
    Agent("claude", _claude, (*_CLAUDE, PROMPT), (*_CLAUDE, "--continue", PROMPT)),
    # Its default model gets tools among the input, and a program to call them; older models a list.
    Agent("codex", _codex, (*_CODEX, PROMPT), (*_CODEX, "resume", "--last", PROMPT)),
    Agent(
        "codex-tools",
        _codex,
        (*_CODEX_TOOLS, PROMPT),
        (*_CODEX_TOOLS, "resume", "--last", PROMPT),
    ),
    Agent(
        "copilot",
        _copilot("anthropic", "", "claude-sonnet-4-5"),
        (*_COPILOT, "-p", PROMPT),
        (*_COPILOT, "--continue", "-p", PROMPT),
    ),
    Agent(
        "copilot-openai",
        _copilot("openai", "/v1", "gpt-5"),
        (*_COPILOT, "-p", PROMPT),
        (*_COPILOT, "--continue", "-p", PROMPT),
    ),
    Agent("opencode", _opencode, (*_OPENCODE, PROMPT), (*_OPENCODE, "-c", PROMPT)),
    Agent("qwen", _openai, (*_QWEN, "-p", PROMPT), (*_QWEN, "--continue", "-p", PROMPT)),
    Agent(
        "continue", _continue, (*_CONTINUE, "-p", PROMPT), (*_CONTINUE, "--resume", "-p", PROMPT)
    ),
    Agent("sdk-anthropic", _claude, _loop("anthropic"), _loop("anthropic")),
    Agent("sdk-openai", _openai, _loop("openai"), _loop("openai")),
)
"""All that can be tried; the SDKs' loops are our own and always there."""
