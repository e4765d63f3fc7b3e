"""Where the bus is and where the keys lie: what the environment tells every process that talks to NATS."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

ServiceName = Literal["gateway", "session", "consent", "relay"]
SERVICES: tuple[ServiceName, ...] = ("session", "consent", "relay", "gateway")
"""In the order they start: the session service provisions what the others open."""


class SettingsError(Exception):
    """The environment or the machine is not as it must be; one sentence that says what to do."""


class BusSettings(BaseSettings):
    """`BEISTAND_NATS_URL` (comma list), `BEISTAND_NATS_CA` (switches TLS on), `BEISTAND_KEYS` (directory).

    `BEISTAND_NATS_REPLICAS` is how many servers of the cluster keep each stream and bucket.
    """

    model_config = SettingsConfigDict(env_prefix="BEISTAND_", frozen=True, extra="ignore")

    nats_url: str = "nats://127.0.0.1:4222"
    nats_ca: Path | None = None
    nats_replicas: int = 1
    keys: Path

    @property
    def nats_urls(self) -> list[str]:
        """The servers to try."""
        return [url.strip() for url in self.nats_url.split(",") if url.strip()]
