import pytest

from aibridge.providers.types import TYPES, speaking, wire_of


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("anthropic", "anthropic"),
        ("azure", "openai"),
        ("copilot", "copilot"),
        ("google", "openai"),
        ("openai", "openai"),
        ("openai-compat", "openai"),
        ("openrouter", "openai"),
        ("vercel", "openai"),
        ("of another release", "of another release"),
    ],
)
def test_a_type_speaks_the_api_of_one(name: str, wire: str) -> None:
    assert wire_of(name) == wire
    assert name in speaking(wire)


def test_every_type_speaks_the_api_of_a_type_that_speaks_its_own() -> None:
    assert {wire_of(kind.wire) for kind in TYPES.values()} == {"anthropic", "copilot", "openai"}
    assert speaking("azure") == ("azure",)
    assert len(speaking("openai")) == 6
