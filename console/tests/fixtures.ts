// Views as the gateway sends them.
import type {
  AnyEvent,
  ChatLine,
  EventData,
  EventType,
  RequestView,
  SessionView,
} from "../src/core/protocol.gen.ts";
import { reduce, UNKNOWN_SESSION, type SessionAction, type SessionModel } from "../src/core/session-state.ts";

export const ME = "technician-0123456789A";
export const SID = "session-00123456789012";

export const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

export const session = (more: Partial<SessionView> = {}): SessionView => ({
  id: SID,
  state: "active",
  technician_id: ME,
  technician_name: "Mira",
  organisation_name: "Demo",
  created_at: at(0),
  waiting_until: at(59),
  joined_at: at(5),
  ...more,
});

export const request = (more: Partial<RequestView> = {}): RequestView => ({
  id: "request-00123456789012",
  session_id: SID,
  technician_id: ME,
  technician_name: "Mira",
  capability: "view",
  reason: "To help.",
  state: "asked",
  asked_at: at(10),
  answer_until: at(59),
  ...more,
});

export const line = (id: string, second: number): ChatLine => ({
  id,
  session_id: SID,
  author: "Mira",
  party: "technician",
  text: id,
  sent_at: at(second),
});

export const event = <T extends EventType>(type: T, data: EventData[T], second: number): SessionAction => ({
  type: "event",
  event: {
    specversion: "1.0",
    id: `event-${second}`,
    source: "/test",
    type,
    subject: SID,
    time: at(second),
    datacontenttype: "application/json",
    data,
  } as AnyEvent,
});

export const after = (...actions: readonly SessionAction[]): SessionModel => actions.reduce(reduce, UNKNOWN_SESSION);

export const snapshot = (
  view: SessionView,
  requests: readonly RequestView[] = [],
  chat: readonly ChatLine[] = [],
): SessionAction => ({ type: "snapshot", snapshot: { type: "events.snapshot", session: view, requests, chat } });
