"""The contract in TypeScript, for the console: what crosses REST, the event socket and the viewer socket.

`python -m beistand.protocol.typescript` rewrites `TARGET`; a test fails while it is not fresh. Only what a
browser may see is written: no record of a service, no agent message.
"""

import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from beistand.protocol import frames, messages
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import ERRORS
from beistand.protocol.records import Cause, InputCounts, Reason
from beistand.protocol.terms import Rule, Technician, Terms

TARGET = Path(__file__).parents[2] / "console" / "src" / "core" / "protocol.gen.ts"

MODELS: tuple[Any, ...] = (
    Capability,
    Cause,
    messages.Party,
    messages.SessionState,
    messages.RequestState,
    messages.SessionView,
    InputCounts,
    messages.Usage,
    messages.RequestView,
    messages.ChatLine,
    messages.PauseView,
    messages.DeviceState,
    Rule,
    Technician,
    Terms,
    messages.DeviceView,
    messages.DeviceList,
    messages.SessionList,
    messages.ChatList,
    messages.CloudEvent,
    messages.EventsHello,
    messages.EventsSnapshot,
    messages.EventsEvent,
    messages.ViewerHello,
    messages.ViewerShown,
    messages.ViewerRefresh,
    messages.ViewerMonitor,
    messages.InputMove,
    messages.InputButton,
    messages.InputWheel,
    messages.InputKey,
    messages.InputText,
    messages.InputRelease,
    messages.RelayReady,
    messages.RelayControl,
    messages.RelayPaused,
    messages.MonitorSize,
    messages.RelayMonitors,
    messages.RelayStopped,
)

UNIONS: dict[str, Any] = {
    "Input": messages.Input,
    "FromViewer": messages.FromViewer,
    "FromRelay": messages.FromRelay,
}

EVENT_DATA: dict[str, type[messages.Message]] = {
    "beistand.session.v1": messages.SessionView,
    "beistand.request.v1": messages.RequestView,
    "beistand.chat.v1": messages.ChatLine,
    "beistand.pause.v1": messages.PauseView,
    "beistand.device.v1": messages.DeviceView,
}
"""What `data` is for each event type: makes the type a discriminated union in TypeScript."""

CONSTANTS: dict[str, int] = {
    "MAX_CHAT": messages.MAX_CHAT,
    "MAX_REASON": TypeAdapter(Reason).json_schema()["maxLength"],
    "MAX_INPUT": messages.MAX_INPUT,
    "FRAME_VERSION": frames.VERSION,
    "FRAME_HEADER_SIZE": frames.HEADER.size,
    "FRAME_MAX_CHUNK": frames.MAX_CHUNK,
    "FRAME_MAX_CHUNKS": frames.MAX_CHUNKS,
    "FRAME_MAX_SIDE": frames.MAX_SIDE,
}

_HEAD = """\
// Generated from beistand/protocol by `python -m beistand.protocol.typescript`. Do not edit.
"""


def render() -> str:
    """The whole TypeScript module."""
    sections = [_HEAD, *_constants(), *_errors(), *_models(), *_event_map(), *_unions()]
    return "\n".join(sections)


def main() -> None:
    """Write the module where the console expects it."""
    TARGET.write_text(render(), encoding="utf-8")


def _constants() -> Iterator[str]:
    yield from (f"export const {name} = {value};" for name, value in CONSTANTS.items())
    members = ", ".join(f"{codec.name}: {codec.value}" for codec in frames.Codec)
    yield f"export const CODEC = {{ {members} }} as const;"
    yield "export type Codec = (typeof CODEC)[keyof typeof CODEC];\n"


def _errors() -> Iterator[str]:
    codes = ",\n  ".join(json.dumps(code) for code in ERRORS)
    yield f"export const ERROR_CODES = [\n  {codes},\n] as const;"
    yield "export type ErrorCode = (typeof ERROR_CODES)[number];\n"


def _models() -> Iterator[str]:
    for model in MODELS:
        schema = TypeAdapter(model).json_schema(mode="serialization")
        yield _doc(schema.get("description")) + _declaration(model.__name__, schema)


def _declaration(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"export type {name} = {_type(schema)};\n"
    if name == messages.CloudEvent.__name__:
        schema = _generic_event(schema)
        name = "CloudEvent<T extends EventType = EventType>"
    fields = "\n".join(_field(*item) for item in schema["properties"].items())
    return f"export interface {name} {{\n{fields}\n}}\n"


def _generic_event(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {**schema["properties"], "type": {"raw": "T"}, "data": {"raw": "EventData[T]"}}
    return {**schema, "properties": properties}


def _event_map() -> Iterator[str]:
    fields = "\n".join(
        f"  readonly {json.dumps(name)}: {kind.__name__};" for name, kind in EVENT_DATA.items()
    )
    yield f"export interface EventData {{\n{fields}\n}}\n"
    yield "export type EventType = keyof EventData;\n"
    yield "/** One member per event type, so that `type` tells what `data` is. */"
    yield "export type AnyEvent = { [T in EventType]: CloudEvent<T> }[EventType];\n"


def _unions() -> Iterator[str]:
    for name, union in UNIONS.items():
        members = (_name(member["$ref"]) for member in TypeAdapter(union).json_schema()["oneOf"])
        yield f"export type {name} = " + " | ".join(members) + ";\n"


def _field(name: str, schema: dict[str, Any]) -> str:
    """A nullable field with default null may be left out by the sender; any other is always there."""
    mark = "?" if "default" in schema and schema["default"] is None else ""
    return f"  readonly {name}{mark}: {_type(schema)};"


def _type(schema: dict[str, Any]) -> str:
    if "raw" in schema:
        return str(schema["raw"])
    if "$ref" in schema:
        return "AnyEvent" if _name(schema["$ref"]) == "CloudEvent" else _name(schema["$ref"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(_plain(value)) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"])
    return _SIMPLE[schema["type"]] if schema["type"] != "array" else f"readonly {_type(schema['items'])}[]"


_SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _doc(text: str | None) -> str:
    return "/** " + " ".join(text.split()) + " */\n" if text else ""


if __name__ == "__main__":
    main()
