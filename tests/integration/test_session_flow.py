"""A session from code to end over the real bus: who may see it, what is said in it, how it is over."""

import pytest
from nats.aio.client import Client

from beistand.bus import rpc
from beistand.bus.store import Bucket, Store
from beistand.protocol import subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, Ended, NotFound, TicketRefused, WrongState
from beistand.protocol.messages import (
    ChatDown,
    CloudEvent,
    EndedDown,
    Party,
    RequestState,
    SessionEntry,
    SessionState,
    SignedUp,
)
from beistand.protocol.records import Cause, Hello
from tests.integration.conftest import Connect
from tests.support.agent_wire import AgentWire, agent_key_of, new_id
from tests.support.core_services import Technician, until

pytestmark = pytest.mark.integration


async def test_the_whole_way(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    assert (await technician.get(sid)).state is SessionState.WAITING
    async with agent:
        await agent.hello()
        assert (await technician.get(sid)).state is SessionState.ACTIVE

        asked = await technician.ask(sid)
        assert asked.state is RequestState.ASKED
        view = await agent.allow_next()
        assert (await technician.requests(sid))[view.request_id].state is RequestState.LIVE

        await technician.ask(sid, Capability.CONTROL)
        control = await agent.allow_next()
        await agent.revoke(view.request_id)
        found = await technician.requests(sid)
        assert found[view.request_id].cause is Cause.STOP_SHARING
        assert found[control.request_id].cause is Cause.VIEW_ENDED
        assert {item.state for item in found.values()} == {RequestState.REVOKED}

        again = await technician.ask(sid)
        assert (await agent.allow_next()).request_id == again.id != asked.id
        await agent.end()
    ended = await technician.get(sid)
    assert (ended.state, ended.ended_by) == (SessionState.ENDED, Party.CUSTOMER)


async def test_chat_goes_both_ways_and_is_kept(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        line = await technician.chat(sid, "Guten Tag")
        shown = await agent.next(ChatDown)
        assert (shown.id, shown.author, shown.text) == (line.id, "Tina", "Guten Tag")
        repeated = new_id()
        await agent.chat("Hallo", line_id=repeated)
        await agent.chat("Hallo", line_id=repeated)
        assert await technician.transcript(sid) == ["Guten Tag", "Hallo"]


async def test_chat_before_the_customer_is_there_is_refused(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    with pytest.raises(WrongState):
        await technician.chat(sid, "too early")
    async with agent:
        with pytest.raises(WrongState):
            await agent.chat("before the hello")
        assert await technician.transcript(sid) == []


async def test_nothing_is_said_after_the_end(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await technician.chat(sid, "before")
        await technician.end(sid)
        with pytest.raises(Ended):
            await technician.chat(sid, "after")
        with pytest.raises(Ended):
            await technician.ask(sid)
        with pytest.raises(Ended):
            await technician.end(sid)
        assert await technician.transcript(sid) == ["before"]


async def test_the_technicians_end_tells_the_agent_and_puts_it_out(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        view = await technician.ask(sid)
        await agent.allow_next()
        await technician.end(sid)
        told = await agent.next(EndedDown)
        assert (told.by, told.cause) == (Party.TECHNICIAN, Cause.TECHNICIAN)
        await until(lambda: _is_out(agent))
        await until(lambda: _is(technician, sid, view.id, RequestState.REVOKED))
        with pytest.raises(TicketRefused):
            await agent.connect("control")


async def test_the_customers_end_is_answered_before_the_cut(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await technician.ask(sid)
        view = await agent.allow_next()
        await agent.end()
        await until(lambda: _is_out(agent))
        for purpose in ("control", "media"):
            with pytest.raises(TicketRefused):
                await agent.connect(purpose)
        await until(lambda: _is(technician, sid, view.request_id, RequestState.REVOKED))
        assert (await technician.requests(sid))[view.request_id].cause is Cause.END_SESSION
    assert agent.heard_nothing(EndedDown)


async def test_after_the_cut_nothing_is_left_of_the_session(
    technician: Technician, service_client: Connect
) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        sessions = await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)
        await technician.end(sid)
        stored = await sessions.get(f"{technician.org}.{sid}")
        assert stored is not None
        left = stored.value
        assert (left.connections, left.agent_tickets, left.code_locator) == ((), (), "")


async def test_a_hello_must_be_the_bound_keys_and_about_this_session(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        content = {"agent_key": agent_key_of(agent.seed), "language": "de", "platform": "test"}
        forgeries = {
            "other key": {"seed": bytes(32)},
            "other session": {"sid": new_id()},
            "other organisation": {"org": "elsewhere"},
            "other agent key inside": {"agent_key": agent_key_of(bytes(32))},
            "not the first of its chain": {"seq": 0, "prev": "x" * 43},
        }
        for changes in forgeries.values():
            jws = agent.sign(Hello, **({**content, "agent_version": "0", "seq": 0} | changes))
            with pytest.raises(BadSignature):
                await agent.send(subjects.Up.HELLO, "hello", jws)
            assert (await technician.get(sid)).state is SessionState.WAITING
        agent.seq, agent.prev = 0, "0" * 43
        await agent.hello()
        assert (await technician.get(sid)).state is SessionState.ACTIVE


async def test_a_forged_end_ends_nothing(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        _, other = await technician.in_session()
        async with other:
            await other.hello()
            stolen = other.sign(
                Hello, agent_key=agent_key_of(other.seed), language="de", platform="", agent_version="0"
            )
        for jws in (stolen, "not.a.record"):
            with pytest.raises(BadSignature):
                await agent.send(subjects.Up.ENDED, "end", jws)
        assert (await technician.get(sid)).state is SessionState.ACTIVE


async def test_others_sessions_do_not_exist(services: Client, technician: Technician) -> None:
    sid, agent = await technician.in_session()
    colleague = Technician(services, technician.org)
    stranger = Technician(services, "elsewhere", sees_all=True)
    async with agent:
        await agent.hello()
        view = await technician.ask(sid)
        for nobody in (colleague, stranger):
            for attempt in (
                nobody.get(sid),
                nobody.end(sid),
                nobody.chat(sid, "hello"),
                nobody.transcript(sid),
                nobody.ask(sid),
                nobody.requests(sid),
                nobody.withdraw(sid, view.id),
            ):
                with pytest.raises(NotFound):
                    await attempt
            assert (await nobody.sessions()).items == ()
        assert (await technician.get(sid)).state is SessionState.ACTIVE


async def test_a_lead_sees_and_ends_all_sessions_of_the_organisation(
    services: Client, technician: Technician
) -> None:
    sid, agent = await technician.in_session()
    lead = Technician(services, technician.org, name="Lea", sees_all=True)
    async with agent:
        await agent.hello()
        assert [item.id for item in (await lead.sessions()).items] == [sid]
        assert (await lead.end(sid)).cause is Cause.ADMIN


async def test_sessions_are_listed_newest_first_in_pages(technician: Technician) -> None:
    made = [(await technician.create()).session.id for _ in range(5)]
    first = await technician.sessions(limit=2)
    second = await technician.sessions(limit=2, after=first.next)
    third = await technician.sessions(limit=2, after=second.next)
    shown = [item.id for page in (first, second, third) for item in page.items]
    assert shown == list(reversed(made))
    assert third.next is None


async def test_every_change_is_an_event(services: Client, technician: Technician) -> None:
    events = await services.subscribe(f"bst.evt.{technician.org}.*.*")
    await services.flush()
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await technician.ask(sid)
        await agent.allow_next()
        await agent.pause(paused=True)
        await agent.end()
        seen = []
        while "ended" not in seen[-1:]:
            event = CloudEvent.model_validate_json((await events.next_msg(timeout=10)).data)
            assert event.subject == sid
            seen.append(getattr(event.data, "state", event.type))
    expected = ["waiting", "active", "asked", "live", "beistand.pause.v1", "ended"]
    # The end of the session and of its grant are told by two services, in whatever order.
    assert [state for state in seen if state != "revoked"] == expected


async def test_an_unknown_kind_of_record_is_refused(technician: Technician) -> None:
    _, agent = await technician.in_session()
    async with agent:
        hello = agent.sign(
            Hello, agent_key=agent_key_of(agent.seed), language="de", platform="", agent_version="0"
        )
        with pytest.raises(BadSignature):
            await agent.send(subjects.Up.HELLO, "hello", hello + "x")
        message = SignedUp(type="end", jws=hello)
        subject = subjects.up(agent.org, agent.sid, subjects.Up.HELLO)
        with pytest.raises(Exception, match="understood"):
            await rpc.request(agent.clients["control"], subject, message, SignedUp)


async def _is_out(agent: AgentWire) -> bool:
    return not any(client.is_connected for client in agent.clients.values())


async def _is(technician: Technician, sid: str, request_id: str, state: RequestState) -> bool:
    return (await technician.requests(sid))[request_id].state is state
