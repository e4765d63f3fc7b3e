import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Assembler, InvalidFrame, parseHeader, type Header } from "../src/core/frames.ts";
import { FRAME_HEADER_SIZE } from "../src/core/protocol.gen.ts";

interface Vectors {
  readonly valid: readonly { name: string; hex: string; header: Header; payloadHex: string }[];
  readonly invalid: readonly { name: string; hex: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../beistand/protocol/frames.vectors.json", import.meta.url), "utf-8"),
) as Vectors;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

function chunk(seq: number, number: number, { key = false, last = true, fill = 1, size = 4 } = {}): Uint8Array {
  const message = new Uint8Array(FRAME_HEADER_SIZE + size).fill(fill);
  const view = new DataView(message.buffer);
  message.fill(0, 0, FRAME_HEADER_SIZE);
  message.set([2, 1, (key ? 1 : 0) | (last ? 2 : 0), 0]);
  view.setUint32(4, seq);
  view.setUint16(16, 640);
  view.setUint16(18, 480);
  view.setUint16(20, number);
  return message;
}

describe("the header", () => {
  it.each(vectors.valid)("reads: $name", ({ hex, header, payloadHex }) => {
    const message = bytes(hex);
    expect(parseHeader(message)).toEqual({ ...header, area: header.area ?? undefined });
    expect(Buffer.from(message.subarray(FRAME_HEADER_SIZE)).toString("hex")).toBe(payloadHex);
  });

  it.each(vectors.invalid)("refuses: $name", ({ hex }) => {
    expect(() => parseHeader(bytes(hex))).toThrow(InvalidFrame);
  });

  it("reads a chunk that lies inside a larger buffer", () => {
    const whole = new Uint8Array([9, 9, 9, ...chunk(7, 0, { key: true })]);
    expect(parseHeader(whole.subarray(3)).seq).toBe(7);
  });
});

describe("the assembler", () => {
  it("puts the chunks of a frame together, in order", () => {
    const assembler = new Assembler();
    expect(assembler.add(chunk(1, 0, { key: true, last: false, fill: 1 }))).toBeUndefined();
    expect(assembler.add(chunk(1, 1, { key: true, last: false, fill: 2 }))).toBeUndefined();
    const frame = assembler.add(chunk(1, 2, { key: true, fill: 3, size: 1 }));
    expect([...(frame?.payload ?? [])]).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3]);
  });

  it("starts with a key frame", () => {
    const assembler = new Assembler();
    expect(assembler.add(chunk(4, 0))).toBeUndefined();
    expect(assembler.needsKey).toBe(true);
    expect(assembler.add(chunk(5, 0, { key: true }))).toBeDefined();
    expect(assembler.needsKey).toBe(false);
  });

  it("asks for nothing while a key frame is arriving", () => {
    const assembler = new Assembler();
    assembler.add(chunk(1, 0, { key: true, last: false }));
    expect(assembler.needsKey).toBe(false);
  });

  it("drops everything between a lost frame and the next key frame", () => {
    const assembler = new Assembler();
    assembler.add(chunk(1, 0, { key: true }));
    expect(assembler.add(chunk(2, 0))).toBeDefined();
    expect(assembler.add(chunk(4, 0))).toBeUndefined();
    expect(assembler.add(chunk(5, 0))).toBeUndefined();
    expect(assembler.needsKey).toBe(true);
    expect(assembler.add(chunk(6, 0, { key: true }))).toBeDefined();
    expect(assembler.add(chunk(7, 0))).toBeDefined();
  });

  it("drops a frame with a missing chunk, and what rests on it", () => {
    const assembler = new Assembler();
    assembler.add(chunk(1, 0, { key: true }));
    assembler.add(chunk(2, 0, { last: false }));
    expect(assembler.add(chunk(2, 2))).toBeUndefined();
    expect(assembler.add(chunk(3, 0))).toBeUndefined();
    expect(assembler.needsKey).toBe(true);
  });

  it("never joins chunks of two frames", () => {
    const assembler = new Assembler();
    assembler.add(chunk(1, 0, { key: true, last: false }));
    expect(assembler.add(chunk(2, 1, { key: true }))).toBeUndefined();
  });

  it("needs a key frame after a reset", () => {
    const assembler = new Assembler();
    assembler.add(chunk(1, 0, { key: true }));
    assembler.reset();
    expect(assembler.add(chunk(2, 0))).toBeUndefined();
  });
});
