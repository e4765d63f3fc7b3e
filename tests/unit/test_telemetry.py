"""Log lines are JSON and quote nothing that an exception may have picked up from a peer."""

import json
import logging
import sys

import pytest

from beistand.telemetry import JsonFormatter, extract, inject, trace_id

pytestmark = pytest.mark.unit


def formatted(record: logging.LogRecord) -> dict[str, str]:
    line = JsonFormatter("gateway").format(record)
    assert "\n" not in line
    parsed: dict[str, str] = json.loads(line)
    return parsed


def test_a_line_says_when_who_and_what() -> None:
    record = logging.makeLogRecord(
        {"name": "beistand.bus", "levelname": "INFO", "msg": "nats %s", "args": ("lost",), "connection": "x"}
    )
    line = formatted(record)
    assert line["service"] == "gateway"
    assert line["level"] == "info"
    assert line["message"] == "nats lost"
    assert line["connection"] == "x"
    assert line["time"].endswith("+00:00")


def test_an_exceptions_text_stays_out() -> None:
    try:
        raise ValueError("ticket=abc")
    except ValueError:
        record = logging.makeLogRecord({"msg": "request failed", "exc_info": sys.exc_info()})
    line = formatted(record)
    assert line["error"] == "ValueError"
    assert "test_an_exceptions_text_stays_out" in line["stack"]
    assert "ticket=abc" not in json.dumps({**line, "stack": ""})


def test_without_an_sdk_there_is_no_trace() -> None:
    assert inject({}) == {}
    assert trace_id() == ""
    assert not extract({"traceparent": "rubbish"})
    assert extract(None) is not None
