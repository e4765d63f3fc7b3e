"""The proof of the played session: both sides' receipts, checked with `beistand verify` as anybody would."""

import asyncio
import json
import sys
from pathlib import Path

import httpx

from beistand.protocol.records import Language


class NotGenuineError(Exception):
    """A receipt that `beistand verify` did not find genuine."""


def session_of(receipt: bytes) -> str:
    """The id of the session a receipt is about."""
    return str(json.loads(receipt)["sid"])


async def fetch(gateway: str, sid: str, *, user: str, password: str) -> bytes:
    """The receipt as a technician gets it over the API, exactly as sent."""
    async with httpx.AsyncClient(base_url=gateway) as client:
        signed_in = await client.post("/v1/auth/token", json={"username": user, "password": password})
        signed_in.raise_for_status()
        bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        answer = await client.get(f"/v1/sessions/{sid}/receipt", headers=bearer)
        answer.raise_for_status()
    return answer.content


async def verify(receipt: Path, *, language: Language, consent_key: str) -> bytes:
    """The story `beistand verify` tells; NotGenuineError unless it exits with 0."""
    keys = ["--consent-key", consent_key] if consent_key else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "beistand", "verify", str(receipt), "--language", language, *keys),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise NotGenuineError(f"beistand verify {receipt}: exit code {process.returncode}: {told.decode()}")
    return told
