import tomllib

import pytest
from packaging.requirements import Requirement

from tests.scripts.conftest import ROOT


def pins(name):
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    stated = [line for line in lines if line and not line.startswith((" ", "#"))]
    return [Requirement(line.removesuffix("\\")) for line in stated]


def asked(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    extras = project["project"]["optional-dependencies"]
    server = project["project"]["dependencies"] + extras["server"]
    wanted = {
        "base": server,
        "demo": server + groups["demo"],
        "dev": server + groups["dev"] + extras["parquet"],
        "build": project["build-system"]["requires"],
    }
    return [Requirement(line) for line in wanted[name] if isinstance(line, str)]


@pytest.mark.parametrize("name", ["base", "demo", "dev", "build"])
def test_what_the_project_asks_for_is_pinned(name):
    pinned = {pin.name: pin for pin in pins(name)}
    for wanted in asked(name):
        assert wanted.name in pinned, f"{wanted}: run scripts/pin"
        release = next(iter(pinned[wanted.name].specifier)).version
        assert wanted.specifier.contains(release), f"{wanted}: run scripts/pin"


def test_the_sets_agree_and_development_has_all_of_them():
    every = {str(pin) for pin in pins("dev")}
    for name in ("base", "demo", "build"):
        assert {str(pin) for pin in pins(name)} <= every


@pytest.mark.parametrize("name", ["base", "demo", "dev", "build"])
def test_pins_are_exact_and_have_hashes(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert all(str(pin.specifier).startswith("==") for pin in pins(name))
    assert text.count(" \\\n    --hash=sha256:") >= len(pins(name))


def test_the_readme_comes_to_a_running_bridge_in_two_commands():
    text = (ROOT / "README.md").read_text().partition("## Run it")[2]
    first, second = text.partition("```console\n")[2].splitlines()[:2]
    assert first == "$ pip install '.[server]'"
    assert second.endswith(" aibridge serve")
