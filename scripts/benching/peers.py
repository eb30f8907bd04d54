"""The peers that can be measured beside the bridge: other gateways, installed when asked for.

Each is installed once, from the registry that its makers publish it in, into a folder of its own
below the user's cache folder, and then runs as one worker with as little of its logging as it
allows. A peer that cannot be installed, or does not serve, is named with the reason.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from platformdirs import user_cache_path

from scripts.benching.machine import cores
from scripts.benching.targets import NAMES, Target, ending, free_port
from scripts.benching.traffic import MODEL, SMALL_KB, request_body

INSTALL_SECONDS = 900.0
START_SECONDS = 120.0
ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.1
_PATH = "/v1/messages"
FOLDER = "{folder}"
"""Stands for the folder that a peer is installed in, in the words of its commands."""


class PeerError(Exception):
    """A peer cannot be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer runs: its installation, the folder of its files, its and the provider's port."""

    folder: Path
    home: Path
    port: int
    provider: int


@dataclass(frozen=True, slots=True)
class Launch:
    """How a peer is started, and how it is asked; the last two are as in `Target`."""

    command: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    model: str = MODEL


@dataclass(frozen=True, slots=True)
class Peer:
    """Another gateway: the programs it needs, the commands that install it, and how it starts.

    ``version`` is the command that prints its version, and fails where it is not installed.
    """

    name: str
    needs: tuple[str, ...]
    install: tuple[tuple[str, ...], ...]
    version: tuple[str, ...]
    launch: Callable[[Place], Launch]


def _litellm(place: Place) -> Launch:
    """Start LiteLLM with no database; each answer of the provider is a model of it."""
    key = f"sk-{secrets.token_hex(24)}"  # it does not start without one
    upstream = {"model": f"anthropic/{MODEL}", "api_key": "practice"}
    models = [
        {
            "model_name": name,
            "litellm_params": upstream | {"api_base": f"http://127.0.0.1:{place.provider}/{name}"},
        }
        for name in NAMES
    ]
    configuration = place.home / "litellm.yaml"
    configuration.write_text(json.dumps({"model_list": models}))  # JSON is YAML
    program = f"{place.folder}/bin/litellm"
    where = ("--config", str(configuration), "--host", "127.0.0.1", "--port", str(place.port))
    return Launch(
        (program, *where, "--num_workers", "1", "--telemetry", "False"),
        {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "ERROR",
            "LITELLM_MASTER_KEY": key,
        },
        {"x-api-key": key},
        "{answer}",
    )


def _portkey(place: Place) -> Launch:
    """Start Portkey's gateway without its console; the provider is named in each request."""
    program = place.folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
    return Launch(
        ("node", str(program), f"--port={place.port}", "--headless"),
        headers={
            "authorization": "Bearer practice",
            "x-portkey-provider": "anthropic",
            "x-portkey-custom-host": f"http://127.0.0.1:{place.provider}/{{answer}}/v1",
        },
    )


_PIP = (sys.executable, "-m", "pip", "--python", f"{FOLDER}/bin/python")
_NPM = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", FOLDER)
_LITELLM_VERSION = "import importlib.metadata as of; print(of.version('litellm'))"
_PORTKEY_VERSION = f"require('{FOLDER}/node_modules/@portkey-ai/gateway/package.json').version"
PEERS = (
    Peer(
        "LiteLLM",
        (),
        (
            (sys.executable, "-m", "venv", "--without-pip", FOLDER),
            (*_PIP, "install", "--quiet", "--disable-pip-version-check", "litellm[proxy]"),
        ),
        (f"{FOLDER}/bin/python", "-c", _LITELLM_VERSION),
        _litellm,
    ),
    Peer(
        "Portkey",
        ("node", "npm"),
        # 1.15.2 answers every stream with 500 on a later server (its issue 1389).
        ((*_NPM, "@portkey-ai/gateway", "@hono/node-server@1.14.1", "@hono/node-ws@1.2.0"),),
        ("node", "-p", _PORTKEY_VERSION),
        _portkey,
    ),
)


@contextmanager
def running(
    peers: Iterable[Peer], home: Path, provider: int, cache: Path | None = None
) -> Iterator[list[Target]]:
    """Run those of the peers that can be, before the provider at this port; say which, and why not.

    They are installed below ``cache``, which is the user's if not given.
    """
    cache = cache or user_cache_path("aibridge") / "bench-peers"
    with ExitStack() as stack:
        found = []
        for peer in peers:
            place = Place(
                cache / peer.name.lower(), home / peer.name.lower(), free_port(), provider
            )
            try:
                version = _installed(peer, place.folder)
                found.append(stack.enter_context(_serving(peer, place)))
            except PeerError as error:
                print(f"{peer.name} is not measured: {error}", flush=True)
            else:
                print(f"{peer.name} {version}", flush=True)
        yield found


def _installed(peer: Peer, folder: Path) -> str:
    """Install a peer if it is not there yet, and return its version."""
    missing = [program for program in peer.needs if shutil.which(program) is None]
    if missing:
        raise PeerError(f"there is no {' and no '.join(missing)}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _run(peer.version, folder)
    except PeerError:
        print(f"installing {peer.name} into {folder}", flush=True)
    for command in peer.install:
        _run(command, folder)
    return _run(peer.version, folder)


def _run(command: tuple[str, ...], folder: Path) -> str:
    """Run a command that installs, and return what it prints."""
    words = [word.replace(FOLDER, str(folder)) for word in command]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(str(error)) from None
    if done.returncode:
        raise PeerError(_reason(done.stderr))
    return done.stdout.strip()


def _reason(said: str) -> str:
    """Return the line that says what went wrong: the first with "error", else the last one."""
    lines = said.split("\n")
    wrong = (line.strip() for line in lines if "error" in line.lower())
    return next(wrong, said.strip().rpartition("\n")[2])


@contextmanager
def _serving(peer: Peer, place: Place) -> Iterator[Target]:
    """Run an installed peer, with none of the caller's own settings, and yield it as a target."""
    place.home.mkdir()
    launch = peer.launch(place)
    variables = {"PATH": os.environ["PATH"], "HOME": str(place.home)} | launch.variables
    log = place.home / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            launch.command, stdout=out, stderr=out, text=True, env=variables, cwd=place.home
        )
    os.sched_setaffinity(process.pid, cores()[0])
    target = Target(
        peer.name, process.pid, place.port, _PATH, launch.headers, launch.model, peer=True
    )
    with ending(process):
        _wait_for(target, process, log)
        yield target


def _wait_for(target: Target, process: "subprocess.Popen[str]", log: Path) -> None:
    """Return when a peer passes on both whole answers and streams."""
    end = time.monotonic() + START_SECONDS
    whole, stream, _ = NAMES
    while (refusal := _refusal(target, whole)) and time.monotonic() < end:
        if process.poll() is not None:
            raise PeerError(
                f"it ended with status {process.returncode}: {_reason(log.read_text())}"
            )
        time.sleep(POLL_SECONDS)
    if refusal := refusal or _refusal(target, stream):
        raise PeerError(f"it does not serve: {refusal}")


def _refusal(target: Target, answer: str) -> str:
    """Ask a peer once, and return what it says if that is not the answer."""
    body = request_body(SMALL_KB, stream=answer != NAMES[0])
    path, headers, text = target.request(answer, body)
    headers |= {"content-type": "application/json"}
    url = f"http://127.0.0.1:{target.port}{path}"
    try:
        got = httpx.post(
            url, content=text, headers=headers, timeout=ANSWER_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        return str(error)
    return "" if got.is_success else f"{got.status_code}: {got.text}"
