// What the technician at this console may do now, what they may ask for, and what the stage says where no picture is.
// Pure derivations from the two models; they decide nothing, the customer's device does.
import { assertNever } from "./never.ts";
import { isOver, isPaused, type SessionModel } from "./session-state.ts";
import type { Capability, Cause, Party, RequestView } from "./protocol.gen.ts";
import type { ViewerState } from "./viewer-state.ts";

/** The kinds of access that are asked for with a reason alone; unattended access has terms. */
export const DIRECT = ["view", "control"] as const satisfies readonly Capability[];

export type Access =
  | { readonly kind: "none" }
  | { readonly kind: "asked"; readonly request: RequestView }
  | { readonly kind: "live"; readonly request: RequestView }
  | { readonly kind: "closed"; readonly request: RequestView };

/** The newest word on one capability. Another technician's grant is not ours. */
export function accessTo(model: SessionModel, capability: Capability): Access {
  const me = model.me ?? model.session?.technician_id;
  const request = model.requests.findLast((item) => item.capability === capability && item.technician_id === me);
  if (request === undefined) {
    return { kind: "none" };
  }
  if (request.state === "asked" || request.state === "live") {
    return isOver(model.session) ? { kind: "closed", request } : { kind: request.state, request };
  }
  return { kind: "closed", request };
}

/** Whether asking makes sense; the consent service has the last word. */
export function mayAsk(model: SessionModel, capability: Capability): boolean {
  const access = accessTo(model, capability);
  if (model.session?.state !== "active" || access.kind === "asked" || access.kind === "live") {
    return false;
  }
  switch (capability) {
    case "view":
      return true;
    case "control":
      return accessTo(model, "view").kind === "live";
    case "unattended":
      return !isUnattended(model);
    default:
      return assertNever(capability);
  }
}

/** Nobody sits there: the device answers by the rules its person set. */
export function isUnattended(model: SessionModel): boolean {
  return model.session?.device_id != null;
}

/** Chat needs nothing but a customer in a session that is not over. */
export function mayChat(model: SessionModel): boolean {
  return model.session?.state === "active" || model.session?.state === "suspended";
}

/** The view grant whose picture belongs on the stage now. */
export function viewGrant(model: SessionModel): string | undefined {
  const access = accessTo(model, "view");
  return model.session?.state === "active" && access.kind === "live" ? access.request.id : undefined;
}

/** What lies over the canvas; `picture`: nothing, the picture is there. */
export type Overlay =
  | { readonly kind: "picture" }
  | { readonly kind: "loading" }
  | { readonly kind: "waiting" }
  | { readonly kind: "coming" }
  | { readonly kind: "ended"; readonly by: Party | undefined; readonly cause: Cause | undefined }
  | { readonly kind: "expired" }
  | { readonly kind: "suspended" }
  | { readonly kind: "unsupported" }
  | { readonly kind: "paused" }
  | { readonly kind: "connecting" }
  | { readonly kind: "lost" }
  | { readonly kind: "asked" }
  | { readonly kind: "denied" }
  | { readonly kind: "timed_out" }
  | { readonly kind: "stopped"; readonly by: Party | undefined; readonly cause: Cause | undefined }
  | { readonly kind: "no_access" };

export function overlayOf(model: SessionModel, viewer: ViewerState): Overlay {
  switch (model.session?.state) {
    case undefined:
      return { kind: "loading" };
    case "waiting":
      return { kind: isUnattended(model) ? "coming" : "waiting" };
    case "suspended":
      return { kind: "suspended" };
    case "expired":
      return { kind: "expired" };
    case "ended":
      return { kind: "ended", by: model.session.ended_by ?? undefined, cause: model.session.cause ?? undefined };
    case "active":
      return whileActive(model, viewer);
  }
}

function whileActive(model: SessionModel, viewer: ViewerState): Overlay {
  const access = accessTo(model, "view");
  switch (access.kind) {
    case "none":
      return { kind: "no_access" };
    case "asked":
      return { kind: "asked" };
    case "closed":
      return whenClosed(access.request);
    case "live":
      return isPaused(model) ? { kind: "paused" } : whileAllowed(viewer);
  }
}

function whenClosed(request: RequestView): Overlay {
  switch (request.state) {
    case "denied":
      return { kind: "denied" };
    case "timed_out":
      return { kind: "timed_out" };
    case "withdrawn":
      return { kind: "no_access" };
    default:
      return { kind: "stopped", by: request.closed_by ?? undefined, cause: causeOf(request) };
  }
}

function causeOf(request: RequestView): Cause | undefined {
  return request.cause ?? (request.state === "expired" ? "expired" : undefined);
}

function whileAllowed(viewer: ViewerState): Overlay {
  switch (viewer.kind) {
    case "live":
      if (viewer.paused) {
        return { kind: "paused" };
      }
      return { kind: viewer.picture ? "picture" : "connecting" };
    case "stopped":
      return { kind: "stopped", by: viewer.stop.by, cause: viewer.stop.cause ?? undefined };
    case "lost":
    case "unsupported":
      return { kind: viewer.kind };
    case "off":
    case "connecting":
      return { kind: "connecting" };
  }
}
