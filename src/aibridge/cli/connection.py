"""How commands reach the API: this machine's own database, or a bridge at a URL.

The database of this machine is used if an option names it (``--config``, ``--data-dir``,
``--database-url``), or if neither a URL nor a token is given. Then the API runs within the
command, and whoever can open the database may do everything.
"""

import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from aibridge.cli import needing_server
from aibridge.cli.options import Config, DatabaseURL, DataDir, Token, Url
from aibridge.cli.output import fail

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from pathlib import Path

    from aibridge.sdk import ApiError, Client

ME = "me"
"""How the API calls whose token it is; whoever works on the database itself is nobody."""

URL, TOKEN = "AIBRIDGE_URL", "AIBRIDGE_TOKEN"

LOCAL = "http://127.0.0.1:4000"

NO_ROUTE = "Route not found."
"""What the API says of a path that it does not have; of a thing it says something else."""

_OR_ELSE = "; or say where a bridge is, by --url and --token or AIBRIDGE_URL and AIBRIDGE_TOKEN"
_LOST = (
    "One that is lost or has expired is replaced on the bridge's own machine, where none is "
    "needed: aibridge tokens create --user NAME"
)


@dataclass(frozen=True, slots=True)
class Where:
    """Where the API is, as the options of a command say."""

    url: Url = None
    token: Token = field(default=None, repr=False)
    config: Config = None
    data_dir: DataDir = None
    database_url: DatabaseURL = None

    def check(self) -> None:
        """Refuse options for another machine beside options for this one."""
        remote = self.url not in {None, os.environ.get(URL)}
        remote = remote or self.token not in {None, os.environ.get(TOKEN)}
        if remote and self._names_this_machine:
            text = "--url and --token are for a bridge, the others for this machine's own database"
            raise typer.BadParameter(text, param_hint="--url")

    @property
    def on_this_machine(self) -> bool:
        """Whether the command works on the database itself."""
        return self._names_this_machine or not (self.url or self.token)

    @property
    def _names_this_machine(self) -> bool:
        named: tuple[str | Path | None, ...] = (self.config, self.data_dir, self.database_url)
        return any(one is not None for one in named)


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, whose first parameter is a client, the options that say where the API is.

    What goes wrong within it ends the program with one line on stderr. Parameters that are
    dataclasses become an option for each of their fields.
    """
    _, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def run(**values: Any) -> None:  # noqa: ANN401 - whatever the command takes
        where = _gathered(Where, values)
        bundles = {one.name: _gathered(one.annotation, values) for one in own if _bundled(one)}
        with connect(where) as client:
            command(client, **bundles, **values)

    parameters = [one for given in own for one in _spread(given)] + list(_options(Where))
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in named}
    return run


def _bundled(parameter: inspect.Parameter) -> bool:
    return is_dataclass(parameter.annotation)


def _spread(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    if _bundled(parameter):
        yield from _options(parameter.annotation)
    else:
        yield parameter


def _options(kind: type[Any]) -> Iterator[inspect.Parameter]:
    return iter(inspect.signature(kind).parameters.values())


def _gathered(kind: type[Any], values: dict[str, Any]) -> Any:  # noqa: ANN401 - of that kind
    return kind(**{one.name: values.pop(one.name) for one in fields(kind)})


@contextmanager
def connect(where: Where) -> "Iterator[Client]":
    """Yield a client of the API that the options mean; trouble ends the program clearly."""
    where.check()
    if where.on_this_machine:
        with needing_server("this machine's own database", _OR_ELSE):
            from aibridge.cli import local  # noqa: PLC0415 - it takes a while to import

        opened = local.open_client(where.config, where.data_dir, where.database_url)
        with opened as client, clear_answers("this machine's own database"):
            yield client
        return
    from aibridge import sdk  # noqa: PLC0415 - see TYPE_CHECKING above

    url = where.url or LOCAL
    if not where.token:
        fail("no token: set AIBRIDGE_TOKEN or pass --token")
    with (
        clear_answers(url, hint=_LOST),
        sdk.Client(url, where.token, retries=0) as client,
    ):
        yield client


def shown_url(url: str) -> str:
    """Return a URL without a password that may stand in it; the SDK refuses a query."""
    found = re.match("[a-z]+://", url, re.IGNORECASE)
    scheme = found[0] if found else ""
    return scheme + url.removeprefix(scheme).rpartition("@")[2]


@contextmanager
def clear_answers(url: str, *, hint: str = "") -> Iterator[None]:
    """Turn what the API refuses, or why it does not answer, into one line.

    The ``hint`` is for who has no good token. Of the URL only what is no secret is shown.
    """
    from aibridge import sdk  # noqa: PLC0415

    try:
        yield
    except sdk.ApiError as error:
        if not (knows_the_route(error) or isinstance(error, sdk.Unavailable)):
            fail(f"{_refusal(error)} {_url_without_path(url)}")
        fail(f"{_refusal(error)} {hint if isinstance(error, sdk.Unauthorized) else ''}")
    except (sdk.WrongArgument, sdk.Misconfigured) as error:
        fail(str(error))
    except sdk.AIBridgeError as error:
        reason = error.__cause__ or error  # the error's own text repeats the URL
        text = str(reason) or type(reason).__name__
        fail(f"cannot reach AI Bridge at {shown_url(url)}: {text}")


def knows_the_route(error: "ApiError") -> bool:
    """Say whether the API answered, and has what was asked for: else the URL may be wrong."""
    from pydantic import ValidationError  # noqa: PLC0415 - it takes a while to import

    from aibridge.contract import ErrorBody  # noqa: PLC0415

    if error.response is None:
        return False
    try:
        body = ErrorBody.model_validate_json(error.response.content)
    except ValidationError:
        return False
    return body.message != NO_ROUTE


def _url_without_path(url: str) -> str:
    """Say what to leave out of a URL with a path, which perhaps belongs to the gateway."""
    shown = shown_url(url)
    place = re.match("[a-z]+://[^/]+", shown)
    path = shown[place.end() :].rstrip("/") if place else ""
    if place is None or not path:
        return f"Is {shown} the URL of a bridge?"
    return f"Leave the path {path} out of the URL: {place[0]} is enough."


def _refusal(error: "ApiError") -> str:
    complaints = (
        one.detail if one.field in one.detail else f"{one.field}: {one.detail}"
        for one in error.validations
        if one.detail != error.message
    )
    return " ".join(text for text in (error.message, error.detail, *complaints) if text)


@contextmanager
def missing(what: str, name: object) -> Iterator[None]:
    """Say what there is not where the API answers 404: it does not tell."""
    from aibridge.sdk import NotFound  # noqa: PLC0415

    try:
        yield
    except NotFound as error:
        if not knows_the_route(error):
            raise
        no(what, name)


def no(what: str, name: object) -> NoReturn:
    """End the program: there is no such thing."""
    hint = ": say whose it is, such as --user ana" if (what, name) == ("user", ME) else ""
    fail(f"there is no {what} {str(name)!r}{hint}")
