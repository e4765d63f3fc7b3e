"""The OpenAPI 3.1 document of the gateway: what the framework derives, with our problem documents in it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.problems import MEDIA_TYPE, Problem

TITLE = "Beistand gateway"
VERSION = "1"
REFERENCE = "#/components/schemas/"
SUMMARY = """
Remote support in which the customer controls the session. Sign in at `POST /v1/auth/token` and send the
bearer token with every request. Refusals are problem documents (RFC 9457) with a stable `code`.

Events: get a ticket for `events`, open the WebSocket at its `url` from an allowed origin, and send
`{"type": "events.hello", "ticket": ...}` within five seconds. The first answer is `events.snapshot`, then one
`events.event` per domain event (CloudEvents 1.0). The socket closes with 4000 + the HTTP status of the
reason: 4410 after the end of the session, 4429 if the reader does not keep up, 4503 if events may have been
lost; after those two get another ticket and another snapshot.
"""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents about its refusals; the rest of them is "default"."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{REFERENCE}Problem"}}}
    refusal = {"description": "A problem document (RFC 9457).", "content": content}
    return dict.fromkeys((*statuses, "default"), refusal)


def document(app: FastAPI) -> dict[str, Any]:
    """The document of all routes."""
    found = get_openapi(
        title=TITLE, version=VERSION, openapi_version="3.1.0", description=SUMMARY, routes=app.routes
    )
    schema = Problem.model_json_schema(ref_template=REFERENCE + "{model}")
    parts = schema.pop("$defs", {})
    found.setdefault("components", {}).setdefault("schemas", {}).update({"Problem": schema, **parts})
    return found
