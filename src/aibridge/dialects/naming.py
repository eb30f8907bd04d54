"""What of a request's body may name its session."""

import re

import msgspec

from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import hints, mapping, read, text

MAX_USER_ID = 4096
"""Characters that are read of the user id that a client gives."""

_OLD_SESSION = re.compile(r"_session_(.+)$")
_JSON = msgspec.json.Decoder()


def session_hints(metadata: object, **fields: object) -> dict[str, str]:
    """Return what names a session: fields of the body as they are, and what its metadata says.

    The session is that of the body before that of its metadata before that in its user id.
    """
    if metadata is None and not any(fields.values()):
        return {}
    inner = mapping(metadata)
    given = inner.get("user_id")
    user_id = text(given)[:MAX_USER_ID]
    session = (
        text(fields.get("session_id"))
        or text(fields.pop("litellm_session_id", None))
        or text(inner.get("session_id"))
        or text(inner.get("litellm_session_id"))
        or mapping(given).get("session_id")
        or _session_in(user_id)
    )
    return hints({**fields, "user_id": user_id, "session_id": session})


def _session_in(user_id: str) -> object:
    """Return the session in Claude Code's user id: a JSON object, or ``user_…_session_…``."""
    if user_id.startswith("{"):
        return mapping(read(_JSON, user_id.encode(), Notes(), "user_id")).get("session_id")
    session = _OLD_SESSION.search(user_id)
    return session[1] if session else None
