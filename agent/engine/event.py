"""What the guard is told (events) and what it asks for (effects): all that passes in and out of it."""

from dataclasses import dataclass, field

from agent.engine.grant import Request
from agent.engine.meter import Usage
from agent.port import Answer, Notice
from beistand.protocol.records import Ask, Cause, DecidedBy, Entry, Language, Outcome

# --- events ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A question whose signature by the consent service was verified; `ask_hash` is the hash of its JWS."""

    ask: Ask
    ask_hash: str


@dataclass(frozen=True)
class Answered:
    """The person's answer; `text_hash` is the SHA-256 of the words in the dialog."""

    request_id: str
    answer: Answer
    text_hash: str
    language: Language


@dataclass(frozen=True)
class IndicatorShown:
    """The bar is verifiably on screen: a proof, good for `guard.PROOF_LASTS_S`."""


@dataclass(frozen=True)
class IndicatorLost:
    """The bar is not on screen (any more)."""


@dataclass(frozen=True)
class Recorded:
    """The consent service's verified entry for our signed yes."""

    request_id: str
    entry: Entry


@dataclass(frozen=True)
class Refused:
    """The consent service did not take our yes."""

    request_id: str


@dataclass(frozen=True)
class Unproven:
    """The answer to our yes does not prove that it was recorded."""

    request_id: str


@dataclass(frozen=True)
class Withdrawn:
    """The technician took the question back, or handed the grant back."""

    request_id: str


@dataclass(frozen=True)
class OverElsewhere:
    """The services hold the question or grant for over: its time is up."""

    request_id: str


@dataclass(frozen=True)
class StoppedSharing:
    """The person ends picture and control for everybody."""


@dataclass(frozen=True)
class StoppedControl:
    """The person ends control for everybody."""


@dataclass(frozen=True)
class AskedEnd:
    """The person opened "End session?"."""


@dataclass(frozen=True)
class CancelledEnd:
    """The person closed "End session?" without ending."""


@dataclass(frozen=True)
class ConfirmedEnd:
    """The person ended the session."""

    cause: Cause = Cause.END_SESSION


@dataclass(frozen=True)
class EndedElsewhere:
    """The session is over, by somebody else's doing."""


@dataclass(frozen=True)
class Disconnected:
    """Nobody hears the lease any more."""


@dataclass(frozen=True)
class LanguageSet:
    """The language the person reads from now on."""

    language: Language


@dataclass(frozen=True)
class Tick:
    """Time went by."""


Event = (
    Asked
    | Answered
    | IndicatorShown
    | IndicatorLost
    | Recorded
    | Refused
    | Unproven
    | Withdrawn
    | OverElsewhere
    | StoppedSharing
    | StoppedControl
    | AskedEnd
    | CancelledEnd
    | ConfirmedEnd
    | EndedElsewhere
    | Disconnected
    | LanguageSet
    | Tick
)


# --- effects on the device: done at once, in the thread of whoever told the event ---------------------------


@dataclass(frozen=True)
class OpenGrant:
    """The grant is live until `request.deadline`."""

    request: Request


@dataclass(frozen=True)
class CloseGrants:
    """These grants are over."""

    grant_ids: tuple[str, ...]


@dataclass(frozen=True)
class CloseEverything:
    """The session is over."""


@dataclass(frozen=True)
class PausePassage:
    """Nothing passes while the end question is open."""


@dataclass(frozen=True)
class ResumePassage:
    """The end question is closed."""


@dataclass(frozen=True)
class HoldInput:
    """A question is open."""

    request_id: str


@dataclass(frozen=True)
class ReleaseInput:
    """That question is answered or gone."""

    request_id: str


# --- effects on others: signed, told or sent afterwards, in this order --------------------------------------


@dataclass(frozen=True)
class SignDecision:
    """The answer to a question, to be signed and sent."""

    request: Request
    outcome: Outcome
    decided_by: DecidedBy
    blocks: bool = False
    enrolment_hash: str | None = None
    """In a yes by policy: the standing permission it rests on."""


@dataclass(frozen=True)
class SignEnrolment:
    """The yes to unattended access is recorded: this device enrols."""

    request: Request


@dataclass(frozen=True)
class SignRevocation:
    """These grants are over, to be signed and sent."""

    grant_ids: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True)
class SignPause:
    """Whether everything is held, to be signed and sent."""

    paused: bool


@dataclass(frozen=True)
class SignEnd:
    """The session is over, to be signed and sent."""

    cause: Cause


@dataclass(frozen=True)
class SignActivity:
    """What a grant that is over was used for, to be signed and sent; after all that stops something."""

    request: Request
    usage: Usage = field(default_factory=Usage)
    """Filled in by the desk, once nothing passes any more."""


@dataclass(frozen=True)
class Tell:
    """Something to tell the person once."""

    notice: Notice


OnDevice = OpenGrant | CloseGrants | CloseEverything | PausePassage | ResumePassage | HoldInput | ReleaseInput
Signing = SignDecision | SignEnrolment | SignRevocation | SignPause | SignEnd | SignActivity
Afterwards = Signing | Tell
Effect = OnDevice | Afterwards
