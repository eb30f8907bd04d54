"""``aibridge practice``: a provider that answers from a script, to try things out without one."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from aibridge.cli.options import whole_number
from aibridge.cli.output import CALLED_WRONGLY, fail
from aibridge.listener.server import url_of
from aibridge.listener.sockets import ListenError, bound, listen
from aibridge.practice.app import PracticeProvider
from aibridge.practice.script import DEFAULT, Script, ScriptError, load
from aibridge.practice.server import config

_GREETING = """\
The practice provider listens on {url} and speaks Messages, Chat Completions and Responses.

export ANTHROPIC_BASE_URL={url}
export ANTHROPIC_AUTH_TOKEN=practice
export OPENAI_BASE_URL={url}/v1
export OPENAI_API_KEY=practice

With these an agent asks the practice provider itself, and nothing is recorded. To have a record,
give a bridge base_url = "{url}" (for OpenAI {url}/v1), and point the agent at the bridge.
"""


def practice(
    port: Annotated[
        int,
        typer.Option(
            parser=whole_number(0, 65_535),
            metavar="NUMBER",
            help="Port to listen on; 0 takes any free one.",
        ),
    ] = 4010,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    script: Annotated[
        Path | None, typer.Option(help="TOML file with the turns to play.", show_default="built in")
    ] = None,
) -> None:
    """Run a provider that answers every dialect from a script.

    Example: aibridge practice --port 4010
    """
    app = PracticeProvider(_script(script), log=False)
    try:
        with bound(host, port) as sockets:
            listen(sockets)
            url = url_of(sockets[0], is_tls=False)
            Console(soft_wrap=True, highlight=False).print(_GREETING.format(url=url))
            uvicorn.Server(config(app)).run(sockets)
    except ListenError as error:
        fail(str(error), CALLED_WRONGLY)


def _script(path: Path | None) -> Script:
    if path is None:
        return DEFAULT
    try:
        return load(path)
    except (OSError, ScriptError) as trouble:
        raise typer.BadParameter(f"{path}: {trouble}", param_hint="--script") from trouble
