import { describe, expect, it } from "vitest";
import type { RequestState, SessionState } from "../src/core/protocol.gen.ts";
import { isOver, isPaused, reduce, type SessionAction } from "../src/core/session-state.ts";
import { after, at, event, line, request, session, SID, snapshot } from "./fixtures.ts";

const SESSION = "beistand.session.v1";
const REQUEST = "beistand.request.v1";
const PAUSE = "beistand.pause.v1";

const story: readonly SessionAction[] = [
  snapshot(session({ state: "waiting", joined_at: null })),
  event(SESSION, session(), 5),
  event(REQUEST, request(), 10),
  event("beistand.chat.v1", line("hello", 11), 11),
  event(REQUEST, request({ state: "live" }), 12),
  event(PAUSE, { session_id: SID, paused: true }, 13),
  event(PAUSE, { session_id: SID, paused: false }, 14),
  event(REQUEST, request({ state: "revoked", closed_at: at(15), closed_by: "customer" }), 15),
  event(SESSION, session({ state: "ended", ended_by: "customer" }), 16),
];

describe("the model of a session", () => {
  it("follows what happens", () => {
    const model = after(...story);
    expect(model.session?.state).toBe("ended");
    expect(model.requests.map(({ state }) => state)).toEqual(["revoked"]);
    expect(model.chat.map(({ id }) => id)).toEqual(["hello"]);
    expect(model.pauses.map(({ paused }) => paused)).toEqual([true, false]);
  });

  it("is the same however often each thing is told", () => {
    expect(after(...story.flatMap((action) => [action, action, action]))).toEqual(after(...story));
  });

  it("is the same when everything is told again at the end", () => {
    const once = after(...story);
    expect(after(...story, ...story.slice(1))).toEqual(once);
  });

  it("gives the same object when nothing is new", () => {
    const model = after(...story);
    const known = story[3];
    expect(known && reduce(model, known)).toBe(model);
  });

  const open: readonly RequestState[] = ["asked", "live"];
  const closed: readonly RequestState[] = ["denied", "timed_out", "withdrawn", "revoked", "expired"];
  it.each(closed.flatMap((over) => open.map((back) => [over, back] as const)))(
    "never turns a request that is %s back to %s",
    (over, back) => {
      const model = after(event(REQUEST, request({ state: over }), 1), event(REQUEST, request({ state: back }), 2));
      expect(model.requests[0]?.state).toBe(over);
    },
  );

  const ends: readonly SessionState[] = ["ended", "expired"];
  it.each(ends.flatMap((over) => (["waiting", "active", "suspended"] as const).map((back) => [over, back] as const)))(
    "never turns a session that is %s back to %s",
    (over, back) => {
      const model = after(snapshot(session({ state: over })), event(SESSION, session({ state: back }), 50));
      expect(model.session?.state).toBe(over);
    },
  );

  it("does not let an older event undo a newer one", () => {
    const model = after(
      event(SESSION, session({ state: "suspended" }), 20),
      event(SESSION, session({ state: "active" }), 30),
      event(SESSION, session({ state: "suspended" }), 20),
    );
    expect(model.session?.state).toBe("active");
  });

  it("keeps chat in the order in which it was sent", () => {
    const model = after(
      { type: "chat", line: line("second", 2) },
      { type: "chat", line: line("first", 1) },
      { type: "chat", line: line("second", 2) },
    );
    expect(model.chat.map(({ id }) => id)).toEqual(["first", "second"]);
  });

  it("remembers when access began", () => {
    expect(after(...story).liveSince).toEqual({ [request().id]: at(12) });
  });

  it("does not take a pause over a lost connection: the relay tells anew", () => {
    const paused = after(snapshot(session()), event(PAUSE, { session_id: SID, paused: true }, 13));
    expect(isPaused(paused)).toBe(true);
    expect(isPaused(reduce(paused, snapshot(session())))).toBe(false);
  });

  it("is not paused once it is over", () => {
    const paused = after(snapshot(session()), event(PAUSE, { session_id: SID, paused: true }, 13));
    expect(isPaused(reduce(paused, event(SESSION, session({ state: "ended" }), 14)))).toBe(false);
  });
});

describe("over", () => {
  it.each([
    ["waiting", false],
    ["active", false],
    ["suspended", false],
    ["ended", true],
    ["expired", true],
  ] as const)("%s: %s", (state, over) => {
    expect(isOver(session({ state }))).toBe(over);
  });
});
