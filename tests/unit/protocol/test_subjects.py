"""Subjects: what is built is parsed back, and nothing that is no identifier gets into one."""

import inspect
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol import ids, subjects
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.subjects import Down, Event, Service, Up

pytestmark = pytest.mark.unit

SID, OTHER = "s" * 22, "t" * 22
sids = st.binary(min_size=16, max_size=16).map(ids.id_from)
orgs = st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)

BUILDERS: list[Callable[[str, str], str]] = [
    lambda org, sid: subjects.up(org, sid, Up.HELLO),
    lambda org, sid: subjects.posted(org, sid, Up.REVOKED),
    subjects.up_of_session,
    lambda org, sid: subjects.media(org, sid, SID),
    subjects.media_of_session,
    lambda org, sid: subjects.down(org, sid, Down.ASK),
    subjects.down_of_session,
    lambda org, sid: subjects.input_of_grant(org, sid, SID),
    subjects.input_of_session,
    lambda org, sid: subjects.event(org, sid, Event.CHAT),
    subjects.events_of_session,
    subjects.ledger,
    lambda _org, sid: subjects.inbox_prefix(sid),
]
ALPHABET = string.ascii_letters + string.digits + "_-"
NASTY = ["", "*", ">", "a.b", "a b", "a\n", SID + ".", SID[:-1] + "*", SID[:-1] + ">", SID + "\n"]


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("bad", NASTY)
def test_no_builder_takes_a_bad_session(build: Callable[[str, str], str], bad: str) -> None:
    with pytest.raises(InvalidMessage):
        build("acme", bad)


@pytest.mark.parametrize("build", BUILDERS[:-1])
@pytest.mark.parametrize("bad", [*NASTY[:-4], "x" * 33])
def test_no_builder_takes_a_bad_organisation(build: Callable[[str, str], str], bad: str) -> None:
    with pytest.raises(InvalidMessage):
        build(bad, SID)


# One bad character anywhere in a good token, or a token of the wrong length.
bad_tokens = st.one_of(
    st.tuples(sids, st.integers(0, 21), st.sampled_from("*>. \t\r\n\0/é\u0410\uff21\u200b\U0001d400")).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
    ),
    sids.map(lambda sid: sid[:-1]),
    sids.map(lambda sid: sid + "A"),
    st.integers(2, 2**20).map(lambda length: "A" * max(33, length)),
    st.text().filter(lambda text: not ids_like(text)),
)


def ids_like(text: str) -> bool:
    return len(text) == 22 and text.isascii() and set(text) <= set(ALPHABET)


@given(st.sampled_from(BUILDERS), bad_tokens)
def test_whatever_is_no_identifier_gets_into_no_subject(build: Callable[[str, str], str], bad: str) -> None:
    with pytest.raises(InvalidMessage):
        build("acme", bad)


@given(bad_tokens)
def test_whatever_is_no_identifier_names_no_grant(bad: str) -> None:
    for build in (subjects.media, subjects.input_of_grant):
        with pytest.raises(InvalidMessage):
            build("acme", SID, bad)


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_an_organisation_is_one_plain_token_or_refused(org: str) -> None:
    for build in BUILDERS[:-1]:
        try:
            subject = build(org, SID)
        except InvalidMessage:
            continue
        assert set(org) <= set(ALPHABET)
        assert subject.split(".")[2] == org


def test_every_builder_is_tried() -> None:
    """A new function that takes a session must be in the list above."""
    named = {
        name
        for name, function in vars(subjects).items()
        if inspect.isfunction(function)
        and function.__module__ == subjects.__name__
        and "sid" in inspect.signature(function).parameters
    }
    tried = {name for build in BUILDERS for name in build.__code__.co_names} | {
        build.__name__ for build in BUILDERS
    }
    assert named - tried == {"is_own_inbox"}


@pytest.mark.parametrize("bad", NASTY)
def test_no_builder_takes_a_bad_grant(bad: str) -> None:
    with pytest.raises(InvalidMessage):
        subjects.media("acme", SID, bad)
    with pytest.raises(InvalidMessage):
        subjects.input_of_grant("acme", SID, bad)


@given(orgs, sids, sids)
def test_what_is_built_is_parsed_back(org: str, sid: str, grant: str) -> None:
    built = {
        "up": (subjects.up(org, sid, Up.CHAT), "chat"),
        "down": (subjects.down(org, sid, Down.NOTICE), "notice"),
        "media": (subjects.media(org, sid, grant), grant),
        "input": (subjects.input_of_grant(org, sid, grant), grant),
        "evt": (subjects.event(org, sid, Event.SESSION), "session"),
    }
    for family, (subject, leaf) in built.items():
        assert subjects.parse(subject) == subjects.Address(family, org, sid, leaf)


@given(st.text())
def test_parsing_anything_is_safe(subject: str) -> None:
    try:
        address = subjects.parse(subject)
    except InvalidMessage:
        return
    assert ids.identifier(address.sid) == address.sid


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "bst.up.acme",
        f"bst.up.acme.{SID}",
        f"bst.up.acme.{SID}.hello.more",
        f"bst.srv.acme.{SID}.hello",
        f"xst.up.acme.{SID}.hello",
        f"bst.up.*.{SID}.hello",
        "bst.up.acme.*.hello",
        f"bst.ledger.acme.{SID}.x",
    ],
)
def test_what_is_not_ours_is_refused(subject: str) -> None:
    with pytest.raises(InvalidMessage):
        subjects.parse(subject)


def test_an_answer_reaches_only_the_own_inbox() -> None:
    assert subjects.is_own_inbox(f"_INBOX.{SID}.abc", SID)
    for reply in (
        "",
        f"_INBOX.{OTHER}.abc",
        f"_INBOX.{SID}",
        f"_INBOX.{SID}x.abc",
        f"_INBOX.{SID}.*",
        f"_INBOX.{SID}.>",
        f"_INBOX.{SID}.a b",
        f"bst.down.acme.{OTHER}.ask",
        "bst.srv.session.end",
        f"$KV.grants.acme.{SID}.x",
    ):
        assert not subjects.is_own_inbox(reply, SID)


def test_every_subject_is_different() -> None:
    built = [subjects.up("acme", SID, verb) for verb in Up]
    built += [subjects.down("acme", SID, verb) for verb in Down]
    built += [subjects.event("acme", SID, kind) for kind in Event]
    built += [subjects.service(endpoint) for endpoint in Service]
    assert len(set(built)) == len(built)


@pytest.mark.parametrize("verb", Up)
def test_a_service_hears_exactly_that_verb_of_every_session(verb: Up) -> None:
    assert subjects.up_everywhere(verb).split(".") == ["bst", "up", "*", "*", verb.value]


@pytest.mark.parametrize("kind", Event)
def test_a_service_hears_exactly_that_event_of_every_session(kind: Event) -> None:
    assert subjects.event_everywhere(kind).split(".") == ["bst", "evt", "*", "*", kind.value]
