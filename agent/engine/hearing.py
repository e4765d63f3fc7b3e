"""What the services say to a device, verb by verb, turned into the guard's events or the windows' news.

One table; what is not in it, or cannot be read, or is not proven, is refused and counted.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from agent.engine import event as e
from agent.engine.refusals import Refusals
from agent.port import ChatEntry
from beistand.protocol.errors import BeistandError, InvalidMessage
from beistand.protocol.messages import (
    AskDown,
    ChatDown,
    EndedDown,
    MediaDown,
    Message,
    NoticeDown,
    Party,
    RequestState,
    parse,
)
from beistand.protocol.records import Cause
from beistand.protocol.subjects import Down


class Hearer(Protocol):
    """Whom the news concerns."""

    def tell(self, event: e.Event) -> None:
        """Something for the guard."""

    def question(self, jws: str) -> e.Asked:
        """The question in a signed ask, or BadSignature."""

    def chatted(self, entry: ChatEntry) -> None:
        """A line of the technician's."""

    def credit(self, message: MediaDown) -> None:
        """What viewers have shown; NoGrant if there is none."""

    def end_elsewhere(self, by: Party, cause: Cause | None) -> None:
        """The session is over."""


def hear(hearer: Hearer, verb: str, data: bytes, refusals: Refusals) -> None:
    """Let `hearer` have one message as it came."""
    try:
        if verb not in _HEAR:
            raise InvalidMessage("Unknown kind of message.")
        kind, deliver = _HEAR[verb]
        deliver(hearer, parse(kind, data))
    except BeistandError as error:
        refusals.add(verb if verb in _HEAR else "unknown", error)


def _ask(hearer: Hearer, message: AskDown) -> None:
    hearer.tell(hearer.question(message.jws))


def _notice(hearer: Hearer, message: NoticeDown) -> None:
    """A notice only ever takes away: that something is live, no message can tell us."""
    if message.state in (RequestState.ASKED, RequestState.LIVE):
        return
    handed_back = message.state is RequestState.REVOKED and message.by is Party.TECHNICIAN
    if message.state is RequestState.WITHDRAWN or handed_back:
        hearer.tell(e.Withdrawn(message.request_id))
    else:
        hearer.tell(e.OverElsewhere(message.request_id))


def _chat(hearer: Hearer, message: ChatDown) -> None:
    party = Party.TECHNICIAN
    hearer.chatted(ChatEntry(message.id, party, message.author, message.text, message.sent_at))


def _media(hearer: Hearer, message: MediaDown) -> None:
    hearer.credit(message)


def _ended(hearer: Hearer, message: EndedDown) -> None:
    hearer.end_elsewhere(message.by, message.cause)


_HEAR: Mapping[str, tuple[type[Message], Callable[[Hearer, Any], None]]] = MappingProxyType(
    {
        Down.ASK: (AskDown, _ask),
        Down.NOTICE: (NoticeDown, _notice),
        Down.CHAT: (ChatDown, _chat),
        Down.MEDIA: (MediaDown, _media),
        Down.ENDED: (EndedDown, _ended),
    }
)
