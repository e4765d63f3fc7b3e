"""Every NATS subject Beistand uses is built and parsed here, and nowhere else.

    bst.up.<org>.<sid>.<verb>            agent -> services, control connection
    bst.posted.<org>.<sid>.<verb>        a signed record that came by HTTPS: gateway -> services and relays
    bst.media.<org>.<sid>.<grant>        agent -> relay, media connection
    bst.down.<org>.<sid>.<verb>          services -> agent
    bst.input.<org>.<sid>.<grant>        relay -> agent
    bst.evt.<org>.<sid>.<event>          domain events (streams EVENTS and CHAT)
    bst.ledger.<org>.<sid>               the consent ledger (stream LEDGER)
    bst.devup.<org>.<device>.<verb>      enrolled device -> services
    bst.devdown.<org>.<device>.<verb>    services -> enrolled device
    bst.srv.<service>.<verb>             services API, service to service

Every token is checked when the subject is built, so no wildcard or separator can slip in.
"""

from dataclasses import dataclass
from enum import StrEnum

from beistand.protocol import ids
from beistand.protocol.errors import InvalidMessage


class Up(StrEnum):
    """What an agent may say; each is a request answered by one service."""

    HELLO = "hello"
    CHAT = "chat"
    DECISION = "decision"
    REVOKED = "revoked"
    PAUSE = "pause"
    ENDED = "ended"
    LEASE = "lease"
    ACTIVITY = "activity"
    ENROLMENT = "enrolment"


class DeviceUp(StrEnum):
    """What an enrolled device may say outside of sessions."""

    BEAT = "beat"
    """Every BEAT_EVERY_S, not answered: it is there."""
    ANSWER = "answer"
    """To a call (`CallAnswer`); not a reply, so that a device can publish to nobody's inbox."""
    RECORD = "record"
    """A record of its own chain; answered by the consent service."""


class DeviceDown(StrEnum):
    """What services may say to an enrolled device."""

    CALL = "call"
    """A technician wants to come in; the device answers."""
    GONE = "gone"
    """The enrolment is over, or the key was seen elsewhere; not answered."""


STOPS = (Up.REVOKED, Up.PAUSE, Up.ENDED)
"""What holds or ends something: relays act on it themselves."""
POSTED = (*STOPS, Up.ACTIVITY)
"""What an agent may also say by HTTPS: what stops or sums up, and nothing that lets anybody in."""


class Down(StrEnum):
    """What services may say to an agent."""

    ASK = "ask"
    NOTICE = "notice"
    CHAT = "chat"
    MEDIA = "media"
    ENDED = "ended"


class Event(StrEnum):
    """Types of domain events."""

    SESSION = "session"
    REQUEST = "request"
    CHAT = "chat"
    PAUSE = "pause"
    DEVICE = "device"
    """About an enrolled device; its id stands where the session's does."""


class Service(StrEnum):
    """Services API endpoints, service to service: `<service>.<verb>`."""

    SESSION_CREATE = "session.create"
    SESSION_JOIN = "session.join"
    SESSION_GET = "session.get"
    SESSION_LIST = "session.list"
    SESSION_END = "session.end"
    SESSION_CHAT = "session.chat"
    SESSION_CHAT_LIST = "session.chat_list"
    SESSION_DEVICE_RECORDED = "session.device_recorded"
    SESSION_DEVICE_LIST = "session.device_list"
    SESSION_DEVICE_GET = "session.device_get"
    SESSION_DEVICE_OPEN = "session.device_open"
    SESSION_DEVICE_GIVE_UP = "session.device_give_up"
    CONSENT_ASK = "consent.ask"
    CONSENT_WITHDRAW = "consent.withdraw"
    CONSENT_LIST = "consent.list"
    CONSENT_RECEIPT = "consent.receipt"
    CONSENT_HAND_OVER = "consent.hand_over"
    CONSENT_DEVICE_RECORD = "consent.device_record"


_FAMILIES = frozenset({"up", "posted", "down", "media", "input", "evt", "devup", "devdown"})


@dataclass(frozen=True)
class Address:
    """A parsed session subject."""

    family: str
    org: str
    sid: str
    leaf: str


def up(org: str, sid: str, verb: Up) -> str:
    """Agent to services."""
    return f"bst.up.{ids.org(org)}.{ids.identifier(sid)}.{Up(verb)}"


def up_of_session(org: str, sid: str) -> str:
    """All an agent says in one session (what it may publish)."""
    return f"bst.up.{ids.org(org)}.{ids.identifier(sid)}.>"


def up_everywhere(verb: Up) -> str:
    """One verb of every session (what a service listens to)."""
    return f"bst.up.*.*.{Up(verb)}"


def posted(org: str, sid: str, verb: Up) -> str:
    """A record that came by HTTPS. Anybody may have posted it: only its signature counts."""
    return f"bst.posted.{ids.org(org)}.{ids.identifier(sid)}.{_postable(verb)}"


def posted_everywhere(verb: Up) -> str:
    """One verb of every session, as posted (what a service listens to)."""
    return f"bst.posted.*.*.{_postable(verb)}"


def media(org: str, sid: str, grant: str) -> str:
    """Frames of one grant."""
    return f"bst.media.{ids.org(org)}.{ids.identifier(sid)}.{ids.identifier(grant)}"


def media_of_session(org: str, sid: str) -> str:
    """All frames of one session (what an agent may publish)."""
    return f"bst.media.{ids.org(org)}.{ids.identifier(sid)}.>"


def down(org: str, sid: str, verb: Down) -> str:
    """Services to agent."""
    return f"bst.down.{ids.org(org)}.{ids.identifier(sid)}.{Down(verb)}"


def down_of_session(org: str, sid: str) -> str:
    """All that services say in one session (what an agent may hear)."""
    return f"bst.down.{ids.org(org)}.{ids.identifier(sid)}.>"


def input_of_grant(org: str, sid: str, grant: str) -> str:
    """Input under one control grant."""
    return f"bst.input.{ids.org(org)}.{ids.identifier(sid)}.{ids.identifier(grant)}"


def input_of_session(org: str, sid: str) -> str:
    """All input of one session (what an agent may hear)."""
    return f"bst.input.{ids.org(org)}.{ids.identifier(sid)}.>"


def device_up(org: str, device: str, verb: DeviceUp) -> str:
    """Enrolled device to services."""
    return f"bst.devup.{ids.org(org)}.{ids.identifier(device)}.{DeviceUp(verb)}"


def device_up_of(org: str, device: str) -> str:
    """All that one device says (what it may publish)."""
    return f"bst.devup.{ids.org(org)}.{ids.identifier(device)}.>"


def device_up_everywhere(verb: DeviceUp) -> str:
    """One verb of every device (what a service listens to)."""
    return f"bst.devup.*.*.{DeviceUp(verb)}"


def device_down(org: str, device: str, verb: DeviceDown) -> str:
    """Services to an enrolled device."""
    return f"bst.devdown.{ids.org(org)}.{ids.identifier(device)}.{DeviceDown(verb)}"


def device_down_of(org: str, device: str) -> str:
    """All that services say to one device (what it may hear)."""
    return f"bst.devdown.{ids.org(org)}.{ids.identifier(device)}.>"


def event(org: str, sid: str, event_type: Event) -> str:
    """One domain event."""
    return f"bst.evt.{ids.org(org)}.{ids.identifier(sid)}.{Event(event_type)}"


def event_everywhere(event_type: Event) -> str:
    """One type of domain event of every session (what a service listens to)."""
    return f"bst.evt.*.*.{Event(event_type)}"


def events_of_session(org: str, sid: str) -> str:
    """Every domain event of one session."""
    return f"bst.evt.{ids.org(org)}.{ids.identifier(sid)}.*"


def ledger(org: str, sid: str) -> str:
    """The consent ledger of one session."""
    return f"bst.ledger.{ids.org(org)}.{ids.identifier(sid)}"


def service(endpoint: Service) -> str:
    """A services API endpoint."""
    return f"bst.srv.{Service(endpoint)}"


def inbox_prefix(sid: str) -> str:
    """Where an agent receives answers; services refuse to answer anywhere else."""
    return f"_INBOX.{ids.identifier(sid)}"


def is_own_inbox(reply: str, sid: str) -> bool:
    """Whether an answer sent to `reply` can reach only the agent of session `sid`."""
    prefix = inbox_prefix(sid) + "."
    return reply.startswith(prefix) and not set(reply) & {"*", ">", " "}


def _postable(verb: Up) -> Up:
    if verb not in POSTED:
        raise InvalidMessage("Not to be said by HTTPS.")
    return verb


def parse(subject: str) -> Address:
    """The session subject taken apart; InvalidMessage if it is not one of ours."""
    tokens = subject.split(".")
    if len(tokens) != 5 or tokens[0] != "bst" or tokens[1] not in _FAMILIES:
        raise InvalidMessage("Not a session subject.")
    _, family, org, sid, leaf = tokens
    return Address(family, ids.org(org), ids.identifier(sid), leaf)
