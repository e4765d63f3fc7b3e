// A quarter of a million broken headers: each is read exactly as it is written, or refused (the rest of the million is
// in tests/unit/protocol/test_frames_fuzz.py).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Assembler, InvalidFrame, parseHeader, type Header } from "../src/core/frames.ts";
import { FRAME_HEADER_SIZE } from "../src/core/protocol.gen.ts";

const COUNT = 250_000;
const GOOD = [1, 1, 3, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 1, 226, 64, 7, 128, 4, 56, 0, 0, 0, 0];

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
  bytes.set([1, header.codec, (header.isKey ? 1 : 0) | (header.isLast ? 2 : 0), header.monitor]);
  view.setUint32(4, header.seq);
  view.setBigUint64(8, BigInt(header.capturedUs));
  view.setUint16(16, header.width);
  view.setUint16(18, header.height);
  view.setUint16(20, header.chunk);
  return bytes;
}

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
});
