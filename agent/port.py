"""The small port between the agent's engine and its windows: what the windows show, what a person can do.

The engine publishes an immutable `View` after every change; the windows draw it and call `Actions`.
Neither knows anything else of the other, so the engine also runs without windows. Texts stand in the windows:
the port carries codes, never sentences.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause, InputCounts, Language
from beistand.protocol.terms import Terms


class Phase(StrEnum):
    """Where the person is; each phase has its own window content."""

    CODE = "code"
    """Enter the code."""
    LOOKING_UP = "looking_up"
    CONFIRM = "confirm"
    """Shows organisation and technician; nothing has happened yet: join, or not."""
    JOINING = "joining"
    SESSION = "session"
    RECONNECTING = "reconnecting"
    """The connection is gone, everything is stopped on the device; trying again."""
    ENDED = "ended"


class Answer(StrEnum):
    """What a person can answer to a question."""

    ALLOW = "allow"
    DENY = "deny"
    BLOCK = "block"
    """Deny, and do not ask for this again in this session."""


class Notice(StrEnum):
    """Something that happened and is told once."""

    SHARING_STOPPED = "sharing_stopped"
    CONTROL_STOPPED = "control_stopped"
    REQUEST_WITHDRAWN = "request_withdrawn"
    TECHNICIAN_GAVE_BACK = "technician_gave_back"
    GRANT_EXPIRED = "grant_expired"
    INDICATOR_LOST = "indicator_lost"
    DELIVERY_PENDING = "delivery_pending"
    """A stop has taken effect here; telling the others still goes on."""


@dataclass(frozen=True)
class Question:
    """A technician asks for a capability; unanswered at `deadline` (time.monotonic) it is a no."""

    request_id: str
    capability: Capability
    organisation: str
    technician: str
    reason: str
    duration_s: int
    answer_within_s: int
    deadline: float
    terms: Terms | None = None
    """For unattended access: who, until when, on which days and at which hours."""


@dataclass(frozen=True)
class Unattended:
    """The standing permission of this device, as its person gave it."""

    organisation: str
    terms: Terms
    since: datetime
    paused: bool = False
    online: bool = False
    """Whether a technician could call right now, as far as the connection goes."""


class Trouble(StrEnum):
    """Why there is no unattended access any more; told until the person has seen it."""

    UNREADABLE = "unreadable"
    """What was kept on disk is damaged or was changed: it counts as no permission."""
    EXPIRED = "expired"
    CLONED = "cloned"
    """The device's key was used on another machine."""
    GIVEN_UP = "given_up"
    """The organisation has given up its access."""


@dataclass(frozen=True)
class Visited:
    """An unattended session that is over and that the person has not been told of yet."""

    id: str
    organisation: str
    technician: str
    reason: str
    began: datetime
    ended: datetime
    used: "tuple[Used, ...]" = ()
    receipt: str = ""
    """The file that proves what happened, '' as long as there is none."""


@dataclass(frozen=True)
class Access:
    """A live grant: shown on the indicator as long as it lasts."""

    grant_id: str
    capability: Capability
    technician: str
    since: datetime
    seconds_left: int
    lasted_s: int = 0
    """Whole seconds so far."""
    input: InputCounts = field(default_factory=InputCounts)
    """What passed under it so far: renewed with the view, about once a second, never per event."""


@dataclass(frozen=True)
class Used:
    """What a grant that is over was used for, as the device counted; `used_s` without pauses, rounded up."""

    capability: Capability
    technician: str
    used_s: int
    input: InputCounts


@dataclass(frozen=True)
class ChatEntry:
    """One chat line; `delivered` is false while a line of the customer's is still under way."""

    id: str
    party: Party
    author: str
    text: str
    at: datetime
    delivered: bool = True


@dataclass(frozen=True)
class View:
    """Everything the windows show. `problem` is an error code of beistand.protocol.errors or ''."""

    phase: Phase = Phase.CODE
    problem: str = ""
    organisation: str = ""
    technician: str = ""
    questions: tuple[Question, ...] = ()
    """Oldest first; the first is on screen."""
    accesses: tuple[Access, ...] = ()
    stop_key: bool | None = None
    """Whether the stop key works here; None while nothing is shared, and it has nothing to stop."""
    hand_first: bool = False
    """The person's own hand is at mouse or keyboard: a technician's input is held back for the moment."""
    indicator_wanted: bool = False
    """The bar must be on screen: a grant is live or about to be. Answer with `indicator_shown`."""
    confirming_end: bool = False
    """The end question is open: picture and input are paused."""
    chat: tuple[ChatEntry, ...] = ()
    ended_by: Party | None = None
    ended_cause: Cause | None = None
    notices: tuple[str, ...] = field(default=())
    """Codes (`Notice`) of things to tell once, newest last."""
    used: tuple[Used, ...] = ()
    """What was allowed in this session and is over, oldest first."""
    receipt: str = ""
    """After the end: the file that proves what happened, '' as long as there is none."""
    is_unattended: bool = False
    """The session going on was let in by the standing permission, not by a person just now."""
    visit_reason: str = ""
    """Why the technician came in unattended, in their words."""
    unattended: Unattended | None = None
    troubles: tuple[Trouble, ...] = ()
    visited: tuple[Visited, ...] = ()
    """Oldest first; each stays until `seen`."""


class Actions(Protocol):
    """What a person can do. Callable from any thread, never blocks.

    The stopping ones (`stop_*`, `ask_end`, `confirm_end`) have stopped capture and input on the device
    when they return; telling the others comes after (law 3).
    """

    def look_up(self, code: str) -> None:
        """Find out who is asking; joins nothing."""

    def join(self) -> None:
        """Join the session that was looked up."""

    def decline(self) -> None:
        """Back to the code; nothing has happened."""

    def answer(self, request_id: str, answer: Answer, *, text: str, language: Language) -> None:
        """The person's answer; `text` is what stood in the dialog, word for word."""

    def hold_input(self, holder: str) -> None:
        """Hold injected input back while a window of ours is open (called before it is shown)."""

    def release_input(self, holder: str) -> None:
        """That window is gone."""

    def indicator_shown(self, *, visible: bool) -> None:
        """Whether the bar is verifiably on screen.

        True at every proof, every half second while it is seen; False as soon as it is lost. A proof lasts
        two seconds: without a newer one every grant ends, so windows that hang cannot hide what is shared.
        Cheap: a mere renewal takes one lock and publishes no view.
        """

    def stop_sharing(self) -> None:
        """End picture and control for every technician; chat goes on."""

    def stop_control(self) -> None:
        """End control for every technician; the picture goes on."""

    def ask_end(self) -> None:
        """Open "End session?": picture and input pause."""

    def cancel_end(self) -> None:
        """Not ended after all: what was paused goes on."""

    def confirm_end(self) -> None:
        """The session is over for good."""

    def pause_unattended(self) -> None:
        """No technician gets in unattended until `resume_unattended`; a session going on is ended."""

    def resume_unattended(self) -> None:
        """The standing permission holds again, in its own terms."""

    def withdraw_unattended(self) -> None:
        """The standing permission is over for good; an unattended session going on is ended."""

    def seen(self, notice: str) -> None:
        """The person has seen a visit (`Visited.id`) or a `Trouble`."""

    def send_chat(self, text: str) -> None:
        """Say something to the technician."""

    def start_over(self) -> None:
        """After an end: back to the code."""

    def own_window(self, window: int) -> None:
        """A native window id of ours (X11: any window of the Qt connection); injection avoids them all."""

    def set_language(self, language: Language) -> None:
        """The language the person reads."""

    def close(self) -> None:
        """End the session if there is one, and stop the engine."""


Subscriber = Callable[[View], None]
"""Called from the engine's thread after every change."""


class Engine(Actions, Protocol):
    """What the windows get: the actions, and the views they cause."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every new view from now on."""
