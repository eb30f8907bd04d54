"""What the gateway hands to the recorder: the start of an interception, and its end."""

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from aibridge.agents import Annotations
from aibridge.dialects.facts import Digests, Notes, Prompt, PromptKind, ResponseFacts, typed
from aibridge.store.record.stored import BROKEN, QUEUED, UNSEEN, Finality
from aibridge.store.schema.rows import NOT_RATED


class Status(StrEnum):
    """How an interception stands."""

    RUNNING = "running"
    QUEUED = "queued"
    """The answer is yet to be made by the provider, in the background."""
    COMPLETED = "completed"
    FAILED = "failed"
    """The provider refused, broke off or could not be reached."""
    CANCELLED = "cancelled"
    """The client went away before the end, or had the answer cancelled at the provider."""


class Start(Struct):
    """An interception as it begins. Times are microseconds since 1970, sizes are bytes.

    ``kind`` is what the request is for. ``retries`` is how often the client says to have tried it
    before. ``group_id`` is the group that it is charged to, as far as it is known. The ids and
    ``digests`` that lead to the session and the thread that it belongs to are those of
    `aibridge.dialects.facts.RequestFacts`. ``annotation_id`` is the number of its annotations where
    the start was read from the database, 0 for none.
    """

    id: str
    initiator_id: str
    api_key_id: str
    provider: str
    provider_name: str
    route: str
    model: str
    client: str | None
    client_session_id: str | None
    credential_kind: str
    credential_hint: str
    user_agent: str
    stream: bool
    request_bytes: int
    started_at: int
    prompts: tuple[Prompt, ...] = ()
    kind: PromptKind = PromptKind.TYPED
    tool_result_ids: tuple[str, ...] = ()
    history_ids: tuple[str, ...] = ()
    previous_response_id: str = ""
    digests: Digests | None = None
    agent_type: str = ""
    parent_session_id: str | None = None
    retries: int = 0
    stores: bool = False
    unread: bool = False
    group_id: str = ""
    annotations: Annotations | None = None
    annotation_id: int = 0
    metadata: dict[str, Any] = {}
    edits: list[str] = []
    notes: Notes = msgspec.field(default_factory=Notes)

    @property
    def typed(self) -> str | None:
        """What the person typed, ``None`` if nothing."""
        return typed(self.prompts)


class UsageCost(Struct, frozen=True):
    """What a usage row costs, in micro-dollars, as far as it is known.

    ``unpriced`` names what of it has no price, and is empty where all has; ``price`` is what it was
    rated with, a `aibridge.prices.rates.Price` as JSON, and empty where none was found.
    """

    micros: int = 0
    unpriced: str = NOT_RATED
    price: str = ""


class End(Struct):
    """How an interception ended, with what its answer said. Times in microseconds.

    ``costs`` are those of its model runs, in their order; of none where they are not rated.
    """

    ended_at: int
    status: Status
    http_status: int | None = None
    error_type: str = ""
    error_message: str = ""
    first_byte_us: int | None = None
    response_bytes: int = 0
    edits: list[str] = []
    notes: list[str] = []
    facts: ResponseFacts = msgspec.field(default_factory=ResponseFacts)
    costs: tuple[UsageCost, ...] = ()

    @property
    def finality(self) -> Finality:
        """Whether a later end may take the place of this one."""
        if self.error_type == UNSEEN:
            return Finality.UNSEEN
        if self.status == QUEUED:
            return Finality.QUEUED
        broken = self.status in BROKEN and not self.facts.stop_reason
        return Finality.BROKEN_OFF if broken else Finality.FINAL


UNSEEN_NOTE = "the end was not seen: the bridge stopped while the answer was under way"


def unseen_end(start: Start) -> End:
    """Return the end of an interception whose bridge is gone.

    Nobody knows when it was, so the time of the start, which is certain, is kept.
    """
    return End(
        ended_at=start.started_at,
        status=Status.FAILED,
        error_type=UNSEEN,
        error_message="the bridge stopped before the answer ended",
        notes=[UNSEEN_NOTE],
    )
