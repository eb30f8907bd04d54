"""``aibridge sessions``: the record of sessions, read through the API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar
from urllib.parse import quote

import typer
from rich.console import Console

from aibridge.cli import new_app, output
from aibridge.cli.session_tree import escaped_json, render_session, render_sessions, visible

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    import httpx

    from aibridge.contract import Model

__all__ = ["app", "render_session"]

PATH = "/api/v2/aibridge/sessions"
THREADS_A_PAGE = 200
"""The most that the API gives at once; the rest is paged through."""

TIMEOUT_SECONDS = 30
LOCAL = "http://127.0.0.1:4000"

app = new_app(help="What was recorded, by session.")

Url = Annotated[str, typer.Option(envvar="AIBRIDGE_URL", help="Where AI Bridge listens.")]
Token = Annotated[
    str,
    typer.Option(envvar="AIBRIDGE_TOKEN", help="Token of an owner or auditor.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's JSON.")]

_M = TypeVar("_M", bound="Model")


@app.command("list", epilog="Example: aibridge sessions list --limit 10")
def list_sessions(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """List sessions, the most recently active first."""
    with _client(url, token) as client:
        answer = _get(client, PATH, {"limit": limit})
    if as_json:
        _print_json(answer)
        return
    from aibridge.contract import SessionList  # noqa: PLC0415 - see TYPE_CHECKING above

    sessions = _parsed(SessionList, answer).sessions
    Console(highlight=False).print(render_sessions(sessions))


@app.command("show", epilog="Example: aibridge sessions show 0199a3c4-7f00-7000-8000-000000000001")
def show_session(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session's id.")],
    as_json: AsJson = False,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Show a session as a tree: prompts, thoughts, tool calls, tokens and errors."""
    with _client(url, token) as client:
        answer = _whole_session(client, session_id)
    if as_json:
        _print_json(answer)
        return
    from aibridge.contract import SessionDetail  # noqa: PLC0415

    Console(highlight=False).print(render_session(_parsed(SessionDetail, answer)))


def _whole_session(client: "httpx.Client", session_id: str) -> dict[str, Any]:
    """Return the API's answer with the threads of all its pages."""
    path = f"{PATH}/{quote(session_id, safe='')}"
    whole = page = _get(client, path, {"limit": THREADS_A_PAGE})
    scope = {"limit": THREADS_A_PAGE, "initiator": whole["initiator"]["id"]}
    while len(threads := page["threads"]) == THREADS_A_PAGE:
        page = _get(client, path, {**scope, "after_id": threads[-1]["id"]})
        whole["threads"] = whole["threads"] + page["threads"]
        ends = [one["page_ended_at"] for one in (whole, page) if "page_ended_at" in one]
        whole.update({"page_ended_at": ends[-1]} if ends else {})
    return whole


@contextmanager
def _client(url: str, token: str) -> "Iterator[httpx.Client]":
    """Yield a client of the API. What goes wrong ends the command with one line on stderr."""
    import httpx  # noqa: PLC0415

    if not token:
        _fail("no token: set AIBRIDGE_TOKEN or pass --token")
    if not (token.isascii() and token.isprintable()):
        _fail("the token holds characters that no token has")
    headers = {"Coder-Session-Token": token}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _fail(f"cannot reach AI Bridge at {url}: {error}")
    except (KeyError, TypeError):
        _fail(f"{url} answered, but not as AI Bridge does")


def _get(client: "httpx.Client", path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return what the API answers. Its refusals, and answers of another server, end the command."""
    response = client.get(path, params=query)
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        _fail(f"{client.base_url} answered {response.status_code}, but not as AI Bridge does")
    if response.status_code != HTTPStatus.OK:
        texts = (answer.get("message"), answer.get("detail"))
        _fail(" ".join(str(text) for text in texts if text) or f"status {response.status_code}")
    return answer


def _parsed(model: type[_M], answer: dict[str, Any]) -> _M:
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return model.model_validate(answer)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        _fail(f"the answer is not one of AI Bridge: {place}: {problem['msg']}")


def _fail(text: str) -> NoReturn:
    output.fail(visible(text))


def _print_json(answer: dict[str, Any]) -> None:
    typer.echo(escaped_json(json.dumps(answer, indent=2, ensure_ascii=False)))
