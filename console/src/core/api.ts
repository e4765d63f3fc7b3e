// The gateway's REST interface, typed. Knows no `fetch`: it is handed a function that carries out one exchange, so a
// refusal always arrives as an `ApiError` with the contract's stable code.
import { offsetFrom } from "./clock.ts";
import {
  ERROR_CODES,
  type Capability,
  type ChatLine,
  type DeviceList,
  type DeviceView,
  type ErrorCode,
  type RequestView,
  type SessionList,
  type SessionView,
} from "./protocol.gen.ts";
import type { TermsWanted } from "./terms.ts";

export interface Exchange {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `body`: the parsed JSON, undefined if there was none. `date`: the `Date` header. */
export interface Answer {
  readonly status: number;
  readonly date: string | null;
  readonly body: unknown;
}

/** Carries out one exchange; rejects if no answer came. */
export type Send = (exchange: Exchange) => Promise<Answer>;

/** What the surroundings provide. */
export interface Surroundings {
  readonly send: Send;
  readonly newId: () => string;
  readonly now: () => number;
}

/** No answer at all: not one of the gateway's codes. */
export type FailureCode = ErrorCode | "offline";

/** A refusal, or no answer. `detail` is the gateway's safe sentence in English. */
export class ApiError extends Error {
  readonly code: FailureCode;
  readonly status: number;

  constructor(code: FailureCode, status: number, detail: string) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

export interface Created extends SessionView {
  readonly code: string;
  readonly join_url: string;
}

export interface TicketIssued {
  readonly ticket: string;
  readonly relay_url?: string | null;
}

/** A signed-in technician's way to the gateway. */
export class Api {
  /** Add to the local clock to get the server's. */
  clockOffset = 0;
  token: string | undefined;
  readonly #around: Surroundings;

  constructor(around: Surroundings, token?: string) {
    this.#around = around;
    this.token = token;
  }

  /** Server time, milliseconds. */
  now(): number {
    return this.#around.now() + this.clockOffset;
  }

  async signIn(username: string, password: string): Promise<void> {
    const answer = await this.#post<{ access_token: string }>("/v1/auth/token", { username, password });
    this.token = answer.access_token;
  }

  sessions(after?: string): Promise<SessionList> {
    return this.#call("GET", after === undefined ? "/v1/sessions" : `/v1/sessions?after=${encodeURIComponent(after)}`);
  }

  createSession(): Promise<Created> {
    return this.#create("/v1/sessions", {});
  }

  session(sid: string): Promise<SessionView> {
    return this.#call("GET", path(sid));
  }

  end(sid: string): Promise<SessionView> {
    return this.#post(`${path(sid)}/end`, {});
  }

  /** `terms` for unattended access, and only for it. */
  ask(sid: string, capability: Capability, reason: string, terms?: TermsWanted): Promise<RequestView> {
    return this.#create(`${path(sid)}/requests`, { capability, reason, ...(terms === undefined ? {} : { terms }) });
  }

  /** Takes a question back, or hands back what was granted. */
  withdraw(sid: string, requestId: string): Promise<RequestView | undefined> {
    return this.#call("DELETE", `${path(sid)}/requests/${encodeURIComponent(requestId)}`);
  }

  say(sid: string, text: string): Promise<ChatLine> {
    return this.#create(`${path(sid)}/chat`, { text });
  }

  /** A single-use ticket for one WebSocket. */
  ticket(sid: string, audience: "relay" | "events"): Promise<TicketIssued> {
    return this.#post(`${path(sid)}/tickets`, { audience });
  }

  /** All of them, page by page. */
  async devices(): Promise<readonly DeviceView[]> {
    const items: DeviceView[] = [];
    for (let after: string | null | undefined = ""; after != null; ) {
      const from: string = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
      const page: DeviceList = await this.#call("GET", `/v1/devices?limit=200${from}`);
      items.push(...page.items);
      after = page.next;
    }
    return items;
  }

  device(id: string): Promise<DeviceView> {
    return this.#call("GET", devicePath(id));
  }

  /** An unattended session, answered when the device has said that it comes. */
  openDevice(id: string, reason: string): Promise<SessionView> {
    return this.#create(`${devicePath(id)}/sessions`, { reason });
  }

  /** For good: nobody of the organisation comes in unattended any more. */
  giveUpDevice(id: string): Promise<DeviceView> {
    return this.#call("DELETE", devicePath(id));
  }

  #post<T>(where: string, body: unknown): Promise<T> {
    return this.#call("POST", where, {}, body);
  }

  /** A retry by a proxy or the browser must not create twice. */
  #create<T>(where: string, body: unknown): Promise<T> {
    return this.#call("POST", where, { "Idempotency-Key": this.#around.newId() }, body);
  }

  async #call<T>(
    method: Exchange["method"],
    where: string,
    extra: Record<string, string> = {},
    body?: unknown,
  ): Promise<T> {
    const headers = { ...extra, ...this.#authorisation(), ...(body === undefined ? {} : JSON_TYPE) };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await this.#exchange({ method, path: where, headers, ...content });
    if (answer.status >= 200 && answer.status < 300) {
      return answer.body as T;
    }
    throw problem(answer);
  }

  async #exchange(exchange: Exchange): Promise<Answer> {
    const asked = this.#around.now();
    const answer = await this.#around.send(exchange).catch(() => {
      throw new ApiError("offline", 0, "No answer from the server.");
    });
    const halfway = (asked + this.#around.now()) / 2;
    this.clockOffset = offsetFrom(answer.date ?? "", halfway) ?? this.clockOffset;
    return answer;
  }

  #authorisation(): Record<string, string> {
    return this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` };
  }
}

const JSON_TYPE = { "Content-Type": "application/json" };

function path(sid: string): string {
  return `/v1/sessions/${encodeURIComponent(sid)}`;
}

function devicePath(id: string): string {
  return `/v1/devices/${encodeURIComponent(id)}`;
}

/** RFC 9457; anything else that fails (a proxy's page) is told apart by its status alone. */
function problem(answer: Answer): ApiError {
  const body = (typeof answer.body === "object" && answer.body !== null ? answer.body : {}) as Partial<
    Record<"code" | "detail", unknown>
  >;
  const detail = typeof body.detail === "string" ? body.detail : "";
  return new ApiError(isCode(body.code) ? body.code : byStatus(answer.status), answer.status, detail);
}

function isCode(value: unknown): value is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(value);
}

function byStatus(status: number): ErrorCode {
  if (status === 401) {
    return "unauthenticated";
  }
  return [502, 503, 504].includes(status) ? "unavailable" : "internal";
}
