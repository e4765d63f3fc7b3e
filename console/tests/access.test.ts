import { describe, expect, it } from "vitest";
import { accessTo, isUnattended, mayAsk, mayChat, overlayOf, viewGrant } from "../src/core/access.ts";
import type { DeviceView, RequestState, SessionState } from "../src/core/protocol.gen.ts";
import { reduce } from "../src/core/session-state.ts";
import { OFF, type ViewerState } from "../src/core/viewer-state.ts";
import { after, at, event, request, session, SID, snapshot } from "./fixtures.ts";

const live = request({ state: "live" });
const control = request({ id: "control-00123456789012", capability: "control", asked_at: at(20) });
const watching: ViewerState = { kind: "live", grantId: live.id, control: false, held: false, paused: false, picture: true, monitors: [] };
const STATES: readonly SessionState[] = ["waiting", "active", "suspended", "ended", "expired"];

describe("what may be asked", () => {
  it.each(STATES)("in a session that is %s", (state) => {
    expect(mayAsk(after(snapshot(session({ state }))), "view")).toBe(state === "active");
  });

  it("is control only beside a live view", () => {
    expect(mayAsk(after(snapshot(session())), "control")).toBe(false);
    expect(mayAsk(after(snapshot(session(), [request()])), "control")).toBe(false);
    expect(mayAsk(after(snapshot(session(), [live])), "control")).toBe(true);
  });

  it.each(["asked", "live"] as const)("is nothing that is %s already", (state) => {
    expect(mayAsk(after(snapshot(session(), [request({ state })])), "view")).toBe(false);
  });

  it.each(["denied", "timed_out", "withdrawn", "revoked", "expired"] as const)("is again what was %s", (state) => {
    expect(mayAsk(after(snapshot(session(), [request({ state })])), "view")).toBe(true);
  });
});

describe("unattended access", () => {
  const alone = session({ device_id: "device-000123456789012", reason: "An update." });

  it("is asked for beside whatever else is there, but not where nobody sits who could say yes", () => {
    expect(mayAsk(after(snapshot(session())), "unattended")).toBe(true);
    expect(mayAsk(after(snapshot(session(), [live])), "unattended")).toBe(true);
    expect(mayAsk(after(snapshot(alone)), "unattended")).toBe(false);
    expect(mayAsk(after(snapshot(alone)), "view")).toBe(true);
  });

  it("is not asked for twice", () => {
    const asked = request({ capability: "unattended" });
    expect(mayAsk(after(snapshot(session(), [asked])), "unattended")).toBe(false);
  });

  it("waits for a device, not for a person with a code", () => {
    const waiting = after(snapshot({ ...alone, state: "waiting" }));
    expect(isUnattended(waiting)).toBe(true);
    expect(overlayOf(waiting, OFF).kind).toBe("coming");
  });

  it("is told apart in what the device's own events say: they change nothing here", () => {
    const model = after(snapshot(alone));
    expect(reduce(model, event("beistand.device.v1", {} as DeviceView, 30))).toBe(model);
  });
});

describe("access", () => {
  it("is the newest word on a capability", () => {
    const again = request({ id: "again-0000123456789012", asked_at: at(30) });
    const model = after(snapshot(session(), [request({ state: "denied" }), again]));
    expect(accessTo(model, "view")).toEqual({ kind: "asked", request: again });
  });

  it("of a colleague is not ours", () => {
    const theirs = request({ state: "live", technician_id: "another-00123456789012" });
    expect(accessTo(after(snapshot(session(), [theirs])), "view")).toEqual({ kind: "none" });
  });

  it("is the signed-in technician's on somebody else's session", () => {
    const me = "another-00123456789012";
    const mine = request({ id: "mine-00000123456789012", technician_id: me, state: "live" });
    const model = { ...after(snapshot(session(), [live, mine])), me };
    expect(viewGrant(model)).toBe(mine.id);
  });

  it.each(["ended", "expired"] as const)("is gone with a session that is %s", (state) => {
    const model = after(snapshot(session({ state }), [live]));
    expect(accessTo(model, "view").kind).toBe("closed");
    expect(viewGrant(model)).toBeUndefined();
  });

  it("shows no picture while the customer's computer is away", () => {
    expect(viewGrant(after(snapshot(session({ state: "suspended" }), [live])))).toBeUndefined();
  });
});

describe("chat", () => {
  it.each(STATES)("in a session that is %s", (state) => {
    expect(mayChat(after(snapshot(session({ state }))))).toBe(state === "active" || state === "suspended");
  });
});

describe("what lies over the canvas", () => {
  const overlay = (state: RequestState, viewer: ViewerState = OFF) =>
    overlayOf(after(snapshot(session(), [request({ state, closed_by: "customer", cause: "stop_sharing" })])), viewer);

  it.each([
    ["waiting", "waiting"],
    ["suspended", "suspended"],
    ["ended", "ended"],
    ["expired", "expired"],
  ] as const)("in a session that is %s, even with a picture", (state, kind) => {
    expect(overlayOf(after(snapshot(session({ state }), [live])), watching).kind).toBe(kind);
  });

  it("before anything is known", () => {
    expect(overlayOf(after(), OFF).kind).toBe("loading");
  });

  it.each([
    ["asked", "asked"],
    ["denied", "denied"],
    ["timed_out", "timed_out"],
    ["withdrawn", "no_access"],
    ["revoked", "stopped"],
    ["expired", "stopped"],
  ] as const)("when the request is %s, even if a picture were there", (state, kind) => {
    expect(overlay(state, watching).kind).toBe(kind);
  });

  it("says who stopped it, and why", () => {
    expect(overlay("revoked")).toEqual({ kind: "stopped", by: "customer", cause: "stop_sharing" });
  });

  it("is nothing only with a live grant and a drawn picture", () => {
    expect(overlay("live", watching).kind).toBe("picture");
    expect(overlay("live", { ...watching, picture: false }).kind).toBe("connecting");
    expect(overlay("live", { ...watching, paused: true }).kind).toBe("paused");
    expect(overlay("live", { kind: "lost", grantId: live.id }).kind).toBe("lost");
    expect(overlay("live", OFF).kind).toBe("connecting");
    expect(overlay("live", { kind: "unsupported" }).kind).toBe("unsupported");
  });

  it("is the relay's word when that comes before the event", () => {
    const stop = { code: "no_grant", by: "customer", cause: "stop_sharing" } as const;
    expect(overlay("live", { kind: "stopped", grantId: live.id, stop })).toMatchObject({ kind: "stopped", by: "customer" });
  });

  it("is a pause that the session tells of, whatever the relay has said so far", () => {
    const model = after(
      snapshot(session(), [live, control]),
      event("beistand.pause.v1", { session_id: SID, paused: true }, 40),
    );
    expect(overlayOf(model, watching).kind).toBe("paused");
  });
});
