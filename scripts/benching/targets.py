"""What is measured: the bridge, nginx as a bare proxy, and the provider with nothing in between."""

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
    """Where requests go. ``pid`` is 0 where there is no process to measure."""

    name: str
    pid: int
    port: int
    path: str = "/{answer}/v1/messages"
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def targets(home: Path, bridge_home: Path) -> Iterator[list[Target]]:
    """Yield what there is to measure here, running; the bridge comes first."""
    measured, others = cores()
    with _provider(others) as provider:
        base = f"http://127.0.0.1:{provider}"
        upstreams = [Upstream("anthropic", f"{base}/{name}", name) for name in NAMES]
        bridge = Bridge(bridge_home, upstreams, cores=measured)
        bridge.make_owner("ana")
        with bridge.running(), _nginx(home, provider, measured) as nginx:
            port = int(bridge.url.rpartition(":")[2])
            path = "/api/v2/aibridge/{answer}/v1/messages"
            yield [
                Target("bridge", bridge.pid, port, path, {"x-api-key": bridge.token}),
                *nginx,
                Target("direct", 0, provider),
            ]


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
def _provider(on: set[int]) -> Iterator[int]:
    process = start("scripts.benching.provider", on=on)
    with _ending(process):
        assert process.stdout is not None  # noqa: S101 - it is piped
        yield int(process.stdout.readline())


@contextmanager
def _nginx(home: Path, provider: int, on: set[int]) -> Iterator[list[Target]]:
    """Yield nginx as a target, or nothing where it is not installed."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        yield []
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = home / "nginx.conf"
    configuration.write_text(_NGINX.format(home=home, provider=provider, port=port))
    process = subprocess.Popen(
        [program, "-p", home, "-c", configuration, "-e", home / "nginx.log"], text=True
    )
    os.sched_setaffinity(process.pid, on)
    with _ending(process):
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


@contextmanager
def _ending(process: subprocess.Popen[str]) -> Iterator[None]:
    """End the process with the ``with``."""
    try:
        with process:
            try:
                yield
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)
    finally:
        process.kill()


def order(target: Target, answer: str, body: bytes, connections: int, **more: object) -> str:
    """Return the order of a load on a target, a line of JSON."""
    return json.dumps(
        {
            "port": target.port,
            "path": target.path.format(answer=answer),
            "headers": target.headers,
            "body": body.decode(),
            "connections": connections,
            **more,
        }
    )
