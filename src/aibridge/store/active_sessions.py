"""The sessions that clients went on with last, so that not every request has to ask for its own."""

from collections import OrderedDict

PAUSE = 24 * 3600 * 1_000_000
"""Microseconds without a request after which a session has ended, where nothing else is set."""
MAX_SESSIONS = 10_000
"""Sessions that are remembered; of more those that were used longest ago are forgotten."""


class ActiveSessions:
    """By person and client's session id: which session it is, and when it was active last.

    A session ends after a ``pause``, in microseconds.
    """

    def __init__(self, pause: int) -> None:
        self.pause = pause
        self._sessions: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()

    def get(self, initiator_id: str, client_session_id: str) -> tuple[str, int] | None:
        """Return a session and when it was active, ``None`` if it is not remembered."""
        return self._sessions.get((initiator_id, client_session_id))

    def put(self, initiator_id: str, client_session_id: str, session_id: str, at: int) -> None:
        """Remember that a session was active at a moment, in microseconds."""
        key = initiator_id, client_session_id
        self._sessions[key] = (session_id, at)
        self._sessions.move_to_end(key)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
