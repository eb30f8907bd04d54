"""Faults of the journal: what a machine that dies leaves of it, and what a bad disk makes of it."""

import re
import time
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aibridge.journal.contents import Begun, number_of, read_begin
from aibridge.journal.folders import journals
from aibridge.journal.format import FRAME_BYTES, HEAD_BYTES, Kind, framed, head_of
from aibridge.journal.reader import Entry, Reader, Span
from aibridge.journal.segments import listed
from aibridge.keeper.bodies import Bodies
from scripts.faults.outages import AWAY_SECONDS, Outage
from scripts.running import applied

_PROMPT = re.compile(rb"Tell me a \w+ story, number \d+-\d+\.")


class _DeadJournal(Outage):
    """The database is away, all processes are killed, and something happens to the journals."""

    hold = (0.0, 0.3)
    workers = 2

    def strike(self) -> None:
        """Kill it all a while after the database has gone, and do it to the files that are left."""
        super().strike()
        time.sleep(AWAY_SECONDS)
        self.scene.bridge.kill_all()
        for folder in journals(self.scene.bridge.journals):
            if listed(folder):
                self.harm(folder)

    def mend(self) -> None:
        """Have the database back, and start the bridge."""
        super().mend()
        self.scene.bridge.start()

    @abstractmethod
    def harm(self, folder: Path) -> None:
        """Do it to a journal."""


class TornTail(_DeadJournal):
    """What was about to be written when all was killed is there in part, or is anything."""

    name = "torn-journal"

    def harm(self, folder: Path) -> None:
        """Append half an entry, zeros, or anything to the newest segment."""
        file = listed(folder)[-1].path
        mark = head_of(file.read_bytes()[:HEAD_BYTES]).mark
        entry = b"".join(framed(mark, Kind.END, [self.dice.randbytes(200)]))
        tails = (
            entry[: self.dice.randrange(1, len(entry))],
            bytes(self.dice.randrange(1, 9000)),
            self.dice.randbytes(self.dice.randrange(1, 9000)),
        )
        with file.open("ab") as appending:
            appending.write(self.dice.choice(tails))


class DamagedJournal(_DeadJournal):
    """A bit of an entry is not as it was written: its call, and those told from it, may be lost."""

    name = "damaged-journal"
    leaves_gaps = True

    def harm(self, folder: Path) -> None:
        """Flip a bit of an entry that the database does not have, most often of its frame."""
        reader = Reader(folder)
        bodies = Bodies(reader)
        entries = [one for one in reader.read() if isinstance(one, Entry)]
        calls = {one.position: _begun(one) for one in entries if one.kind == Kind.BEGIN}
        unread = [one for one in entries if one.position > applied(folder)]
        if not unread:
            return  # its process was asked nothing meanwhile
        hit = self.dice.choice(unread)
        number = hit.position if hit.kind == Kind.BEGIN else number_of(hit.content)
        found = _told_from(calls, number) if hit.kind == Kind.BEGIN else {number}
        self.damaged |= {_prompt(bodies, calls[each]) for each in found}
        length = self.dice.choice((FRAME_BYTES, FRAME_BYTES, FRAME_BYTES + len(hit.content)))
        start = hit.position - len(hit.content) - FRAME_BYTES
        reader.close()
        _flip(folder, start + self.dice.randrange(length), 1 << self.dice.randrange(8))


class _Begun(NamedTuple):
    """The beginning of a call: where it begins, what it says, and where its body stands."""

    start: int
    begun: Begun
    body: Span


def _begun(entry: Entry) -> _Begun:
    begun, body_at = read_begin(entry.content)
    inside = entry.position - len(entry.content)
    return _Begun(inside - FRAME_BYTES, begun, Span(inside + body_at, entry.position))


def _told_from(calls: Mapping[int, _Begun], number: int) -> set[int]:
    """Return a call, and those whose bodies are written as what differs from its own."""
    found = {number}
    for each in sorted(calls):
        if calls[each].begun.base in {calls[one].start for one in found}:
            found.add(each)
    return found


def _prompt(bodies: Bodies, call: _Begun) -> str:
    found = _PROMPT.search(bodies.read(*call))
    return found[0].decode() if found else ""


def _flip(folder: Path, position: int, bits: int) -> None:
    segment = [one for one in listed(folder) if one.base <= position][-1]
    with segment.path.open("r+b") as file:
        file.seek(HEAD_BYTES + position - segment.base)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes((byte ^ bits,)))
