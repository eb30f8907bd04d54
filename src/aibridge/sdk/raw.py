"""A client's methods with the whole answer of each: `with_raw_response`."""

from collections.abc import Callable
from typing import Any

_NOT_CALLS = frozenset({"close", "aclose", "with_options", "login", "create_first_user"})
"""Methods that ask for nothing, or for what is made of the answer."""


class WithRawResponse:
    """The methods of a client that make one request; each returns an `answers.RawResponse`.

    The asynchronous client's are awaited, as they are without it. Type checkers take it for
    `raw_methods.RawMethods`.
    """

    def __init__(self, client: object) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in dir(self):
            raise AttributeError(f"with_raw_response has no method {name!r}")
        method: Callable[..., Any] = getattr(self._client, name)
        return method

    def __dir__(self) -> list[str]:
        kind = type(self._client)
        return [
            name
            for name in dir(kind)
            if not name.startswith(("_", "iter_"))
            and name not in _NOT_CALLS
            and callable(getattr(kind, name))
        ]
