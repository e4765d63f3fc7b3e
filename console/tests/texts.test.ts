import { describe, expect, it } from "vitest";
import { DIRECT, type Overlay } from "../src/core/access.ts";
import { languageFor } from "../src/core/language.ts";
import { ERROR_CODES } from "../src/core/protocol.gen.ts";
import { momentText, overlayNotice, stateText, TEXTS } from "../src/core/texts/index.ts";
import type { SessionAction } from "../src/core/session-state.ts";
import { timelineOf } from "../src/core/timeline.ts";
import { after, at, event, request, session, SID, snapshot } from "./fixtures.ts";

const KINDS: readonly Overlay["kind"][] = [
  "loading", "waiting", "coming", "ended", "expired", "suspended", "unsupported", "paused", "connecting",
  "lost", "asked", "denied", "timed_out", "stopped", "no_access",
];

function leaves(value: unknown, path = ""): [string, unknown][] {
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, child]) => leaves(child, `${path}.${key}`))
    : [[path, value]];
}

describe("texts", () => {
  it("say the same things in both languages, and leave nothing empty but two subtitles", () => {
    const [de, en] = [leaves(TEXTS.de), leaves(TEXTS.en)];
    expect(de.map(([path]) => path)).toEqual(en.map(([path]) => path));
    const empty = [...de, ...en].filter(([, text]) => text === "").map(([path]) => path);
    expect(new Set(empty)).toEqual(new Set([".overlay.loading.body", ".overlay.connecting.body"]));
  });

  it("have a sentence for every refusal", () => {
    for (const code of ERROR_CODES) {
      expect(TEXTS.de.failure[code]).not.toBe("");
    }
  });

  it.each(KINDS)("title the stage when it is %s", (kind) => {
    const overlay = { kind, by: "customer", cause: "stop_sharing" } as Overlay;
    expect(overlayNotice(overlay, TEXTS.de)?.title).toBeTruthy();
    expect(overlayNotice(overlay, TEXTS.en)?.title).toBeTruthy();
  });

  it("say of a session without a person that the device comes", () => {
    const coming = session({ state: "waiting", device_id: "device-000123456789012" });
    expect(stateText(coming, TEXTS.en)).toBe("Device is joining");
    expect(stateText({ ...coming, device_id: null }, TEXTS.en)).toBe("Waiting for the customer");
    expect(stateText(undefined, TEXTS.en)).toBe(TEXTS.en.stateUnknown);
  });

  it("leave the stage to the picture", () => {
    expect(overlayNotice({ kind: "picture" }, TEXTS.en)).toBeUndefined();
  });

  it("say who ended a session", () => {
    const ended = (by: "customer" | "system") => overlayNotice({ kind: "ended", by, cause: "end_session" }, TEXTS.en);
    expect(ended("customer")?.title).toBe("The customer ended the session");
    expect(ended("system")?.title).toBe("The session ended automatically");
  });
});

describe("the language", () => {
  it.each([
    [["de-CH", "en"], "de"],
    [["fr", "de"], "de"],
    [["EN-us"], "en"],
    [["fr", "it"], "en"],
    [[], "en"],
  ] as const)("for %j is %s", (preferred, language) => {
    expect(languageFor(preferred)).toBe(language);
  });
});

describe("the timeline", () => {
  it("tells the session in order, in words", () => {
    const control = request({ id: "control-00123456789012", capability: "control", asked_at: at(20), state: "denied", closed_at: at(21) });
    const model = after(
      snapshot(session(), [request()]),
      event("beistand.request.v1", request({ state: "live" }), 12),
      event("beistand.request.v1", control, 21),
      event("beistand.pause.v1", { session_id: SID, paused: true }, 30),
      event("beistand.pause.v1", { session_id: SID, paused: false }, 31),
      event("beistand.request.v1", request({ state: "revoked", closed_at: at(40), closed_by: "customer" }), 40),
      event("beistand.session.v1", session({ state: "ended", ended_at: at(50), ended_by: "technician" }), 50),
    );
    expect(timelineOf(model).map((moment) => momentText(moment, TEXTS.en))).toEqual([
      "Session created",
      "Customer joined",
      "Asked to see the screen",
      "Screen allowed",
      "Asked for mouse and keyboard",
      "Mouse and keyboard refused",
      "Paused by the customer",
      "Resumed by the customer",
      "Screen stopped by the customer",
      "Session ended by the technician",
    ]);
    expect(DIRECT).toEqual(["view", "control"]);
  });

  it("tells what was used, whichever word comes first, and also after a reload", () => {
    const input = { moves: 211, clicks: 14, wheel_steps: 0, keys: 120, characters: 0 };
    const usage = { since: at(12), until: at(40), used_s: 75, input };
    const control = request({ capability: "control", state: "revoked", closed_at: at(40), closed_by: "customer" });
    const told = (...steps: readonly SessionAction[]): readonly string[] =>
      timelineOf(after(...steps)).map((moment) => momentText(moment, TEXTS.en)).slice(-2);
    const expected = ["Mouse and keyboard stopped by the customer", "Mouse and keyboard for 1 min 15 s; clicks 14, keys 120, pasted characters 0"];
    const summed = { ...control, usage };
    expect(told(event("beistand.request.v1", control, 40), event("beistand.request.v1", summed, 41))).toEqual(expected);
    expect(told(event("beistand.request.v1", summed, 41), event("beistand.request.v1", control, 42))).toEqual(expected);
    expect(told(snapshot(session(), [summed]))).toEqual(expected);
    const view = request({ state: "expired", closed_at: at(40), usage: { since: at(1), until: at(2), used_s: 1 } });
    expect(told(event("beistand.request.v1", view, 40)).at(-1)).toBe("Screen was visible for 1 s");
  });
});
