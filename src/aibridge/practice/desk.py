"""The desk: which reply a request gets. No sockets and no waiting."""

from collections import Counter
from collections.abc import Callable

from aibridge.practice import rendering, responses
from aibridge.practice.answer import compose, tokens_in
from aibridge.practice.asked import READERS, user_items
from aibridge.practice.background import Background
from aibridge.practice.catalog import anthropic_list, anthropic_model, openai_list, openai_model
from aibridge.practice.exchange import Reply, Request
from aibridge.practice.script import Failure, Script, Turn


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(status=status, message=message, code=code)


class Desk:
    """Replies to requests from ``script``; ``born`` is the time that answers bear, Unix seconds.

    Stateless, but for the count of failures that befall a limited number of requests, and for
    the responses that are made in the background.
    """

    def __init__(self, script: Script, born: int) -> None:
        self._script = script
        self._born = born
        self._renderer = rendering.Renderer(born)
        self._background = Background(born)
        self._failed: Counter[Turn] = Counter()
        self._posts: dict[str, Callable[[Request], Reply]] = {
            "/messages": lambda request: self._generate("messages", request),
            "/chat/completions": lambda request: self._generate("chat", request),
            "/responses": lambda request: self._generate("responses", request),
            "/messages/count_tokens": self._count,
            "/responses/compact": self._compact,
        }

    def reply(self, request: Request) -> Reply:
        """Return the reply to ``request``, errors in the dialect of its path."""
        if request.method == "HEAD":
            return Reply(200, [])
        try:
            return self._route(request)
        except _Refused as refused:
            return rendering.error(_dialect(request), refused.failure)
        except ValueError as unreadable:
            failure = Failure(status=400, message=f"We could not read your request: {unreadable}")
            return rendering.error(_dialect(request), failure)

    def _route(self, request: Request) -> Reply:
        if not request.credential:
            raise _Refused(401, "You didn't provide an API key.")
        path = _bare(request.path)
        if request.method == "POST" and path in self._posts:
            return self._posts[path](request)
        if request.method == "GET" and (path == "/models" or path.startswith("/models/")):
            return self._models(request, path.removeprefix("/models").removeprefix("/"))
        if path.startswith("/responses/"):
            return self._stored(request, path.removeprefix("/responses/"))
        if path == "/responses" and request.header("upgrade"):
            # Codex tries a WebSocket first and takes this answer as "use HTTP".
            raise _Refused(426, "WebSocket is not spoken here.")
        raise _Refused(404, f"Invalid URL ({request.method} {request.path})")

    def _generate(self, dialect: str, request: Request) -> Reply:
        asked = READERS[dialect](request.content())
        turn = self._script.choose(asked.prompt, asked.rounds)
        failure = self._failure(turn, request, stream=asked.stream)
        if failure:
            return rendering.error(dialect, failure, turn.delay)
        if asked.background:
            return self._background.start(turn, asked)
        return self._renderer.answer(dialect, turn, asked)

    def _stored(self, request: Request, place: str) -> Reply:
        name, _, act = place.partition("/")
        try:
            if (request.method, act) == ("GET", ""):
                return self._background.fetch(name, request.query)
            if (request.method, act) == ("POST", "cancel"):
                return self._background.cancel(name)
        except KeyError as unknown:
            raise _Refused(404, f"Response with id '{name}' not found.") from unknown
        raise _Refused(404, f"Invalid URL ({request.method} {request.path})")

    def _failure(self, turn: Turn, request: Request, *, stream: bool) -> Failure | None:
        """Return what befalls the request in place of an answer, if anything does."""
        if turn.error and self._befalls(turn, turn.error, request):
            return turn.error
        if turn.stream_error and not stream:
            return Failure(type=turn.stream_error.type, message=turn.stream_error.message)
        return None

    def _befalls(self, turn: Turn, failure: Failure, request: Request) -> bool:
        if failure.credential not in request.credential:
            return False
        self._failed[turn] += 1
        return not failure.times or self._failed[turn] <= failure.times

    def _count(self, request: Request) -> Reply:
        asked = READERS["messages"](request.content())
        return rendering.plain("messages", {"input_tokens": tokens_in(asked.size)})

    def _compact(self, request: Request) -> Reply:
        body = request.content()
        asked = READERS["responses"](body)
        turn = self._script.choose(asked.prompt, asked.rounds)
        estimate = tokens_in(asked.size)
        answer = compose(turn, model=asked.model, estimate=estimate, created=self._born)
        return rendering.plain("responses", responses.compaction(answer, user_items(body)))

    def _models(self, request: Request, name: str) -> Reply:
        dialect, models = _dialect(request), self._script.models
        if name and name not in models:
            raise _Refused(404, f"The model '{name}' does not exist", "model_not_found")
        one, several = (
            (anthropic_model, anthropic_list)
            if dialect == "messages"
            else (openai_model, openai_list)
        )
        body = one(name, self._born) if name else several(models, self._born)
        return rendering.plain(dialect, body)


def _bare(path: str) -> str:
    return path.removeprefix("/v1") if path.startswith("/v1/") else path


def _dialect(request: Request) -> str:
    """Tell the dialect by the path, or by the headers where the path is nobody's own."""
    path = _bare(request.path)
    if path.startswith("/messages") or request.header("anthropic-version"):
        return "messages"
    return "responses" if path.startswith("/responses") else "chat"
