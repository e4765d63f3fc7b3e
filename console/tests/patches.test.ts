import { describe, expect, it } from "vitest";
import { InvalidFrame } from "../src/core/frames.ts";
import { jpegSize, parsePatches } from "../src/core/patches.ts";

const TABLES = [0xff, 0xdb, 0, 4, 1, 2];

/** The beginning of a JPEG, as far as its size. */
function jpeg(width: number, height: number, frameHeader = 0xc0): number[] {
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  return [0xff, 0xd8, ...TABLES, 0xff, frameHeader, 0, 17, 8, ...size, 3];
}

function patch(x: number, y: number, image: number[]): number[] {
  return [x >> 8, x & 255, y >> 8, y & 255, 0, 0, image.length >> 8, image.length & 255, ...image];
}

const delta = { width: 640, height: 360, isKey: false };
const read = (bytes: number[], picture = delta) => parsePatches(Uint8Array.from(bytes), picture);

describe("a JPEG's size", () => {
  it.each([0xc0, 0xc1, 0xc2])("is in its frame header (%i)", (code) => {
    expect(jpegSize(Uint8Array.from(jpeg(300, 2, code)))).toEqual({ width: 300, height: 2 });
  });

  it.each([
    ["nothing", []],
    ["no JPEG", [0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["only tables", [0xff, 0xd8, ...TABLES, ...TABLES, ...TABLES]],
    ["no marker where one must be", [0xff, 0xd8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["no width", jpeg(0, 4)],
    ["no height (told later, in a DNL)", jpeg(4, 0)],
    ["a table that is called like a frame header", jpeg(4, 4, 0xc4)],
  ])("is unknown: %s", (_, bytes) => {
    expect(jpegSize(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe("patches", () => {
  it("are read with their places and sizes, in order", () => {
    const found = read([...patch(600, 300, jpeg(40, 60)), ...patch(0, 0, jpeg(640, 1))]);
    expect(found.map(({ x, y, width, height }) => [x, y, width, height])).toEqual([
      [600, 300, 40, 60],
      [0, 0, 640, 1],
    ]);
    expect([...found[1]!.image]).toEqual(jpeg(640, 1));
  });

  it("of a key frame have at least as many pixels as the picture", () => {
    const key = { ...delta, isKey: true };
    expect(read(patch(0, 0, jpeg(640, 360)), key)).toHaveLength(1);
    expect(() => read(patch(0, 0, jpeg(640, 359)), key)).toThrow(InvalidFrame);
  });

  it.each([
    ["there are none", []],
    ["one lies outside to the right", patch(601, 0, jpeg(40, 1))],
    ["one lies outside below", patch(0, 301, jpeg(1, 60))],
    ["one is no image", patch(0, 0, [1, 2, 3])],
    ["one is empty", patch(0, 0, [])],
    ["the last head is cut", [...patch(0, 0, jpeg(1, 1)), 0, 0, 0]],
    ["the last image is cut", patch(0, 0, jpeg(1, 1)).slice(0, -1)],
    ["there are too many", Array.from({ length: 1025 }, () => patch(0, 0, jpeg(1, 1))).flat()],
  ])("are refused if %s", (_, bytes) => {
    expect(() => read(bytes)).toThrow(InvalidFrame);
  });
});
