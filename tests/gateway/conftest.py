import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import uvloop

from aibridge.listener.cycle import Cycle
from tests import bridge as bridges
from tests.bridge import Bridge
from tests.databases import Databases
from tests.wire import Wire

Serve = Callable[..., AbstractContextManager[Bridge]]


@pytest.fixture(scope="module")
def shared_wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


@pytest.fixture(scope="module")
def serve(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Run a bridge with a database of its own."""

    @contextmanager
    def run(providers: list[dict[str, Any]], **options: Any) -> Iterator[Bridge]:
        folder = tmp_path_factory.mktemp("bridge")
        with (
            databases.url() as url,
            bridges.serve(folder, providers, database_url=url, **options) as bridge,
        ):
            yield bridge

    return run


@pytest.fixture(scope="module")
def shared_bridge(shared_wire: Wire, serve: Serve) -> Iterator[Bridge]:
    with serve(bridges.providers(shared_wire.url)) as bridge:
        yield bridge


@pytest.fixture
def wire(shared_wire: Wire) -> Wire:
    """A scripted provider with nothing played or received yet; shared within a module."""
    shared_wire.forget()
    return shared_wire


@pytest.fixture
def bridge(shared_bridge: Bridge, wire: Wire) -> Bridge:
    """A bridge before `wire`, with an empty record; shared within a module."""
    shared_bridge.forget()
    return shared_bridge


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the bridge has noticed that a client left, before it does anything about it."""
    noticed = threading.Event()
    leave = Cycle.leave

    def leave_and_tell(cycle: Cycle) -> None:
        leave(cycle)
        noticed.set()

    monkeypatch.setattr(Cycle, "leave", leave_and_tell)
    return noticed


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run what is asynchronous on the event loop that serves."""
    return {"uvloop": uvloop.new_event_loop}
