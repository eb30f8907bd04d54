"""Windows: how they grow, what leads to their rows, and when no more are looked at."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, Select

from aibridge.store.lists import windows
from aibridge.store.lists.filters import Filter, Span, Values, only
from aibridge.store.lists.found_sessions import FoundSessions
from aibridge.store.lists.interceptions import Interceptions
from aibridge.store.lists.windows import Key, Lead, Window, walk
from aibridge.store.schema.measures import MAX_TIME
from tests.builders import ANA, BEN, START, Call, record
from tests.databases import Databases

SECOND = 1_000_000
NUMBER = 100


@pytest.fixture(scope="module")
def connection(databases: Databases) -> Iterator[Connection]:
    with databases.open() as database:
        with database.write() as writing:
            record(writing, *map(_call, range(NUMBER)))
        with database.read() as connection:
            yield connection


def _call(number: int) -> Call:
    """Make one of each second; what is rare is in the oldest."""
    is_rare = number < 2
    return Call(
        number,
        at=number,
        initiator=BEN if is_rare else ANA,
        tools=("bash",),
        prompts=("Rare words",) if is_rare else ("Mend the roof",),
        tokens=((5000 if is_rare else 5, 0, 0, 0),),
        columns={"model": "opus" if is_rare else "sonnet"},
    )


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "FIRST", 2)


def test_each_window_is_four_times_as_long_as_the_one_before(connection: Connection) -> None:
    found = list(Interceptions(connection, Filter()).windows(MAX_TIME))
    lengths = [window.until - window.since for window in found]
    assert lengths[:4] == [2 * SECOND, 8 * SECOND, 32 * SECOND, 57 * SECOND - 3]
    assert (found[0].until, found[-1].since) == (START + 99 * SECOND, START)
    for one, older in pairwise(found):
        assert older.until == one.since - 1


@pytest.mark.parametrize(
    ("where", "lead"),
    [
        (Filter(), Lead.TIME),
        (Filter(prompt=Values(none_of=("roof",))), Lead.TIME),
        (Filter(model=only("sonnet")), Lead.KINDS),
        (Filter(initiator_id=only(BEN), model=only("sonnet")), Lead.PERSON),
        (Filter(initiator_id=only(ANA), model=only("opus")), Lead.KINDS),
        (Filter(model=only("sonnet"), tokens=Span(least=1000)), Lead.TOKENS),
        (Filter(prompt=Values(none_of=("door",)), tokens=Span(least=1000)), Lead.TOKENS),
        (Filter(prompt=only("rare"), model=only("sonnet")), Lead.WORDS),
        (Filter(prompt=only("roof"), model=only("opus")), Lead.KINDS),
        (Filter(session_id=only("s"), prompt=only("roof")), Lead.SESSION),
    ],
    ids=str,
)
def test_after_two_windows_along_time_the_rarest_condition_leads(
    connection: Connection, where: Filter, lead: Lead
) -> None:
    found = [window.lead for window in Interceptions(connection, where).windows(MAX_TIME)]
    assert found == [Lead.TIME, Lead.TIME, lead, lead]


def test_the_tokens_of_sessions_lead_to_those_found_without_a_word(connection: Connection) -> None:
    where = Filter(prompt=Values(none_of=("roof",)), tokens=Span(least=1000))
    found = [window.lead for window in FoundSessions(connection, where).windows(MAX_TIME)]
    assert found == [Lead.TIME, Lead.TIME, Lead.TOKENS, Lead.TOKENS]


@pytest.mark.parametrize(
    ("where", "lead", "gathers"),
    [
        (Filter(model=only("opus")), Lead.KINDS, False),
        (Filter(initiator_id=only(ANA)), Lead.PERSON, True),
    ],
)
def test_words_are_gathered_unless_they_are_in_far_more_texts_than_are_found(
    connection: Connection, where: Filter, lead: Lead, gathers: bool
) -> None:
    wanted = replace(where, prompt=only("roof"))
    *_, last = Interceptions(connection, wanted).windows(MAX_TIME)
    assert (last.lead, last.way.gathers) == (lead, gathers)
    unwanted = replace(where, prompt=Values(none_of=("roof",)))
    *_, last = Interceptions(connection, unwanted).windows(MAX_TIME)
    assert (last.lead, last.way.gathers_unwanted) == (lead, gathers)


def test_words_are_looked_for_in_the_texts_of_those_that_the_tokens_of_sessions_lead_to(
    connection: Connection,
) -> None:
    where = Filter(prompt=only("roof"), tokens=Span(least=1000))
    *_, last = FoundSessions(connection, where).windows(MAX_TIME)
    assert (last.lead, last.way.gathers) == (Lead.TOKENS, False)


NOTHING = (
    Filter(prompt=only("mend nothing")),
    Filter(model=only("nothing")),
    Filter(tool=only("bash"), has=Values(none_of=("tool",))),
)


def test_no_window_is_looked_at_for_what_nobody_can_have(connection: Connection) -> None:
    for where in NOTHING:
        assert list(Interceptions(connection, where).windows(MAX_TIME)) == []
        assert list(FoundSessions(connection, where).windows(MAX_TIME)) == []


def test_a_walk_ends_with_the_window_that_fills_the_page(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Interceptions(connection, Filter())
    seen, rows = list[int](), listing.rows

    def note(window: Window) -> Select[Any]:
        seen.append(window.until)
        return rows(window)

    monkeypatch.setattr(listing, "rows", note)
    found = walk(connection, listing, 5, Key(START + 50 * SECOND, ""))
    assert [(key.at - START) // SECOND for key in found] == [49, 48, 47, 46, 45]
    assert [(until - START) // SECOND for until in seen] == [50, 47]
