import { describe, expect, it } from "vitest";
import type { FromRelay } from "../src/core/protocol.gen.ts";
import { hasControl, isHeld, mayControl, OFF, viewerAfter, type ViewerEvent, type ViewerState } from "../src/core/viewer-state.ts";

const GRANT = "grant-0000123456789012";
const open: ViewerEvent = { type: "open", grantId: GRANT };
const said = (message: FromRelay): ViewerEvent => ({ type: "said", message });
const ready = said({ type: "relay.ready", grant_id: GRANT, expires_at: "2026-01-01T12:00:00Z" });
const control = (live: boolean, held = false) => said({ type: "relay.control", live, held });
const paused = (on: boolean) => said({ type: "relay.paused", paused: on });
const stopped = (code: string) => said({ type: "relay.stopped", code, by: "customer", cause: "stop_sharing" });
const drawn: ViewerEvent = { type: "drawn" };

const after = (...events: readonly ViewerEvent[]): ViewerState => events.reduce(viewerAfter, OFF);

describe("the picture", () => {
  it("comes after the relay is ready and a frame was drawn", () => {
    expect(after(open)).toEqual({ kind: "connecting", grantId: GRANT });
    expect(after(open, ready)).toMatchObject({ kind: "live", picture: false });
    expect(after(open, ready, drawn)).toMatchObject({ kind: "live", picture: true });
  });

  it.each(["no_grant", "session_ended"])("is over for good when the relay says %s", (code) => {
    expect(after(open, ready, drawn, stopped(code))).toMatchObject({
      kind: "stopped",
      stop: { by: "customer", cause: "stop_sharing" },
    });
  });

  it.each(["unavailable", "rate_limited", "ticket_refused"])("is tried again when the relay says %s", (code) => {
    expect(after(open, ready, stopped(code)).kind).toBe("lost");
  });

  it.each([
    [4403, "stopped"],
    [4410, "stopped"],
    [4503, "lost"],
    [4401, "lost"],
    [1006, "lost"],
    [1012, "lost"],
  ])("after close code %i is %s", (code, kind) => {
    expect(after(open, ready, { type: "closed", code }).kind).toBe(kind);
  });

  it("keeps the relay's reason when the close follows it", () => {
    const state = after(open, ready, stopped("no_grant"), { type: "closed", code: 4403 });
    expect(state).toMatchObject({ stop: { by: "customer", cause: "stop_sharing" } });
  });

  it("does not come back to life by late messages", () => {
    const over = after(open, ready, stopped("no_grant"));
    for (const late of [ready, control(true), drawn, paused(false)]) {
      expect(viewerAfter(over, late)).toBe(over);
    }
  });
});

describe("input", () => {
  it("waits while the customer's own hand goes first, and control stays", () => {
    const held = after(open, ready, control(true, true));
    expect([mayControl(held), hasControl(held), isHeld(held)]).toEqual([false, true, true]);
    const rested = viewerAfter(held, control(true));
    expect([mayControl(rested), hasControl(rested), isHeld(rested)]).toEqual([true, true, false]);
  });

  it("passes only while the relay says so and nothing is paused", () => {
    expect(mayControl(after(open, ready))).toBe(false);
    expect(mayControl(after(open, control(true)))).toBe(false);
    expect(mayControl(after(open, ready, control(true)))).toBe(true);
    expect(mayControl(after(open, ready, control(true), paused(true)))).toBe(false);
    expect(mayControl(after(open, ready, control(true), paused(true), paused(false)))).toBe(true);
    expect(mayControl(after(open, ready, control(true), control(false)))).toBe(false);
  });

  it("does not survive a new socket", () => {
    expect(mayControl(after(open, ready, control(true), { type: "closed", code: 1006 }, open, ready))).toBe(false);
  });

  it("keeps what monitors there are to choose from while it is live", () => {
    const monitors = [{ width: 1920, height: 1080 }, { width: 1280, height: 1024 }];
    const told: FromRelay = { type: "relay.monitors", monitors };
    expect(after(open, ready, { type: "said", message: told })).toMatchObject({ kind: "live", monitors });
    expect(after(open, { type: "said", message: told })).toMatchObject({ kind: "connecting" });
  });
});
