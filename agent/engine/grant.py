"""The life of one request on the device, as one table; whatever stands not in it changes nothing.

Pure: no clock, no key, no window. `ruling` walks it; docs/architecture.md tells the conversations around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from agent.port import Notice
from beistand.protocol.records import Ask, Cause, DecidedBy, Language


class Stage(StrEnum):
    """Where a request stands on the device."""

    ASKED = "asked"
    """The question is on screen, or waits behind another."""
    SHOWING = "showing"
    """The person said yes; the indicator is not proven visible yet."""
    RECORDING = "recording"
    """The signed yes is on its way; nothing is allowed before the consent service's entry is here."""
    LIVE = "live"
    ENROLLING = "enrolling"
    """The signed yes to unattended access is on its way. It allows nothing in this session, so no indicator
    is needed; with its entry this device may enrol."""
    OVER = "over"
    """For good: a new question is a new request."""


class Happening(StrEnum):
    """What can happen to a request."""

    ALLOWED = "allowed"
    """To be shown or controlled: the indicator comes first."""
    ALLOWED_STANDING = "allowed_standing"
    """To unattended access."""
    DENIED = "denied"
    BLOCKED = "blocked"
    TIMED_OUT = "timed_out"
    """The deadline of the stage passed."""
    SHOWN = "shown"
    RECORDED = "recorded"
    REFUSED = "refused"
    """The consent service did not take the yes."""
    UNPROVEN = "unproven"
    """The consent service's answer does not prove that the yes was recorded."""
    STOPPED_SHARING = "stopped_sharing"
    STOPPED_CONTROL = "stopped_control"
    INDICATOR_LOST = "indicator_lost"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VIEW_ENDED = "view_ended"
    DISCONNECTED = "disconnected"
    SESSION_OVER = "session_over"


class Do(StrEnum):
    """What a step asks for; the guard turns it into effects."""

    RELEASE = "release"
    """The question is off the screen: input is held for it no longer."""
    GRANT = "grant"
    DENY = "deny"
    DENY_AND_BLOCK = "deny_and_block"
    DENY_BY_POLICY = "deny_by_policy"
    TIME_OUT = "time_out"
    OPEN = "open"
    ENROL = "enrol"
    CLOSE = "close"
    REVOKE = "revoke"
    SUM_UP = "sum_up"
    """A yes was signed, so what it was used for is, too: nothing, if it never went live."""
    TELL = "tell"


@dataclass(frozen=True)
class Step:
    """The stage after, and what to do on the way."""

    after: Stage
    actions: tuple[Do, ...] = ()


_S, _H = Stage, Happening
_REVOKING = (
    _H.STOPPED_SHARING,
    _H.STOPPED_CONTROL,
    _H.INDICATOR_LOST,
    _H.WITHDRAWN,
    _H.EXPIRED,
    _H.VIEW_ENDED,
    _H.DISCONNECTED,
)

TABLE: Mapping[tuple[Stage, Happening], Step] = MappingProxyType(
    {
        (_S.ASKED, _H.ALLOWED): Step(_S.SHOWING, (Do.RELEASE,)),
        (_S.ASKED, _H.DENIED): Step(_S.OVER, (Do.RELEASE, Do.DENY)),
        (_S.ASKED, _H.BLOCKED): Step(_S.OVER, (Do.RELEASE, Do.DENY_AND_BLOCK)),
        (_S.ASKED, _H.TIMED_OUT): Step(_S.OVER, (Do.RELEASE, Do.TIME_OUT)),
        (_S.ASKED, _H.WITHDRAWN): Step(_S.OVER, (Do.RELEASE, Do.TELL)),
        (_S.ASKED, _H.VIEW_ENDED): Step(_S.OVER, (Do.RELEASE, Do.DENY_BY_POLICY)),
        (_S.ASKED, _H.SESSION_OVER): Step(_S.OVER, (Do.RELEASE,)),
        (_S.SHOWING, _H.SHOWN): Step(_S.RECORDING, (Do.GRANT,)),
        (_S.SHOWING, _H.TIMED_OUT): Step(_S.OVER, (Do.DENY_BY_POLICY, Do.TELL)),
        (_S.SHOWING, _H.STOPPED_SHARING): Step(_S.OVER, (Do.DENY,)),
        (_S.SHOWING, _H.STOPPED_CONTROL): Step(_S.OVER, (Do.DENY,)),
        (_S.SHOWING, _H.VIEW_ENDED): Step(_S.OVER, (Do.DENY_BY_POLICY,)),
        (_S.SHOWING, _H.WITHDRAWN): Step(_S.OVER, (Do.TELL,)),
        (_S.SHOWING, _H.SESSION_OVER): Step(_S.OVER),
        (_S.RECORDING, _H.RECORDED): Step(_S.LIVE, (Do.OPEN,)),
        (_S.RECORDING, _H.REFUSED): Step(_S.OVER, (Do.SUM_UP, Do.TELL)),
        (_S.RECORDING, _H.UNPROVEN): Step(_S.OVER, (Do.REVOKE, Do.SUM_UP)),
        (_S.RECORDING, _H.TIMED_OUT): Step(_S.OVER, (Do.REVOKE, Do.SUM_UP)),
        (_S.RECORDING, _H.SESSION_OVER): Step(_S.OVER, (Do.SUM_UP,)),
        (_S.LIVE, _H.SESSION_OVER): Step(_S.OVER, (Do.CLOSE, Do.SUM_UP)),
        (_S.ASKED, _H.ALLOWED_STANDING): Step(_S.ENROLLING, (Do.RELEASE, Do.GRANT)),
        (_S.ENROLLING, _H.RECORDED): Step(_S.OVER, (Do.ENROL,)),
        (_S.ENROLLING, _H.REFUSED): Step(_S.OVER, (Do.TELL,)),
        (_S.ENROLLING, _H.SESSION_OVER): Step(_S.OVER),
        **{
            (_S.ENROLLING, happening): Step(_S.OVER, (Do.REVOKE, Do.TELL))
            for happening in (_H.UNPROVEN, _H.TIMED_OUT, _H.WITHDRAWN, _H.DISCONNECTED)
        },
        # Revoke before grant wins: the yes may be recorded meanwhile, the revocation follows it in the chain.
        **{
            (_S.RECORDING, happening): Step(_S.OVER, (Do.REVOKE, Do.SUM_UP, Do.TELL))
            for happening in _REVOKING
        },
        **{
            (_S.LIVE, happening): Step(_S.OVER, (Do.CLOSE, Do.REVOKE, Do.SUM_UP, Do.TELL))
            for happening in _REVOKING
        },
    }
)

CAUSES: Mapping[Happening, Cause] = MappingProxyType(
    {
        _H.STOPPED_SHARING: Cause.STOP_SHARING,
        _H.STOPPED_CONTROL: Cause.STOP_CONTROL,
        _H.INDICATOR_LOST: Cause.INDICATOR_LOST,
        _H.WITHDRAWN: Cause.TECHNICIAN,
        _H.EXPIRED: Cause.EXPIRED,
        _H.VIEW_ENDED: Cause.VIEW_ENDED,
        _H.DISCONNECTED: Cause.LEASE_LOST,
        _H.UNPROVEN: Cause.LEASE_LOST,
        _H.TIMED_OUT: Cause.LEASE_LOST,
    }
)
"""What a revocation names as its cause."""

TOLD: Mapping[tuple[Stage, Happening], Notice] = MappingProxyType(
    {
        (_S.ASKED, _H.WITHDRAWN): Notice.REQUEST_WITHDRAWN,
        (_S.SHOWING, _H.WITHDRAWN): Notice.REQUEST_WITHDRAWN,
        (_S.SHOWING, _H.TIMED_OUT): Notice.INDICATOR_LOST,
        (_S.RECORDING, _H.REFUSED): Notice.REQUEST_WITHDRAWN,
        (_S.RECORDING, _H.WITHDRAWN): Notice.REQUEST_WITHDRAWN,
        (_S.ENROLLING, _H.REFUSED): Notice.REQUEST_WITHDRAWN,
        (_S.ENROLLING, _H.WITHDRAWN): Notice.REQUEST_WITHDRAWN,
        **{
            (stage, happening): code
            for stage in (_S.RECORDING, _S.LIVE)
            for happening, code in {
                _H.STOPPED_SHARING: Notice.SHARING_STOPPED,
                _H.STOPPED_CONTROL: Notice.CONTROL_STOPPED,
                _H.INDICATOR_LOST: Notice.INDICATOR_LOST,
                _H.EXPIRED: Notice.GRANT_EXPIRED,
            }.items()
        },
        (_S.LIVE, _H.WITHDRAWN): Notice.TECHNICIAN_GAVE_BACK,
    }
)
"""What the person is told once; nothing for the rest."""


@dataclass(frozen=True)
class Request:
    """One question and what became of it; times in seconds of the device's monotonic clock."""

    ask: Ask
    ask_hash: str
    stage: Stage
    deadline: float
    """When the stage ends by itself: the answer, the indicator, the entry, or the grant."""
    language: Language
    text_hash: str
    decided_at: float = 0.0
    decided_by: DecidedBy = DecidedBy.PERSON
    """Who says yes; by policy only where the guard has a mandate."""
    live_since: datetime | None = None

    @property
    def id(self) -> str:
        """The request's and its grant's identifier."""
        return self.ask.request_id
