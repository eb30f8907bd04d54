"""Which of the credentials of a request is the caller's token, and what is said if none is."""

import pytest

from aibridge.contract import TokenScope
from aibridge.gateway.caller import authenticate
from aibridge.gateway.refusal import Refusal
from aibridge.identity.authenticate import Rejection
from aibridge.principals import Person
from tests.people import person

GOOD, BEAS = "goodgoodgo-0123456789012345678901", "beasbeasbe-0123456789012345678901"
READER = "readreadre-0123456789012345678901"
EXPIRED = "expiredexp-0123456789012345678901"
SUSPENDED = "suspendeds-0123456789012345678901"
UNKNOWN = "unknownunk-0123456789012345678901"
KEY = "sk-ant-api03-a-key-of-the-provider"
TOKENS: dict[str, Person | Rejection] = {
    GOOD: person("1", "ana"),
    BEAS: person("2", "bea"),
    READER: person("3", "cid", scopes=[TokenScope.READ]),
    EXPIRED: Rejection.INVALID,
    SUSPENDED: Rejection.INVALID,
    UNKNOWN: Rejection.INVALID,
}


async def find(token: str) -> Person | Rejection:
    return TOKENS.get(token, Rejection.MALFORMED)


def headers(*pairs: tuple[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in pairs}


@pytest.mark.parametrize(
    ("pairs", "who", "brings_own"),
    [
        ([("authorization", f"Bearer {GOOD}")], "ana", False),
        ([("authorization", f"bearer  {GOOD} ")], "ana", False),
        ([("authorization", GOOD)], "ana", False),
        ([("x-api-key", GOOD)], "ana", False),
        ([("api-key", GOOD)], "ana", False),
        ([("x-goog-api-key", GOOD)], "ana", False),
        # beside a credential of the person's own
        ([("authorization", f"Bearer {KEY}"), ("x-api-key", GOOD)], "ana", False),
        ([("authorization", f"Bearer {GOOD}"), ("x-api-key", KEY)], "ana", False),
        ([("authorization", "Basic YTpi"), ("api-key", GOOD)], "ana", False),
        ([("x-api-key", KEY), ("x-goog-api-key", GOOD)], "ana", False),
        # beside a token that is none any more, or that is somebody's too
        ([("authorization", f"Bearer {EXPIRED}"), ("x-api-key", GOOD)], "ana", False),
        ([("authorization", f"Bearer {GOOD}"), ("x-api-key", BEAS)], "ana", False),
        # said to be the token
        ([("x-ai-bridge-token", GOOD), ("authorization", f"Bearer {BEAS}")], "ana", True),
        ([("x-coder-ai-governance-token", GOOD), ("x-api-key", KEY)], "ana", True),
    ],
)
async def test_the_token_is_found(pairs: list[tuple[str, str]], who: str, brings_own: bool) -> None:
    caller = await authenticate(headers(*pairs), find)
    assert (caller.person.username, caller.brings_own) == (who, brings_own)
    assert caller.token == GOOD
    assert GOOD not in repr(caller)


@pytest.mark.parametrize(
    ("pairs", "status", "told"),
    [
        ([], 401, "No AI Bridge token was sent"),
        ([("authorization", "Bearer ")], 401, "No AI Bridge token was sent"),
        ([("authorization", "Basic YTpi")], 401, "No AI Bridge token was sent"),
        ([("x-ai-bridge-token", ""), ("x-api-key", GOOD)], 401, "No AI Bridge token was sent"),
        ([("authorization", f"Bearer {KEY}")], 401, "in Authorization is not valid: it does not"),
        ([("x-api-key", KEY)], 401, "in X-Api-Key is not valid: it does not have the form"),
        ([("x-goog-api-key", KEY)], 401, "in X-Goog-Api-Key is not valid: it does not have"),
        ([("api-key", UNKNOWN)], 401, "in Api-Key is not valid: it is unknown, has"),
        ([("x-goog-api-key", EXPIRED)], 401, "in X-Goog-Api-Key is not valid: it is unknown, has"),
        ([("x-api-key", SUSPENDED)], 401, "in X-Api-Key is not valid: it is unknown, has"),
        (
            [("authorization", f"Bearer {KEY}"), ("x-api-key", EXPIRED)],
            401,
            "in X-Api-Key is not valid: it is unknown, has",
        ),
        (
            [("authorization", f"Bearer {SUSPENDED}"), ("x-api-key", EXPIRED)],
            401,
            "in Authorization is not valid: it is unknown, has",
        ),
        (
            [("x-ai-bridge-token", KEY), ("x-api-key", GOOD)],
            401,
            "in X-AI-Bridge-Token is not valid: it does not have the form",
        ),
        ([("x-api-key", READER)], 403, "in X-Api-Key may not call models: it lacks the scope"),
    ],
)
async def test_a_refusal_says_which_header_was_read_and_what_is_wrong(
    pairs: list[tuple[str, str]], status: int, told: str
) -> None:
    with pytest.raises(Refusal) as caught:
        await authenticate(headers(*pairs), find)
    refusal = caught.value
    assert (refusal.status, refusal.may_retry) == (status, False)
    assert told in refusal.message
    assert status == 403 or "aibridge tokens create --user NAME" in refusal.message
    for secret in (KEY, *TOKENS):
        assert secret not in refusal.message
