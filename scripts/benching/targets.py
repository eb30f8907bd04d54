"""What is measured: the bridge and nginx as a bare proxy, before a provider of canned answers."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benching.machine import cores
from scripts.benching.traffic import MODEL
from scripts.running import Bridge, Upstream, plain_environment

NAMES = ("whole", "stream", "held")
"""The provider's answers; the bridge has a provider of the same name for each."""
START_SECONDS = 20.0
STOP_SECONDS = 10.0

_NGINX = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/nginx.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 64m; client_body_buffer_size 2m;
  keepalive_requests 100000000;
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
  uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
  upstream provider {{
    server 127.0.0.1:{provider}; keepalive 1024; keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 1h;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. ``pid`` is 0 where there is no process to measure.

    ``{answer}`` in its path, its headers and its name of the model stands for the answer that is
    asked for. The errors of a ``peer`` are shown, but do not make the measurement a failure.
    """

    name: str
    pid: int
    port: int
    path: str = "/{answer}/v1/messages"
    headers: dict[str, str] = field(default_factory=dict)
    model: str = MODEL
    peer: bool = False

    def request(self, answer: str, body: bytes) -> tuple[str, dict[str, str], str]:
        """Return path, headers and body of a request for this answer."""
        headers = {name: value.format(answer=answer) for name, value in self.headers.items()}
        text = body.decode().replace(MODEL, self.model.format(answer=answer), 1)
        return self.path.format(answer=answer), headers, text


def prepared_bridge(home: Path, provider: int) -> Bridge:
    """Return a bridge, not yet running, with an owner and the provider at this port."""
    bridge = Bridge(home, upstreams(provider), cores=cores()[0])
    bridge.make_owner("ana")
    return bridge


@contextmanager
def targets(home: Path, bridge: Bridge, provider: int) -> Iterator[list[Target]]:
    """Run the bridge, and nginx where it is installed; the bridge comes first."""
    with bridge.running(), _nginx(home, provider, cores()[0]) as nginx:
        yield [target_of(bridge), *nginx]


def upstreams(port: int) -> list[Upstream]:
    """Return the bridge's providers: one for each answer of the provider at this port."""
    base = f"http://127.0.0.1:{port}"
    return [Upstream("anthropic", f"{base}/{name}", name) for name in NAMES]


def target_of(bridge: Bridge) -> Target:
    """Return a running bridge as a target; its owner's token is what it is asked with."""
    port = int(bridge.url.rpartition(":")[2])
    path = "/api/v2/aibridge/{answer}/v1/messages"
    return Target("bridge", bridge.pid, port, path, {"x-api-key": bridge.token})


def start(*words: str, on: set[int]) -> subprocess.Popen[str]:
    """Start a Python program of ours on these cores, its standard input and output piped."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    )
    os.sched_setaffinity(process.pid, on)
    return process


@contextmanager
def provider(on: set[int], *, delay: float = 0.0) -> Iterator[int]:
    """Run the provider on these cores, and yield its port; ``delay`` is in seconds an answer."""
    process = start("scripts.benching.provider", str(delay), on=on)
    with ending(process):
        assert process.stdout is not None  # noqa: S101 - it is piped
        yield int(process.stdout.readline())


@contextmanager
def _nginx(home: Path, provider: int, on: set[int]) -> Iterator[list[Target]]:
    """Yield nginx as a target, or nothing where it is not installed."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        yield []
        return
    port = free_port()
    configuration = home / "nginx.conf"
    configuration.write_text(_NGINX.format(home=home, provider=provider, port=port))
    process = subprocess.Popen(
        [program, "-p", home, "-c", configuration, "-e", home / "nginx.log"], text=True
    )
    os.sched_setaffinity(process.pid, on)
    with ending(process):
        _wait_for(port, process)
        yield [Target("nginx", process.pid, port)]


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Return when something listens on the port."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nginx does not listen on port {port}")


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    """End the process with the ``with``; one that will not is killed."""
    with process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def order(target: Target, answer: str, body: bytes, connections: int, **more: object) -> str:
    """Return the order of a load on a target, a line of JSON."""
    path, headers, text = target.request(answer, body)
    asked = {"port": target.port, "path": path, "headers": headers, "body": text}
    return json.dumps({**asked, "connections": connections, **more})
