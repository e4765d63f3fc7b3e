// The server's time as seen from here: deadlines come from the server, and this computer's clock may be wrong.

/** Milliseconds to add to the local clock; from an answer's `Date` header, which has whole seconds. */
export function offsetFrom(date: string, now: number): number | undefined {
  const served = Date.parse(date);
  return Number.isNaN(served) ? undefined : served + 500 - now;
}

/** Whole seconds until `deadline`, never negative. */
export function secondsUntil(deadline: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(deadline) - now) / 1000));
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function countdown(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = String(rest).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
