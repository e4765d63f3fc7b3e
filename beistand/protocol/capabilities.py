"""What a technician can be allowed to do, and which message needs which permission.

One enum, one table, one pure function, default no. A message that is not in the table is refused.
"""

from collections.abc import Collection
from enum import StrEnum
from types import MappingProxyType

from beistand.protocol.errors import BeistandError, InvalidMessage, NoGrant


class Capability(StrEnum):
    """Each is asked for, answered, granted and revoked by itself."""

    VIEW = "view"
    CONTROL = "control"
    UNATTENDED = "unattended"


REQUIRES = MappingProxyType({Capability.CONTROL: Capability.VIEW})
"""A capability that makes sense only beside another live one of the same technician."""

OFFERED = frozenset(Capability)
"""What a technician can ask for today."""

BY_POLICY = frozenset({Capability.VIEW, Capability.CONTROL})
"""What an enrolled device may allow for its person, who allowed it in advance."""

NEEDED: MappingProxyType[str, Capability | None] = MappingProxyType(
    {
        # agent -> services
        "hello": None,
        "decision": None,
        "revocation": None,
        "pause": None,
        "end": None,
        "activity": None,
        "lease": None,
        "chat": None,
        "enrolment": None,
        # enrolled device -> services, outside of sessions, and back
        "beat": None,
        "standby": None,
        "withdrawal": None,
        "call": None,
        "call.answer": None,
        "device.gone": None,
        # services -> agent
        "ask": None,
        "notice": None,
        "ended": None,
        "media": Capability.VIEW,
        # viewer -> relay
        "viewer.hello": None,
        "viewer.shown": Capability.VIEW,
        "viewer.refresh": Capability.VIEW,
        "viewer.monitor": Capability.VIEW,
        "input.move": Capability.CONTROL,
        "input.button": Capability.CONTROL,
        "input.wheel": Capability.CONTROL,
        "input.key": Capability.CONTROL,
        "input.text": Capability.CONTROL,
        "input.release": Capability.CONTROL,
        # relay -> agent
        "input.alive": Capability.CONTROL,
        # relay -> viewer
        "relay.ready": Capability.VIEW,
        "relay.control": Capability.VIEW,
        "relay.paused": Capability.VIEW,
        "relay.monitors": Capability.VIEW,
        "relay.stopped": None,
        # a binary frame, on whatever connection
        "frame": Capability.VIEW,
    }
)
"""Message type -> capability it spends; None: free for whoever is in the session."""


def require(message_type: str, live: Collection[Capability]) -> None:
    """Pass if `live` covers what the message type needs; otherwise raise why not."""
    refusal = refused(message_type, live)
    if refusal is not None:
        raise refusal


def refused(message_type: str, live: Collection[Capability]) -> BeistandError | None:
    """Why a message may not pass, or None if it may."""
    if message_type not in NEEDED:
        return InvalidMessage("Unknown kind of message.")
    needed = NEEDED[message_type]
    if needed is None:
        return None
    missing = {needed, REQUIRES.get(needed, needed)} - set(live)
    return NoGrant() if missing else None
