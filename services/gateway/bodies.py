"""What REST requests and answers hold beyond the shared contract's own views."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.ids import Id, JoinCode
from beistand.protocol.messages import ChatText, Message, SessionView
from beistand.protocol.records import Reason
from beistand.protocol.terms import DEFAULT_TERM, MINUTES_OF_A_DAY, Technician, Terms, Weekday
from services.gateway.accounts import MAX_PASSWORD, MAX_USER

Audience = Literal["relay", "events"]


class SignIn(Message):
    """Body of POST /v1/auth/token."""

    username: str = Field(min_length=1, max_length=MAX_USER)
    password: str = Field(min_length=1, max_length=MAX_PASSWORD)


class Token(Message):
    """A bearer token; `expires_in` in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind, not a token
    expires_in: int


class SessionStarted(SessionView):
    """A new session with what the customer needs to join; the code is shown this once."""

    code: JoinCode
    join_url: str


class TermsWanted(Message):
    """What to ask for of unattended access: who, until when, and when on the device's own clock."""

    technician_ids: tuple[Id, ...] = Field(max_length=20)
    """Whoever asks is always one of them; nobody named: every technician of the organisation."""
    until: AwareDatetime | None = None
    """Without it 14 days from now; 90 at most."""
    days: tuple[Weekday, ...] = tuple(range(7))
    """0 is Monday; in order."""
    from_minute: int = 0
    """Minutes since midnight; the hours do not cross it."""
    to_minute: int = MINUTES_OF_A_DAY
    """The last one, exclusive."""

    def terms(self, technicians: tuple[Technician, ...], *, now: datetime) -> Terms:
        """The terms as the customer is asked for them, or InvalidMessage."""
        try:
            return Terms(
                technicians=technicians,
                until=self.until or now + DEFAULT_TERM,
                days=self.days,
                from_minute=self.from_minute,
                to_minute=self.to_minute,
            )
        except ValidationError:
            raise InvalidMessage("These are no terms: wrong days or hours.") from None


class Asking(Message):
    """Body of POST .../requests; the customer reads the reason."""

    capability: Capability
    reason: Reason
    terms: TermsWanted | None = None
    """For unattended access, and only for it."""


class Opening(Message):
    """Body of POST /v1/devices/{id}/sessions; the person of the device reads the reason."""

    reason: Reason


class Line(Message):
    """Body of POST .../chat."""

    text: ChatText


class TicketWanted(Message):
    """Body of POST .../tickets."""

    audience: Audience = "relay"


class TicketIssued(Message):
    """A single-use ticket: the first message on the WebSocket at `url`, before `expires_at` (30 s)."""

    url: str
    relay_url: str
    ticket: str
    audience: Audience
    expires_at: AwareDatetime
