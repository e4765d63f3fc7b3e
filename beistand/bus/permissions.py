"""What each identity may say and hear on the bus: the state-ownership table of the architecture as data.

Pure. A service that is taken over reaches no further than its own rows.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from beistand.bus.settings import ServiceName
from beistand.protocol.subjects import (
    POSTED,
    STOPS,
    DeviceUp,
    Up,
    device_up_everywhere,
    posted_everywhere,
    up_everywhere,
)

ACCOUNT = "APP"
SYSTEM_ACCOUNT = "SYS"
CALLOUT_SUBJECT = "$SYS.REQ.USER.AUTH"
DISCONNECTS = f"$SYS.ACCOUNT.{ACCOUNT}.DISCONNECT"


class Bucket(StrEnum):
    """KV buckets; keys and owners: docs/architecture.md."""

    SESSIONS = "sessions"
    CODES = "codes"
    GRANTS = "grants"
    TICKETS = "tickets"
    USERS = "users"
    LIMITS = "limits"
    DEVICES = "devices"

    @property
    def stream(self) -> str:
        """The JetStream stream behind the bucket."""
        return f"KV_{self}"


class Stream(StrEnum):
    """Streams of domain events, and the ledger."""

    EVENTS = "EVENTS"
    CHAT = "CHAT"
    LEDGER = "LEDGER"


@dataclass(frozen=True)
class Permissions:
    """Subjects an identity may publish to and subscribe to; never empty, since empty means everything."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def _reads(stream: str) -> tuple[str, ...]:
    """Publish permissions to read one stream: state, single messages from the leader, ordered consumers."""
    return (
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.FC.{stream}.>",
    )


def _writes(bucket: Bucket) -> tuple[str, ...]:
    return (*_reads(bucket.stream), f"$KV.{bucket}.>")


def _provisions() -> tuple[str, ...]:
    """Create what is missing. Not update, purge or delete: nobody can shrink or empty a stream."""
    streams = (*(bucket.stream for bucket in Bucket), *Stream)
    return tuple(f"$JS.API.STREAM.{verb}.{name}" for name in streams for verb in ("CREATE", "INFO"))


def _hears(*verbs: Up) -> tuple[str, ...]:
    return tuple(map(up_everywhere, verbs))


def _posted(*verbs: Up) -> tuple[str, ...]:
    return tuple(map(posted_everywhere, verbs))


def _service(name: ServiceName, *, publish: tuple[str, ...], subscribe: tuple[str, ...] = ()) -> Permissions:
    # Every service answers requests: to inboxes only, so no reply subject can steer an answer elsewhere.
    return Permissions(
        publish=("_INBOX.>", *publish),
        subscribe=(f"_INBOX.{name}.>", f"bst.srv.{name}.*", "$SRV.>", *subscribe),
    )


SERVICE_PERMISSIONS: MappingProxyType[ServiceName, Permissions] = MappingProxyType(
    {
        "session": _service(
            "session",
            publish=(
                *_writes(Bucket.SESSIONS),
                *_writes(Bucket.CODES),
                *_writes(Bucket.TICKETS),
                *_writes(Bucket.DEVICES),
                *_reads(Stream.CHAT),
                *_provisions(),
                "bst.down.*.*.chat",
                "bst.down.*.*.ended",
                "bst.devdown.*.*.*",
                "bst.evt.*.*.session",
                "bst.evt.*.*.chat",
                "bst.evt.*.*.device",
                # nats-server's own inbox: where the callout's answers go.
                "$SYS._INBOX.>",
            ),
            subscribe=(
                *_hears(Up.HELLO, Up.CHAT, Up.ENDED, Up.LEASE),
                *_posted(Up.ENDED),
                device_up_everywhere(DeviceUp.BEAT),
                device_up_everywhere(DeviceUp.ANSWER),
                CALLOUT_SUBJECT,
            ),
        ),
        "consent": _service(
            "consent",
            publish=(
                *_writes(Bucket.GRANTS),
                *_reads(Bucket.SESSIONS.stream),
                *_reads(Bucket.DEVICES.stream),
                *_reads(Stream.LEDGER),
                *_provisions(),
                "bst.ledger.*.*",
                "bst.down.*.*.ask",
                "bst.down.*.*.notice",
                "bst.evt.*.*.request",
                "bst.evt.*.*.pause",
                "bst.srv.session.device_recorded",
            ),
            subscribe=(
                *_hears(Up.DECISION, Up.REVOKED, Up.PAUSE, Up.ENDED, Up.ACTIVITY, Up.ENROLMENT),
                *_posted(*POSTED),
                device_up_everywhere(DeviceUp.RECORD),
                "bst.evt.*.*.session",
            ),
        ),
        "relay": _service(
            "relay",
            publish=(
                *_reads(Bucket.SESSIONS.stream),
                *_reads(Bucket.GRANTS.stream),
                *_writes(Bucket.TICKETS),
                "bst.down.*.*.media",
                "bst.input.*.*.*",
            ),
            subscribe=(
                "bst.media.*.*.*",
                *_hears(Up.REVOKED, Up.PAUSE, Up.ENDED, Up.LEASE),
                *_posted(*STOPS),
            ),
        ),
        "gateway": _service(
            "gateway",
            publish=(
                *_writes(Bucket.TICKETS),
                *_writes(Bucket.USERS),
                *_writes(Bucket.LIMITS),
                "bst.srv.session.*",
                "bst.srv.consent.*",
                *_posted(*POSTED),
            ),
            subscribe=("bst.evt.*.*.*",),
        ),
    }
)

SYSTEM_PERMISSIONS = Permissions(
    publish=("$SYS.REQ.SERVER.*.KICK",),
    subscribe=(DISCONNECTS, "_INBOX.system.>"),
)
"""The system account's only user: may cut connections and hear that they are gone, nothing else."""
