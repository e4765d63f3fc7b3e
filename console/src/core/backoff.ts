// How long to wait before trying again: doubling, capped, with jitter so that many consoles do not return at once.

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/** Milliseconds before attempt number `attempt` (from 0); `random` in [0, 1). */
export function delayBefore(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return full / 2 + (full / 2) * random;
}
