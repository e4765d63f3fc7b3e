"""Files for browsers: what is served, with which headers, and what never is."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx
import pytest

from services.gateway import pages
from services.gateway.access import Door, Gateway
from services.gateway.app import build

pytestmark = pytest.mark.unit

HASHED = "index-C0ffee01.js"


@pytest.fixture
def console(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>console</title>")
    (folder / "verify.html").write_text("<!doctype html><title>receipt</title>")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets" / HASHED).write_text("export {};")
    (tmp_path / "outside.txt").write_text("not for browsers")
    (folder / "assets" / "link.txt").symlink_to(tmp_path / "outside.txt")
    return folder


def serving(console: Path, *, public_url: str = "https://help.example") -> httpx.AsyncClient:
    class Nothing:
        door = Door(public_url, "wss://relay.example:444/v1/view", "Acme", frozenset())

    async def ready() -> None:
        return None

    app = build(cast(Gateway, Nothing()), ready=ready, console=console)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://help.example")


@pytest.fixture
async def client(console: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(console) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/sessions", "/sessions/AAAAAAAAAAAAAAAAAAAAAA"])
async def test_the_console_is_one_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "<title>console</title>" in answer.text


async def test_receipts_are_checked_on_a_page_of_their_own_under_the_same_policy(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/verify.html")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>receipt</title>" in answer.text
    assert "script-src 'self';" in answer.headers["content-security-policy"]


async def test_its_files_are_kept_for_good(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/assets/{HASHED}")
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await client.get("/favicon.svg")).headers["content-type"] == "image/svg+xml"
    again = await client.get(f"/assets/{HASHED}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/link.txt", "/assets", "/index.html", "/robots.txt", "/join/app.py"]
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_console_that_is_not_built_is_said_so_in_one_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path / "none") as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.text) == (503, pages.NOT_BUILT)
        assert (await client.get("/join")).status_code == 200


def policy_of(answer: httpx.Response) -> dict[str, str]:
    rules = answer.headers["content-security-policy"].split("; ")
    return dict(rule.split(" ", 1) for rule in rules)


@pytest.mark.parametrize("path", ["/", "/join", "/join/join.js", "/v1/sessions", "/nowhere", "/healthz"])
async def test_every_answer_carries_the_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    policy = policy_of(answer)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self' wss://help.example wss://relay.example:444"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["strict-transport-security"]
    assert "server" not in answer.headers


async def test_without_https_nobody_is_told_to_insist_on_it(console: Path) -> None:
    async with serving(console, public_url="http://localhost:8080") as client:
        assert "strict-transport-security" not in (await client.get("/")).headers


@pytest.mark.parametrize("name", ["join.html", "join.js", "join.css", "mark.svg"])
async def test_the_join_page_comes_with_its_files(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/join/{name}")).status_code == 200


async def test_the_join_page_has_nothing_inline(client: httpx.AsyncClient) -> None:
    page = (await client.get("/join")).text
    assert not re.search(r"<style|style=|\son\w+=|javascript:|<script>|https?://", page)
    assert re.findall(r'<script src="([^"]+)"', page) == ["/join/join.js"]


def test_the_join_page_says_everything_in_both_languages() -> None:
    page = (pages.OURS / "join.html").read_text()
    script = (pages.OURS / "join.js").read_text()
    used = set(re.findall(r'data-text="(\w+)"', page))
    german, english = script.split("  en: {", 1)
    assert (
        used
        == set(re.findall(r"^    (\w+):", german, re.M))
        == set(re.findall(r"^    (\w+):", english, re.M))
    )
