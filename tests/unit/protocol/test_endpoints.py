"""Every endpoint of the contract that these two services own is answered, by one of them only."""

import pytest

from beistand.protocol.subjects import Service, Up
from services.consent import handlers as consent
from services.session import handlers as session

pytestmark = pytest.mark.unit

SPOKEN_ONLY = {Up.LEASE}
"""Published by agents, answered by nobody."""


def test_every_service_endpoint_is_answered_where_its_name_says() -> None:
    assert set(session.SERVICE) == {verb for verb in Service if verb.value.startswith("session.")}
    assert set(consent.SERVICE) == {verb for verb in Service if verb.value.startswith("consent.")}


def test_every_request_of_an_agent_is_answered_once() -> None:
    assert not set(session.UP) & set(consent.UP)
    assert set(session.UP) | set(consent.UP) == set(Up) - SPOKEN_ONLY
