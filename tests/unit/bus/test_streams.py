"""Provisioning waits for a JetStream that has no leader yet."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import NotFoundError, ServiceUnavailableError

from beistand.bus import streams
from beistand.bus.permissions import Bucket, Stream

pytestmark = pytest.mark.unit


@dataclass
class Electing:
    """A JetStream that fails a few times before it answers, and has nothing at first."""

    failures: list[Exception]
    made: list[tuple[str, int]] = field(default_factory=list)

    def jetstream(self) -> "Electing":
        return self

    async def stream_info(self, _: str) -> None:
        if self.failures:
            raise self.failures.pop()
        raise NotFoundError

    async def add_stream(self, config: Any) -> None:
        self.made.append((config.name, config.num_replicas))


async def test_a_cluster_that_elects_is_waited_for() -> None:
    electing = Electing([ServiceUnavailableError(), NatsTimeoutError()])
    await streams.provision(cast("Client", electing), replicas=3)
    names = [*(bucket.stream for bucket in Bucket), *(stream.value for stream in Stream)]
    assert sorted(electing.made) == sorted((name, 3) for name in names)
