import { describe, expect, it } from "vitest";
import { Api, ApiError, type Answer, type Exchange } from "../src/core/api.ts";
import { at, line, session, SID } from "./fixtures.ts";

function apiThatAnswers(...answers: readonly (Partial<Answer> | Error)[]) {
  const sent: Exchange[] = [];
  const waiting = [...answers];
  const api = new Api({
    newId: () => "an-id",
    now: () => Date.parse(at(0)),
    send: (exchange) => {
      sent.push(exchange);
      const answer = waiting.shift() ?? {};
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(whole(answer));
    },
  });
  return { api, sent };
}

const whole = (answer: Partial<Answer>): Answer => ({ status: 200, date: null, body: {}, ...answer });

describe("the API", () => {
  it("carries the bearer after signing in, in a header only", async () => {
    const { api, sent } = apiThatAnswers({ body: { access_token: "secret-bearer" } }, { body: { items: [] } });
    await api.signIn("mira", "pass");
    await api.sessions();
    expect(sent[0]?.headers["Authorization"]).toBeUndefined();
    expect(sent[1]?.headers["Authorization"]).toBe("Bearer secret-bearer");
    expect(sent.map(({ path }) => path)).toEqual(["/v1/auth/token", "/v1/sessions"]);
  });

  it("makes creations repeatable", async () => {
    const { api, sent } = apiThatAnswers({}, {}, { body: line("hello", 1) });
    await api.createSession();
    await api.ask(SID, "view", "To help.");
    await api.say(SID, "hello");
    expect(sent.every(({ headers }) => headers["Idempotency-Key"] === "an-id")).toBe(true);
  });

  it("names the terms of unattended access, and of nothing else", async () => {
    const { api, sent } = apiThatAnswers({}, {});
    const terms = { technician_ids: [], until: at(50), days: [0], from_minute: 0, to_minute: 1440 };
    await api.ask(SID, "unattended", "To help.", terms);
    await api.ask(SID, "view", "To help.");
    expect(sent.map(({ body }) => JSON.parse(body ?? "{}") as unknown)).toEqual([
      { capability: "unattended", reason: "To help.", terms },
      { capability: "view", reason: "To help." },
    ]);
  });

  it("reaches devices", async () => {
    const [one, other] = [{ id: "one" }, { id: "other" }];
    const pages = [{ body: { items: [one], next: "one" } }, { body: { items: [other] } }];
    const { api, sent } = apiThatAnswers(...pages, {}, {}, {});
    expect(await api.devices()).toEqual([one, other]);
    await api.device("one");
    await api.openDevice("one", "An update.");
    await api.giveUpDevice("a/b");
    expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v1/devices?limit=200",
      "GET /v1/devices?limit=200&after=one",
      "GET /v1/devices/one",
      "POST /v1/devices/one/sessions",
      "DELETE /v1/devices/a%2Fb",
    ]);
    expect(sent[3]?.body).toBe('{"reason":"An update."}');
    expect(sent[3]?.headers["Idempotency-Key"]).toBe("an-id");
  });

  it("never builds a path from something that is no identifier", async () => {
    const { api, sent } = apiThatAnswers({ body: session() });
    await api.withdraw("a/../b", "c?d#e");
    expect(sent[0]?.path).toBe("/v1/sessions/a%2F..%2Fb/requests/c%3Fd%23e");
  });

  it("turns a problem document into an error with its code", async () => {
    const { api } = apiThatAnswers({ status: 409, body: { code: "already_asked", detail: "Open already." } });
    const error = await api.ask(SID, "view", "x").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "already_asked", status: 409, message: "Open already." });
  });

  it.each([
    [401, "<html>", "unauthenticated"],
    [502, undefined, "unavailable"],
    [503, { code: 7 }, "unavailable"],
    [500, null, "internal"],
    [418, { code: "no_such_code" }, "internal"],
  ])("makes sense of %i with %j", async (status, body, code) => {
    const { api } = apiThatAnswers({ status, body });
    await expect(api.end(SID)).rejects.toMatchObject({ code });
  });

  it("says so when no answer comes", async () => {
    const { api } = apiThatAnswers(new TypeError("Failed to fetch"));
    await expect(api.end(SID)).rejects.toMatchObject({ code: "offline", status: 0 });
  });

  it("learns the server's time from its answers", async () => {
    const { api } = apiThatAnswers({ date: new Date(Date.parse(at(30))).toUTCString() }, { date: "nonsense" });
    await api.session(SID);
    expect(api.now()).toBe(Date.parse(at(30)) + 500);
    await api.session(SID);
    expect(api.now()).toBe(Date.parse(at(30)) + 500);
  });
});
