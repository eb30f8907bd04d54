"""The description of the API against the running bridge, by a tool that knows nothing else."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import argon2
import httpx
import pytest
from fastapi import FastAPI

from aibridge.contract import SiteRole
from aibridge.identity import passwords
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act
from aibridge.identity.passwords import Passwords
from tests.bridge import Bridge, serve
from tests.builders import Call, record

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge with a record, and an owner named admin; its passwords are cheap to check."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: cheap)
    with serve(tmp_path, []) as bridge:
        with bridge.database.write() as connection:
            hashed = Passwords().hash(PASSWORD)
            create_user(Act(connection), "admin", [SiteRole.OWNER], password_hash=hashed)
            record(connection, Call(1, initiator=bridge.user.id, prompts=("Hello",)))
        yield bridge


@pytest.mark.timeout(1200)
def test_schemathesis_finds_no_fault(bridge: Bridge) -> None:
    """All of its checks are on; schemathesis.toml says what they are told beyond it."""
    environment = {
        **os.environ,
        "BRIDGE_URL": bridge.url,
        "BRIDGE_PASSWORD": PASSWORD,
        "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
        "PYTHONPATH": str(ROOT),
    }
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "5")
    seed = os.environ.get("SCHEMATHESIS_SEED", "1")
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "run", f"{bridge.url}/openapi.json"]
    options = ["--checks", "all", "--max-examples", examples, "--no-color", "--warnings", "off"]
    done = subprocess.run(
        [*command, *options, "--generation-database", "none", "--seed", seed],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    operations = sum(map(len, httpx.get(f"{bridge.url}/openapi.json").json()["paths"].values()))
    assert f"Tested: {operations}" in done.stdout


TEXTS = {"target_id", "api_key_id", "provider_response_id", "session_id", "linear_issue_ids"}
"""Ids that are no UUIDs: of tokens, what providers keep, sessions and issues."""
OF_TEXTS = {"Token", "CreatedToken", "Session", "SessionDetail"}
"""Models whose own id is no UUID."""
MOMENTS = {"time", "last_used", "period_start", "period_end", "retention_start"}


def shapes(schema: Any) -> Iterator[Any]:
    """Yield what a schema of one property can be, but for nothing."""
    for one in schema.get("anyOf", [schema]):
        if one.get("type") == "array":
            yield from shapes(one["items"])
        elif one.get("type") != "null":
            yield one


def test_every_time_and_every_id_has_its_format(app: FastAPI) -> None:
    told: dict[str, set[str]] = {"uuid": set(), "date-time": set()}
    schemas = dict(app.openapi()["components"]["schemas"])
    del schemas["AuthorizationObject"]  # what it names may be anything
    for model, schema in schemas.items():
        for name, property_ in schema.get("properties", {}).items():
            formats = {one.get("format") for one in shapes(property_)}
            is_id = name == "id" or name.endswith(("_id", "_ids"))
            if name.endswith("_at") or name in MOMENTS:
                expected = "date-time"
            elif is_id and name not in TEXTS and not (name == "id" and model in OF_TEXTS):
                expected = "uuid"
            else:
                assert not formats & told.keys(), f"{model}.{name} {property_}"
                continue
            assert formats == {expected}, f"{model}.{name} {property_}"
            told[expected].add(name)
    assert {"started_at", "last_active_at", "created_at", "time"} <= told["date-time"]
    assert {"id", "interception_id", "group_id", "thread_parent_id"} <= told["uuid"]


async def test_every_key_of_a_search_is_described(client: httpx.AsyncClient, app: FastAPI) -> None:
    """A key that is not described is refused, and one that is described is not unknown."""
    for path, methods in app.openapi()["paths"].items():
        parameters = methods.get("get", {}).get("parameters", [])
        for q in (one for one in parameters if one["name"] == "q"):
            keys = re.findall(r"[a-z_]+", q["description"].partition("Keys: ")[2].partition(".")[0])
            answer = await client.get(path, params={"q": " ".join(f"{key}:x" for key in keys)})
            assert "not a valid query param" not in answer.text, path
            assert keys


async def test_a_parameter_that_a_route_does_not_have_is_refused_by_its_name(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    asked = 0
    for path, methods in app.openapi()["paths"].items():
        if "get" not in methods:
            continue
        url = re.sub(r"\{\w+\}", str(uuid4()), path)
        answer = await client.get(url, params={"started_befor": "x", "limit ": 1, "q[]": "y"})
        detail = 'Query param "{}" is not a valid query param'
        assert answer.status_code == 400, path
        assert answer.json() == {
            "message": "Query parameters have invalid values.",
            "validations": [
                {"field": name, "detail": detail.format(name)}
                for name in ("started_befor", "limit ", "q[]")
            ],
        }
        asked += 1
    assert asked > 15


@pytest.mark.parametrize("name", ["interceptions", "sessions"])
async def test_the_described_parameters_are_taken(
    client: httpx.AsyncClient, app: FastAPI, name: str
) -> None:
    path = f"/api/v2/aibridge/{name}"
    described = app.openapi()["paths"][path]["get"]["parameters"]
    assert (await client.get(path, params={one["name"]: "" for one in described})).is_success
