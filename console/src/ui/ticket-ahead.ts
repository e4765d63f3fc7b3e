// A relay ticket fetched while the customer is being asked. It opens nothing before the yes: the relay wants the grant as
// well, and the ticket is shown to it only then. An unused one runs out by itself.
import type { Api, TicketIssued } from "../core/api.ts";

/** A ticket is good for 30 s (services/gateway/state.py); the rest is for the way to the relay. */
const FRESH_MS = 20_000;

export class TicketAhead {
  readonly #api: Api;
  readonly #sid: string;
  #ticket: Promise<TicketIssued> | undefined;
  #timer = 0;

  constructor(api: Api, sid: string) {
    this.#api = api;
    this.#sid = sid;
  }

  /** Have a fresh one at hand from now on, until it is taken or dropped. */
  keep(): void {
    if (this.#ticket === undefined) {
      this.#fetch();
    }
  }

  drop(): void {
    clearTimeout(this.#timer);
    this.#ticket = undefined;
  }

  /** The one at hand, or else a new one. */
  async take(): Promise<TicketIssued> {
    const ahead = this.#ticket;
    this.drop();
    return (await ahead?.catch(() => undefined)) ?? this.#api.ticket(this.#sid, "relay");
  }

  #fetch(): void {
    this.#ticket = this.#api.ticket(this.#sid, "relay");
    this.#ticket.catch(() => undefined); // whoever takes it asks again, and hears why not
    this.#timer = window.setTimeout(() => this.#fetch(), FRESH_MS);
  }
}
