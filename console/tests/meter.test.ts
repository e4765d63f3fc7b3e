import { describe, expect, it } from "vitest";
import { Meter, type Reading } from "../src/core/meter.ts";

/** A stream as it may really be: the device's clock is `OFFSET` ahead, and the device keeps to its credit. */
const OFFSET = 123_456;

interface Way {
  readonly frames?: number;
  /** Between two captures, if credit allows it. */
  readonly every: number;
  /** From capture to complete here; by frame number. */
  readonly down: (seq: number) => number;
  readonly here?: number;
  /** From the acknowledgement to the device. */
  readonly up: number;
}

/** `latency`: what it truly was, the median of the last two seconds. */
function played({ frames = 60, every, down, here = 3, up }: Way): { meter: Meter; now: number; latency: number } {
  const meter = new Meter();
  const truth: { at: number; latency: number }[] = [];
  const shownAt: number[] = [];
  let captured = 0;
  for (let seq = 1; seq <= frames; seq += 1) {
    const credit = seq > 2 ? shownAt[seq - 2]! + up : 0;
    captured = Math.max(captured + every, credit);
    const arrived = Math.max(captured + down(seq), shownAt[seq - 1] ?? 0);
    shownAt[seq] = arrived + here;
    const header = { seq, isKey: seq === 1, capturedUs: (captured + OFFSET) * 1000 };
    meter.received(5_000, arrived);
    meter.arrived(header, arrived);
    meter.shown(header, arrived, shownAt[seq]!);
    truth.push({ at: shownAt[seq]!, latency: shownAt[seq]! - captured });
  }
  const now = shownAt[frames]!;
  const late = truth.filter(({ at }) => at >= now - 2_000).map(({ latency }) => latency);
  return { meter, now, latency: late.toSorted((one, other) => one - other)[late.length >> 1]! };
}

const read = (way: Way): Reading & { latency: number } => {
  const { meter, now, latency } = played(way);
  return { ...meter.reading(now), latency };
};

describe("the meter", () => {
  it("counts frames and bits of the last two seconds", () => {
    const reading = read({ every: 100, down: () => 10, up: 5 });
    expect(Math.abs(reading.framesPerSecond - 10)).toBeLessThanOrEqual(1);
    expect(Math.abs(reading.kbitPerSecond - 400)).toBeLessThanOrEqual(40);
    expect(reading.here).toBe(3);
  });

  it.each([
    { every: 33, down: () => 10, up: 2 },
    { every: 33, down: () => 90, up: 40 },
    { every: 5, down: () => 60, up: 60 },
    { every: 400, down: () => 10, up: 200 },
    { every: 33, down: (seq: number) => 20 + ((seq * 7) % 13) * 4, up: 20 },
  ])("never says less than the latency is: %j", (way) => {
    const reading = read(way);
    expect(reading.latencyAtMost).toBeGreaterThanOrEqual(reading.latency - 0.01);
  });

  it("comes near to it where the device waits for its credit", () => {
    const reading = read({ every: 5, down: () => 60, up: 10 });
    expect(reading.latencyAtMost).toBeGreaterThanOrEqual(63);
    expect(reading.latencyAtMost).toBeLessThanOrEqual(63 + 10 + 1);
  });

  it("claims nothing before two frames were acknowledged, nor across a new beginning", () => {
    const meter = new Meter();
    const frame = (seq: number, at: number, isKey = false): void => {
      const header = { seq, isKey, capturedUs: at * 1000 };
      meter.arrived(header, at + 10);
      meter.shown(header, at + 10, at + 12);
    };
    frame(1, 100, true);
    frame(2, 130);
    expect(meter.reading(200).latencyAtMost).toBeUndefined();
    frame(3, 160, true);
    frame(4, 190);
    expect(meter.reading(300).latencyAtMost).toBeUndefined();
    frame(5, 220);
    expect(meter.reading(300).latencyAtMost).toBeGreaterThanOrEqual(12);
  });

  it("learns nothing of the clocks from a frame that only sharpens the one before", () => {
    const meter = new Meter();
    for (const [seq, captured] of [[1, 100], [2, 100], [3, 100], [4, 100]] as const) {
      meter.arrived({ seq, isKey: seq === 1, capturedUs: captured * 1000 }, 100 + seq * 50);
      meter.shown({ seq, isKey: seq === 1, capturedUs: captured * 1000 }, 100 + seq * 50, 102 + seq * 50);
    }
    expect(meter.reading(400).latencyAtMost).toBeUndefined();
  });

  it.each([
    ["nothing, at full speed", "nothing", { every: 33, down: () => 10, up: 2 }],
    ["this browser", "browser", { every: 90, down: () => 10, here: 70, up: 2 }],
    ["the line", "line", { every: 5, down: (seq: number) => (seq < 20 ? 10 : 150), up: 10 }],
    ["the device, or nothing it would have to send", "device", { every: 120, down: () => 10, up: 2 }],
  ] as const)("says who limits: %s", (_, limit, way) => {
    expect(read(way).limit).toBe(limit);
  });

  it("says that nothing changes when nothing comes, and that the line holds what comes but is never whole", () => {
    const { meter, now } = played({ every: 33, down: () => 10, up: 2 });
    meter.received(50_000, now + 5_000);
    expect(meter.reading(now + 5_500).limit).toBe("line");
    expect(meter.reading(now + 9_000)).toMatchObject({ limit: "still", framesPerSecond: 0, kbitPerSecond: 0 });
  });
});
