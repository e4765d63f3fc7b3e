"""Every refusal Beistand can give: one tree, one stable code each, one map to HTTP, NATS and WebSocket.

    BeistandError
    ├── InvalidMessage         invalid_message        400   unreadable, unknown or unmapped message
    ├── TooLarge               too_large              413   larger than its limit
    ├── Unauthenticated        unauthenticated        401   no valid sign-in
    ├── TicketRefused          ticket_refused         401   wrong, used or expired ticket
    ├── CodeRefused            code_refused           404   join code wrong, used up or expired
    ├── Forbidden              forbidden              403   signed in, but not allowed
    ├── NoGrant                no_grant               403   the customer has not allowed this
    ├── BadSignature           bad_signature          403   record not signed by the expected key
    ├── NotFound               not_found              404   no such thing, or not for this caller
    ├── WrongState             wrong_state            409   not possible in the present state
    ├── AlreadyAsked           already_asked          409   this question is open already
    ├── AskingBlocked          asking_blocked         403   the customer wants no more such questions
    ├── OutsideTerms           outside_terms          403   not covered by what the person allowed in advance
    ├── DeviceOffline          device_offline         409   the enrolled device is not connected
    ├── Ended                  session_ended          410   the session is over for good
    ├── RateLimited            rate_limited           429   too many attempts
    └── Unavailable            unavailable            503   a part cannot be reached, nothing was done

A message is safe to show to the person at the other end: it never carries internals or secrets.
"""

from typing import ClassVar


class BeistandError(Exception):
    """Root of the tree. `code` is stable, `status` is the HTTP status, `detail` one safe sentence."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title

    @property
    def close_code(self) -> int:
        """WebSocket close code (RFC 6455 section 7.4.2, private range): 4000 + HTTP status."""
        return 4000 + self.status


class InvalidMessage(BeistandError):
    """Unreadable, unknown or unmapped message."""

    code, status, title = "invalid_message", 400, "The message could not be understood"


class TooLarge(BeistandError):
    """Larger than its limit."""

    code, status, title = "too_large", 413, "The message is too large"


class Unauthenticated(BeistandError):
    """No valid sign-in."""

    code, status, title = "unauthenticated", 401, "Sign in first"


class TicketRefused(BeistandError):
    """Wrong, used or expired ticket."""

    code, status, title = "ticket_refused", 401, "The ticket is wrong, used or expired; ask for a new one"


class CodeRefused(BeistandError):
    """Join code wrong, used up or expired; deliberately one answer for all three."""

    code, status, title = "code_refused", 404, "This code is not valid (any more)"


class Forbidden(BeistandError):
    """Signed in, but not allowed."""

    code, status, title = "forbidden", 403, "You are not allowed to do this"


class NoGrant(BeistandError):
    """The customer has not allowed this, or not any more."""

    code, status, title = "no_grant", 403, "The customer has not allowed this"


class BadSignature(BeistandError):
    """A record that the expected key did not sign, or that says something else than it must."""

    code, status, title = "bad_signature", 403, "The record is not signed as it must be"


class NotFound(BeistandError):
    """No such thing, or not for this caller."""

    code, status, title = "not_found", 404, "Not found"


class WrongState(BeistandError):
    """Not possible in the present state."""

    code, status, title = "wrong_state", 409, "Not possible in the present state"


class AlreadyAsked(BeistandError):
    """This question is open already."""

    code, status, title = "already_asked", 409, "This question is open already"


class AskingBlocked(BeistandError):
    """The customer wants no more such questions (for now, or for this session)."""

    code, status, title = "asking_blocked", 403, "The customer does not want to be asked again"


class OutsideTerms(BeistandError):
    """What the person allowed in advance does not cover this; the detail begins with the `Rule`."""

    code, status, title = "outside_terms", 403, "The person's standing permission does not cover this"


class DeviceOffline(BeistandError):
    """The enrolled device is not connected."""

    code, status, title = "device_offline", 409, "The device is not connected"


class Ended(BeistandError):
    """The session is over for good."""

    code, status, title = "session_ended", 410, "The session is over"


class RateLimited(BeistandError):
    """Too many attempts."""

    code, status, title = "rate_limited", 429, "Too many attempts; wait a while and try again"


class Unavailable(BeistandError):
    """A part cannot be reached; nothing was done."""

    code, status, title = "unavailable", 503, "A part of the service cannot be reached; nothing was done"


ERRORS: dict[str, type[BeistandError]] = {
    error.code: error
    for error in (
        BeistandError,
        InvalidMessage,
        TooLarge,
        Unauthenticated,
        TicketRefused,
        CodeRefused,
        Forbidden,
        NoGrant,
        BadSignature,
        NotFound,
        WrongState,
        AlreadyAsked,
        AskingBlocked,
        OutsideTerms,
        DeviceOffline,
        Ended,
        RateLimited,
        Unavailable,
    )
}


def error_of(code: str, detail: str = "") -> BeistandError:
    """The error a peer named by its code; an unknown code is an internal error."""
    return ERRORS.get(code, BeistandError)(detail)
