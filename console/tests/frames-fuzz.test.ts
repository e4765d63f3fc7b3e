// A quarter of a million broken headers: each is read exactly as it is written, or refused (the rest of the million is
// in tests/unit/protocol/test_frames_fuzz.py).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Assembler, InvalidFrame, parseHeader, type Header } from "../src/core/frames.ts";
import { parsePatches } from "../src/core/patches.ts";
import { FRAME_HEADER_SIZE } from "../src/core/protocol.gen.ts";

const COUNT = 250_000;
const GOOD = [
  [2, 1, 2, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 1, 226, 64, 7, 128, 4, 56, 0, 0, 0, 0],
  [0, 32, 0, 8, 3, 16, 0, 88],
].flat();

/** Marsaglia's xorshift32: the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function mutate(message: Uint8Array, next: () => number): void {
  message.set(GOOD);
  for (let times = 0; times < 3; times += 1) {
    const value = next();
    message[next() % FRAME_HEADER_SIZE] = value & 256 ? value % 4 : value;
  }
}

function written(header: Header): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([2, header.codec, (header.isKey ? 1 : 0) | (header.isLast ? 2 : 0), header.monitor]);
  view.setUint32(4, header.seq);
  view.setBigUint64(8, BigInt(header.capturedUs));
  view.setUint16(16, header.width);
  view.setUint16(18, header.height);
  view.setUint16(20, header.chunk);
  const { x, y, width, height } = header.area ?? { x: 0, y: 0, width: 0, height: 0 };
  [x, y, width, height].forEach((side, at) => view.setUint16(24 + 2 * at, side));
  return bytes;
}

/** A JPEG frame of two patches, as long as it is whole. */
const PATCHES = [
  [0, 0, 0, 0, 0, 0, 0, 15, 0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 8, 0, 8, 3, 1, 0x22, 0],
  [0, 8, 0, 4, 0, 0, 0, 19, 0xff, 0xd8, 0xff, 0xdb, 0, 2, 0xff, 0xc0, 0, 17, 8, 0, 4, 0, 8, 3, 1, 0x22, 0],
].flat();

const same = (one: Uint8Array, other: Uint8Array): boolean => one.every((byte, at) => byte === other[at]);

describe("broken headers, a quarter of a million of them,", () => {
  const traced = Error.stackTraceLimit;
  beforeAll(() => {
    Error.stackTraceLimit = 0; // a stack for each refusal would be most of the work
  });
  afterAll(() => {
    Error.stackTraceLimit = traced;
  });

  it("are read as they are written or refused, and nothing else happens", () => {
    const next = numbers(20261123);
    const message = new Uint8Array(FRAME_HEADER_SIZE + 1);
    const assembler = new Assembler();
    const strange: string[] = [];
    let read = 0;
    for (let count = 0; count < COUNT; count += 1) {
      mutate(message, next);
      try {
        const header = parseHeader(message);
        read += 1;
        // A capture time beyond 2^53 cannot be written back exactly; it is only ever compared.
        if (header.capturedUs <= Number.MAX_SAFE_INTEGER && !same(written(header), message)) {
          strange.push(Buffer.from(message).toString("hex"));
        }
        assembler.add(message);
      } catch (error) {
        if (!(error instanceof InvalidFrame)) {
          throw error;
        }
      }
    }
    expect(strange).toEqual([]);
    expect(read).toBeGreaterThan(COUNT / 20);
    expect(read).toBeLessThan((COUNT * 19) / 20);
  });

  it("of patches are read, inside the picture, or refused", () => {
    const next = numbers(20261124);
    const picture = { width: 16, height: 8, isKey: false };
    let read = 0;
    for (let count = 0; count < COUNT; count += 1) {
      const payload = Uint8Array.from(PATCHES).subarray(0, PATCHES.length - (next() % 4 === 0 ? next() % 40 : 0));
      for (let times = next() % 4; times > 0; times -= 1) {
        payload[next() % payload.length] = next();
      }
      try {
        const patches = parsePatches(payload, picture);
        read += 1;
        if (patches.some(({ x, y, width, height }) => x + width > picture.width || y + height > picture.height)) {
          throw new Error(`outside: ${Buffer.from(payload).toString("hex")}`);
        }
      } catch (error) {
        if (!(error instanceof InvalidFrame)) {
          throw error;
        }
      }
    }
    expect(read).toBeGreaterThan(COUNT / 20);
    expect(read).toBeLessThan((COUNT * 19) / 20);
  });
});
