// One socket to a relay and the screen its frames are shown on: they live and die together. `close` is synchronous and
// leaves no picture behind, whatever the worker is doing.
import type { TicketIssued } from "../core/api.ts";
import type { Reading } from "../core/meter.ts";
import { readFromRelay } from "../core/messages.ts";
import { assertNever } from "../core/never.ts";
import type { FromRelay, FromViewer } from "../core/protocol.gen.ts";
import type { FromDecoder } from "../worker/messages.ts";
import type { CanvasSlot } from "./canvas-slot.ts";
import type { Screen } from "./screen.ts";

/** Input is not worth queueing behind this much that has not left yet. */
const MAX_UNSENT = 64 * 1024;
const CLOSED_BY_US = 1000;
const UNSPECIFIED = 1005;

export interface PictureReports {
  readonly said: (message: FromRelay) => void;
  readonly drawn: () => void;
  readonly measured: (reading: Reading) => void;
  /** The socket went; the picture is gone already. */
  readonly closed: (code: number) => void;
  /** Nothing that comes can be decoded here. */
  readonly undecodable: () => void;
}

export class Picture {
  readonly #slot: CanvasSlot;
  readonly #reports: PictureReports;
  readonly #screen: Screen;
  readonly #socket: WebSocket;
  #isClosed = false;

  constructor(slot: CanvasSlot, screen: Screen, issued: TicketIssued, codecs: readonly string[], reports: PictureReports) {
    this.#slot = slot;
    this.#screen = screen;
    this.#reports = reports;
    screen.serve({ said: (message) => this.#decoderSaid(message), broken: () => this.#lost(UNSPECIFIED) });
    this.#socket = this.#openSocket(issued, codecs);
  }

  /** True while input can leave at once. */
  get isFlowing(): boolean {
    return this.#socket.bufferedAmount < MAX_UNSENT;
  }

  send(message: FromViewer): void {
    if (!this.#isClosed && this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }

  measure(isWanted: boolean): void {
    this.#screen.measure(isWanted);
  }

  close(): void {
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    this.#screen.close();
    this.#socket.close(CLOSED_BY_US);
  }

  #openSocket({ relay_url: url, ticket }: TicketIssued, codecs: readonly string[]): WebSocket {
    const socket = new WebSocket(url ?? "");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send({ type: "viewer.hello", ticket, codecs });
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#relaySaid(data);
    socket.onclose = ({ code }) => this.#lost(code);
    return socket;
  }

  #relaySaid(data: string | ArrayBuffer): void {
    if (this.#isClosed) {
      return;
    }
    if (typeof data !== "string") {
      return this.#screen.add(data);
    }
    const message = readFromRelay(data);
    if (message?.type === "relay.stopped") {
      this.close();
    }
    if (message !== undefined) {
      this.#reports.said(message);
    }
  }

  #decoderSaid(message: FromDecoder): void {
    if (this.#isClosed) {
      return;
    }
    switch (message.type) {
      case "shown":
        this.send({ type: "viewer.shown", seq: message.seq });
        this.#slot.drawn(message.count, message, message.monitor);
        return this.#reports.drawn();
      case "reading":
        return this.#reports.measured(message.reading);
      case "refresh":
        return this.send({ type: "viewer.refresh" });
      case "undecodable":
        this.close();
        return this.#reports.undecodable();
      default:
        return assertNever(message);
    }
  }

  #lost(code: number): void {
    if (!this.#isClosed) {
      this.close();
      this.#reports.closed(code);
    }
  }
}
