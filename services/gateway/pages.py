"""Files for browsers: the console at `/`, receipts at `/verify.html`, joining at `/join`, headers for all.

The pages hold no secret: a join code stands only in the link's fragment, which browsers do not send.
"""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from beistand.protocol.errors import NotFound
from services.gateway.access import Door
from services.gateway.domain import origin_of

OURS = Path(__file__).parent / "static"
ROOT_FILES = ("favicon.ico", "favicon.svg", "robots.txt", "site.webmanifest", "verify.html")
NOT_BUILT = (
    "The console is not built; run `make up`, or `npm ci && npm run build` in console/, and load this again."
)
ONE_YEAR = 365 * 24 * 3600


def pages(console: Path) -> APIRouter:
    """The routes; `console` is the folder that the console was built into, read anew with each request."""
    router = APIRouter(include_in_schema=False)
    ours, assets = _Folder(OURS), _Folder(console / "assets", max_age=ONE_YEAR)
    root = _Folder(console)

    @router.get("/")
    @router.get("/sessions")
    @router.get("/sessions/{path:path}")
    async def console_page() -> Response:
        index = console / "index.html"
        if not index.is_file():
            return PlainTextResponse(NOT_BUILT, status_code=503)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    @router.get("/assets/{path:path}")
    async def console_asset(path: str, request: Request) -> Response:
        return await assets.file(path, request)

    @router.get("/join")
    async def join_page(request: Request) -> Response:
        return await ours.file("join.html", request)

    @router.get("/join/{name}")
    async def join_file(name: str, request: Request) -> Response:
        return await ours.file(name, request)

    async def root_file(request: Request) -> Response:
        return await root.file(request.url.path.removeprefix("/"), request)

    for name in ROOT_FILES:
        router.add_api_route(f"/{name}", root_file, methods=["GET"])
    return router


def security_headers(door: Door) -> dict[str, str]:
    """What every answer carries. Scripts and styles come from our own files only; nobody may frame us."""
    sources = " ".join(("'self'", door.sockets_url, origin_of(door.relay_url)))
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "connect-src": sources,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if door.public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}"
    return headers


class _Folder:
    """Files below one folder, with entity tags; whatever is not a file in it is NotFound."""

    def __init__(self, folder: Path, *, max_age: int = 0) -> None:
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._cache = f"public, max-age={max_age}, immutable" if max_age else "no-cache"

    async def file(self, path: str, request: Request) -> Response:
        """The file, or 304 if the browser has it."""
        try:
            response = await self._files.get_response(path, request.scope)
        except HTTPException:
            raise NotFound from None
        response.headers["Cache-Control"] = self._cache
        return response
