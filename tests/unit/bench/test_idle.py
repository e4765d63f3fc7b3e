"""The report says what was measured, and what was not."""

import pytest

from bench.idle import GOALS, markdown

pytestmark = pytest.mark.unit


def test_every_goal_is_named_even_where_nothing_was_measured() -> None:
    text = markdown({})
    assert text.count("not measured") == len(GOALS)


def test_goals_are_held_against_their_figures() -> None:
    devices = {"all connected after a restart of the broker, s": 12.5, "taken for copies of a key": 1}
    agent = {"CPU, % of one core": 0.6, "on the wire with TCP/IP headers, B/s": None}
    text = markdown({"devices": devices, "agent": agent})
    assert "| <= 30 s | 12.5 | reached |" in text
    assert "| taken for copies of a key | <= 0  | 1 | MISSED |" in text
    assert "| CPU, % of one core | <= 0.5 % | 0.6 | MISSED |" in text
    assert "| on the wire with TCP/IP headers, B/s | never |" in text


def test_each_process_has_its_row() -> None:
    text = markdown({"services": {"nats-server": {"idle: MiB": 40.0}, "session": {"idle: MiB": 90.5}}})
    assert "| process | idle: MiB |" in text
    assert "| session | 90.5 |" in text
