import { describe, expect, it } from "vitest";
import { codecName, h264Name } from "../src/core/codec.ts";
import type { Frame } from "../src/core/frames.ts";
import { CODEC, type Codec } from "../src/core/protocol.gen.ts";

const frame = (codec: Codec, payload: number[]): Frame => ({
  header: {
    ...{ codec, isKey: true, isLast: true, monitor: 0, seq: 1, capturedUs: 0, width: 2, height: 2, chunk: 0 },
    area: undefined,
  },
  payload: Uint8Array.from(payload),
});

describe("the name of an H.264 stream", () => {
  it("is what its parameter set says", () => {
    expect(h264Name(Uint8Array.from([0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xac]))).toBe("avc1.640028");
    expect(h264Name(Uint8Array.from([0, 0, 1, 0x27, 0xf4, 0x00, 0x33, 0x91]))).toBe("avc1.F40033");
  });

  it("is found behind other units", () => {
    const delimiter = [0, 0, 0, 1, 0x09, 0xf0];
    expect(h264Name(Uint8Array.from([...delimiter, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0]))).toBe("avc1.42C01E");
  });

  it.each([[[]], [[0, 0, 1, 0x67]], [[0, 0, 1, 0x65, 1, 2, 3, 4]]])("is unknown without one: %j", (payload) => {
    expect(h264Name(Uint8Array.from(payload))).toBeUndefined();
  });
});

describe("the name of a frame's encoding", () => {
  it("depends on the codec", () => {
    expect(codecName(frame(CODEC.H264, [0, 0, 1, 0x67, 0x64, 0, 0x28, 0]))).toBe("avc1.640028");
    expect(codecName(frame(CODEC.VP9, [1]))).toBe("vp09.00.40.08");
    expect(codecName(frame(CODEC.JPEG, [1]))).toBeUndefined();
  });
});
