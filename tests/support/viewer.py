"""The conformance suite's viewer at a relay on this machine."""

from beistand.conformance.viewer import Viewer

ORIGIN = "http://localhost:8080"
PATH = "/v1/view"


class ViewerClient(Viewer):
    """See `Viewer`."""

    def __init__(
        self, port: int, *, origin: str | None = ORIGIN, path: str = PATH, reads: bool = True
    ) -> None:
        super().__init__(f"ws://127.0.0.1:{port}{path}", origin=origin, reads=reads)
