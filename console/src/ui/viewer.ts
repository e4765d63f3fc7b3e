// Keeps the picture of the wanted grant on the page: a new ticket and a new socket for each try, and nothing for a grant
// that a relay has called over.
import { ApiError, type Api, type TicketIssued } from "../core/api.ts";
import { delayBefore } from "../core/backoff.ts";
import { isVideo } from "../core/codec.ts";
import type { Reading } from "../core/meter.ts";
import type { Input } from "../core/protocol.gen.ts";
import { mayControl, OFF, viewerAfter, type ViewerEvent, type ViewerState } from "../core/viewer-state.ts";
import type { CanvasSlot } from "./canvas-slot.ts";
import { decodableCodecs } from "./codecs.ts";
import { Picture } from "./picture.ts";
import { Screen } from "./screen.ts";
import { TicketAhead } from "./ticket-ahead.ts";

export interface ViewerReports {
  readonly changed: () => void;
  /** How the picture is doing; undefined: there is none. */
  readonly measured: (reading: Reading | undefined) => void;
  readonly failed: (error: unknown) => void;
}

export class Viewer {
  readonly #ticket: TicketAhead;
  readonly #slot: CanvasSlot;
  readonly #reports: ViewerReports;
  readonly #codecs = decodableCodecs();
  #state: ViewerState = OFF;
  #wanted: string | undefined;
  #isExpecting = false;
  #isMeasured = false;
  /** Set up for a picture that may come. */
  #screen: Screen | undefined;
  #picture: Picture | undefined;
  #attempt = 0;
  #timer = 0;

  constructor(api: Api, sid: string, slot: CanvasSlot, reports: ViewerReports) {
    this.#ticket = new TicketAhead(api, sid);
    this.#slot = slot;
    this.#reports = reports;
  }

  get state(): ViewerState {
    return this.#state;
  }

  /** The customer is being asked: have at hand what may be had before the yes, for none of it shows anything. */
  expect(isAsked: boolean): void {
    if (isAsked === this.#isExpecting) {
      return;
    }
    this.#isExpecting = isAsked;
    if (isAsked) {
      this.#ticket.keep();
      this.#setUp().catch(this.#reports.failed);
    } else if (this.#wanted === undefined) {
      this.#putAway();
    }
  }

  /** Show the picture of this view grant; undefined: none. The old picture is gone when this returns. */
  want(grantId: string | undefined): void {
    if (grantId === this.#wanted) {
      return;
    }
    this.#wanted = grantId;
    this.#attempt = 0;
    this.#drop();
    if (grantId === undefined) {
      this.#putAway();
      return this.#apply({ type: "off" });
    }
    this.#open(grantId);
  }

  /** Input passes only while the relay says so, and is never kept for later. */
  send(messages: readonly Input[]): void {
    if (mayControl(this.#state)) {
      messages.forEach((message) => this.#picture?.send(message));
    }
  }

  /** Have another of the customer's monitors shown. */
  choose(monitor: number): void {
    this.#picture?.send({ type: "viewer.monitor", monitor });
  }

  /** False while what was sent has not left yet: the pointer may wait. */
  get isFlowing(): boolean {
    return this.#picture?.isFlowing ?? false;
  }

  /** Have it told once a second how the picture is doing, this one and later ones, or not any more. */
  measure(isWanted: boolean): void {
    this.#isMeasured = isWanted;
    this.#picture?.measure(isWanted);
  }

  #open(grantId: string): void {
    this.#apply({ type: "open", grantId });
    this.#connect(grantId).catch((error: unknown) => this.#refused(grantId, error));
  }

  async #connect(grantId: string): Promise<void> {
    const codecs = await this.#codecs;
    if (codecs.length === 0) {
      return this.#apply({ type: "unsupported" });
    }
    const issued = await this.#ticket.take();
    if (this.#wanted === grantId && this.#state.kind === "connecting") {
      this.#picture = this.#newPicture(issued, codecs);
    }
  }

  async #setUp(): Promise<void> {
    const codecs = await this.#codecs;
    if (this.#isExpecting && this.#wanted === undefined && codecs.length > 0) {
      this.#putAwayScreen();
      this.#screen = new Screen(this.#slot, codecs.find(isVideo));
    }
  }

  #newPicture({ relay_url: url, ticket }: TicketIssued, codecs: readonly string[]): Picture {
    const screen = this.#takeScreen(codecs);
    const picture = new Picture(this.#slot, screen, { relay_url: url ?? "", ticket }, codecs, {
      said: (message) => this.#apply({ type: "said", message }),
      drawn: () => this.#drawn(),
      measured: this.#reports.measured,
      closed: (code) => this.#apply({ type: "closed", code }),
      undecodable: () => this.#apply({ type: "unsupported" }),
    });
    picture.measure(this.#isMeasured);
    return picture;
  }

  #takeScreen(codecs: readonly string[]): Screen {
    const ready = this.#screen;
    if (ready === undefined || ready.isBroken) {
      this.#putAwayScreen();
      return new Screen(this.#slot, codecs.find(isVideo));
    }
    this.#screen = undefined;
    return ready;
  }

  #putAway(): void {
    this.#ticket.drop();
    this.#putAwayScreen();
  }

  #putAwayScreen(): void {
    this.#screen?.close();
    this.#screen = undefined;
  }

  #drawn(): void {
    this.#attempt = 0;
    this.#apply({ type: "drawn" });
  }

  #refused(grantId: string, error: unknown): void {
    if (this.#wanted !== grantId) {
      return;
    }
    if (!(error instanceof ApiError) || error.code === "unauthenticated" || error.code === "forbidden") {
      this.#reports.failed(error);
      return;
    }
    this.#apply({ type: "closed", code: 4000 + error.status });
  }

  #apply(event: ViewerEvent): void {
    const before = this.#state;
    this.#state = viewerAfter(before, event);
    if (this.#state === before) {
      return;
    }
    if (this.#state.kind === "lost") {
      this.#retry(this.#state.grantId);
    }
    this.#slot.setControl(mayControl(this.#state));
    this.#reports.changed();
  }

  #retry(grantId: string): void {
    this.#drop();
    this.#putAway();
    this.#timer = window.setTimeout(() => this.#open(grantId), delayBefore(this.#attempt, Math.random()));
    this.#attempt += 1;
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#picture?.close();
    this.#picture = undefined;
    this.#reports.measured(undefined);
  }
}
