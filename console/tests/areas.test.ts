import { describe, expect, it } from "vitest";
import { bounds, evened } from "../src/core/areas.ts";

const area = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });

describe("areas", () => {
  it("are bounded by the smallest that has all of them in it", () => {
    expect(bounds([area(10, 20, 5, 5)])).toEqual(area(10, 20, 5, 5));
    expect(bounds([area(10, 20, 5, 5), area(0, 22, 2, 30)])).toEqual(area(0, 20, 15, 32));
  });

  it("are all of the picture as soon as one is", () => {
    expect(bounds([area(10, 20, 5, 5), undefined])).toBeUndefined();
    expect(bounds([])).toBeUndefined();
  });

  it("grow to even pixels, and no further", () => {
    expect(evened(area(2, 4, 6, 8))).toEqual(area(2, 4, 6, 8));
    expect(evened(area(3, 5, 2, 2))).toEqual(area(2, 4, 4, 4));
  });
});
