"""An account of a gateway process: what it may spend of the limits of a user, group or the like."""

import asyncio
import time
from collections import deque
from typing import NamedTuple

from aibridge.budgets.ledger import Balance

UNKNOWN = -1
"""Stands for what the database has of an account where that is not known."""


class Reservation(NamedTuple):
    """What a call can cost at most, in micro-dollars, held of an account."""

    account: "Account"
    micros: int


class OverLimit(Exception):
    """A request does not fit into what is left of a limit of an account of this name.

    ``waits`` says that it may once calls under way have ended: what they can cost is held for them.
    """

    def __init__(self, name: str, balance: Balance, micros: int, reserved: int) -> None:
        super().__init__("over the limit")
        self.name = name
        self.balance = balance
        self.micros = micros
        self.reserved = reserved
        self.waits = balance.affords(micros)


class Waiting(NamedTuple):
    """A request that waits until so much is held for it."""

    micros: int
    done: "asyncio.Future[Reservation]"


class Account:
    """What this process may spend of the limits of an account."""

    __slots__ = (
        "allotted",
        "asked_at",
        "asking",
        "balance",
        "calls",
        "name",
        "news",
        "reserved",
        "row",
        "row_at",
        "settled",
        "settling",
        "used_at",
        "waiting",
        "was_used",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.balance: Balance | None = None
        """How it stood when the database was asked last."""
        self.allotted = 0
        """What may be spent, without what was held for calls whose cost is on record by now."""
        self.reserved = 0
        """How much of what is allotted is held for calls."""
        self.settled = 0
        """What was given up since the database was asked last."""
        self.row = 0
        """What the database has as allotted, which is never less."""
        self.row_at = 0
        self.calls = 0
        """How many calls something is held for, be it nothing."""
        self.settling = 0
        """How many of them have ended, and are not written yet."""
        self.used_at = 0.0
        """When anything was reserved last."""
        self.was_used = False
        """Whether anything was reserved or given up since the database was told last."""
        self.news: object = None
        self.asked_at = 0.0
        self.asking: asyncio.Task[None] | None = None
        self.waiting: deque[Waiting] = deque()

    @property
    def remaining(self) -> int | None:
        """What is left of the limits, as far as this process knows; `None` without any."""
        if self.balance is None or self.balance.room is None:
            return None
        return max(0, self.balance.room - self.settled - self.reserved)

    @property
    def has_limit(self) -> bool:
        """Whether there is any limit."""
        return self.balance is not None and self.balance.room is not None

    def over(self, micros: int) -> OverLimit:
        """Return that so much does not fit."""
        assert self.balance is not None  # noqa: S101 - it was asked for
        return OverLimit(self.name, self.balance, micros, self.reserved)

    def refuse_spent(self, micros: int) -> None:
        """Raise `OverLimit` where too much is spent, which does not become less."""
        if self.has_limit and not (over := self.over(micros)).waits:
            raise over

    def hold(self, micros: int) -> Reservation:
        """Hold a part of what is allotted, which is at least as much where there is a limit."""
        if not self.has_limit:
            self.allotted += micros
        self.reserved += micros
        self.calls += 1
        self.used_at = time.monotonic()
        self.was_used = True
        return Reservation(self, micros)

    def give_up(self, micros: int) -> None:
        """Hold so much no more: the call's cost, if there is any, is on record instead."""
        self.was_used = True
        self.calls -= 1
        self.reserved -= micros
        self.allotted -= micros
        self.settled += micros

    def forget(self) -> None:
        """Take nothing for known any more: what was asked for may yet be written, or not."""
        self.balance = None
        self.row = UNKNOWN

    def fits(self, micros: int) -> bool:
        """Say whether a request may be made by what is known."""
        if self.balance is None:
            return False
        if self.balance.room is None:
            return True
        return self.balance.affords(micros) and self.reserved + micros <= self.allotted
