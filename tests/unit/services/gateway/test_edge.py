"""What surrounds every request: limits, headers, and one shape for everything that goes wrong."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import Body, FastAPI, Request, Response
from starlette.types import Message, Receive, Scope, Send

from beistand.protocol.errors import ERRORS, BeistandError, RateLimited
from services.gateway import problems
from services.gateway.domain import LimitReached
from services.gateway.edge import Guarded, WithHeaders

pytestmark = pytest.mark.unit

LIMIT = 100
SECRET = "hunter2-do-not-tell"


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI(redirect_slashes=False)

    @app.post("/v1/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type="application/octet-stream")

    @app.post("/v1/typed/{number}")
    async def typed(number: int, name: str = Body(embed=True, max_length=3)) -> str:
        return f"{number}{name}"

    @app.get("/v1/broken")
    async def broken() -> None:
        raise ZeroDivisionError(SECRET)

    @app.get("/v1/refused/{code}")
    async def refused(code: str) -> None:
        raise ERRORS[code](SECRET if code == "internal" else "")

    @app.get("/v1/limited")
    async def limited() -> None:
        raise LimitReached(retry_after_s=17)

    problems.install(app)
    app.add_middleware(Guarded, max_body=LIMIT)
    app.add_middleware(WithHeaders, headers={"X-Content-Type-Options": "nosniff"})
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The answer's problem document, with what every one of them must have."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["type"] == f"urn:beistand:error:{found['code']}"
    assert found["title"]
    assert found["detail"]
    assert SECRET not in answer.text
    return found


@pytest.mark.parametrize("code", [code for code in ERRORS if code != "internal"])
async def test_every_error_of_the_tree_has_its_document(client: httpx.AsyncClient, code: str) -> None:
    found = problem_of(await client.get(f"/v1/refused/{code}"))
    assert (found["code"], found["status"], found["title"]) == (code, ERRORS[code].status, ERRORS[code].title)


async def test_what_nobody_expected_says_nothing_of_itself(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    found = problem_of(await client.get("/v1/broken"))
    assert (found["code"], found["status"]) == ("internal", 500)
    assert found["detail"] == BeistandError.title
    assert [record.levelname for record in caplog.records if record.name == "services.gateway.edge"] == [
        "ERROR"
    ]


async def test_a_refusal_is_logged_once_and_without_content(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await client.post("/v1/typed/1", json={"name": SECRET})
    records = [record for record in caplog.records if record.name == "services.gateway.problems"]
    assert [(record.message, vars(record)["code"], vars(record)["route"]) for record in records] == [
        ("refused", "invalid_message", "/v1/typed/{number}")
    ]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "/body/name"),
        (b"{", "/body/1"),
        (b"[]", "/body/name"),
        (b"{}", "/body/name"),
        (b'{"name": 7}', "/body/name"),
        (b'{"name": "hunter2-do-not-tell"}', "/body/name"),
        (b"\xff\xfe", None),
    ],
)
async def test_an_invalid_body_is_told_where_but_never_repeated(
    client: httpx.AsyncClient, body: bytes, pointer: str | None
) -> None:
    answer = await client.post("/v1/typed/1", content=body, headers={"content-type": "application/json"})
    found = problem_of(answer)
    assert (found["code"], found["status"]) == ("invalid_message", 400)
    if pointer is not None:
        assert [fault["pointer"] for fault in found["errors"]] == [pointer]


async def test_an_impossible_name_in_the_path_names_nothing(client: httpx.AsyncClient) -> None:
    found = problem_of(await client.post("/v1/typed/seven", json={"name": "a"}))
    assert found["code"] == "not_found"


async def test_of_many_faults_the_first_ten_are_told(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.post("/v1/numbers")
    async def numbers(listed: list[int]) -> None: ...

    found = problem_of(await client.post("/v1/numbers", json=["x"] * 20))
    assert [fault["pointer"] for fault in found["errors"]] == [f"/body/{place}" for place in range(10)]


async def test_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert problem_of(await client.get("/v1/nowhere"))["code"] == "not_found"
    answer = await client.get("/v1/echo")
    assert problem_of(answer)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"
    assert problem_of(await client.request("BREW", "/v1/echo"))["code"] == "method_not_allowed"


async def test_limits_say_when_to_come_back(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/limited")).headers["retry-after"] == "17"
    assert (await client.get(f"/v1/refused/{RateLimited.code}")).headers["retry-after"] == "60"


async def _pieces(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize("size", [0, 1, LIMIT])
async def test_a_body_up_to_the_limit_arrives_whole(client: httpx.AsyncClient, size: int) -> None:
    assert (await client.post("/v1/echo", content=b"x" * size)).content == b"x" * size
    assert len((await client.post("/v1/echo", content=_pieces(size, 1))).content) == size


@pytest.mark.parametrize(
    "content", [lambda: b"x" * (LIMIT + 1), lambda: _pieces(2, LIMIT), lambda: _pieces(LIMIT + 1, 1)]
)
async def test_a_body_over_the_limit_is_refused_however_it_comes(
    client: httpx.AsyncClient, content: Callable[[], Any]
) -> None:
    assert problem_of(await client.post("/v1/echo", content=content()))["code"] == "too_large"


@pytest.mark.parametrize("declared", ["101", "99999999999999999999", "-1", "abc", "1e3", "²"])
async def test_a_declared_size_is_enough_to_be_refused(app: FastAPI, declared: str) -> None:
    answer = await _spoken_to(app, length=declared, messages=[])
    assert answer[0]["status"] == 413


async def test_who_leaves_in_the_middle_is_not_taken_at_half_a_word(app: FastAPI) -> None:
    half = {"type": "http.request", "body": b"half", "more_body": True}
    answer = await _spoken_to(app, length="90", messages=[half, {"type": "http.disconnect"}])
    assert answer[0]["status"] == 400


async def _spoken_to(app: FastAPI, *, length: str, messages: list[Message]) -> list[Message]:
    """The answers to a request that says and sends exactly this."""
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/echo",
        "raw_path": b"/v1/echo",
        "query_string": b"",
        "headers": [(b"content-length", length.encode())],
    }
    sent: list[Message] = []
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    async def send(message: Message) -> None:
        sent.append(message)

    asgi: Callable[[Scope, Receive, Send], Any] = app
    await asgi(scope, receive, send)
    return sent


async def test_nothing_under_v1_is_kept_by_a_cache(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.post("/v1/echo"),
        await client.get("/v1/broken"),
        await client.get("/v1/none"),
    ):
        assert answer.headers["cache-control"] == "no-store"
