"""The REST interface under /v1, one function per operation: ask the service behind, hand on its answer.

Nothing is decided here: who may is `access` and `domain`, what happens is the services' business.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response, status

from beistand.protocol import signing
from beistand.protocol.errors import Ended, InvalidMessage
from beistand.protocol.ids import Id
from beistand.protocol.messages import (
    Actor,
    AskConsent,
    ChatLine,
    ChatList,
    CreateSession,
    DeviceList,
    DeviceListQuery,
    DeviceQuery,
    DeviceView,
    EndSession,
    Join,
    Joined,
    M,
    OpenDevice,
    PostedRecord,
    Receipt,
    ReceiptWanted,
    Recorded,
    RequestList,
    RequestView,
    SendChat,
    SessionCreated,
    SessionList,
    SessionListQuery,
    SessionQuery,
    SessionState,
    SessionView,
    StandingUp,
    WithdrawRequest,
)
from beistand.protocol.subjects import Service
from beistand.protocol.terms import Technician, Terms
from services.gateway.access import Caller, Gateway, Require, RequireForTicket, Wired
from services.gateway.accounts import TOKEN_LIFE
from services.gateway.bodies import (
    Asking,
    Audience,
    Line,
    Opening,
    SessionStarted,
    SignIn,
    TicketIssued,
    TicketWanted,
    Token,
)
from services.gateway.description import refusals
from services.gateway.domain import Permission
from services.gateway.state import Repeatable

TICKET_BYTES = 32
OPEN_WITHIN_S = 12.0
"""A device has five seconds to say whether it comes, and something has to be left for the rest."""
OVER = frozenset({SessionState.ENDED, SessionState.EXPIRED})

RepeatKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key from the same person within an hour gets the same answer again.",
    ),
]


public = APIRouter(responses=refusals(400, 413, 429, 503))
"""Without a sign-in; each is listed in tests/rules/test_routes.py."""
router = APIRouter(responses=refusals(400, 401, 403, 413, 503))

IN_SESSION = refusals(404)


@public.post("/v1/auth/token", tags=["sign-in"], responses=refusals(401))
async def sign_in(body: SignIn, caller: Caller, gateway: Wired) -> Token:
    """Sign in with a local account. Failures are limited per address, and per address and name."""
    now, user = gateway.clock(), body.username.strip().lower()
    await gateway.limiter.take(gateway.limits.sign_in_address, "sign-in", caller, now=now)
    await gateway.limiter.take(gateway.limits.sign_in, "sign-in", caller, user, now=now)
    token = await gateway.accounts.sign_in(user, body.password, now=now)
    await gateway.limiter.forget("sign-in", caller, user)
    await gateway.limiter.give_back("sign-in", caller)
    return Token(access_token=token, expires_in=int(TOKEN_LIFE.total_seconds()))


@public.post("/v1/join", tags=["customer"], responses=refusals(404))
async def join(body: Join, caller: Caller, gateway: Wired) -> Joined:
    """Look up who asks behind a code. Nothing has happened yet; the agent then connects with the ticket."""
    now = gateway.clock()
    await gateway.limiter.take(gateway.limits.join, "join", caller, now=now)
    await gateway.limiter.take(gateway.limits.join_everywhere, "join", now=now)
    signing.public_key_of_agent(body.agent_key)
    joined = await gateway.services.call(Service.SESSION_JOIN, body, Joined)
    await gateway.limiter.give_back("join", caller)
    return joined


@public.post("/v1/receipts", tags=["customer"], responses=refusals(403, 404, 409))
async def hand_over(body: ReceiptWanted, caller: Caller, gateway: Wired) -> Receipt:
    """A customer's device gets the receipt of its session, which it asks for with its own signature."""
    await gateway.limiter.take(gateway.limits.receipt, "receipt", caller, now=gateway.clock())
    return await gateway.services.call(Service.CONSENT_HAND_OVER, body, Receipt)


@public.post("/v1/agent/records", tags=["customer"], responses=refusals(401, 404, 410))
async def deliver_record(body: PostedRecord, caller: Caller, gateway: Wired) -> Recorded:
    """A device's signed revocation, pause, end or activity, when its own connection cannot deliver it."""
    gateway.pace.take(gateway.limits.record, caller, now=gateway.clock())
    return await gateway.services.deliver(body)


@public.post("/v1/agent/device-records", tags=["customer"], responses=refusals(403, 404, 410))
async def deliver_device_record(body: StandingUp, caller: Caller, gateway: Wired) -> Recorded:
    """An enrolled device's signed pause, its end, or withdrawal: its signature is all that counts."""
    gateway.pace.take(gateway.limits.record, caller, now=gateway.clock())
    return await gateway.services.call(Service.CONSENT_DEVICE_RECORD, body, Recorded)


@router.post("/v1/sessions", status_code=status.HTTP_201_CREATED, tags=["sessions"])
async def create_session(
    actor: Annotated[Actor, Depends(Require(Permission.CREATE_SESSION))],
    gateway: Wired,
    response: Response,
    repeat_key: RepeatKey = None,
) -> SessionStarted:
    """Open a session and get its code and join link."""

    async def make() -> SessionStarted:
        wanted = CreateSession(actor=actor, organisation_name=gateway.door.organisation_name)
        created = await gateway.services.call(Service.SESSION_CREATE, wanted, SessionCreated)
        join_url = f"{gateway.door.public_url}/join#{created.code}"
        return SessionStarted(**created.session.model_dump(), code=created.code, join_url=join_url)

    started = await _once(gateway, actor, repeat_key, ("session",), SessionStarted, make)
    response.headers["Location"] = f"/v1/sessions/{started.id}"
    return started


@router.get("/v1/sessions", tags=["sessions"])
async def list_sessions(
    actor: Annotated[Actor, Depends(Require(Permission.READ_SESSION))],
    gateway: Wired,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Id | None, Query(description="`next` of the page before.")] = None,
) -> SessionList:
    """Sessions, newest first: one's own, or the organisation's for leads, auditors and admins."""
    query = SessionListQuery(actor=actor, limit=limit, after=after)
    return await gateway.services.call(Service.SESSION_LIST, query, SessionList)


@router.get("/v1/sessions/{session_id}", tags=["sessions"], responses=IN_SESSION)
async def read_session(
    session_id: Id, actor: Annotated[Actor, Depends(Require(Permission.READ_SESSION))], gateway: Wired
) -> SessionView:
    """One session."""
    query = SessionQuery(actor=actor, session_id=session_id)
    return await gateway.services.call(Service.SESSION_GET, query, SessionView)


@router.get(
    "/v1/sessions/{session_id}/receipt",
    tags=["sessions"],
    responses=refusals(404, 409),
)
async def receipt(
    session_id: Id, actor: Annotated[Actor, Depends(Require(Permission.READ_SESSION))], gateway: Wired
) -> Receipt:
    """The proof of a session that is over: every signed record, to be checked offline."""
    query = SessionQuery(actor=actor, session_id=session_id)
    return await gateway.services.call(Service.CONSENT_RECEIPT, query, Receipt)


@router.post("/v1/sessions/{session_id}/end", tags=["sessions"], responses=IN_SESSION)
async def end_session(
    session_id: Id, actor: Annotated[Actor, Depends(Require(Permission.END_SESSION))], gateway: Wired
) -> SessionView:
    """End a session for good; when this returns the agent is out."""
    wanted = EndSession(actor=actor, session_id=session_id)
    return await gateway.services.call(Service.SESSION_END, wanted, SessionView)


@router.post(
    "/v1/sessions/{session_id}/requests",
    status_code=status.HTTP_201_CREATED,
    tags=["requests"],
    responses=refusals(404, 409, 410, 429),
)
async def ask(
    session_id: Id,
    body: Asking,
    actor: Annotated[Actor, Depends(Require(Permission.ASK_CUSTOMER))],
    gateway: Wired,
    repeat_key: RepeatKey = None,
) -> RequestView:
    """Ask the customer for one capability. Their answer arrives as an event."""

    async def make() -> RequestView:
        wanted = AskConsent(
            actor=actor,
            session_id=session_id,
            capability=body.capability,
            reason=body.reason,
            terms=await _terms(gateway, actor, body),
        )
        return await gateway.services.call(Service.CONSENT_ASK, wanted, RequestView)

    terms = "" if body.terms is None else body.terms.model_dump_json()
    about = ("request", session_id, body.capability, body.reason, terms)
    return await _once(gateway, actor, repeat_key, about, RequestView, make)


@router.get("/v1/sessions/{session_id}/requests", tags=["requests"], responses=IN_SESSION)
async def list_requests(
    session_id: Id, actor: Annotated[Actor, Depends(Require(Permission.READ_REQUESTS))], gateway: Wired
) -> RequestList:
    """Everything asked in a session and what became of it, oldest first."""
    query = SessionQuery(actor=actor, session_id=session_id)
    return await gateway.services.call(Service.CONSENT_LIST, query, RequestList)


@router.delete(
    "/v1/sessions/{session_id}/requests/{request_id}", tags=["requests"], responses=refusals(404, 409)
)
async def withdraw(
    session_id: Id,
    request_id: Id,
    actor: Annotated[Actor, Depends(Require(Permission.WITHDRAW_REQUEST))],
    gateway: Wired,
) -> RequestView:
    """Take back a question, or hand back what was granted."""
    wanted = WithdrawRequest(actor=actor, session_id=session_id, request_id=request_id)
    return await gateway.services.call(Service.CONSENT_WITHDRAW, wanted, RequestView)


@router.post(
    "/v1/sessions/{session_id}/chat",
    status_code=status.HTTP_201_CREATED,
    tags=["chat"],
    responses=refusals(404, 409, 410),
)
async def say(
    session_id: Id,
    body: Line,
    actor: Annotated[Actor, Depends(Require(Permission.SEND_CHAT))],
    gateway: Wired,
    repeat_key: RepeatKey = None,
) -> ChatLine:
    """Say something to the customer."""
    wanted = SendChat(actor=actor, session_id=session_id, text=body.text)

    async def make() -> ChatLine:
        return await gateway.services.call(Service.SESSION_CHAT, wanted, ChatLine)

    return await _once(gateway, actor, repeat_key, ("chat", session_id, body.text), ChatLine, make)


@router.get("/v1/sessions/{session_id}/chat", tags=["chat"], responses=IN_SESSION)
async def transcript(
    session_id: Id, actor: Annotated[Actor, Depends(Require(Permission.READ_CHAT))], gateway: Wired
) -> ChatList:
    """What was said, oldest first."""
    query = SessionQuery(actor=actor, session_id=session_id)
    return await gateway.services.call(Service.SESSION_CHAT_LIST, query, ChatList)


@router.post(
    "/v1/sessions/{session_id}/tickets",
    status_code=status.HTTP_201_CREATED,
    tags=["tickets"],
    responses=refusals(404, 410),
)
async def issue_ticket(
    session_id: Id,
    actor: Annotated[Actor, Depends(RequireForTicket())],
    gateway: Wired,
    body: TicketWanted | None = None,
) -> TicketIssued:
    """A single-use ticket for the relay's WebSocket (picture and input) or for the session's events."""
    audience = (body or TicketWanted()).audience
    session = await read_session(session_id, actor, gateway)
    if audience == "relay" and session.state in OVER:
        raise Ended
    ticket, expires_at = await gateway.tickets.issue(
        audience, actor, session_id, randomness=gateway.randomness(TICKET_BYTES), now=gateway.clock()
    )
    return TicketIssued(
        url=_url_for(audience, session_id, gateway),
        relay_url=gateway.door.relay_url,
        ticket=ticket,
        audience=audience,
        expires_at=expires_at,
    )


@router.get("/v1/devices", tags=["devices"])
async def list_devices(
    actor: Annotated[Actor, Depends(Require(Permission.READ_DEVICES))],
    gateway: Wired,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Id | None, Query(description="`next` of the page before.")] = None,
) -> DeviceList:
    """Devices whose person allowed unattended access, by name; also those where that is over."""
    query = DeviceListQuery(actor=actor, limit=limit, after=after)
    return await gateway.services.call(Service.SESSION_DEVICE_LIST, query, DeviceList)


@router.get("/v1/devices/{device_id}", tags=["devices"], responses=refusals(404))
async def read_device(
    device_id: Id, actor: Annotated[Actor, Depends(Require(Permission.READ_DEVICES))], gateway: Wired
) -> DeviceView:
    """One device: what its person allowed, whether it is there, and the rule that says no right now."""
    query = DeviceQuery(actor=actor, device_id=device_id)
    return await gateway.services.call(Service.SESSION_DEVICE_GET, query, DeviceView)


@router.post(
    "/v1/devices/{device_id}/sessions",
    status_code=status.HTTP_201_CREATED,
    tags=["devices"],
    responses=refusals(404, 409, 429),
)
async def open_device(
    device_id: Id,
    body: Opening,
    actor: Annotated[Actor, Depends(Require(Permission.OPEN_DEVICE))],
    gateway: Wired,
    response: Response,
    repeat_key: RepeatKey = None,
) -> SessionView:
    """Start an unattended session; answered when the device has said that it comes."""

    async def make() -> SessionView:
        wanted = OpenDevice(actor=actor, device_id=device_id, reason=body.reason)
        call = gateway.services.call
        return await call(Service.SESSION_DEVICE_OPEN, wanted, SessionView, timeout=OPEN_WITHIN_S)

    about = ("device", device_id, body.reason)
    session = await _once(gateway, actor, repeat_key, about, SessionView, make)
    response.headers["Location"] = f"/v1/sessions/{session.id}"
    return session


@router.delete("/v1/devices/{device_id}", tags=["devices"], responses=refusals(404))
async def give_up_device(
    device_id: Id, actor: Annotated[Actor, Depends(Require(Permission.GIVE_UP_DEVICE))], gateway: Wired
) -> DeviceView:
    """The organisation gives unattended access to a device up, for good; a session under way ends."""
    query = DeviceQuery(actor=actor, device_id=device_id)
    return await gateway.services.call(Service.SESSION_DEVICE_GIVE_UP, query, DeviceView)


async def _terms(gateway: Gateway, actor: Actor, body: Asking) -> Terms | None:
    """The terms with the technicians' names as accounts have them; InvalidMessage for who is none here."""
    if body.terms is None:
        return None
    ids = body.terms.technician_ids
    if len(set(ids)) != len(ids):
        raise InvalidMessage("A technician is named once.")
    known = await gateway.accounts.technicians(actor.org, set(ids) - {actor.technician_id})
    known[actor.technician_id] = Technician(id=actor.technician_id, name=actor.name)
    if not known.keys() >= set(ids):
        raise InvalidMessage("There is no such technician.")
    return body.terms.terms(tuple(known[name] for name in ids), now=gateway.clock())


def _url_for(audience: Audience, sid: str, gateway: Gateway) -> str:
    if audience == "relay":
        return gateway.door.relay_url
    return f"{gateway.door.sockets_url}/v1/sessions/{sid}/events"


async def _once(
    gateway: Gateway,
    actor: Actor,
    key: str | None,
    about: tuple[str, ...],
    kind: type[M],
    make: Callable[[], Awaitable[M]],
) -> M:
    """What `make` makes, once per idempotency key if there is one."""
    if key is None:
        return await make()
    request = Repeatable(actor=actor, key=key, about=about)
    return await gateway.answers.once(request, kind, make, now=gateway.clock())
