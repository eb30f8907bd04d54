from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.databases import ENGINES, Databases, PostgreSQL
from tests.processes import Home
from tests.wire import Wire

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LONG = {"scripts", "test_readme.py", "test_server.py", "test_described.py"}
"""Folders and files whose tests take long."""


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a new browser: Debian's Chromium, which scripts/install adds.

    It ends with its test, for as long as it lives no other event loop could run in this thread.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser.new_page()
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def _collecting() -> Iterator[None]:
    """Leave Python's collector of garbage as it is: a bridge would spare it for its process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aibridge.app.spare_collecting", lambda: None)
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL, for this process's tests alone."""
    server = PostgreSQL()
    yield server
    server.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: where that came last, one process would wait for another."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for databases on both engines, or on those that it or its module names."""
    named = any(
        "databases" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")
    )
    if "databases" in metafunc.fixturenames and not named:
        engines = getattr(metafunc.module, "ENGINES", ENGINES)
        metafunc.parametrize("databases", engines, indirect=True, scope="module")


@pytest.fixture(scope="module")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """Databases of an engine."""
    folder = tmp_path_factory.mktemp("databases")
    if request.param == "sqlite":
        return Databases(folder, None)
    return Databases(folder, request.getfixturevalue("postgresql"))


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A scripted provider."""
    with Wire() as wire:
        yield wire


@pytest.fixture
def home(databases: Databases, tmp_path: Path) -> Iterator[Home]:
    """A new home of a server, with a database of either engine."""
    with databases.place() as url:
        yield Home(tmp_path, url)
