// Follows one session's events: ticket, socket, snapshot, events; again after a loss, until the session is over.
import { ApiError, type Api } from "../core/api.ts";
import { delayBefore } from "../core/backoff.ts";
import { readFromGateway } from "../core/messages.ts";
import { assertNever } from "../core/never.ts";
import type { EventsHello } from "../core/protocol.gen.ts";
import { isOver, type SessionAction } from "../core/session-state.ts";

/** Another attempt cannot help. */
const FINAL: ReadonlySet<string> = new Set(["unauthenticated", "forbidden", "not_found", "session_ended"]);

export interface FeedReports {
  readonly dispatch: (action: SessionAction) => void;
  readonly failed: (error: unknown) => void;
}

export class EventFeed {
  readonly #api: Api;
  readonly #sid: string;
  readonly #reports: FeedReports;
  #socket: WebSocket | undefined;
  #timer = 0;
  #attempt = 0;
  #isDone = false;

  constructor(api: Api, sid: string, reports: FeedReports) {
    this.#api = api;
    this.#sid = sid;
    this.#reports = reports;
  }

  start(): void {
    this.#connect().catch((error: unknown) => this.#refused(error));
  }

  stop(): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    const { ticket } = await this.#api.ticket(this.#sid, "events");
    if (this.#isDone) {
      return;
    }
    const socket = new WebSocket(eventsUrl(this.#sid));
    const hello: EventsHello = { type: "events.hello", ticket };
    socket.onopen = () => socket.send(JSON.stringify(hello));
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.#heard(data);
    socket.onclose = () => this.#again();
    this.#socket = socket;
  }

  #heard(data: unknown): void {
    const message = typeof data === "string" ? readFromGateway(data) : undefined;
    switch (message?.type) {
      case undefined:
        return;
      case "events.snapshot":
        this.#attempt = 0;
        this.#isDone ||= isOver(message.session);
        return this.#reports.dispatch({ type: "snapshot", snapshot: message });
      case "events.event":
        this.#isDone ||= message.event.type === "beistand.session.v1" && isOver(message.event.data);
        return this.#reports.dispatch({ type: "event", event: message.event });
      default:
        return assertNever(message);
    }
  }

  #refused(error: unknown): void {
    if (error instanceof ApiError && !FINAL.has(error.code)) {
      return this.#again();
    }
    this.#isDone = true;
    if (error instanceof ApiError && error.code === "session_ended") {
      return this.#lastWord();
    }
    this.#reports.failed(error);
  }

  /** No events any more: what the session came to is all there is to know. */
  #lastWord(): void {
    this.#api
      .session(this.#sid)
      .then((session) => this.#reports.dispatch({ type: "session", session }))
      .catch(this.#reports.failed);
  }

  #again(): void {
    if (this.#isDone) {
      return;
    }
    this.#reports.dispatch({ type: "link", link: "lost" });
    this.#timer = window.setTimeout(() => this.start(), delayBefore(this.#attempt, Math.random()));
    this.#attempt += 1;
  }
}

function eventsUrl(sid: string): string {
  const url = new URL(`/v1/sessions/${encodeURIComponent(sid)}/events`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
