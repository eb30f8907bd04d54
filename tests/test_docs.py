"""The documentation holds every option, command and route: what is new must be written there."""

import re
from pathlib import Path

import pytest
import typer.main

from aibridge import cli
from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract.paths import API, PREFIXES
from aibridge.identity.rights import MATRIX
from aibridge.providers.types import TYPES
from aibridge.settings import describe
from aibridge.store.engine.database import Database
from tests.people import asking

DOCS = Path(__file__).parent.parent / "docs"
README = DOCS.parent / "README.md"


def read(name: str) -> str:
    return (DOCS / name).read_text()


def commands(command, path=()):
    """Every command that can be called, by its words."""
    children = getattr(command, "commands", None)
    if not children:
        return [" ".join(path)]
    return [
        found for name in children for found in commands(load(name, path, children), (*path, name))
    ]


def load(name, path, children):
    return children[name] if path else cli.load_command(name)


@pytest.mark.parametrize("option", describe(), ids=lambda option: option.name)
def test_every_option_is_in_the_settings_page(option):
    page = read("settings.md")
    name = option.name.removeprefix("providers.")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert option.meaning in row
    assert option.env in row
    assert option.flag in row


@pytest.mark.parametrize("words", commands(typer.main.get_command(cli.app)))
def test_every_command_is_in_the_commands_page(words):
    assert f"## aibridge {words}\n" in read("commands.md")


def section(words):
    """What the page has of a command, whatever the width of its lines."""
    _, _, rest = read("commands.md").partition(f"\n## aibridge {words}\n")
    return " ".join(rest.partition("\n## ")[0].split())


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_commands_page_says_what_help_says(name):
    command = cli.load_command(name)
    for child, one in getattr(command, "commands", {"": command}).items():
        text = section(f"{name} {child}".strip())
        assert " ".join(one.help.split()) in text
        assert " ".join(one.epilog.split()) in text
        for parameter in one.params:
            assert parameter.opts[0] in text or parameter.metavar in text
            assert " ".join((parameter.help or "").split()) in text


def test_every_route_of_the_api_is_in_its_page():
    page = read("api.md")
    paths = create_app(Services(Database("sqlite://"), asking(lambda token: None))).openapi()[
        "paths"
    ]
    assert paths
    for path, methods in paths.items():
        rest = path.removeprefix(PREFIXES[0] if path.startswith(PREFIXES[0]) else API)
        for method in methods:
            assert f"`{method.upper()} {rest}`" in page


def test_the_rights_in_the_page_are_those_of_the_code():
    rows = [line.strip("| ").split(" | ") for line in read("api.md").splitlines()]
    for right, reaches in MATRIX.items():
        assert [f"`{right}`", *(reach.name.lower() for reach in reaches.values())] in rows


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_every_type_and_route_of_a_provider_is_documented(kind):
    settings, page = read("settings.md"), read("api.md")
    row = next(line for line in settings.splitlines() if line.startswith(f"| `{kind.name}` |"))
    assert not kind.base_url or kind.base_url in row
    for path in (*kind.recorded, *kind.passed):
        shown = f"{path}…" if path.endswith("/") else path
        assert f"`{kind.prefix}{shown}`" in page


@pytest.mark.parametrize("page", ["guarantees.md", "security.md"])
def test_every_promise_names_tests_that_exist(page):
    tables = [line for line in read(page).splitlines() if line.startswith("| ")]
    for row in tables:
        promise, proof = row.strip("| ").rsplit(" | ", 1)
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", proof)
        assert named or proof in {"test", "---"}, promise
        for file, test in named:
            text = (DOCS.parent / file).read_text()
            assert not test or f"def {test}(" in text, f"{file}::{test}"


def test_links_between_pages_lead_somewhere():
    for page in (*DOCS.glob("*.md"), *DOCS.parent.glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"
