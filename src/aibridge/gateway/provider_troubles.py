"""Lines in the log for whoever runs the bridge: a provider fails, and it answers again.

They tell the provider's name and what is wrong, never a key. A provider that answers well costs one
look-up in a dictionary.
"""

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog

from aibridge.gateway.upstream import UpstreamError

SILENT_SECONDS = 60.0
"""How long nothing more is said of the same trouble of a provider."""

_UNREACHABLE, _REFUSES_KEY = "provider_unreachable", "provider_refuses_key"

_log = structlog.get_logger()


class ProviderTroubles:
    """Warns of failing providers, once a minute for each provider and kind of trouble."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._warned_at: dict[tuple[str, str], float] = {}
        self._failing: dict[str, set[str]] = {}
        """By the names of providers the kinds of trouble that were warned of and go on."""

    def no_answer(self, provider: str, error: UpstreamError) -> None:
        """Note that a provider could not be reached, or did not begin an answer."""
        self._warn(provider, _UNREACHABLE, error=str(error))

    def answered(self, provider: str, status: int, *, with_our_key: bool) -> None:
        """Note the status of an answer, to a call with the configured key or another one."""
        if with_our_key and status == HTTPStatus.UNAUTHORIZED:
            self._warn(provider, _REFUSES_KEY, status=status)
        elif provider in self._failing and status < HTTPStatus.BAD_REQUEST:
            self._end(
                provider, status, {_UNREACHABLE} | ({_REFUSES_KEY} if with_our_key else set())
            )

    def _warn(self, provider: str, kind: str, **what: object) -> None:
        now = self._clock()
        warned_at = self._warned_at.get((provider, kind))
        if warned_at is not None and now - warned_at < SILENT_SECONDS:
            return
        self._warned_at[provider, kind] = now
        self._failing.setdefault(provider, set()).add(kind)
        _log.warning(kind, provider=provider, **what)

    def _end(self, provider: str, status: int, kinds: set[str]) -> None:
        """Say that a provider answers again, if that tells the end of what was warned of."""
        failing = self._failing[provider]
        ended = sorted(failing & kinds)
        if not ended:
            return
        failing -= kinds
        if not failing:
            del self._failing[provider]
        _log.info("provider_answers_again", provider=provider, status=status, after=ended)
