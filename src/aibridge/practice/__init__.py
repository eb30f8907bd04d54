"""A practice provider: it speaks every dialect from a script, for demos, tests and benchmarks.

It stands in for Anthropic, OpenAI and compatible hosts on loopback::

    with serve(Script(turns=(Turn(parts=(Part(text="Hello."),)),))) as practice:
        anthropic.Anthropic(base_url=practice.url, api_key="any")
"""

from aibridge.practice.app import PracticeProvider
from aibridge.practice.script import (
    DEFAULT,
    Failure,
    Part,
    Script,
    ScriptError,
    StreamFailure,
    Turn,
    Usage,
    load,
    parse,
)
from aibridge.practice.server import Practice, serve

__all__ = [
    "DEFAULT",
    "Failure",
    "Part",
    "Practice",
    "PracticeProvider",
    "Script",
    "ScriptError",
    "StreamFailure",
    "Turn",
    "Usage",
    "load",
    "parse",
    "serve",
]
