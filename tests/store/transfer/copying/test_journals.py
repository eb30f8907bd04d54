"""A bridge that goes on with a copy of its database goes on with its journal there."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from aibridge.settings import load
from aibridge.store.schema import tables as schema
from tests import bridge as bridges
from tests.bridge import Bridge, keeping
from tests.databases import Databases
from tests.gateway import samples
from tests.grown import opened
from tests.store.transfer.copying.running import run
from tests.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
        yield wire


def said(bridge: Bridge, prompt: str) -> None:
    body = samples.request("messages", prompt, stream=True)
    assert bridge.post("messages", body).body == samples.body("messages", stream=True)


def prompts_after_keeping(folder: Path, url: str) -> list[str]:
    """Have the journal of a folder kept in a database, and return what was asked, as often."""
    settings = load(None, {}, {"data_dir": folder, "database_url": url})
    with keeping(settings):
        pass  # it ends once it has read everything
    prompts, calls = schema.user_prompts.c, schema.interceptions.c
    query = select(prompts.prompt).where(
        prompts.interception_id == calls.id, calls.status == "completed"
    )
    with opened(url) as database, database.read() as connection:
        return sorted(connection.scalars(query))


def test_a_bridge_that_moves_neither_reads_its_journal_twice_nor_loses_what_is_in_it(
    databases: Databases, wire: Wire, tmp_path: Path
) -> None:
    with databases.place() as target, ExitStack() as until_copied:
        with bridges.serve(tmp_path, bridges.providers(wire.url)) as bridge:
            said(bridge, "one")
            bridge.catch_up()
            until_copied.enter_context(bridge.locked())
            said(bridge, "two")
            bridge.wait_for(lambda: bridge.keeper.read().trouble)
        until_copied.close()
        run(f"sqlite:///{tmp_path / 'aibridge.db'}", target)
        assert prompts_after_keeping(tmp_path, target) == ["one", "two"]


def test_an_older_copy_has_what_came_later_from_the_journal_as_far_as_that_was_kept(
    databases: Databases, wire: Wire, tmp_path: Path
) -> None:
    """As after a backup is restored."""
    with databases.place() as backup:
        with bridges.serve(tmp_path, bridges.providers(wire.url), journal_keep="7d") as bridge:
            said(bridge, "one")
            bridge.catch_up()
            run(f"sqlite:///{tmp_path / 'aibridge.db'}", backup)
            said(bridge, "two")
        assert prompts_after_keeping(tmp_path, backup) == ["one", "two"]
