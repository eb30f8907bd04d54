"""Regular expressions that read foreign bytes: right on every Python, and quick on any input."""

import importlib
import pkgutil
import re

import pytest

from aibridge import dialects

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(dialects.__path__, "aibridge.dialects.")
]
PATTERNS = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
}
HOSTILE = (
    " ",
    "\n",
    "\r",
    '"',
    "\\",
    ",",
    "{",
    "<",
    "# AGENTS.md instructions ",
    "data: ",
    "event: ping\n",
)


def test_there_are_patterns_to_look_at():
    assert len(PATTERNS) > 5


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_is_possessive_as_python_before_3_11_5_matches_these_wrongly(name):
    source = PATTERNS[name].pattern
    source = source.decode() if isinstance(source, bytes) else source
    assert not re.search(r"[*+?}]\+|\(\?>", source.replace("\\+", ""))


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_hangs_on_repetitions(name, piece):
    """One that takes quadratic time would not be done before the suite's own limit."""
    pattern = PATTERNS[name]
    text = piece * 300_000
    pattern.match(text.encode() if isinstance(pattern.pattern, bytes) else text)
