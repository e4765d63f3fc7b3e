// What is known of one session, from snapshots, events and answers, in whatever order and however often they arrive.
// Pure: a state only moves forward (a request that is over is never live again), so telling it twice changes nothing.
import { assertNever } from "./never.ts";
import type {
  AnyEvent,
  ChatLine,
  EventsSnapshot,
  RequestState,
  RequestView,
  SessionState,
  SessionView,
} from "./protocol.gen.ts";

/** Where the event socket stands. */
export type Link = "connecting" | "open" | "lost";

export interface Pause {
  readonly at: string;
  readonly paused: boolean;
}

export interface SessionModel {
  readonly link: Link;
  /** Whose grants count here; undefined: the session's own technician's. */
  readonly me: string | undefined;
  readonly session: SessionView | undefined;
  /** When the newest session event known here happened. */
  readonly sessionAt: string;
  /** Oldest first. */
  readonly requests: readonly RequestView[];
  /** Request id -> when it was seen to go live. */
  readonly liveSince: Readonly<Record<string, string>>;
  readonly chat: readonly ChatLine[];
  /** Oldest first; the last one holds. */
  readonly pauses: readonly Pause[];
}

export type SessionAction =
  | { readonly type: "link"; readonly link: Link }
  | { readonly type: "snapshot"; readonly snapshot: EventsSnapshot }
  | { readonly type: "event"; readonly event: AnyEvent }
  | { readonly type: "session"; readonly session: SessionView }
  | { readonly type: "request"; readonly request: RequestView }
  | { readonly type: "chat"; readonly line: ChatLine };

export const UNKNOWN_SESSION: SessionModel = {
  link: "connecting",
  me: undefined,
  session: undefined,
  sessionAt: "",
  requests: [],
  liveSince: {},
  chat: [],
  pauses: [],
};

const SESSION_ORDER: Readonly<Record<SessionState, number>> = {
  waiting: 0,
  active: 1,
  suspended: 1,
  ended: 2,
  expired: 2,
};

const REQUEST_ORDER: Readonly<Record<RequestState, number>> = {
  asked: 0,
  live: 1,
  denied: 2,
  timed_out: 2,
  withdrawn: 2,
  revoked: 2,
  expired: 2,
};

/** The model after `action`; the same object if nothing changed. */
export function reduce(model: SessionModel, action: SessionAction): SessionModel {
  switch (action.type) {
    case "link":
      return model.link === action.link ? model : { ...model, link: action.link };
    case "snapshot":
      return withSnapshot(model, action.snapshot);
    case "event":
      return withEvent(model, action.event);
    case "session":
      return withSession(model, action.session, model.sessionAt);
    case "request":
      return withRequest(model, action.request);
    case "chat":
      return withChat(model, action.line);
    default:
      return assertNever(action);
  }
}

/** Over for good. */
export function isOver(session: SessionView | undefined): boolean {
  return session !== undefined && SESSION_ORDER[session.state] === 2;
}

/** The customer holds picture and input right now. */
export function isPaused(model: SessionModel): boolean {
  return model.session?.state === "active" && (model.pauses.at(-1)?.paused ?? false);
}

/** A snapshot says nothing about a pause: what was heard before the socket was lost may be outdated. */
function withSnapshot(model: SessionModel, snapshot: EventsSnapshot): SessionModel {
  const start = { ...model, link: "open" as const, pauses: resumed(model.pauses) };
  const session = withSession(start, snapshot.session, model.sessionAt);
  const requests = snapshot.requests.reduce(withRequest, session);
  return snapshot.chat.reduce(withChat, requests);
}

function resumed(pauses: readonly Pause[]): readonly Pause[] {
  const last = pauses.at(-1);
  return last?.paused === true ? [...pauses.slice(0, -1)] : pauses;
}

function withEvent(model: SessionModel, event: AnyEvent): SessionModel {
  switch (event.type) {
    case "beistand.session.v1":
      return instant(event.time) < instant(model.sessionAt) ? model : withSession(model, event.data, event.time);
    case "beistand.request.v1":
      return withRequest(noteLive(model, event.data, event.time), event.data);
    case "beistand.chat.v1":
      return withChat(model, event.data);
    case "beistand.pause.v1":
      return withPause(model, { at: event.time, paused: event.data.paused });
    case "beistand.device.v1":
      return model;
    default:
      return assertNever(event);
  }
}

function withSession(model: SessionModel, session: SessionView, at: string): SessionModel {
  const known = model.session;
  if (known !== undefined && SESSION_ORDER[session.state] < SESSION_ORDER[known.state]) {
    return model;
  }
  return { ...model, session, sessionAt: at };
}

function withRequest(model: SessionModel, request: RequestView): SessionModel {
  const known = model.requests.find((other) => other.id === request.id);
  if (known !== undefined && progress(request) <= progress(known)) {
    return model;
  }
  const others = model.requests.filter((other) => other.id !== request.id);
  return { ...model, requests: sorted([...others, request], (item) => item.asked_at) };
}

/** Grows with the state; in the same state, what tells of the use is the newer word. */
function progress(request: RequestView): number {
  return 2 * REQUEST_ORDER[request.state] + (request.usage == null ? 0 : 1);
}

function noteLive(model: SessionModel, request: RequestView, at: string): SessionModel {
  if (request.state !== "live" || model.liveSince[request.id] !== undefined) {
    return model;
  }
  return { ...model, liveSince: { ...model.liveSince, [request.id]: at } };
}

function withChat(model: SessionModel, line: ChatLine): SessionModel {
  if (model.chat.some((other) => other.id === line.id)) {
    return model;
  }
  return { ...model, chat: sorted([...model.chat, line], (item) => item.sent_at) };
}

function withPause(model: SessionModel, pause: Pause): SessionModel {
  const last = model.pauses.at(-1);
  const isNews = (last?.paused ?? false) !== pause.paused && instant(pause.at) >= instant(last?.at ?? "");
  return isNews ? { ...model, pauses: [...model.pauses, pause] } : model;
}

/** Stable: what happened at the same time stays in the order in which it was heard. */
function sorted<T>(items: readonly T[], at: (item: T) => string): readonly T[] {
  return items.toSorted((one, other) => instant(at(one)) - instant(at(other)));
}

function instant(time: string): number {
  return Date.parse(time) || 0;
}
