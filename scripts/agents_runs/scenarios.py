"""What is done with each agent, and what a person would tell of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scripts.agents_runs import play

PAIRED = ("claude", "codex", "codex-tools")
DELEGATING = (*PAIRED, "copilot", "copilot-openai", "opencode", "qwen")
ALL = (*DELEGATING, "continue", "sdk-anthropic", "sdk-openai")

QUOTING = ("opencode",)
"""Agents that put what they were told in quotation marks of their own."""

WRONG_TOKEN = "wrong token"  # noqa: S105 - the scenario's name
OVER_LIMIT = "over the limit"
SOON_SECONDS = 10.0
"""Within this time an agent should have said that its token is wrong, or its budget spent."""


@dataclass(frozen=True, slots=True)
class Step:
    """One start of an agent with one prompt.

    A tool that has been ``interrupted`` gets no further: SIGINT comes while it runs. What is
    ``queued`` is said while the tool runs, by an agent that reads prompts from its input.
    """

    prompt: str
    words: tuple[str, ...] = ()
    interrupted: bool = False
    queued: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What should be on record: prompts that were typed, and kinds of others beside them.

    All of it is one session, with a thread for each prompt; those after the first may have to
    be ``linked`` to the one before.
    """

    typed: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    linked: bool = False
    sessions: int = 1
    soon: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """The steps of a conversation, and what should be on record of it."""

    name: str
    agent: str
    steps: tuple[Step, ...]
    expected: Expected = field(default_factory=Expected)


def scenarios() -> Iterator[Scenario]:
    """Give every scenario of every agent."""
    for agent in ALL:
        yield _typing("two prompts", agent, Step(play.HELLO), Step(play.AGAIN))
    yield _typing("tools off", "claude", Step(play.HELLO, ("--tools", "")))
    again = Step(play.AGAIN)
    for agent in DELEGATING:
        yield _typing("sub-agent", agent, Step(play.DELEGATE), again, kinds=("subagent",))
    for agent in PAIRED:
        yield _filling(agent)
        waiting = Step(play.WAIT, interrupted=True)
        yield _typing("interrupted tool", agent, waiting, Step(play.OTHER), linked=True)
    yield _queued()
    for agent in ALL:
        overloaded = Step(play.OVERLOADED.format(agent=agent))
        yield _typing("529 twice", agent, overloaded, kinds=("retry",))
    for agent in ALL:
        for name in (WRONG_TOKEN, OVER_LIMIT):
            yield Scenario(name, agent, (Step(play.HELLO),), Expected(sessions=0, soon=True))


def _typing(
    name: str, agent: str, *steps: Step, kinds: tuple[str, ...] = (), linked: bool = False
) -> Scenario:
    mark = '"' if agent in QUOTING else ""
    typed = tuple(f"{mark}{step.prompt}{mark}" for step in steps)
    return Scenario(name, agent, steps, Expected(typed, frozenset(kinds), linked))


def _filling(agent: str) -> Scenario:
    """Give the compaction; Claude Code does without it with a model of a large context."""
    words = ("--model", "claude-haiku-4-5") if agent == "claude" else ()
    steps = Step(play.FILL, words), Step(play.AGAIN, words)
    return _typing("compaction", agent, *steps, kinds=("compaction", "summary"))


def _queued() -> Scenario:
    words = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
    step = Step(play.QUEUE, words, queued=play.AGAIN)
    return Scenario("queued message", "claude", (step,), Expected((play.QUEUE, play.AGAIN)))
