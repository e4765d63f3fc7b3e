// Reads what arrives on the two sockets. Anything that is not in the contract is no message.
import type { EventType, EventsEvent, EventsSnapshot, FromRelay } from "./protocol.gen.ts";

export type FromGateway = EventsSnapshot | EventsEvent;

const FROM_RELAY: Readonly<Record<FromRelay["type"], true>> = {
  "relay.ready": true,
  "relay.control": true,
  "relay.paused": true,
  "relay.monitors": true,
  "relay.stopped": true,
};

const FROM_GATEWAY: Readonly<Record<FromGateway["type"], true>> = {
  "events.snapshot": true,
  "events.event": true,
};

const EVENTS: Readonly<Record<EventType, true>> = {
  "beistand.session.v1": true,
  "beistand.request.v1": true,
  "beistand.chat.v1": true,
  "beistand.pause.v1": true,
  "beistand.device.v1": true,
};

export function readFromRelay(raw: string): FromRelay | undefined {
  return read<FromRelay>(raw, FROM_RELAY);
}

export function readFromGateway(raw: string): FromGateway | undefined {
  const message = read<FromGateway>(raw, FROM_GATEWAY);
  const isUnknownEvent = message?.type === "events.event" && !Object.hasOwn(EVENTS, message.event?.type);
  return isUnknownEvent ? undefined : message;
}

function read<T extends { type: string }>(raw: string, known: Readonly<Record<string, true>>): T | undefined {
  const message = parsed(raw) as T | null | undefined;
  return typeof message?.type === "string" && Object.hasOwn(known, message.type) ? message : undefined;
}

function parsed(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}
