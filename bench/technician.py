"""A technician by HTTP: sessions, questions, tickets."""

import asyncio

import httpx

PATIENCE_S = 30.0
ASK_TRIES = 200
ASK_AGAIN_S = 0.05


class Technician:
    """Signed in at a gateway."""

    def __init__(self, gateway: str, relay: str) -> None:
        self.gateway, self.relay = gateway, relay
        self._http = httpx.AsyncClient(base_url=gateway, timeout=PATIENCE_S)

    async def sign_in(self, user: str, password: str) -> None:
        """Get a bearer token."""
        answer = await self._http.post("/v1/auth/token", json={"username": user, "password": password})
        self._http.headers["authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"

    async def session(self) -> tuple[str, str]:
        """A new session: its id and code."""
        created = (await self._http.post("/v1/sessions")).raise_for_status().json()
        return created["id"], created["code"]

    async def ask(self, sid: str) -> str:
        """Ask for the picture; the request's id."""
        body = {"capability": "view", "reason": "measurement"}
        for _ in range(ASK_TRIES):
            answer = await self._http.post(f"/v1/sessions/{sid}/requests", json=body)
            if answer.status_code != httpx.codes.CONFLICT:
                break
            await asyncio.sleep(ASK_AGAIN_S)  # the stop before has not been recorded yet
        return str(answer.raise_for_status().json()["id"])

    async def ticket(self, sid: str) -> str:
        """For a viewer socket."""
        answer = await self._http.post(f"/v1/sessions/{sid}/tickets", json={"audience": "relay"})
        return str(answer.raise_for_status().json()["ticket"])

    async def close(self) -> None:
        """Sign off."""
        await self._http.aclose()
