"""The description of the API: whole, and true in its examples and links."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from aibridge import contract
from aibridge.api.app import create_app
from aibridge.api.examples import EXAMPLES
from aibridge.api.services import Services
from aibridge.contract.paths import API, PREFIXES
from aibridge.store.engine.database import Database
from tests.people import asking

OPEN = {"show_first_user", "create_first_user", "login", "show_build", "show_auth_methods"}
"""The operations for who has no token yet."""

Description = dict[str, Any]


APP = create_app(Services(Database("sqlite://"), asking(lambda _token: None)))
DESCRIPTION: Description = APP.openapi()
SCHEMAS: Description = DESCRIPTION["components"]["schemas"]
OPERATIONS: dict[str, Description] = {
    f"{method.upper()} {path}": operation
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
BY_ID = {operation["operationId"]: name for name, operation in OPERATIONS.items()}
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def references(node: object) -> Iterator[str]:
    """Yield the names of the models that a part of the description names, not those inside."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix("#/components/schemas/")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


NAMED = sorted({name for operation in OPERATIONS.values() for name in references(operation)})


def parameters(operation: Description, place: str) -> dict[str, Description]:
    found = operation.get("parameters", [])
    return {one["name"]: one for one in found if one["in"] == place}


def answer(operation: Description) -> Description:
    (status,) = [status for status in operation["responses"] if status.startswith("2")]
    found: Description = operation["responses"][status]
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_one_of_its_model(name: str) -> None:
    model: type[BaseModel] = getattr(contract, name)
    read = model.model_validate(EXAMPLES[name], extra="forbid")
    if not issubclass(model, contract.Body):
        assert read.model_dump(mode="json", exclude_unset=True) == EXAMPLES[name]
    assert SCHEMAS[name]["examples"] == [EXAMPLES[name]]


def test_whatever_an_endpoint_names_has_an_example_and_nothing_else_has() -> None:
    assert sorted(EXAMPLES) == NAMED


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_an_answer_shows_what_is_always_there(name: str) -> None:
    required = set(SCHEMAS[name].get("required", []))
    assert required <= EXAMPLES[name].keys()


def test_no_reference_leads_nowhere() -> None:
    assert set(references(DESCRIPTION)) <= SCHEMAS.keys()
    assert not {"HTTPValidationError", "ValidationError"} & SCHEMAS.keys()


def test_what_is_described_is_all_there_is() -> None:
    for route in APP.routes:
        path = str(getattr(route, "path", "")).replace(PREFIXES[1], PREFIXES[0])
        if isinstance(route, APIRoute) and path.startswith(API):
            template = path.replace(":path}", "}")
            assert {f"{method} {template}" for method in route.methods or ()} <= OPERATIONS.keys()
    assert len(OPERATIONS) > 30


def test_operations_have_ids_of_their_own() -> None:
    assert len(BY_ID) == len(OPERATIONS)


@every_operation
def test_an_operation_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z_]+", operation["operationId"])
    assert operation["summary"]
    assert len(operation["description"]) > 10
    assert operation["tags"]
    for place in ("path", "query"):
        for parameter in parameters(operation, place).values():
            assert parameter["description"], parameter
            assert parameter["schema"], parameter


@every_operation
def test_who_needs_a_token_is_told_of_401_and_who_needs_none_of_that(name: str) -> None:
    operation = OPERATIONS[name]
    is_open = operation["operationId"] in OPEN
    assert operation.get("security") == ([] if is_open else None)
    if not is_open:
        assert "401" in operation["responses"]
    assert DESCRIPTION["security"] == [{"SessionToken": []}, {"Bearer": []}, {"ApiKey": []}]


@every_operation
def test_every_refusal_has_the_shape_of_errors(name: str) -> None:
    responses = OPERATIONS[name]["responses"]
    refusals = {status: one for status, one in responses.items() if not status.startswith("2")}
    assert {"400", "404", "500", "503"} <= refusals.keys()
    assert "422" not in refusals
    for refusal in refusals.values():
        assert list(references(refusal)) == ["ErrorBody"]
        assert refusal["description"]


@every_operation
def test_what_takes_a_body_requires_it_and_may_find_it_too_large(name: str) -> None:
    operation = OPERATIONS[name]
    assert ("requestBody" in operation) == ("413" in operation["responses"])
    if "requestBody" in operation:
        assert operation["requestBody"]["required"]
        (model,) = references(operation["requestBody"])
        assert SCHEMAS[model]["additionalProperties"] is False
        assert issubclass(getattr(contract, model), contract.Body)


@every_operation
def test_links_name_operations_parameters_and_fields_that_are_there(name: str) -> None:
    found = answer(OPERATIONS[name])
    for link in found.get("links", {}).values():
        target = OPERATIONS[BY_ID[link["operationId"]]]
        assert link["parameters"].keys() == parameters(target, "path").keys()
        (model,) = references(found["content"])
        for expression in link["parameters"].values():
            field = expression.removeprefix("$response.body#/")
            assert field in SCHEMAS[model]["properties"]


def test_there_are_links_from_what_is_made_to_what_is_done_with_it() -> None:
    linked = {
        operation["operationId"]: len(answer(operation).get("links", {}))
        for operation in OPERATIONS.values()
        if answer(operation).get("links")
    }
    assert linked == {"create_user": 11, "create_token": 2, "create_group": 6}
