"""Journals as gateway processes write them, and keepers that read them, for tests."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from aibridge.agents import Agents
from aibridge.ids import new_id, now
from aibridge.journal.contents import Begun, Ended, How, begin_parts, end_parts, piece_parts
from aibridge.journal.folders import claim
from aibridge.journal.format import Kind
from aibridge.keeper.bounds import Bounded
from aibridge.keeper.keeper import Keeper, Rules
from aibridge.keeper.prices import Prices
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList
from aibridge.prices.rates import Rate, Unit
from aibridge.reading.request import Reading
from aibridge.store.engine.database import Database
from aibridge.store.engine.servers import Lease
from tests.journal.journals import Settled
from tests.recorder.facts import ANA

CATALOGUE = Catalogue(
    "made up",
    {
        "anthropic": PriceList(
            (
                Model(
                    "m-1",
                    ((Clause("equals", "m-1"),),),
                    (Offer({Unit.INPUT: Rate(3_000_000), Unit.OUTPUT: Rate(15_000_000)}),),
                ),
            )
        )
    },
)
"""What the model of `answer` costs: 3 micro-dollars a token in, 15 out, and no cache."""
RULES = Rules(Reading(Agents([]), 1 << 20), lingers=False)


class Call:
    """A call that is under way: its id, and the number by which its journal knows it."""

    def __init__(self, id_: str, number: int) -> None:
        self.id = id_
        self.number = number


class Gateway:
    """A gateway process, as far as it writes a journal."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.claim = claim(root)
        self.journal = Settled(self.claim.folder, **options)

    def begin(self, text: str = "Hello.", *, body: bytes | None = None, **more: Any) -> Call:
        """Write that a call has begun; ``after`` is the tool call whose result it has."""
        result = {"type": "tool_result", "tool_use_id": more.pop("after", ""), "content": "done"}
        content = [result] if result["tool_use_id"] else text
        asked = {"model": "m-1", "messages": [{"role": "user", "content": content}]}
        fields: dict[str, Any] = {
            "id": new_id(),
            "at": now(),
            "user_id": ANA,
            "token_id": "abcdefghij",
            "provider": "anthropic",
            "provider_name": "anthropic",
            "route": "/v1/messages",
            "dialect": "messages",
            "credential_kind": "centralized",
            "credential_hint": "sk...yz",
            "headers": [],
            "request_bytes": 10,
        }
        begun = Begun(**fields | more)
        sent = json.dumps(asked).encode() if body is None else body
        number = self.journal.append(Kind.BEGIN, *begin_parts(begun, sent))
        self.journal.settle()
        return Call(begun.id, number)

    def piece(self, call: Call, piece: bytes) -> None:
        """Write a part of its answer."""
        self.journal.append(Kind.PIECE, *piece_parts(call.number, [piece]))
        self.journal.settle()

    def end(self, call: Call, piece: bytes | None = None, **more: Any) -> None:
        """Write its end, with what comes last of its answer."""
        fields: dict[str, Any] = {"at": now(), "how": How.ANSWERED, "http_status": 200}
        pieces = [answer() if piece is None else piece]
        self.journal.append(Kind.END, *end_parts(call.number, Ended(**fields | more), pieces))
        self.journal.settle()

    def call(self, text: str = "Hello.", *calls: str, **more: Any) -> str:
        """Write a whole call, whose answer makes tool calls, and return its id."""
        call = self.begin(text, **more)
        self.end(call, answer(*calls))
        return call.id

    def stop(self) -> None:
        """Write no more, as a process that has ended."""
        self.journal.close()
        self.claim.close()


def answer(*calls: str) -> bytes:
    """Return a whole answer that makes tool calls."""
    content: list[dict[str, Any]] = [{"type": "text", "text": "Done."}]
    content += [{"type": "tool_use", "id": call, "name": "bash", "input": {}} for call in calls]
    said = {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": content,
        "stop_reason": "tool_use" if calls else "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    return json.dumps(said).encode()


@contextmanager
def process_of(root: Path, **options: Any) -> Iterator[Gateway]:
    """Yield a gateway process that stops at the end."""
    found = Gateway(root, **options)
    try:
        yield found
    finally:
        found.stop()


def keep(
    root: Path,
    database: Database,
    *,
    rules: Rules = RULES,
    bounded: Bounded = nullcontext,
    is_over: Callable[[], bool] = lambda: True,
    lease: Lease | None = None,
) -> None:
    """Have a keeper write all that the journals have, and end."""
    prices = Prices(database, CATALOGUE, {})
    Keeper(root, database, rules, bounded, is_over, lease, prices).run()
