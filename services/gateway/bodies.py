"""What REST requests and answers hold beyond the shared contract's own views."""

from typing import Literal

from pydantic import AwareDatetime, Field

from beistand.protocol.capabilities import Capability
from beistand.protocol.ids import JoinCode
from beistand.protocol.messages import ChatText, Message, SessionView
from beistand.protocol.records import Reason
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


class Asking(Message):
    """Body of POST .../requests; the customer reads the reason."""

    capability: Capability
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
