"""The OpenAPI document: valid, complete, and honest about refusals."""

from typing import Any, cast

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.gateway.access import Door, Gateway
from services.gateway.app import build
from services.gateway.problems import MEDIA_TYPE

pytestmark = pytest.mark.unit

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    class Nothing:
        door = Door("https://help.example", "wss://relay.example", "Acme", frozenset())

    async def ready() -> None:
        return None

    app = build(cast(Gateway, Nothing()), ready=ready, console=tmp_path_factory.mktemp("console"))
    return app.openapi()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_it_lists_the_interface(document: dict[str, Any]) -> None:
    sid = "/v1/sessions/{session_id}"
    assert {name for name in operations(document) if "/v1/" in name} == {
        "post /v1/auth/token",
        "post /v1/join",
        "post /v1/agent/records",
        "post /v1/receipts",
        "post /v1/sessions",
        "get /v1/sessions",
        f"get {sid}",
        f"get {sid}/receipt",
        f"post {sid}/end",
        f"post {sid}/requests",
        f"get {sid}/requests",
        f"delete {sid}/requests/{{request_id}}",
        f"post {sid}/chat",
        f"get {sid}/chat",
        f"post {sid}/tickets",
        "post /v1/agent/device-records",
        "get /v1/devices",
        "get /v1/devices/{device_id}",
        "post /v1/devices/{device_id}/sessions",
        "delete /v1/devices/{device_id}",
    }


def test_every_refusal_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        if "/v1/" not in name:
            continue
        refusals = {key: value for key, value in operation["responses"].items() if key[0] != "2"}
        assert "default" in refusals, name
        assert {tuple(refusal["content"]) for refusal in refusals.values()} == {(MEDIA_TYPE,)}, name


def test_everything_but_signing_in_and_the_customers_doors_wants_a_bearer(document: dict[str, Any]) -> None:
    free = {name for name, operation in operations(document).items() if not operation.get("security")}
    doors = {"auth/token", "join", "receipts", "agent/records", "agent/device-records"}
    assert {name for name in free if "/v1/" in name} == {f"post /v1/{door}" for door in doors}
