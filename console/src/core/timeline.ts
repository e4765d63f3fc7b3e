// The session as a list of what happened when, derived from the model alone.
import { isOver, type SessionModel } from "./session-state.ts";
import type { Capability, Cause, Party, RequestState, RequestView, SessionView, Usage } from "./protocol.gen.ts";

export type Moment =
  | { readonly kind: "created"; readonly at: string }
  | { readonly kind: "joined"; readonly at: string }
  | { readonly kind: "asked"; readonly at: string; readonly capability: Capability; readonly reason: string }
  | { readonly kind: "allowed"; readonly at: string; readonly capability: Capability }
  | {
      readonly kind: "closed";
      readonly at: string;
      readonly capability: Capability;
      readonly state: RequestState;
      readonly by: Party | undefined;
      readonly cause: Cause | undefined;
    }
  | { readonly kind: "used"; readonly at: string; readonly capability: Capability; readonly usage: Usage }
  | { readonly kind: "paused"; readonly at: string }
  | { readonly kind: "resumed"; readonly at: string }
  | {
      readonly kind: "over";
      readonly at: string;
      readonly expired: boolean;
      readonly by: Party | undefined;
      readonly cause: Cause | undefined;
    };

/** Oldest first. */
export function timelineOf(model: SessionModel): readonly Moment[] {
  const moments = [
    ...(model.session === undefined ? [] : sessionMoments(model.session)),
    ...model.requests.flatMap((request) => requestMoments(request, model.liveSince[request.id])),
    ...model.pauses.map(({ at, paused }): Moment => ({ kind: paused ? "paused" : "resumed", at })),
  ];
  return moments.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function sessionMoments(session: SessionView): Moment[] {
  const moments: Moment[] = [{ kind: "created", at: session.created_at }];
  if (session.joined_at != null) {
    moments.push({ kind: "joined", at: session.joined_at });
  }
  if (isOver(session)) {
    moments.push(overMoment(session));
  }
  return moments;
}

function overMoment(session: SessionView): Moment {
  return {
    kind: "over",
    at: session.ended_at ?? session.waiting_until,
    expired: session.state === "expired",
    by: session.ended_by ?? undefined,
    cause: session.cause ?? undefined,
  };
}

/** When a grant went live is known only to those who were there. */
function requestMoments(request: RequestView, liveAt: string | undefined): Moment[] {
  const { capability, reason } = request;
  const moments: Moment[] = [{ kind: "asked", at: request.asked_at, capability, reason }];
  if (liveAt !== undefined) {
    moments.push({ kind: "allowed", at: liveAt, capability });
  }
  if (request.closed_at != null) {
    moments.push(closedMoment(request, request.closed_at));
  }
  if (request.usage != null) {
    moments.push({ kind: "used", at: request.closed_at ?? request.usage.until, capability, usage: request.usage });
  }
  return moments;
}

function closedMoment(request: RequestView, at: string): Moment {
  return {
    kind: "closed",
    at,
    capability: request.capability,
    state: request.state,
    by: request.closed_by ?? undefined,
    cause: request.cause ?? undefined,
  };
}
