// The life of the picture: one socket to a relay under one view grant. Pure; the ui carries it out.
import { assertNever } from "./never.ts";
import type { Cause, FromRelay, MonitorSize, Party } from "./protocol.gen.ts";

/** Why a relay stopped the picture. */
export interface Stop {
  readonly code: string;
  readonly by: Party;
  readonly cause?: Cause | null;
}

export type ViewerState =
  | { readonly kind: "off" }
  /** Nothing that can come can be shown by this browser. */
  | { readonly kind: "unsupported" }
  | { readonly kind: "connecting"; readonly grantId: string }
  | {
      readonly kind: "live";
      readonly grantId: string;
      readonly control: boolean;
      /** The customer's own hand is at mouse or keyboard: input is dropped there until it rests. */
      readonly held: boolean;
      readonly paused: boolean;
      readonly picture: boolean;
      /** What there is to choose from, the primary one first; nothing before the customer's device has said. */
      readonly monitors: readonly MonitorSize[];
    }
  /** The connection went, the grant did not: trying again. */
  | { readonly kind: "lost"; readonly grantId: string }
  /** Over for this grant, for good. */
  | { readonly kind: "stopped"; readonly grantId: string; readonly stop: Stop };

export type ViewerEvent =
  | { readonly type: "open"; readonly grantId: string }
  | { readonly type: "said"; readonly message: FromRelay }
  | { readonly type: "drawn" }
  | { readonly type: "closed"; readonly code: number }
  | { readonly type: "unsupported" }
  | { readonly type: "off" };

export const OFF: ViewerState = { kind: "off" };

/** Close codes after which this grant shows nothing any more: no grant, session over (4000 + HTTP status). */
const FOR_GOOD: ReadonlySet<number> = new Set([4403, 4410]);

export function viewerAfter(state: ViewerState, event: ViewerEvent): ViewerState {
  switch (event.type) {
    case "open":
      return { kind: "connecting", grantId: event.grantId };
    case "said":
      return afterMessage(state, event.message);
    case "drawn":
      return state.kind === "live" && !state.picture ? { ...state, picture: true } : state;
    case "closed":
      return afterClose(state, event.code);
    case "unsupported":
      return { kind: "unsupported" };
    case "off":
      return OFF;
    default:
      return assertNever(event);
  }
}

/** Input may be sent: the relay says so, and nothing is held. */
export function mayControl(state: ViewerState): boolean {
  return hasControl(state) && !isHeld(state);
}

/** Mouse and keyboard are the technician's, though the customer's own hand may go first for a moment. */
export function hasControl(state: ViewerState): boolean {
  return state.kind === "live" && state.control && !state.paused;
}

/** The customer's own hand goes first right now. */
export function isHeld(state: ViewerState): boolean {
  return hasControl(state) && state.kind === "live" && state.held;
}

/** The customer's monitors, if there is a picture to choose for. */
export function monitorsOf(state: ViewerState): readonly MonitorSize[] {
  return state.kind === "live" ? state.monitors : [];
}

function afterMessage(state: ViewerState, message: FromRelay): ViewerState {
  if (state.kind !== "connecting" && state.kind !== "live") {
    return state;
  }
  switch (message.type) {
    case "relay.ready":
      return { kind: "live", grantId: state.grantId, control: false, held: false, paused: false, picture: false, monitors: [] };
    case "relay.control":
      return state.kind === "live" ? { ...state, control: message.live, held: message.held } : state;
    case "relay.paused":
      return state.kind === "live" ? { ...state, paused: message.paused } : state;
    case "relay.monitors":
      return state.kind === "live" ? { ...state, monitors: message.monitors } : state;
    case "relay.stopped":
      return isForGood(message) ? { kind: "stopped", grantId: state.grantId, stop: message } : lost(state.grantId);
    default:
      return assertNever(message);
  }
}

function afterClose(state: ViewerState, code: number): ViewerState {
  if (state.kind !== "connecting" && state.kind !== "live") {
    return state;
  }
  if (FOR_GOOD.has(code)) {
    return { kind: "stopped", grantId: state.grantId, stop: { code: "no_grant", by: "system" } };
  }
  return lost(state.grantId);
}

function isForGood(stop: Stop): boolean {
  return stop.code === "no_grant" || stop.code === "session_ended";
}

function lost(grantId: string): ViewerState {
  return { kind: "lost", grantId };
}
