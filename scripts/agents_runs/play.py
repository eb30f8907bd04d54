"""What the person types, and what the practice provider plays in answer to it."""

from collections.abc import Iterable, Iterator

from aibridge.practice import DEFAULT, Failure, Part, Script, Turn, Usage

HELLO = "Please run echo for me"
AGAIN = "And once more, please"
OTHER = "And something else, please"
DELEGATE = "DELEGATE this, please"
TASK = "Please run echo in the child"
FILL = "FILL the context, please"
WAIT = "WAIT for me, please"
QUEUE = "QUEUE what I say, please"
OVERLOADED = "OVERLOADED for {agent}, please"

STARTED, GO_ON = "started", "go-on"
"""Files in the agent's folder: the tool's sign that it runs, and the sign that it may end."""

_SUMMARY = "<analysis>Little.</analysis>\n<summary>The person had a command run.</summary>"
_FULL = Usage(input=970_000)
_AWAIT = f"touch {STARTED}; until [ -e {GO_ON} ]; do sleep 0.2; done"
_REST = "sleep 3; echo rested"
_REFUSALS = 2


def script(agents: Iterable[str]) -> Script:
    """Return the script; each of the agents has a failure of its own in it."""
    return Script(turns=(*_turns(), *map(_overloaded, agents), *DEFAULT.turns))


def _turns() -> Iterator[Turn]:
    """Give the turns; Codex must be kept until its sub-agent has ended."""
    yield Turn(when="create a detailed summary|handoff summary", parts=(Part(text=_SUMMARY),))
    yield _calling("DELEGATE", Part(tool="*agent", task=TASK))
    yield _calling("DELEGATE", Part(tool="*", task=_REST))
    yield _saying("DELEGATE", "The other agent has done it.")
    yield _calling("FILL", Part(tool="*"), _FULL)
    yield _saying("FILL", "It ran.")
    yield _calling("WAIT", Part(tool="*", task=f"touch {STARTED}; tail -f /dev/null"))
    yield _saying("WAIT", "It ran.")
    yield _calling("QUEUE", Part(tool="*", task=_AWAIT))
    yield _saying("QUEUE", "It ran.")


def _calling(when: str, call: Part, usage: Usage | None = None) -> Turn:
    return Turn(when=when, parts=(Part(text="I will do it."), call), usage=usage or Usage())


def _saying(when: str, text: str) -> Turn:
    return Turn(when=when, parts=(Part(text=text),))


def _overloaded(agent: str) -> Turn:
    return Turn(
        when=OVERLOADED.format(agent=agent),
        parts=(Part(text="Now it works."),),
        error=Failure(529, "overloaded_error", "Overloaded", times=_REFUSALS),
    )
