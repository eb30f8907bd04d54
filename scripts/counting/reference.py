"""A program whose instructions are the unit in which those of the bridge are given.

Builds of Python need more or fewer instructions for the same work; its compiled libraries do not.
A turn does both in about the share in which a call does, so a call takes about as many turns
whatever the build. It reads a number of turns a line, and says when it has made them.
"""

import sys
import zlib
from dataclasses import dataclass

STEPS = 10
DATA = bytes(range(256)) * 100


@dataclass(frozen=True, slots=True)
class Point:
    """An object as any other."""

    x: int
    y: int

    @property
    def sum(self) -> int:
        """Return what its numbers are together."""
        return self.x + self.y

    def moved(self, by: int) -> "Point":
        """Return another."""
        return Point(self.x + by, self.y - by)


async def step(point: Point, by: int) -> int:
    """Take a step, of which there are many in a turn."""
    return point.moved(by).sum


async def turn() -> int:
    """Make a turn: coroutines, objects, texts and dictionaries, and a checksum."""
    point, total = Point(1, 2), zlib.crc32(DATA)
    seen: dict[int, str] = {}
    for number in range(STEPS):
        total += await step(point, number)
        seen[number & 63] = f"{total}:{number}"
        total ^= int(seen[number & 63].partition(":")[2])
    return total


def main() -> None:
    """Make turns until standard input ends."""
    for line in sys.stdin:
        for _ in range(int(line)):
            try:
                turn().send(None)
            except StopIteration:
                continue
        print("done", flush=True)


if __name__ == "__main__":
    main()
