// How the picture is doing, from what frames say and when they are acknowledged. Pure; times are milliseconds.
//
// A frame carries the device's clock, and nothing says how far that is from ours. Two facts bound the difference: a frame
// cannot arrive before it was captured, and a device has at most two frames beyond the newest one shown (docs/architecture.md,
// Credit), so frame n cannot have been captured before frame n - 2 was shown here. Latency is therefore told as "at most".

/** Frames beyond the newest one shown (agent/engine/pacing.py, WINDOW). */
const WINDOW = 2;
/** What is looked at for rates, and for the two clocks: they drift apart by less than 1 ms meanwhile. */
const RATE_MS = 2_000;
const CLOCK_MS = 10_000;
/** The device makes 30 at most. */
const FULL_SPEED = 25;
/** Below that nobody sees it. */
const UNNOTICED_MS = 20;

/** Who holds the picture up. `device`: it sends no more, because it is busy or little changes. */
export type Limit = "nothing" | "line" | "device" | "browser" | "still";

export interface Reading {
  readonly framesPerSecond: number;
  readonly kbitPerSecond: number;
  /** From capture to canvas, at most; undefined while nothing bounds it. */
  readonly latencyAtMost: number | undefined;
  /** Of that in this browser. */
  readonly here: number;
  readonly limit: Limit;
}

export interface Captured {
  readonly seq: number;
  readonly isKey: boolean;
  readonly capturedUs: number;
}

interface Arrival {
  readonly at: number;
  /** By the device's clock. */
  readonly captured: number;
  /** When it was allowed here to be captured, if that is known. */
  readonly allowed: number | undefined;
}

interface Showing {
  readonly seq: number;
  readonly at: number;
  readonly captured: number;
  readonly here: number;
}

export class Meter {
  #received: { readonly at: number; readonly bytes: number }[] = [];
  #arrivals: Arrival[] = [];
  #showings: Showing[] = [];
  /** Where the stream has begun, the last time it did. */
  #begin: number | undefined;
  #captured = -1;

  /** So many bytes of picture came. */
  received(bytes: number, at: number): void {
    this.#received.push({ at, bytes });
  }

  /** A frame is complete. */
  arrived({ seq, isKey, capturedUs }: Captured, at: number): void {
    if (isKey || this.#begin === undefined) {
      this.#begin = seq;
    }
    const captured = capturedUs / 1000;
    // One that only sharpens shows what was captured for the frame before: it tells nothing of the clocks.
    if (captured !== this.#captured) {
      this.#arrivals.push({ at, captured, allowed: this.#allowed(seq) });
    }
    this.#captured = captured;
  }

  /** A frame that had arrived at `arrivedAt` is on the canvas. */
  shown({ seq, capturedUs }: Captured, arrivedAt: number, at: number): void {
    this.#showings.push({ seq, at, captured: capturedUs / 1000, here: at - arrivedAt });
  }

  reading(now: number): Reading {
    this.#forget(now);
    const showings = since(this.#showings, now - RATE_MS);
    const bytes = since(this.#received, now - RATE_MS).reduce((sum, item) => sum + item.bytes, 0);
    const framesPerSecond = (showings.length * 1000) / RATE_MS;
    const here = median(showings.map((item) => item.here)) ?? 0;
    return {
      framesPerSecond,
      kbitPerSecond: (bytes * 8) / RATE_MS,
      latencyAtMost: this.#latencyAtMost(showings),
      here,
      limit: this.#limit(framesPerSecond, here, bytes, now),
    };
  }

  /** When this frame's credit left here: with the first word that the one two before it was shown. */
  #allowed(seq: number): number | undefined {
    const before = seq - WINDOW;
    // A stream that starts again has its credit back without our word.
    return before < (this.#begin ?? seq) ? undefined : this.#showings.find((item) => item.seq >= before)?.at;
  }

  #latencyAtMost(showings: readonly Showing[]): number | undefined {
    const ahead = this.#arrivals.flatMap(({ allowed, captured }) => (allowed === undefined ? [] : [allowed - captured]));
    const late = median(showings.map(({ at, captured }) => at - captured));
    return late === undefined || ahead.length === 0 ? undefined : Math.max(late - Math.max(...ahead), 0);
  }

  #limit(framesPerSecond: number, here: number, bytes: number, now: number): Limit {
    if (framesPerSecond === 0) {
      return bytes > 0 ? "line" : "still";
    }
    if (framesPerSecond >= FULL_SPEED) {
      return "nothing";
    }
    const noticed = Math.max(UNNOTICED_MS, 500 / framesPerSecond);
    if (here >= noticed) {
      return "browser";
    }
    return this.#held(now) >= noticed ? "line" : "device";
  }

  /** How much longer frames are on their way than the quickest one. */
  #held(now: number): number {
    const ways = (items: readonly Arrival[]): number[] => items.map(({ at, captured }) => at - captured);
    return (median(ways(since(this.#arrivals, now - RATE_MS))) ?? 0) - Math.min(...ways(this.#arrivals));
  }

  #forget(now: number): void {
    this.#received = since(this.#received, now - RATE_MS);
    this.#arrivals = since(this.#arrivals, now - CLOCK_MS);
    this.#showings = since(this.#showings, now - CLOCK_MS);
  }
}

function since<T extends { readonly at: number }>(items: readonly T[], start: number): T[] {
  return items.filter(({ at }) => at >= start);
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((one, other) => one - other)[values.length >> 1];
}
