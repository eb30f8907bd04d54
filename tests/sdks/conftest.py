"""Every scenario twice: straight to the practice provider, and through the bridge."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest

from aibridge.practice import Failure, Part, Script, StreamFailure, Turn, Usage, rendering, serve
from tests import bridge as bridges
from tests.bridge import Bridge

ERRORS = (400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 529)
_USAGE = Usage(input=100, output=9, cache_read=20, cache_write=3)
_TEXT = Part(text="A long story — ünïcode. " * 20)
_CALLS = (
    Part(thinking="Two at once."),
    Part(text="Both."),
    Part(tool="bash", arguments={"command": "ls"}),
    Part(tool="read", arguments={"path": "ä"}),
)
SCRIPT = Script(
    turns=(
        Turn(when="tools", parts=_CALLS, usage=_USAGE),
        Turn(when="tools", parts=(Part(text="Done."),), usage=_USAGE),
        Turn(when="slowly", parts=(_TEXT,), pause=0.0005, chunk=50),
        Turn(when="packed", parts=(_TEXT,), encoding="gzip"),
        Turn(when="trouble", parts=(_TEXT,), stream_error=StreamFailure(after=4, message="Tired.")),
        Turn(when="break", parts=(_TEXT,), break_after=4),
        *(
            Turn(
                when=f"error {status}",
                error=Failure(status=status, message="No.", headers={"retry-after": "7"}),
            )
            for status in ERRORS
        ),
        Turn(parts=(Part(thinking="Hm."), _TEXT), usage=_USAGE),
    )
)


@dataclass(frozen=True)
class Place:
    """Where SDKs are sent: the base URLs of both vendors, and the key to show."""

    anthropic_url: str
    openai_url: str
    key: str

    def claude(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.anthropic_url, api_key=self.key, max_retries=0)

    def gpt(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.openai_url, api_key=self.key, max_retries=0)

    def async_claude(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(
            base_url=self.anthropic_url, api_key=self.key, max_retries=0
        )

    def async_gpt(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.openai_url, api_key=self.key, max_retries=0)


@dataclass(frozen=True)
class Ways:
    """The two ways to the same provider, and the bridge on one of them."""

    direct: Place
    bridged: Place
    bridge: Bridge


@pytest.fixture(scope="module")
def all_ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "fresh_key", lambda: b"0123456789abcdef012345")
        with serve(SCRIPT) as practice:
            folder = tmp_path_factory.mktemp("sdks")
            with bridges.serve(folder, bridges.providers(practice.url)) as bridge:
                base = f"{bridge.url}/api/v2/aibridge"
                yield Ways(
                    Place(practice.url, f"{practice.url}/v1", "any-key"),
                    Place(f"{base}/anthropic", f"{base}/openai/v1", bridge.token),
                    bridge,
                )


@pytest.fixture
def ways(all_ways: Ways) -> Ways:
    """Both ways, with nothing on record."""
    all_ways.bridge.forget()
    return all_ways


def plain(value: Any) -> Any:
    """Return what an SDK gave as plain data, with the types of its objects."""
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "model_dump"):
        return type(value).__name__, value.model_dump()
    return value


def raised(error: Exception) -> Any:
    """Return all that an agent can learn from an exception."""
    response = getattr(error, "response", None)
    told = {
        name: getattr(error, name, None)
        for name in ("body", "code", "message", "param", "request_id", "status_code", "type")
    }
    headers = {} if response is None else of_interest(response.headers)
    return type(error).__name__, told, headers


def of_interest(headers: Any) -> dict[str, str]:
    """Return an answer's headers, but for those of its connection."""
    hops = {"connection", "date", "keep-alive", "transfer-encoding"}
    return {name: value for name, value in headers.items() if name not in hops}
