"""Give every request to the API an id, which the answer and the log name."""

from collections.abc import Iterable
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
LONGEST = 128
"""Characters of an id that a client may choose."""

_NAME = HEADER.encode()


class RequestIds:
    """Adds the header X-Request-ID to answers, with the client's own id or a fresh one.

    The id of a request is in its ``state`` as ``request_id``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and add the header to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _sent(scope["headers"]) or str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (_NAME, request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, tell)


def _sent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the id that a client sent, if it is one: a single text of printable ASCII."""
    found = [value.decode("latin-1") for name, value in headers if name == _NAME]
    if len(found) != 1:
        return None
    (text,) = found
    is_sane = 0 < len(text) <= LONGEST and text.isascii() and text.isprintable()
    return text if is_sane else None
