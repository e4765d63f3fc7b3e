"""The door for agents: nats-server asks here about every connection that is no service of ours.

Checks that the connecting side holds the key it names; whether the ticket is good is decided by the caller.
Whatever goes wrong here is a no: a refusal, an exception, a timeout, or nobody there at all.
"""

import asyncio
import base64
import binascii
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beistand.bus import keys, minter
from beistand.bus.connection import UNREACHABLE
from beistand.bus.permissions import CALLOUT_SUBJECT
from beistand.protocol.errors import (
    BadSignature,
    BeistandError,
    InvalidMessage,
    TicketRefused,
    Unavailable,
)
from beistand.protocol.ids import AgentKey, device_id
from beistand.protocol.signing import public_key_of_agent
from beistand.telemetry import meter, tracer

log = logging.getLogger(__name__)

DECIDE_WITHIN_S = 1.5
"""Less than the server's patience (`authorization.timeout`), so that a refusal is told and not guessed."""
MAX_AT_ONCE = 64
QUEUE = "callout"
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_DEVICE_TOKEN = re.compile(r"device\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{22})\.([1-9][0-9]{0,15})\Z")
MAX_NUMBER = 2**53 - 1

_decisions = meter.create_counter("beistand.callout.decisions", description="Connections let in or refused")

Purpose = Literal["control", "media"]


@dataclass(frozen=True)
class CalloutRequest:
    """Who wants in: the holder of `agent_key`'s secret, proven by a signature over the server's nonce."""

    ticket: str
    agent_key: str
    server_id: str
    client_id: int
    client_name: Purpose


@dataclass(frozen=True)
class Admission:
    """In: to this session, until then."""

    org: str
    sid: str
    expires_at: datetime


@dataclass(frozen=True)
class DeviceRequest:
    """An enrolled device wants in: its key is proven, and its id is that key's."""

    org: str
    device_id: str
    number: int
    device_key: str
    server_id: str
    client_id: int


@dataclass(frozen=True)
class DeviceAdmission:
    """In: as this device, until then."""

    org: str
    device_id: str
    expires_at: datetime


Decide = Callable[[CalloutRequest], Awaitable[Admission]]
DecideDevice = Callable[[DeviceRequest], Awaitable[DeviceAdmission]]


async def no_device(_request: DeviceRequest) -> DeviceAdmission:
    """Nobody here knows of enrolled devices."""
    raise TicketRefused


class Callout:
    """Answers nats-server's questions until `stop()`."""

    def __init__(self, client: Client, signer: Any, decide: Decide, decide_device: DecideDevice) -> None:
        self._client = client
        self._signer = signer
        self._decide = decide
        self._decide_device = decide_device
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Any = None

    async def start(self) -> None:
        """Start answering, as one of the replicas."""
        self._subscription = await self._client.subscribe(CALLOUT_SUBJECT, queue=QUEUE, cb=self._receive)
        await self._client.flush()

    async def stop(self) -> None:
        """Take no more questions; those under way end by themselves within DECIDE_WITHIN_S."""
        await self._subscription.unsubscribe()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _receive(self, message: Msg) -> None:
        if len(self._tasks) >= MAX_AT_ONCE:
            _decisions.add(1, {"code": "overload"})
            return
        task = asyncio.get_running_loop().create_task(self._answer(message), name="callout")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        with tracer.start_as_current_span("callout"):
            try:
                question = _question(message.data)
            except (ValueError, ValidationError):
                _decisions.add(1, {"code": "unreadable"})
                log.error("callout question does not parse")
                return
            answer = await self._decided(question)
            try:
                await self._client.publish(message.reply, answer.encode())
            except UNREACHABLE:
                _decisions.add(1, {"code": "answer_lost"})

    async def _decided(self, question: "_Question") -> str:
        now = datetime.now(UTC)
        try:
            token = await self._token(question, now)
        except BeistandError as error:
            _decisions.add(1, {"code": error.code})
            log.info("agent connection refused", extra={"code": error.code})
            return minter.refuse(question.user_nkey, question.server_id.id, error.code, self._signer, now=now)
        _decisions.add(1, {"code": "allowed"})
        return minter.allow(question.user_nkey, question.server_id.id, token, self._signer, now=now)

    async def _token(self, question: "_Question", now: datetime) -> str:
        request = _verified(question)
        try:
            async with asyncio.timeout(DECIDE_WITHIN_S):
                credential = await self._credential(question.user_nkey, request)
            return minter.mint(credential, self._signer, now=now)
        except BeistandError:
            raise
        except TimeoutError:
            raise Unavailable from None
        except Exception as error:
            log.exception("callout failed")
            raise BeistandError from error

    async def _credential(self, user: str, request: CalloutRequest | DeviceRequest) -> minter.Credential:
        if isinstance(request, DeviceRequest):
            device = await self._decide_device(request)
            return minter.device_credential(
                user, org=device.org, device_id=device.device_id, expires_at=device.expires_at
            )
        agent = await self._decide(request)
        return minter.credential(user, org=agent.org, sid=agent.sid, expires_at=agent.expires_at)


async def serve_callout(
    client: Client, keys_directory: Path, decide: Decide, decide_device: DecideDevice = no_device
) -> Callout:
    """Answer for agents' connections with `decide`, for enrolled devices' with `decide_device`.

    Both raise a BeistandError to refuse. Let in means: the subjects of this session or device only, until
    the admission's `expires_at`.
    """
    callout = Callout(client, keys.read_nkey(keys_directory, keys.CALLOUT_SEED), decide, decide_device)
    await callout.start()
    return callout


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Server(_Part):
    id: str


class _ClientInfo(_Part):
    id: int
    nonce: str = ""


class _ConnectOptions(_Part):
    nkey: str = ""
    sig: str = ""
    auth_token: str = ""
    name: str = ""


class _Question(_Part):
    """The claims of nats-server's authorization request (ADR-26 of NATS)."""

    server_id: _Server
    user_nkey: AgentKey
    client_info: _ClientInfo
    connect_opts: _ConnectOptions
    type: Literal["authorization_request"] = Field()


def _question(token: bytes) -> _Question:
    """The question in a server's JWT. Only nats-server itself can publish on the callout's subject."""
    parts = token.decode("ascii").split(".")
    if len(parts) != 3:
        raise ValueError("Not a JWT.")
    return _Question.model_validate(json.loads(_unb64(parts[1]))["nats"])


def _verified(question: _Question) -> CalloutRequest | DeviceRequest:
    """The request if ticket, name and signature have their form and the signature is right."""
    offered = question.connect_opts
    if offered.name == "device":
        return _verified_device(question)
    if not _TICKET.match(offered.auth_token):
        raise TicketRefused
    if offered.name not in ("control", "media"):
        raise InvalidMessage
    _check_signature(offered.nkey, offered.sig, question.client_info.nonce)
    return CalloutRequest(
        ticket=offered.auth_token,
        agent_key=offered.nkey,
        server_id=question.server_id.id,
        client_id=question.client_info.id,
        client_name="control" if offered.name == "control" else "media",
    )


def _verified_device(question: _Question) -> DeviceRequest:
    offered = question.connect_opts
    token = _DEVICE_TOKEN.match(offered.auth_token)
    if token is None or int(token[3]) > MAX_NUMBER or device_id(offered.nkey) != token[2]:
        raise TicketRefused
    _check_signature(offered.nkey, offered.sig, question.client_info.nonce)
    return DeviceRequest(
        org=token[1],
        device_id=token[2],
        number=int(token[3]),
        device_key=offered.nkey,
        server_id=question.server_id.id,
        client_id=question.client_info.id,
    )


def _check_signature(agent_key: str, signature: str, nonce: str) -> None:
    public_key = Ed25519PublicKey.from_public_bytes(public_key_of_agent(agent_key))
    if not nonce:
        raise BadSignature
    try:
        public_key.verify(_unb64(signature), nonce.encode())
    except (InvalidSignature, ValueError, binascii.Error):
        raise BadSignature from None


def _unb64(text: str) -> bytes:
    """Both base64 alphabets, padded or not: clients differ."""
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
